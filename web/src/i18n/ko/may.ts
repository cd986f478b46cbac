import type { may as source } from "../en/may";

export const may: typeof source = {
  "may.needs": "{roles} 역할이 필요합니다.",
  "may.page": "이 페이지에는 {roles} 역할이 필요합니다",
  "may.pageMore": "역할은 관리자가 액세스 페이지 또는 keyhaven iam policy create 명령으로 부여합니다.",
  "may.retry": "다시 확인",
};
