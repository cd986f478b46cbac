import type { login as source } from "../en/login";

export const login: typeof source = {
  "login.title": "Keyhaven 로그인",
  "login.apiKey": "API 키",
  "login.apiKeyHelp": "첫 관리자의 키는 서버 데이터 디렉토리의 server/admin-api-key에 있습니다. 한 번만 전송되며 브라우저에 보관되지 않습니다.",
  "login.submit": "로그인",
  "login.wrong": "알 수 없거나 취소된 API 키입니다.",
  "login.expired": "세션이 종료되었습니다",
  "login.expiredMore": "다시 로그인하십시오. 작업하던 내용은 페이지에 그대로 있습니다.",
  "login.serverMode": "이 페이지는 서버가 제공합니다. 키를 표시하고 관리할 수 있으며, 관리자 키로 서명하는 기능은 사용자 컴퓨터의 keyhaven console에서만 제공됩니다.",
  "login.localGone": "keyhaven console이 종료되었습니다",
  "login.localGoneMore": "이 컴퓨터에서 다시 시작하고 출력된 주소를 여십시오.",
};
