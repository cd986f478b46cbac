"""HTTPS in front of the double: one thread per connection, HTTP/1.1, and the faults that a network makes."""
import http.server
import json
import re
import socket
import ssl
import struct
import threading
import time
import urllib.parse

from . import routes
from .calls import Call, Reply
from .errors import Refusal
from .fields import UUID4, new_id
from .iam import TokenRefused

BODY_MOST = 1 << 20
QUERIES = {"limit", "offset", "state", "extractable", "search", "sort", "filter", "action", "policy", "force", "totalCount",
           "allKeyStates", "urlEncodedResourceCRNQuery", "preventKeyDeletion"}
TOKEN_PATHS = ("/identity/token", "/oidc/token")


class Dropped(Exception):
    """The connection ends here."""


class Server(http.server.ThreadingHTTPServer):
    daemon_threads, request_queue_size = True, 256

    def __init__(self, address, service, context):
        self.service, self.context = service, context
        self.open, self.open_lock = set(), threading.Lock()
        super().__init__(address, Handler)

    def finish_request(self, request, client_address):
        """The handshake belongs to the connection's own thread."""
        try:
            request.settimeout(30)
            secured = self.context.wrap_socket(request, server_side=True)
        except (OSError, ValueError):
            return
        with self.open_lock:
            self.open.add(secured)
        try:
            super().finish_request(secured, client_address)
        except (OSError, Dropped, ValueError):
            pass
        finally:
            with self.open_lock:
                self.open.discard(secured)
            secured.close()

    def close_connections(self):
        with self.open_lock:
            for connection in self.open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version, server_version, sys_version = "HTTP/1.1", "vendor-double", ""
    timeout, disable_nagle_algorithm = 120, True

    def log_message(self, *_):
        """The double keeps its own record of requests."""

    def date_time_string(self, timestamp=None):
        return super().date_time_string(self.server.service.now() if timestamp is None else timestamp)

    def send_error(self, code, message=None, explain=None):
        """What http.server itself refuses (a malformed request) in the official form."""
        self.close_connection = True
        self.headers = getattr(self, "headers", None) or {}
        self.send(Reply(code, Refusal("BAD_BODY_ERR", message or "Bad request", status=code).body("Request could not be processed")))

    def body(self):
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return self.chunks()
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit() or int(length) > BODY_MOST:
            self.too_large()
        return self.rfile.read(int(length))

    def too_large(self):
        self.close_connection = True
        self.send(Reply(413, Refusal("REQUEST_TOO_LARGE_ERR", "The body is too large").body("Request could not be processed")))
        raise Dropped

    def chunks(self):
        whole = b""
        while size := int(self.rfile.readline(64).split(b";")[0], 16):
            if len(whole) + size > BODY_MOST:
                self.too_large()
            whole += self.rfile.read(size)
            self.rfile.readline(8)
        while self.rfile.readline(8192).strip():
            pass
        return whole

    def handle_any(self):
        service, started = self.server.service, time.monotonic()
        path, _, query = self.path.partition("?")
        body, fired = self.body(), service.plan.decide(self.command, path)
        if "reset" in fired:
            service.note(self, path, 0, fired)
            self.reset()
        if "expire_tokens" in fired:
            service.iam.expire_all()
        if "slow" in fired:
            time.sleep(fired["slow"].seconds)
        if "answer" in fired:
            reply = self.faulty(fired["answer"])
        elif path.startswith("/api/") and service.plan.over_rate(started):
            reply = self.refused(429, 1)
        else:
            reply = self.answer(path, query, body)
        service.note(self, path, reply.status, fired, reply.headers.get("Retry-After", 0))
        if "lose_reply" in fired:
            self.close_connection = True
            raise Dropped
        self.send(reply, cut="cut_reply" in fired)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_TRACE = do_CONNECT = handle_any

    def answer(self, path, query, body):
        service = self.server.service
        if path in TOKEN_PATHS:
            return self.token(path, body)
        if path == "/identity/keys" and self.command == "GET":
            return Reply(200, service.iam.key_set())
        if match := re.fullmatch(r"/crypto_v2/instances/([^/]+)", path):
            return self.endpoints(match[1])
        values = {}
        for name, value in urllib.parse.parse_qsl(query, keep_blank_values=True):
            values.setdefault(name, []).append(value)
        headers = {name.lower(): value for name, value in self.headers.items()}
        call = Call(service, None, None, self.command, path, {}, values, headers, body, self.client_address[0], service.now())
        self.lint(call)
        reply = routes.answer(call)
        service.lint(self.command, path, call.lints)
        return reply

    def lint(self, call):
        """What another service might refuse, though this one does not."""
        call.lints += [f"unknown query parameter {name}" for name in call.query if name not in QUERIES]
        identifier = call.headers.get("correlation-id")
        if identifier is not None and not UUID4.fullmatch(identifier):
            call.lints.append("Correlation-Id is no version 4 UUID")
        if call.body and call.method in ("GET", "HEAD"):
            call.lints.append(f"{call.method} with a body")

    def token(self, path, body):
        if self.command != "POST":
            return Reply(405, {"errorCode": "BXNIM0102E", "errorMessage": "Method not allowed"}, {"Allow": "POST"})
        form = dict(urllib.parse.parse_qsl(body.decode(errors="replace"), keep_blank_values=True))
        try:
            return Reply(200, self.server.service.iam.grant(form))
        except TokenRefused as refused:
            now = str(int(self.server.service.now() * 1000))
            context = {"requestId": new_id(), "requestType": "incoming.Identity_Token", "userAgent": self.headers.get("User-Agent", ""),
                       "url": path, "instanceId": "double-1", "startTime": now, "endTime": now, "elapsedTime": "0", "locale": "en_US"}
            return Reply(400, {"errorCode": refused.code, "errorMessage": refused.message, "context": context})

    def endpoints(self, guid):
        service = self.server.service
        if guid not in service.instances:
            return Reply(401, Refusal(None, "The instance does not exist or is not yours", status=401).body(""))
        host = service.url.removeprefix("https://")
        return Reply(200, {"instance_id": guid, "kms": {"public": host, "private": host}, "ep11": {"public": "", "private": ""}})

    def refused(self, status, retry_after):
        code, text = ("TOO_MANY_REQUESTS_ERR", "Too many requests") if status == 429 else ("SERVICE_ERR", "The service has a fault")
        body = Refusal(code, text, status=status).body("Request could not be processed") if status != 401 else \
            Refusal(None, text, status=401).body("")
        return Reply(status, body, {} if retry_after is None else {"Retry-After": str(retry_after)})

    def faulty(self, fault):
        reply = self.refused(fault.status, fault.retry_after)
        if fault.html:
            reply.body = f"<html><head><title>{fault.status}</title></head><body>upstream connect error</body></html>".encode()
        return reply

    def reset(self):
        """The client sees its connection reset."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        raise Dropped

    def send(self, reply, cut=False):
        html = isinstance(reply.body, bytes)
        body = reply.body if html else b"" if reply.body is None else json.dumps(reply.body).encode()
        self.send_response(reply.status)
        given = self.headers.get("Correlation-Id")
        self.send_header("Correlation-Id", given if given and UUID4.fullmatch(given) else new_id())
        self.send_header("Cache-Control", "no-store")
        if body:
            self.send_header("Content-Type", "text/html" if html else "application/json")
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.status != 204:
            self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self._headers_buffer.append(b"\r\n")
        whole = b"".join(self._headers_buffer) + (b"" if self.command == "HEAD" else body)
        self._headers_buffer = []
        self.connection.sendall(whole[:-max(1, len(body) // 2)] if cut else whole)
        if cut:
            raise Dropped


def context(directory):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.set_alpn_protocols(["http/1.1"])
    made.load_cert_chain(directory / "server.pem", directory / "server.key")
    return made
