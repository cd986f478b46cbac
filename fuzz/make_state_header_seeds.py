#!/usr/bin/env python3
"""Writes the seeds of fuzz_state_header, without their checksums: make_state_header_seeds.py CORPUS."""
import pathlib
import struct
import sys


def data(value):
    value = value.encode() if isinstance(value, str) else value
    return struct.pack(">I", len(value)) + value


def header(method, parameters=b"", wrapped=b"w" * 88, age=0):
    return b"KHSS" + struct.pack(">HHQQ", 2, method, 7, age) + data(parameters) + data(wrapped)


SEEDS = {
    "file": header(1),
    "none": header(6),
    "passphrase": header(2, data("unit-passphrase") + data(b"s" * 16) + struct.pack(">III", 65536, 3, 4)),
    "passphrase-huge": header(2, data("") + data(b"s" * 16) + struct.pack(">III", 0xFFFFFFFF, 3, 4)),
    "credential": header(3, data("keyhaven-seal") + b"s" * 32),
    "pkcs11": header(4, b"\1" + data("token") + data("0123456789abcdef") + data("key") + data(b"i" * 16) + data("pin") + b"s" * 16, b"w" * 60),
    "tpm2": header(5, struct.pack(">I", 0x81) + data("tpm-auth") + data("") + data(b"\0\x0b" + b"n" * 32) + data(b"p" * 80)
                   + struct.pack(">I", 0x01881234) + data(b"\0\x0b" + b"c" * 32), b"w" * 160, 41),
}

folder = pathlib.Path(sys.argv[1]) / "state_header"
folder.mkdir(parents=True, exist_ok=True)
for name, content in SEEDS.items():
    (folder / name).write_bytes(content)
