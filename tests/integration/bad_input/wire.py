"""A keep-alive HTTP/1.1 client over TLS that sends exactly the bytes it is given, also those that http.client refuses."""
import socket
import ssl
import urllib.parse

CONNECTION_LOST = (BrokenPipeError, ConnectionError, ssl.SSLError, socket.timeout, EOFError)


class Headers(dict):
    """Names in any case."""

    def get(self, name, default=None):
        return super().get(name.lower(), default)


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body


def request_bytes(method, target, headers, body):
    """`target` and header values may hold any character up to U+00FF, or surrogate escapes for raw bytes."""
    lines = [f"{method} {target} HTTP/1.1"] + [f"{name}: {value}" for name, value in headers]
    head = "\r\n".join(lines) + "\r\n\r\n"
    return head.encode("utf-8", "surrogateescape") + (body or b"")


class Wire:
    """One connection, opened anew when the server has closed it. Not thread-safe."""

    def __init__(self, url, ca, timeout=60):
        parts = urllib.parse.urlsplit(url)
        self.address = (parts.hostname, parts.port)
        self.host = parts.netloc
        self.context = ssl.create_default_context(cafile=ca)
        self.timeout = timeout
        self.socket = None
        self.buffer = b""

    def close(self):
        if self.socket:
            self.socket.close()
        self.socket, self.buffer = None, b""

    def send(self, data, is_head=False):
        """The answer to `data`, which is one request."""
        fresh = self.socket is None
        try:
            return self._send_once(data, is_head)
        except CONNECTION_LOST:
            self.close()
            if fresh:
                raise
        # The server ended an idle connection: nothing of this request was read.
        return self._send_once(data, is_head)

    def _send_once(self, data, is_head):
        if self.socket is None:
            plain = socket.create_connection(self.address, timeout=self.timeout)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.socket = self.context.wrap_socket(plain, server_hostname=self.address[0])
        try:
            self.socket.sendall(data)
        except OSError:
            pass  # refused before all of it was sent: the answer is there to be read
        return self._receive(is_head)

    def _receive(self, is_head):
        status, headers = self._head()
        while status == 100:
            status, headers = self._head()
        length = int(headers.get("Content-Length") or 0)
        body = b"" if is_head or status in (204, 304) else self._take(length)
        if (headers.get("Connection") or "").lower() == "close":
            self.close()
        return Reply(status, headers, body)

    def _head(self):
        while b"\r\n\r\n" not in self.buffer:
            self._more()
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        headers = Headers()
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        return int(lines[0].split(" ")[1]), headers

    def _take(self, length):
        while len(self.buffer) < length:
            self._more()
        body, self.buffer = self.buffer[:length], self.buffer[length:]
        return body

    def _more(self):
        data = self.socket.recv(65536)
        if not data:
            raise EOFError("the server closed the connection without an answer")
        self.buffer += data
