"""A small signing service for tests: P-521 keys behind the vendor's HTTP interface, over TLS. Lies on request."""
import base64
import http.server
import json
import ssl
import subprocess
import threading

from harness import free_port


def der_integer(value):
    content = value.to_bytes(value.bit_length() // 8 + 1, "big")
    return bytes([2, len(content)]) + content


def der_pair(first, second):
    content = der_integer(first) + der_integer(second)
    head = bytes([0x30, len(content)]) if len(content) < 128 else bytes([0x30, 0x81, len(content)])
    return head + content


def openssl(*arguments, data=None):
    return subprocess.run(["openssl", *map(str, arguments)], input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True).stdout


class SigningService:
    """`keys`: name to token. Everything is done by the openssl program."""

    def __init__(self, directory, keys):
        self.directory = directory
        self.keys = dict(keys)
        self.signed = 0
        self.lie = None  # "signature": signs other bytes; "key": answers another key
        for name in list(keys) + ["another"]:
            self.make_key(name)
        self.ca = directory / "signing-ca.pem"
        key = directory / "signing-tls.pem"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", self.ca,
                "-days", 2, "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.ca, key)
        service = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def answer(self, status, value):
                body = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def name(self, prefix):
                name = self.path.removeprefix(prefix)
                if not self.path.startswith(prefix) or name not in service.keys:
                    self.answer(404, {"error": "no such key"})
                elif self.headers.get("Authorization") != service.keys[name]:
                    self.answer(401, {"error": "SECRET-DETAIL"})
                else:
                    return name
                return None

            def do_GET(self):
                name = self.name("/keys/")
                if name:
                    key = "another" if service.lie == "key" else name
                    self.answer(200, {"publickey": base64.b64encode(service.public_key(key)).decode()})

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                name = self.name("/sign/")
                if name:
                    assert body["hash_algorithm"] == "sha2-512" and set(body) == {"hash_algorithm", "input"}, body
                    message = base64.b64decode(body["input"]) + (b"x" if service.lie == "signature" else b"")
                    signature = openssl("dgst", "-sha512", "-sign", service.directory / f"{name}.signing.pem", data=message)
                    service.signed += 1
                    self.answer(200, {"signature": base64.b64encode(signature).decode()})

        self.port = free_port()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def make_key(self, name):
        openssl("ecparam", "-name", "secp521r1", "-genkey", "-noout", "-out", self.directory / f"{name}.signing.pem")

    def public_key(self, name):
        point = openssl("ec", "-in", self.directory / f"{name}.signing.pem", "-pubout", "-outform", "DER")[-132:]
        return der_pair(int.from_bytes(point[:66], "big"), int.from_bytes(point[66:], "big"))

    @property
    def url(self):
        return f"https://127.0.0.1:{self.port}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
