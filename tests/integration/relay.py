"""A TLS relay in front of a server: it counts requests, loses replies, and tells a test of each before and after it is carried out."""
import dataclasses
import socket
import ssl
import threading
import urllib.parse


@dataclasses.dataclass
class Seen:
    """One request as it passes."""
    number: int  # from 1, since the relay was armed
    method: str
    path: str
    is_after: bool  # the server has answered, the client has not heard it


class Relay:
    """It has the deployment's own certificate, so clients need no special trust. The server behind it may be restarted on its port.

    `hook(seen)` is called twice for each request: before it is sent on, and when it is answered. True: the connection ends there.
    """

    def __init__(self, deployment):
        tls = deployment.data / "server/tls"
        self.server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.server_context.load_cert_chain(tls / "server.pem", tls / "server.key")
        self.client_context = ssl.create_default_context(cafile=deployment.ca)
        self.target = urllib.parse.urlsplit(deployment.url)
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"https://127.0.0.1:{self.listener.getsockname()[1]}"
        self.log, self.statuses, self.hook = [], [], None
        self.lock = threading.Lock()
        threading.Thread(target=self.accept, daemon=True).start()

    def arm(self, hook=None, cut_at=None):
        """Counts from 1 again. `cut_at`: the number of the request whose reply is lost."""
        with self.lock:
            self.log, self.statuses = [], []
            self.hook = hook if cut_at is None else lambda seen: seen.is_after and seen.number == cut_at

    @property
    def requests(self):
        return len(self.log)

    def changes(self):
        """The requests that could have changed something."""
        return [f"{method} {path}" for method, path in self.log if method not in ("GET", "HEAD") and not path.endswith("/token")]

    def close(self):
        self.listener.close()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.relay, args=(client,), daemon=True).start()

    @staticmethod
    def message(stream, buffer, has_body=True):
        """One HTTP message with Content-Length (both sides send it), or None at the end."""
        while b"\r\n\r\n" not in buffer:
            data = stream.recv(65536)
            if not data:
                return None
            buffer += data
        head, _, _ = bytes(buffer).partition(b"\r\n\r\n")
        length = 0
        for line in head.split(b"\r\n"):
            if has_body and line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        size = len(head) + 4 + (0 if head.startswith(b"HTTP/1.1 204") else length)
        while len(buffer) < size:
            data = stream.recv(65536)
            if not data:
                return None
            buffer += data
        whole = bytes(buffer[:size])
        del buffer[:size]
        return whole

    def note(self, request):
        """What is seen, and whom to tell."""
        method, path = request.split(b"\r\n", 1)[0].decode().split(" ")[:2]
        path = urllib.parse.unquote(path.partition("?")[0])
        with self.lock:
            self.log.append((method, path))
            return Seen(len(self.log), method, path, False), self.hook

    def relay(self, raw):
        try:
            with raw, self.server_context.wrap_socket(raw, server_side=True) as client, \
                    socket.create_connection((self.target.hostname, self.target.port)) as plain, \
                    self.client_context.wrap_socket(plain, server_hostname=self.target.hostname) as server:
                inbound, outbound = bytearray(), bytearray()
                while request := self.message(client, inbound):
                    seen, hook = self.note(request)
                    if hook and hook(seen):
                        return
                    server.sendall(request)
                    reply = self.message(server, outbound, seen.method != "HEAD")
                    seen.is_after = True
                    if reply:
                        self.statuses.append(int(reply[9:12]))
                    if reply is None or (hook and hook(seen)):
                        return  # carried out, but nobody hears of it
                    client.sendall(reply)
        except OSError:
            return
