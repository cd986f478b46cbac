"""AES (FIPS 197) with the two modes of a secure import's nonce: CBC with PKCS#7, and GCM (SP 800-38D). Short texts only."""
import hmac


def xtime(value):
    return ((value << 1) ^ (0x11B if value & 0x80 else 0)) & 0xFF


def multiply(left, right):
    product = 0
    while right:
        if right & 1:
            product ^= left
        left, right = xtime(left), right >> 1
    return product


def make_box():
    box = [0x63] + [0] * 255
    value = inverse = 1
    while True:  # 3 generates the field; 0xf6 is its inverse
        value, inverse = multiply(value, 3), multiply(inverse, 0xF6)
        rotated = [((inverse << n) | (inverse >> (8 - n))) & 0xFF for n in range(5)]
        box[value] = rotated[0] ^ rotated[1] ^ rotated[2] ^ rotated[3] ^ rotated[4] ^ 0x63
        if value == 1:
            return box


BOX = make_box()
UNBOX = [BOX.index(value) for value in range(256)]


class Aes:
    """The block cipher under a key of 16, 24 or 32 bytes."""

    def __init__(self, key):
        words, size = [list(key[at:at + 4]) for at in range(0, len(key), 4)], len(key) // 4
        constant = 1
        for at in range(size, 4 * (size + 7)):
            word = list(words[-1])
            if at % size == 0:
                word = [BOX[value] for value in word[1:] + word[:1]]
                word[0], constant = word[0] ^ constant, xtime(constant)
            elif size == 8 and at % size == 4:
                word = [BOX[value] for value in word]
            words.append([a ^ b for a, b in zip(words[-size], word)])
        self.round_keys = [sum(words[at:at + 4], []) for at in range(0, len(words), 4)]

    @staticmethod
    def mix(state, factors):
        mixed = []
        for column in range(0, 16, 4):
            four = state[column:column + 4]
            mixed += [multiply(four[0], factors[-row % 4]) ^ multiply(four[1], factors[(1 - row) % 4]) ^
                      multiply(four[2], factors[(2 - row) % 4]) ^ multiply(four[3], factors[(3 - row) % 4]) for row in range(4)]
        return mixed

    def encrypt(self, block):
        state = [a ^ b for a, b in zip(block, self.round_keys[0])]
        for number, key in enumerate(self.round_keys[1:], 1):
            state = [BOX[state[(at + 4 * (at % 4)) % 16]] for at in range(16)]
            if number < len(self.round_keys) - 1:
                state = self.mix(state, (2, 3, 1, 1))
            state = [a ^ b for a, b in zip(state, key)]
        return bytes(state)

    def decrypt(self, block):
        state = list(block)
        for number in range(len(self.round_keys) - 1, 0, -1):
            state = [a ^ b for a, b in zip(state, self.round_keys[number])]
            if number < len(self.round_keys) - 1:
                state = self.mix(state, (14, 11, 13, 9))
            state = [UNBOX[state[(at - 4 * (at % 4)) % 16]] for at in range(16)]
        return bytes(a ^ b for a, b in zip(state, self.round_keys[0]))


def cbc_decrypt(key, iv, text):
    """The plaintext, or None when length or padding is wrong."""
    if not text or len(text) % 16:
        return None
    cipher, plain, before = Aes(key), b"", iv
    for at in range(0, len(text), 16):
        block = text[at:at + 16]
        plain += bytes(a ^ b for a, b in zip(cipher.decrypt(block), before))
        before = block
    count = plain[-1]
    return plain[:-count] if 1 <= count <= 16 and plain.endswith(bytes([count]) * count) else None


def ghash(subkey, text):
    subkey, state = int.from_bytes(subkey, "big"), 0
    for at in range(0, len(text), 16):
        left, product = state ^ int.from_bytes(text[at:at + 16].ljust(16, b"\0"), "big"), 0
        right = subkey
        for bit in range(127, -1, -1):
            if left >> bit & 1:
                product ^= right
            right = (right >> 1) ^ (0xE1 << 120 if right & 1 else 0)
        state = product
    return state.to_bytes(16, "big")


def gcm_decrypt(key, iv, text):
    """The plaintext of text and 16-byte tag without associated data, or None when the tag is wrong. The IV has 12 bytes."""
    if len(text) < 16:
        return None
    cipher, body, tag = Aes(key), text[:-16], text[-16:]

    def stream(count):
        return cipher.encrypt(iv + count.to_bytes(4, "big"))

    padded = body + bytes(-len(body) % 16) + (0).to_bytes(8, "big") + (8 * len(body)).to_bytes(8, "big")
    expected = bytes(a ^ b for a, b in zip(ghash(cipher.encrypt(bytes(16)), padded), stream(1)))
    if not hmac.compare_digest(expected, tag):
        return None
    return b"".join(bytes(a ^ b for a, b in zip(body[at:at + 16], stream(2 + at // 16))) for at in range(0, len(body), 16))
