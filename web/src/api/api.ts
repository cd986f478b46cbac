// Every call to the server goes through here: it adds the headers, turns error bodies into ApiError, and knows when the
// session has ended. Paths, parameters and bodies are typed by schema.d.ts, which is generated from the API document.
import { isAttended } from "./attended";
import { ApiError, errorOf } from "./error";
import type { components, paths } from "./schema";

export { ApiError } from "./error";
export type Schema<Name extends keyof components["schemas"]> = components["schemas"][Name];

type Method = "get" | "put" | "post" | "delete" | "patch" | "head";
type PathsWith<M extends Method> = { [P in keyof paths]: paths[P][M] extends { responses: unknown } ? P : never }[keyof paths];
type Part<Operation, Name extends "query" | "path"> = Operation extends { parameters: { [K in Name]?: infer Value } } ? Value : never;
type PathPart<P extends keyof paths, Operation> = Part<Operation, "path"> extends never ? Part<paths[P], "path"> : Part<Operation, "path">;
type Json<Content> = Content extends { content: { "application/json": infer Body } } ? Body : undefined;
type Success<Operation> = Operation extends { responses: infer Responses } ? Json<Responses[keyof Responses]> : never;
type RequestBody<Operation> = Operation extends { requestBody?: { content: { "application/json": infer Body } } } ? Body : never;

export interface CallOptions {
  // GUID of the service instance, for calls below /api/v2.
  instance?: string;
  // The ring a key must be in, or goes to, or that a list is about.
  ring?: string;
  // "return=minimal" or "return=representation".
  prefer?: string;
  signal?: AbortSignal;
  // A status that is no failure although it is none of 2xx: its body is the answer.
  accept?: number;
}

export interface TypedOptions<P extends keyof paths, Operation> extends CallOptions {
  query?: Part<Operation, "query">;
  path?: PathPart<P, Operation>;
  body?: RequestBody<Operation>;
}

export interface Answer<Data> {
  status: number;
  data: Data;
  headers: Headers;
}

const EXPIRED = "keyhaven-session-expired";
const REFUSED = "keyhaven-refused";
const events = new EventTarget();

// Calls `listener` each time a call was refused because the session is over. Returns how to stop.
export function onSessionExpired(listener: () => void): () => void {
  events.addEventListener(EXPIRED, listener);
  return () => events.removeEventListener(EXPIRED, listener);
}

// Calls `listener` each time the server refused what the caller asked while the session lasts. Returns how to stop.
export function onRefused(listener: () => void): () => void {
  events.addEventListener(REFUSED, listener);
  return () => events.removeEventListener(REFUSED, listener);
}

// One call, typed by the API document. Throws ApiError, or the AbortError of `signal`.
export async function call<M extends Method, P extends PathsWith<M>>(
  method: M,
  path: P,
  options: TypedOptions<P, paths[P][M]> = {},
): Promise<Answer<Success<paths[P][M]>>> {
  return request<Success<paths[P][M]>>(method, fill(path, options.path as Values | undefined) + queryText(options.query as Values | undefined), options, options.body);
}

type Values = Record<string, unknown>;

function fill(path: string, values: Values = {}): string {
  return path.replace(/\{([^}]+)\}/g, (_, name: string) => encodeURIComponent(String(values[name])));
}

function queryText(values: Values = {}): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined && value !== "" && value !== null) query.set(name, Array.isArray(value) ? value.join(",") : String(value));
  }
  const text = query.toString();
  return text ? `?${text}` : "";
}

// One call by a path that the document does not have (what `keyhaven console` serves by itself), or one given by the
// server, such as next_url.
export async function request<Data>(method: string, path: string, options: CallOptions = {}, body?: unknown): Promise<Answer<Data>> {
  const correlationId = newUuid();
  const headers: Record<string, string> = {
    Accept: "application/json",
    "Correlation-Id": correlationId,
    // A cross-site form or image cannot set it: the cookie of the session counts only beside this header.
    "X-Keyhaven-Console": "1",
  };
  if (!isAttended()) headers["X-Keyhaven-Unattended"] = "1";
  if (options.instance) headers["Bluemix-Instance"] = options.instance;
  if (options.ring) headers["X-Kms-Key-Ring"] = options.ring;
  if (options.prefer) headers["Prefer"] = options.prefer;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const answer = await reach(path, {
    method: method.toUpperCase(),
    headers,
    body: body === undefined ? undefined : JSON.stringify(body),
    signal: options.signal,
    credentials: "same-origin",
    cache: "no-store",
    redirect: "error",
  }, correlationId);
  const text = await answer.text();
  if (!answer.ok && answer.status !== options.accept) {
    const error = errorOf(answer.status, text, answer.headers.get("Correlation-Id") ?? correlationId, seconds(answer.headers.get("Retry-After")));
    if (error.status === 401 && path !== SESSION) await tellWhetherExpired();
    if (error.status === 403) events.dispatchEvent(new Event(REFUSED));
    throw error;
  }
  return { status: answer.status, data: (parse(text, answer, correlationId) as Data), headers: answer.headers };
}

async function reach(path: string, init: RequestInit, correlationId: string): Promise<Response> {
  try {
    return await fetch(path, init);
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === "AbortError") throw cause;
    throw new ApiError(0, "NETWORK_ERR", "", correlationId);
  }
}

function parse(text: string, answer: Response, correlationId: string): unknown {
  if (!text) return undefined;
  if (!(answer.headers.get("Content-Type") ?? "").includes("json")) return text;
  try {
    return JSON.parse(text);
  } catch {
    throw new ApiError(answer.status, "BAD_ANSWER_ERR", "", correlationId);
  }
}

const seconds = (value: string | null) => (value && /^\d+$/.test(value) ? Number(value) : undefined);

// ---- the session ----

export interface Session {
  id: string;
  name: string;
  kind: string;
  account: string;
  // RFC 3339.
  expires_at: string;
}

const SESSION = "/v1/console/session";

export const session = {
  // The session of the browser's cookie, or null when there is none.
  async current(signal?: AbortSignal): Promise<Session | null> {
    try {
      return (await request<Session>("get", SESSION, { signal })).data;
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) return null;
      throw error;
    }
  },
  // The API key goes into the body of this one call and is kept nowhere; the token comes back as an HttpOnly cookie.
  async open(apikey: string): Promise<Session> {
    return (await request<Session>("post", SESSION, {}, { apikey })).data;
  },
  async close(): Promise<void> {
    await request("delete", SESSION);
  },
};

// The API answers 401 to callers without a right, too, so a refusal alone does not tell that the session is over.
// All calls that fail at the same time ask once.
let asking: Promise<void> | undefined;
function tellWhetherExpired(): Promise<void> {
  asking ??= session
    .current()
    .then((found) => {
      events.dispatchEvent(new Event(found ? REFUSED : EXPIRED));
    }, () => undefined)
    .finally(() => {
      asking = undefined;
    });
  return asking;
}

// crypto.randomUUID exists in secure contexts only; `keyhaven console` on loopback is one, and so is HTTPS.
const newUuid = () => crypto.randomUUID();
