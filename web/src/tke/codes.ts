// Return and reason codes of crypto units in words, as src/tke/codes.cc has them: the common ones; any other is named by
// its numbers and the ceremony guide.
import { TkeError } from "./error";

const ASK_QUORUM = "Sign with as many different installed administrators as the threshold demands.";
const REPEAT = "Repeat the command: it is then built on the unit's present state.";

export const RETURN = { ok: 0, notFound: 96, notInitialised: 145, invalidCounter: 163, unauthorisedSigner: 257 } as const;
export const REASON = { oaIndexOutOfRange: 60 } as const;

const REASONS: Record<number, string> = {
  1: "the unit holds no importer key. Generate an importer key first.",
  7: `a key part is signed for another unit. ${REPEAT}`,
  9: "a key part is not signed. Every key part must be signed by an administrator.",
  14: `the command was made before the unit was zeroized. ${REPEAT}`,
  16: `the command was made for another module. ${REPEAT}`,
  17: `the command was made for another module. ${REPEAT}`,
  19: `transaction counter is not the next one: replayed, overtaken or far ahead. ${REPEAT}`,
  20: `a key part is signed for another unit. ${REPEAT}`,
  21: `not enough signatures by different administrators. ${ASK_QUORUM}`,
  23: `an encrypted key part is malformed or made for another importer key. ${REPEAT}`,
  28: "an encrypted key part does not open with the unit's importer key. Generate a new importer key and encrypt the parts to it.",
  29: "two key parts are equal and would cancel each other. Load different parts.",
  31: "the new master key equals the current one. Nothing to do, or load other parts.",
  32: "no such administrator in this unit. List the unit's administrators.",
  36: "leaving imprint mode needs both thresholds. Set both thresholds to 1 to 8.",
  40: "the administrator certificate is not acceptable. Use an X.509 certificate with one P-521 key and a name of at most 30 bytes.",
  48: "the verification pattern differs from the register's. Compare it with what all custodians noted, then repeat with that value.",
  49: "the current register is empty. Load a master key first.",
  50: "the new register is empty. Load the key parts first.",
  53: "the register is not empty. Commit and set the key, or clear the new register.",
  57: "signature threshold above the number of administrators. Add administrators or choose a lower threshold.",
  58: "revocation threshold above the number of administrators. Add administrators or choose a lower threshold.",
  64: "the new register is not committed. Commit it first.",
  66: "removal would leave fewer administrators than a threshold. Lower the threshold or add another administrator first.",
  81: "a master key in a single part is not permitted in this unit. Load at least two key parts.",
};

const RETURNS: Record<number, string> = {
  84: "the unit does not support this function.",
  101: "the verification pattern differs from the register's. Compare it with what all custodians noted.",
  145: "the register is empty. Load a master key first.",
  163: `invalid transaction counter. ${REPEAT}`,
  179: "not allowed in imprint mode. Add administrators and set the thresholds first.",
  192: "a signature does not verify. Check that the key file belongs to the administrator.",
  208: `not enough signatures. ${ASK_QUORUM}`,
  256: "this administrator key is installed already. Each key can be installed once per unit.",
  257: "signed by a key that is no administrator of this unit. Select signature keys of installed administrators.",
  261: "the unit has 8 administrators already. Remove one first.",
  [0x80010002]: "internal error of the crypto unit; nothing was changed. Read the unit's log (a full disk is the usual cause) and repeat.",
};

export const meaningOf = (returnCode: number, reasonCode: number): string => REASONS[reasonCode] ?? RETURNS[returnCode] ?? "refused by the crypto unit. See the ceremony guide for this code.";

const codesOf = (returnCode: number, reasonCode: number) => `return code ${returnCode}, reason code ${reasonCode}`;

// In an answer whose signature was verified.
export const refused = (returnCode: number, reasonCode: number): TkeError =>
  new TkeError("refused", `crypto unit refused: ${meaningOf(returnCode, reasonCode)} (${codesOf(returnCode, reasonCode)})`, returnCode, reasonCode, true);

// The short form, which nobody signs: it says that the command was not carried out, and nothing of the unit's state.
export const refusedUnsigned = (returnCode: number, reasonCode = 0): TkeError =>
  new TkeError("refused", `refused without the crypto unit's signature: ${meaningOf(returnCode, reasonCode)} (${codesOf(returnCode, reasonCode)})`, returnCode, reasonCode);
