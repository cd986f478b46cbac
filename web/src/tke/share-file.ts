// Files of key shares, "*.mkshare": the whole transcript in clear, the share sealed by its custodian's password. The same as
// src/tke/share_file.cc. Format: docs/protocols/key-shares.md, "Share file".
import { concat, slice, toHex, utf8, type Bytes } from "./bytes";
import { KEY_BYTES } from "./key-part";
import { BLINDING_BYTES, encodeTranscript, parseTranscript, type KeyShare, type ShareTranscript } from "./key-share";
import { notAKeyFile, open, readFields, seal, textOfFields, type Fields } from "./string-fields";

const KEY_SHARE = "keyhaven-key-share";

// Binds what is sealed to its place: a file whose number was changed does not open.
const boundTo = (set: Bytes, x: number): Bytes => utf8(`keyhaven key share 1 ${toHex(set)} ${x}`);

export async function writeShare(share: KeyShare, transcript: ShareTranscript, password: string): Promise<string> {
  const content = concat(share.y, share.blinding);
  const sealed = await seal(content, password, "argon2id", boundTo(share.set, share.x));
  content.fill(0);
  return textOfFields({ ...sealed, keyType: KEY_SHARE, share: String(share.x), transcript: encodeTranscript(transcript) });
}

export interface ShareInfo {
  x: number;
  transcript: ShareTranscript;
}

async function infoOf(fields: Fields): Promise<ShareInfo> {
  if (fields.keyType !== KEY_SHARE) throw notAKeyFile("not a key share");
  const transcript = await parseTranscript(fields.transcript ?? "");
  const x = Number(fields.share);
  if (!/^\d{1,2}$/.test(fields.share ?? "") || x < 1 || x > transcript.commitments.length) throw notAKeyFile("field share is not the number of a share");
  return { x, transcript };
}

// What the file says of itself, without a password.
export const inspectShare = (text: string): Promise<ShareInfo> => infoOf(readFields(text));

export async function openShare(text: string, password: string): Promise<{ share: KeyShare; transcript: ShareTranscript }> {
  const fields = readFields(text);
  const { x, transcript } = await infoOf(fields);
  const content = await open(fields, password, "argon2id", boundTo(transcript.set, x));
  if (content.length !== KEY_BYTES + BLINDING_BYTES) throw notAKeyFile("the decrypted content is no key share");
  const { set, threshold, commitments } = transcript;
  const share = { set, threshold, count: commitments.length, x, y: slice(content, 0, KEY_BYTES), blinding: slice(content, KEY_BYTES) };
  content.fill(0);
  return { share, transcript };
}
