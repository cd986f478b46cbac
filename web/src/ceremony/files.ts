// Files in and out of the page. What goes out is sealed by a password, or is no secret.
import { MAX_FILE_BYTES } from "../tke/string-fields";
import { TkeError } from "../tke/error";

const REVOKE_AFTER_MS = 60_000;
// Sealed parts for many units are larger than key files.
const LARGEST_BYTES = 16 * MAX_FILE_BYTES;

export async function readFile(file: File): Promise<string> {
  if (file.size > LARGEST_BYTES) throw new TkeError("keyFile", "the file is larger than any of this kind");
  return file.text();
}

export function download(name: string, text: string, type = "application/json"): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), REVOKE_AFTER_MS);
}

// A name that every file system takes.
export const fileName = (name: string, extension: string): string => `${name.replace(/[^A-Za-z0-9._-]/g, "_") || "key"}.${extension}`;
