"""RSA with the openssl program making the keys: signatures of tokens (RS256) and decryption of secure imports (OAEP)."""
import base64
import hashlib
import hmac
import subprocess


def openssl(*words, data=None):
    done = subprocess.run(["openssl", *words], input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode != 0:
        raise RuntimeError(f"openssl {words[0]}: {done.stderr.decode(errors='replace').strip()[-400:]}")
    return done.stdout


def integers(der):
    """The integers of a DER sequence of integers (an RSAPrivateKey)."""

    def header(at):
        length, at = der[at + 1], at + 2
        if length & 0x80:
            count = length & 0x7F
            length, at = int.from_bytes(der[at:at + count], "big"), at + count
        return length, at

    found, (_, at) = [], header(0)
    while at < len(der):
        length, at = header(at)
        found.append(int.from_bytes(der[at:at + length], "big"))
        at += length
    return found


class RsaKey:
    def __init__(self, bits):
        pem = openssl("genrsa", "-traditional", str(bits))
        self.public_pem = openssl("rsa", "-pubout", data=pem).decode()
        body = "".join(line for line in pem.decode().splitlines() if not line.startswith("-----"))
        _, self.n, self.e, _, self.p, self.q, self.dp, self.dq, self.q_inverse = integers(base64.b64decode(body))[:9]
        self.size = bits // 8

    def private(self, value):
        m1, m2 = pow(value, self.dp, self.p), pow(value, self.dq, self.q)
        return m2 + (m1 - m2) * self.q_inverse % self.p * self.q

    def sign(self, text):
        """RSASSA-PKCS1-v1_5 with SHA-256."""
        digest = bytes.fromhex("3031300d060960864801650304020105000420") + hashlib.sha256(text).digest()
        padded = b"\0\1" + b"\xff" * (self.size - len(digest) - 3) + b"\0" + digest
        return self.private(int.from_bytes(padded, "big")).to_bytes(self.size, "big")

    def oaep_decrypt(self, text, hash_name):
        """The plaintext, or None. Empty label, MGF1 with the same hash (RFC 8017, 7.1.2)."""
        if len(text) != self.size or int.from_bytes(text, "big") >= self.n:
            return None
        padded = self.private(int.from_bytes(text, "big")).to_bytes(self.size, "big")
        empty = hashlib.new(hash_name).digest()
        size = len(empty)

        def mask(seed, length):
            stream = b"".join(hashlib.new(hash_name, seed + number.to_bytes(4, "big")).digest()
                              for number in range(-(-length // size)))
            return stream[:length]

        def exclusive(left, right):
            return bytes(a ^ b for a, b in zip(left, right))

        seed, rest = padded[1:1 + size], padded[1 + size:]
        rest = exclusive(rest, mask(exclusive(seed, mask(rest, size)), len(rest)))
        zeros, one, plain = rest[size:].partition(b"\1")
        whole = padded[0] == 0 and hmac.compare_digest(rest[:size], empty) and one and not any(zeros)
        return plain if whole else None
