// Calls every method of the vendor's Node SDK.
'use strict';
const { run } = require('./suite');
const { Context, KeyProtectV2 } = require('./context');

// Everything public that makes a request, read off the installed SDK; and the token life cycle of its core.
const methods = Object.getOwnPropertyNames(KeyProtectV2.prototype).filter((name) => name !== 'constructor');
methods.push('newInstance', 'IamTokenManager.getToken');

for (const file of ['identity', 'keys', 'use', 'lifecycle', 'rings', 'import', 'policies', 'registrations']) {
  require(`./cases_${file}`);
}

async function main() {
  const kh = new Context();
  await kh.begin();
  await run(methods, kh);
}

main().catch((error) => {
  process.stderr.write(`${error.stack} ${error.body || ''}\n`);
  process.exitCode = 1;
});
