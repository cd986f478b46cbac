"""The OpenID provider of the tests (tests/openid): installed by its lock file, started over TLS with a CA of its own."""
import hashlib
import http.client
import json
import os
import pathlib
import shutil
import ssl
import subprocess
import tempfile
import urllib.parse

from harness import ROOT, free_port

SOURCE = ROOT / "tests/openid"
INSTALLED = ROOT / "build/openid"
CLIENT = "keyhaven"


def installed():
    """The package as the lock file has it; installed anew when that changed. Tests beside this one wait for the first."""
    locked = hashlib.sha256((SOURCE / "package-lock.json").read_bytes()).hexdigest()
    folder = INSTALLED / locked[:16]
    if not folder.exists():
        INSTALLED.mkdir(parents=True, exist_ok=True)
        work = pathlib.Path(tempfile.mkdtemp(dir=INSTALLED))
        for name in ("package.json", "package-lock.json", ".npmrc"):
            shutil.copy(SOURCE / name, work)
        subprocess.run(["npm", "ci", "--omit=dev"], cwd=work, check=True, stdout=subprocess.DEVNULL, timeout=600)
        try:
            work.rename(folder)
        except OSError:  # another test was first
            shutil.rmtree(work)
    return folder


def openssl(*arguments, cwd):
    subprocess.run(["openssl", *arguments], cwd=cwd, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class OpenIdProvider:
    """`issuer` and `ca` are known before start(); the provider may start after the server, or never."""

    def __init__(self, secret=None, algorithm="RS256"):
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="keyhaven-openid-"))
        self.home.chmod(0o755)
        self.port = free_port()
        self.issuer = f"https://localhost:{self.port}"
        self.ca = str(self.home / "ca.pem")
        self.secret, self.algorithm, self.process = secret, algorithm, None
        self._make_certificates()

    def _make_certificates(self):
        curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
        openssl("req", "-x509", *curve, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=CA of the tests", cwd=self.home)
        openssl("req", "-x509", *curve, "-keyout", "tls.key", "-out", "tls.pem", "-days", "2", "-subj", "/CN=localhost", "-CA", "ca.pem",
                "-CAkey", "ca.key", "-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE", cwd=self.home)

    def settings(self):
        """Of the server, for harness.Deployment."""
        settings = {"oidc__issuer": self.issuer, "oidc__client_id": CLIENT, "oidc__ca_file": self.ca, "oidc__title": "the tests"}
        if self.secret:
            path = self.home / "secret"
            path.write_text(self.secret + "\n")
            path.chmod(0o600)
            settings["oidc__client_secret_file"] = str(path)
        return settings

    def start(self, redirect):
        options = {"port": self.port, "certificate": str(self.home / "tls.pem"), "key": str(self.home / "tls.key"), "redirect": redirect,
                   "secret": self.secret, "algorithm": self.algorithm}
        # node looks for packages beside the script.
        folder = installed()
        script = folder / "provider.mjs"
        temporary = folder / f"provider-{os.getpid()}.mjs"
        shutil.copy(SOURCE / "provider.mjs", temporary)
        temporary.replace(script)
        self.log = open(self.home / "provider.log", "ab")  # pylint: disable=consider-using-with
        self.process = subprocess.Popen(["node", str(script), json.dumps(options)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=self.log, text=True)
        self._answer()

    def _answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError(f"the provider has ended:\n{(self.home / 'provider.log').read_text()}")
        return json.loads(line)

    def rotate(self):
        self.process.stdin.write('{"do": "rotate"}\n')
        self.process.stdin.flush()
        self._answer()

    def stop(self):
        if self.process:
            self.process.stdin.close()
            self.process.wait(30)
            self.process.stdout.close()
            self.log.close()
            self.process = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.stop()
        shutil.rmtree(self.home, ignore_errors=True)


class Visitor:
    """A browser's cookies and redirects at the provider, without a browser."""

    def __init__(self, provider):
        self.provider, self.cookies = provider, {}

    def request(self, method, url, form=None):
        parts = urllib.parse.urlsplit(url)
        connection = http.client.HTTPSConnection(parts.hostname, parts.port, timeout=30,
                                                 context=ssl.create_default_context(cafile=self.provider.ca))
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection.request(method, parts.path + ("?" + parts.query if parts.query else ""),
                           urllib.parse.urlencode(form) if form is not None else None, headers)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        for cookie in answer.headers.get_all("Set-Cookie") or []:
            name, _, value = cookie.partition(";")[0].partition("=")
            if value:
                self.cookies[name] = value
            else:
                self.cookies.pop(name, None)
        location = answer.headers.get("Location")
        return answer.status, urllib.parse.urljoin(url, location) if location else None

    def log_in(self, address, login="ann", then="login"):
        """Follows `address` through the provider's page; returns where the provider sends the browser back to."""
        for _ in range(10):
            status, location = self.request("GET", address)
            if location and not location.startswith(self.provider.issuer):
                return location
            if status == 200:
                status, location = self.request("POST", address, {"login": login, "then": then})
            assert location, f"{address}: {status}"
            address = location
            if not address.startswith(self.provider.issuer):
                return address
        raise AssertionError("too many redirects at the provider")
