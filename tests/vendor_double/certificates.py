"""A CA of the double's own and a certificate for loopback, made by the openssl program."""
import pathlib

from .rsa import openssl

CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-sha256", "-days", "2")


def make(directory):
    """Writes ca.pem, server.pem and server.key into `directory`."""
    at = pathlib.Path(directory)
    openssl("req", "-x509", *CURVE, "-subj", "/CN=vendor double CA", "-addext", "keyUsage=critical,keyCertSign,cRLSign",
            "-keyout", str(at / "ca.key"), "-out", str(at / "ca.pem"))
    openssl("req", "-x509", *CURVE, "-subj", "/CN=localhost", "-CA", str(at / "ca.pem"), "-CAkey", str(at / "ca.key"),
            "-addext", "basicConstraints=critical,CA:FALSE", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
            "-addext", "extendedKeyUsage=serverAuth", "-keyout", str(at / "server.key"), "-out", str(at / "server.pem"))
