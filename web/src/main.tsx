import { createRoot } from "react-dom/client";
import { request } from "./api/api";
import { App } from "./shell/App";
import "./styles/console.scss";

// `keyhaven console` prints an address that ends in #start=<token>: it is exchanged once for a cookie, and leaves the
// address bar and the history before anything else happens.
async function exchangeStartToken(): Promise<void> {
  const token = /^#start=(.+)$/.exec(window.location.hash)?.[1];
  if (!token) return;
  window.history.replaceState(null, "", window.location.pathname + window.location.search);
  // When it is refused the page says that keyhaven console has to be started again.
  await request("post", "/local/session", {}, { token: decodeURIComponent(token) }).catch(() => undefined);
}

const root = createRoot(document.getElementById("root")!);
void exchangeStartToken().then(() => root.render(<App />));
