// What goes wrong on this side of the protocol. `code` names the text that a page shows ("tke.error.<code>"); the message
// says the detail, in English, as the server's messages do.
export type TkeErrorCode =
  | "malformed" // bytes that are not what they should be
  | "untrusted" // an answer that is not signed by the module, or is replayed, or answers something else
  | "foreign" // the unit's certificates do not lead to the pinned root
  | "refused" // the unit's answer: no
  | "password" // does not open the file
  | "weakPassword"
  | "keyFile" // not a file of the kind asked for, or damaged
  | "name"
  | "stale" // made for a moment that is over
  | "stranger" // a key that is no administrator of the unit
  | "parts"
  | "shares" // key shares that do not give the part back
  | "paper" // a typed line
  | "transfer" // a document of a sealed transfer that is not for this instance
  | "contradiction"; // the service describes a proposal otherwise than its bytes do

export class TkeError extends Error {
  constructor(
    readonly code: TkeErrorCode,
    message: string,
    // Of "refused".
    readonly returnCode = 0,
    readonly reasonCode = 0,
    // Whether the unit itself signed the refusal. Any other was perhaps made up on the way.
    readonly signed = false,
  ) {
    super(message);
    this.name = "TkeError";
  }
}

// Work for several units that stopped at one: which one, how many were done before it, and why.
export class SeriesError extends Error {
  constructor(
    readonly unit: string,
    readonly done: number,
    readonly total: number,
    readonly why: unknown,
  ) {
    super(`crypto unit ${unit}, ${done} of ${total} done: ${why instanceof Error ? why.message : String(why)}`);
    this.name = "SeriesError";
  }
}

export const malformed = (what: string) => new TkeError("malformed", `malformed ${what}`);
