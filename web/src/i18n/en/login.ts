export const login = {
  "login.title": "Log in to Keyhaven",
  "login.apiKey": "API key",
  "login.apiKeyHelp": "The first administrator's key is in the server's data directory, server/admin-api-key. It is sent once and kept nowhere in the browser.",
  "login.submit": "Log in",
  "login.wrong": "The API key is not known, or it was revoked.",
  "login.expired": "Your session has ended",
  "login.expiredMore": "Log in again; what you were doing stays on the page.",
  "login.serverMode": "This page comes from the server. It shows and manages keys; signing with an administrator's key is offered only by keyhaven console on your own machine.",
  "login.localGone": "keyhaven console has ended",
  "login.localGoneMore": "Start it again on this machine and open the address it prints.",
};
