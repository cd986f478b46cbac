import type { about as source } from "../en/about";

export const about: typeof source = {
  "about.title": "정보",
  "about.version": "콘솔 서버 버전",
  "about.server": "서버",
  "about.mode": "이 페이지의 출처",
  "about.modeServer": "서버가 직접 제공했습니다. 서버가 제공하는 페이지는 키를 유출하도록 조작될 수 있으므로 키 파일, 키 부분, 키 자료 암호화는 여기에서 제공되지 않습니다.",
  "about.modeLocal": "이 컴퓨터의 keyhaven console이 여기에 설치된 파일로 제공했습니다. 서버는 API로만 사용됩니다. 따라서 키 파일, 키 부분, 키 자료 암호화가 제공됩니다.",
  "about.localHow": "그 기능이 필요하면 사용자 컴퓨터에서 다음을 실행하고 출력된 주소를 여십시오.",
  "about.health": "상태",
  "about.ready": "준비됨",
  "about.notReady": "준비되지 않음",
  "about.documentation": "문서",
  "about.apiDocs": "이 서버의 API 참조",
  "about.errorCodes": "모든 이유 코드는 설치된 docs/errors.md에 설명되어 있습니다.",
  "about.licence": "Keyhaven은 Apache License 2.0에 따른 자유 소프트웨어입니다. 콘솔은 React와 Carbon(MIT, Apache-2.0), IBM Plex 글꼴(OFL)을 사용합니다.",
};
