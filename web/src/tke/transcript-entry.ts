// The frames of one entry, taken apart: the same as src/tke/transcript_entry.cc.
import { EMPTY, parseAnswerBlock, parseBlock, parseRequestPayload, parseResponsePayload, reasonOf, type AdminAnswer, type AdminBlock } from "./admin";
import { parseSignerInfos, type SignerInfo } from "./administrator";
import type { Bytes } from "./bytes";
import { TkeError } from "./error";
import { parseRequest, parseResponse } from "./frame";
import type { Entry } from "./transcript";

const INTERNAL_ERROR = 0x80010002;

export interface ReadEntry {
  // Null: the request is no command for a crypto unit.
  request: { block: AdminBlock; der: Bytes; signers: SignerInfo[] } | null;
  kind: "none" | "broken" | "unsigned" | "signed";
  returnCode: number;
  reasonCode: number;
  // Of "signed".
  answer: AdminAnswer | null;
  answerDer: Bytes;
  signerInfos: Bytes;
}

function readRequest(text: string): ReadEntry["request"] {
  try {
    const frame = parseRequest(text);
    const request = parseRequestPayload(frame.payload);
    if (frame.domainIndex !== request.domainIndex) return null;
    return { block: parseBlock(request.block), der: request.block, signers: parseSignerInfos(request.signerInfos) };
  } catch {
    return null;
  }
}

type Answer = Omit<ReadEntry, "request">;
const NOTHING: Answer = { kind: "none", returnCode: 0, reasonCode: 0, answer: null, answerDer: EMPTY, signerInfos: EMPTY };

function readResponse(text: string): Answer {
  if (!text) return NOTHING;
  let payload: Bytes;
  try {
    payload = parseResponse(text);
  } catch (error) {
    // A frame that reports an error carries no signature.
    const isReport = error instanceof TkeError && error.code === "refused";
    return { ...NOTHING, kind: isReport ? "unsigned" : "broken", returnCode: isReport ? INTERNAL_ERROR : 0 };
  }
  try {
    const response = parseResponsePayload(payload);
    if (response.returnCode !== 0) return { ...NOTHING, kind: "unsigned", returnCode: response.returnCode };
    const answer = parseAnswerBlock(response.block);
    return { kind: "signed", returnCode: answer.returnCode, reasonCode: reasonOf(answer), answer, answerDer: response.block, signerInfos: response.signerInfos };
  } catch {
    return { ...NOTHING, kind: "broken" };
  }
}

export const readEntry = (entry: Entry): ReadEntry => ({ request: readRequest(entry.request), ...readResponse(entry.response) });
