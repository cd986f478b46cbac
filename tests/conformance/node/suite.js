// Collects cases, runs them in order, and prints the lines that the frame reads.
'use strict';
const assert = require('assert');

const cases = [];
const declare = (kind) => (call, name, run, late = false) => cases.push({ kind, call, name, run, late });
// Declares a case in which `call` works. `late`: run after the waiting times are over.
const success = declare('success');
// Declares a case in which `call` must reject with the SDK's error.
const refusal = declare('refusal');

const print = (line) => process.stdout.write(JSON.stringify(line) + '\n');
const sleep = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

async function run(methods, kh) {
  print({ methods: [...methods].sort() });
  for (const late of [false, true]) {
    if (late) await sleep(Math.max(0, kh.waitingOver - Date.now()));
    for (const one of cases.filter((each) => each.late === late)) {
      const line = { call: one.call, case: one.name, kind: one.kind, result: 'pass' };
      try {
        await one.run(kh);
      } catch (error) {
        line.result = 'fail';
        line.why = `${error.name}: ${error.message} ${typeof error.body === 'string' ? error.body : ''}`.slice(0, 600);
        process.stderr.write(`${one.call}, ${one.name}\n${error.stack}\n`);
      }
      print(line);
    }
  }
}

async function readAll(stream) {
  const parts = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts).toString('utf8');
}

const PHRASES = { 400: 'Bad Request', 401: 'Unauthorized', 404: 'Not Found', 409: 'Conflict', 410: 'Gone', 422: 'Unprocessable Entity' };

// The promise must reject with this status, the standard reason phrase (all that this SDK shows its user as message), and
// the code in the body. On 401 the service names no code: pass null.
async function refused(status, code, promise, target) {
  let answer;
  try {
    answer = await promise;
  } catch (error) {
    assert.strictEqual(error.status, status, `status: expected ${status} ${code}, got ${error.status}: ${error.message} ${error.body}`);
    assert.strictEqual(error.statusText, PHRASES[status]);
    const body = JSON.parse(typeof error.body === 'string' ? error.body : await readAll(error.body));
    const { errorMsg, reasons } = body.resources[0];
    if (code === null) {
      assert.strictEqual(reasons, undefined, 'a 401 carries no reasons');
      return error;
    }
    assert.strictEqual(error.message, PHRASES[status]);
    assert(errorMsg.includes(`(${code})`), `(${code}) is not in ${errorMsg}`);
    assert.strictEqual(reasons[0].code, code);
    assert.strictEqual(reasons[0].status, status);
    if (target) assert.deepStrictEqual(reasons[0].target, target);
    return error;
  }
  throw new Error(`expected ${status} ${code}, but the call answered ${answer.status} ${JSON.stringify(answer.result)}`);
}

module.exports = { success, refusal, refused, readAll, run };
