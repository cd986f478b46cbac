import type { errors as source } from "../en/errors";

export const errors: typeof source = {
  "error.title": "작업을 수행하지 못했습니다",
  "error.refused": "사용자의 역할로는 할 수 없습니다",
  "error.refusedMore": "서버가 거부했습니다. 대상이 없거나 액세스 정책이 미치지 않습니다. 관리자가 액세스 페이지에서 역할을 부여할 수 있습니다.",
  "error.network": "서버에 연결할 수 없습니다",
  "error.networkMore": "응답이 없습니다. 서버가 실행 중인지, 이 컴퓨터에서 접속할 수 있는지 확인하십시오. 마지막 변경의 결과는 알 수 없으므로 반복하기 전에 새로 고치십시오.",
  "error.code": "이유",
  "error.correlationId": "상관 ID",
  "error.copy": "보고용 세부사항 복사",
  "error.target": "필드",
  "error.retryAfter": "서버가 {seconds}초 대기를 요청합니다.",
  "error.stale": "그 사이 다른 사용자가 변경했을 수 있습니다. 닫고 다시 확인한 후 작업을 반복하십시오.",
  "error.badAnswer": "응답을 읽을 수 없습니다. 콘솔과 서버의 버전이 다를 수 있으니 페이지를 새로 고치십시오.",
  "error.noText": "서버가 설명 없이 호출을 거부했습니다.",
};
