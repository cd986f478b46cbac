import type { titles as source } from "../en/titles";

export const titles: typeof source = {
  "instances.title": "인스턴스",
  "instances.details": "인스턴스 세부사항",
  "keys.title": "키",
  "details.title": "키 세부사항",
  "details.resources": "연관된 리소스",
  "rings.title": "키 링",
  "units.title": "암호화 유닛",
  "ceremony.title": "세리머니",
  "policies.title": "인스턴스 정책",
  "transfers.title": "봉인 이전",
  "migration.title": "마이그레이션",
  "iam.identity": "ID",
  "about.title": "정보",
};
