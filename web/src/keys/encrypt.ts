// Encrypting key material for an import token with the browser's WebCrypto; used under `keyhaven console` only.
// RSA-OAEP with SHA-256 for the material, AES-GCM under the material itself for the token's nonce
// (key-management-api.md 8). Browsers have no AES-192, so 24 bytes are refused.
import type { ImportToken, Material } from "../api/keys";

const GCM_IV_BYTES = 12;

export const fromBase64 = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(atob(text.trim()), (letter) => letter.charCodeAt(0));
export const toBase64 = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes));

// The token's payload is base64 of a PEM text.
function derOfPem(pem: string): Uint8Array<ArrayBuffer> {
  return fromBase64(pem.replace(/-----[A-Z ]+-----/g, "").replace(/\s+/g, ""));
}

// Wipes `material` in any case.
export async function encryptForToken(token: ImportToken, material: Uint8Array<ArrayBuffer>): Promise<Material> {
  try {
    const publicKey = await crypto.subtle.importKey("spki", derOfPem(atob(token.payload)), { name: "RSA-OAEP", hash: "SHA-256" }, false, ["encrypt"]);
    const own = await crypto.subtle.importKey("raw", material, "AES-GCM", false, ["encrypt"]);
    const iv = crypto.getRandomValues(new Uint8Array(GCM_IV_BYTES));
    const payload = await crypto.subtle.encrypt({ name: "RSA-OAEP" }, publicKey, material);
    const nonce = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, own, fromBase64(token.nonce));
    return {
      payload: toBase64(new Uint8Array(payload)),
      encryptedNonce: toBase64(new Uint8Array(nonce)),
      iv: toBase64(iv),
      encryptionAlgorithm: "RSAES_OAEP_SHA_256",
    };
  } finally {
    material.fill(0);
  }
}
