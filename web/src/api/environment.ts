// Who serves this page, and so what it may offer. A page that the server delivers could be made to betray a key, so key
// files, key parts and the encryption of key material are offered in "local" only: there `keyhaven console` delivers the
// page from the administrator's own machine.
import { request } from "./api";

export interface Environment {
  mode: "server" | "local";
  version: string;
  // Address of the keyhavend behind it.
  server: string;
  // Whether `keyhaven console --migration` has plans and journals to show.
  migrations: boolean;
  // What the OpenID provider is called that people may log in with; absent: there is none.
  openid?: string;
}

export async function readEnvironment(signal?: AbortSignal): Promise<Environment> {
  return (await request<Environment>("get", "/console/environment.json", { signal })).data;
}
