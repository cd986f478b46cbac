// An OpenID provider for the tests: the certified npm package oidc-provider over TLS, with a log-in page of its own.
//
//   node provider.mjs '{"port":…,"certificate":PATH,"key":PATH,"redirect":URL,"secret":TEXT or null,"algorithm":"RS256"}'
//
// Prints {"issuer":…} when it serves. {"do":"rotate"} on standard input gives it another signing key, under another id;
// it ends with its input. The person who logs in is whom the page's field "login" names.
import { generateKeyPairSync, randomUUID } from "node:crypto";
import { createServer } from "node:https";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import Provider from "oidc-provider";

// Standard output is for answers; the package tells its advice there.
console.info = console.warn = console.error;
const options = JSON.parse(process.argv[2]);
const issuer = `https://localhost:${options.port}`;

function signingKey(algorithm) {
  const [type, details] = { ES256: ["ec", { namedCurve: "P-256" }], EdDSA: ["ed25519", {}] }[algorithm] ?? ["rsa", { modulusLength: 2048 }];
  return { ...generateKeyPairSync(type, details).privateKey.export({ format: "jwk" }), use: "sig", alg: algorithm, kid: randomUUID() };
}

function configuration() {
  const client = {
    client_id: "keyhaven",
    redirect_uris: [options.redirect],
    grant_types: ["authorization_code"],
    response_types: ["code"],
    id_token_signed_response_alg: options.algorithm,
    token_endpoint_auth_method: options.secret ? "client_secret_basic" : "none",
  };
  if (options.secret) client.client_secret = options.secret;
  return {
    clients: [client],
    // Discovery offers what is listed here; RS256 must always be among it.
    enabledJWA: { idTokenSigningAlgValues: ["RS256", "PS256", "ES256", "EdDSA"] },
    jwks: { keys: [signingKey(options.algorithm), ...(options.algorithm === "RS256" ? [] : [signingKey("RS256")])] },
    pkce: { required: () => true, methods: ["S256"] },
    features: { devInteractions: { enabled: false } },
    cookies: { keys: ["a key of the tests"] },
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    // Nobody is asked to consent: the operator owns both sides.
    loadExistingGrant: async (context) => {
      const { oidc } = context;
      const grant = new oidc.provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId });
      grant.addOIDCScope("openid");
      await grant.save();
      return grant;
    },
  };
}

const page = (uid) => `<!DOCTYPE html><html lang="en"><title>Provider of the tests</title><h1>Provider of the tests</h1>
<form method="post" action="/interaction/${uid}"><label>Login <input name="login" autofocus></label>
<button name="then" value="login">Continue</button> <button name="then" value="cancel">Cancel</button></form></html>`;

async function body(request) {
  let text = "";
  for await (const piece of request) text += piece;
  return new URLSearchParams(text);
}

let provider, serve;
function begin() {
  provider = new Provider(issuer, configuration());
  serve = provider.callback();
}
begin();

async function interact(request, response) {
  const { uid } = await provider.interactionDetails(request, response);
  if (request.method === "GET") {
    response.setHeader("Content-Type", "text/html; charset=utf-8");
    return response.end(page(uid));
  }
  const form = await body(request);
  const result = form.get("then") === "cancel" ? { error: "access_denied", error_description: "<b>no</b>" } : { login: { accountId: form.get("login") } };
  return provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
}

const server = createServer({ cert: readFileSync(options.certificate), key: readFileSync(options.key) }, (request, response) => {
  if (!request.url.startsWith("/interaction/")) return serve(request, response);
  return interact(request, response).catch((error) => {
    response.statusCode = 400;
    response.end(String(error));
  });
});
server.listen(options.port, "localhost", () => console.log(JSON.stringify({ issuer })));
const lines = createInterface({ input: process.stdin });
lines.on("line", (line) => {
  if (JSON.parse(line).do === "rotate") begin();
  console.log(JSON.stringify({ ok: true }));
});
lines.on("close", () => process.exit(0));
