import type { keyRings as source } from "../en/key-rings";

export const keyRings: typeof source = {
  "rings.intro": "링은 키를 묶어 묶음 단위로 액세스를 부여할 수 있게 합니다. 각 키는 정확히 하나의 링에 있습니다.",
  "rings.add": "키 링 추가",
  "rings.id": "키 링 ID",
  "rings.idHelp": "영문자, 숫자, 하이픈, 밑줄 2~100자. 변경할 수 없습니다.",
  "rings.idWrong": "영문자, 숫자, 하이픈, 밑줄 2~100자를 사용하십시오.",
  "rings.reserved": "default는 예약되어 있습니다.",
  "rings.keys": "키",
  "rings.showKeys": "{ring}의 키 표시",
  "rings.default": "링을 지정하지 않은 키. 항상 있습니다.",
  "rings.limit": "키 링 {limit}개 중 {used}개를 사용합니다.",
  "rings.delete": "키 링 삭제",
  "rings.deleteMore": "비어 있는 링만 삭제할 수 있습니다. 파기된 키는 제거될 때까지 포함됩니다.",
  "rings.force": "파기된 키를 default 링으로 옮기고 삭제(강제)",
  "rings.created": "키 링 {ring}이(가) 작성되었습니다.",
  "rings.deleted": "키 링 {ring}이(가) 삭제되었습니다.",
  "rings.empty": "키 링 없음",
};
