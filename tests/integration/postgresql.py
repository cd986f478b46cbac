"""A PostgreSQL server of the test's own, on a free loopback port, and psql as its client."""
import os
import pathlib
import pwd
import secrets
import shutil
import subprocess
import tempfile

from harness import free_port, wait_until


def programs():
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    assert found, "PostgreSQL's server programs are not installed: tools/packages.sh test"
    return found[-1].parent


class Postgresql:
    """It refuses to run as root: then it runs as `nobody`. Password authentication over TCP only."""

    def __init__(self):
        self.bin, self.port = programs(), free_port()
        self.password = secrets.token_hex(12)
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="keyhaven-pg-"))
        self.as_user = []
        if os.geteuid() == 0:
            account = pwd.getpwnam("nobody")
            os.chown(self.home, account.pw_uid, account.pw_gid)
            self.as_user = ["setpriv", "--reuid", str(account.pw_uid), "--regid", str(account.pw_gid), "--clear-groups"]
        password = self.home / "password"
        password.write_text(self.password + "\n")
        password.chmod(0o644)
        self.run("initdb", "-D", self.home / "data", "-U", "app", "-A", "scram-sha-256", "--pwfile", password, "-E", "UTF8",
                 "--locale=C.UTF-8")
        self.start()

    def run(self, program, *arguments):
        done = subprocess.run([*self.as_user, str(self.bin / program), *map(str, arguments)], cwd=self.home,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def start(self):
        options = f"-p {self.port} -h 127.0.0.1 -k '' -c fsync=off"
        with open(self.home / "output", "wb") as log:  # the server keeps it open, so it is no pipe
            done = subprocess.run([*self.as_user, str(self.bin / "pg_ctl"), "-D", str(self.home / "data"), "-w", "-l",
                                   str(self.home / "log"), "-o", options, "start"], cwd=self.home,
                                  stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        assert done.returncode == 0, (self.home / "log").read_text()

    def stop(self, mode="fast"):
        self.run("pg_ctl", "-D", self.home / "data", "-w", "-m", mode, "stop")

    def close(self):
        try:
            self.stop("immediate")
        finally:
            shutil.rmtree(self.home)

    @property
    def connection(self):
        return f"host=127.0.0.1 port={self.port} user=app dbname=postgres"

    def session(self):
        return Session(self)

    def sql(self, text):
        """The rows of a statement, each a list of texts."""
        with self.session() as session:
            return session.sql(text)


class Session:
    """One psql that stays connected. Each statement is answered before the next."""

    def __init__(self, server):
        environment = os.environ | {"PGPASSWORD": server.password}
        self.process = subprocess.Popen(
            ["psql", "-X", "-q", "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1", server.connection], env=environment,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()
        self.process.stderr.close()

    def sql(self, text):
        self.process.stdin.write(text.rstrip("; \n") + ";\n\\echo END\n")
        self.process.stdin.flush()
        rows = []
        while True:
            line = self.process.stdout.readline()
            if line == "END\n":
                return rows
            assert line, self.process.stderr.read()
            rows.append(line.rstrip("\n").split("\t"))


__all__ = ["Postgresql", "wait_until"]
