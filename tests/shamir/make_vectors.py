#!/usr/bin/env python3
"""Writes vectors.json: an implementation of GF(256) sharing of its own, by logarithm tables, that shares no
line and no method with src/tke/shamir.cc. make_vectors.py > vectors.json"""
import hashlib
import json

EXP, LOG = [0] * 510, [0] * 256
value = 1
for power in range(255):  # 3 generates the group
    EXP[power] = EXP[power + 255] = value
    LOG[value] = power
    value ^= (value << 1) ^ (0x11B if value & 0x80 else 0)
    value &= 0xFF


def mul(a, b):
    return EXP[LOG[a] + LOG[b]] if a and b else 0


def power(a, n):
    return 1 if n == 0 else EXP[LOG[a] * n % 255]


def stream(label, size):
    """Fixed bytes, so that the file is the same each time."""
    out = b""
    while len(out) < size:
        out += hashlib.sha512(f"{label} {len(out)}".encode()).digest()
    return out[:size]


def shares(secret, k, n, coefficients):
    size, out = len(secret), []
    for x in range(1, n + 1):
        y = bytearray(secret)
        for p in range(1, k):
            factor = power(x, p)
            for i in range(size):
                y[i] ^= mul(coefficients[(p - 1) * size + i], factor)
        out.append(bytes(y).hex())
    return out


cases = []
for k, n, size in ((2, 2, 32), (2, 3, 32), (3, 5, 32), (5, 8, 32), (16, 16, 32), (2, 16, 1), (7, 9, 33)):
    secret = stream(f"secret {k} {n}", size)
    coefficients = stream(f"coefficients {k} {n}", (k - 1) * size)
    cases.append({"threshold": k, "secret": secret.hex(), "coefficients": coefficients.hex(),
                  "shares": shares(secret, k, n, coefficients)})
products = [[a, b, mul(a, b)] for a in (0, 1, 2, 3, 0x53, 0x80, 0xCA, 0xFF) for b in (0, 1, 2, 0x53, 0x8D, 0xCA, 0xFF)]
print(json.dumps({"products": products, "cases": cases}, separators=(",", ":")))
