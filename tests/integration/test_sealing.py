"""Sealing of the units' state with a real server: every method from the first start on, every change while it serves, wrong and
missing secrets, an old copy put back, and no secret where it does not belong."""
import base64
import json
import os
import pathlib
import pty
import re
import secrets
import select
import signal
import socket
import subprocess
import unittest

from harness import BIN, Deployment, b64, wait_until

PIN = "271828182"
PASSPHRASE = "correct horse battery staple"
MODULE = "/usr/lib/softhsm/libsofthsm2.so"
METHODS = {
    "file": "", "passphrase": "unit-passphrase", "systemd-creds": "unit-key", "pkcs11": "token=seals;key=unit;pin=unit-pin",
    "tpm2": "pcrs=16;auth=tpm-auth", "none": "",
}


class SoftwareTpm:
    """swtpm on two neighbouring free ports of loopback."""

    def __init__(self, directory):
        directory.mkdir()
        while True:
            with socket.socket() as first, socket.socket() as second:
                first.bind(("127.0.0.1", 0))
                self.port = first.getsockname()[1]
                try:
                    second.bind(("127.0.0.1", self.port + 1))
                    break
                except OSError:
                    continue
        self.process = subprocess.Popen(
            ["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={directory}", "--flags", "not-need-init,startup-clear",
             "--server", f"type=tcp,bindaddr=127.0.0.1,port={self.port}",
             "--ctrl", f"type=tcp,bindaddr=127.0.0.1,port={self.port + 1}"])
        wait_until(self.answers, "swtpm listens")

    def answers(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port + 1)) == 0

    def stop(self):
        self.process.kill()
        self.process.wait()


class Sealed(Deployment):
    """A deployment with everything that sealing can use."""

    def __init__(self, method="file", **settings):
        super().__init__()
        self.tpm = SoftwareTpm(self.home / "tpm")
        tokens = self.home / "tokens"
        tokens.mkdir(mode=0o700)
        configuration = self.home / "softhsm2.conf"
        configuration.write_text(f"directories.tokendir = {tokens}\nobjectstore.backend = file\nlog.level = ERROR\n")
        subprocess.run(["softhsm2-util", "--init-token", "--free", "--label", "seals", "--pin", PIN, "--so-pin", "31415926"],
                       env=os.environ | {"SOFTHSM2_CONF": str(configuration)}, check=True, stdout=subprocess.DEVNULL)
        if os.geteuid() == 0:
            subprocess.run(["chown", "-R", "keyhaven-unit", str(tokens)], check=True)
        # As systemd leaves them to a service that root started: nobody else may read them.
        self.credentials = self.home / "credentials"
        self.credentials.mkdir(mode=0o700)
        self.key = secrets.token_bytes(32)
        for name, content in (("unit-passphrase", PASSPHRASE.encode() + b"\n"), ("unit-key", self.key), ("unit-pin", PIN.encode()),
                              ("tpm-auth", b"authorization value"), ("other-passphrase", b"another long passphrase")):
            self.credential(name, content)
        self.settings = {
            "unit__sealing": method, "unit__sealing_reference": METHODS[method], "unit__credentials_directory": self.credentials,
            "unit__tpm2_tcti": f"swtpm:host=127.0.0.1,port={self.tpm.port}", "unit__sealing_pkcs11_module": MODULE,
            "unit__sealing_environment": f"SOFTHSM2_CONF={configuration}"} | settings

    def credential(self, name, content):
        path = self.credentials / name
        path.unlink(missing_ok=True)
        path.write_bytes(content)
        path.chmod(0o400)

    def close(self):
        super().close()
        self.tpm.stop()

    @property
    def state(self):
        return self.data / "unit/state"

    def sealing(self):
        return json.loads(self.cli("unit", "sealing", "--output", "json").stdout)

    def refused(self):
        """Starts a server that must not come up; what it says."""
        done = subprocess.run(self.command(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=120)
        assert done.returncode == 1, done.stdout
        return done.stdout

    # The ceremony, of which the second half is done again when master keys were not kept.
    def ceremony(self, guid, prefix="seal"):
        self.signers, self.parts, options = [], [], []
        for number in (1, 2):
            admin, part = f"{prefix}-admin{number}", f"{prefix}-part{number}"
            admin_password = self.secret_file(f"{admin}.password", secrets.token_hex(8).encode())
            part_password = self.secret_file(f"{part}.password", secrets.token_hex(8).encode())
            self.cli("tke", "sigkey-add", admin, "--password-file", admin_password)
            self.cli("tke", "mk-add", part, "--random", "--password-file", part_password)
            options += ["--admin", f"{admin}:{admin_password}", "--part", f"{part}:{part_password}"]
            self.signers += ["--signer", f"{admin}:{admin_password}"]
            self.parts += ["--part", f"{part}:{part_password}"]
        self.cli("tke", "init", "--instance", guid, "--signature-threshold", 2, "--revocation-threshold", 2, *options,
                 "--trust-on-first-use", "--yes")

    def load(self, guid):
        for verb, more in (("load", self.parts), ("commit", []), ("setimm", [])):
            self.cli("tke", f"cryptounit-mk-{verb}", "--instance", guid, *self.signers, *more, "--trust-on-first-use", "--yes")

    def processes(self):
        """The server, its launcher, the unit and its helper."""
        parents = {}
        for entry in pathlib.Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                except OSError:
                    continue
        found = [self.process.pid]
        for pid in found:
            found += [child for child, parent in parents.items() if parent == pid]
        return found


class Case(unittest.TestCase):
    def deployment(self, method="file", start=True, **settings):
        deployment = Sealed(method, **settings)
        self.addCleanup(deployment.close)
        if start:
            deployment.start()
        return deployment

    def check_key(self, deployment, instance, key, wrapped):
        answer = deployment.action(instance, key, "unwrap", {"ciphertext": wrapped})
        self.assertEqual(answer.status, 200, answer.body)
        self.assertEqual(answer.json["plaintext"], b64(b"d" * 32))


class EveryMethod(Case):
    def first_start_and_restarts(self, method):
        deployment = self.deployment(method)
        sealing = deployment.sealing()
        self.assertEqual(sealing["method"], method)
        self.assertEqual(sealing["detects_old_state"], method == "tpm2")
        instance = deployment.instance()
        key = deployment.create_key(instance)["id"]
        wrapped = deployment.wrap(instance, key, b"d" * 32)
        for restart in (lambda: deployment.wait_unit_back(deployment.kill_unit()),
                        lambda: (deployment.stop(), deployment.start())):
            restart()
            if method == "none":
                answer = deployment.action(instance, key, "unwrap", {"ciphertext": wrapped})
                self.assertEqual(answer.status, 409, answer.body)
                units = deployment.cli_json("tke", "cryptounit-admins", "--instance", instance, "--trust-on-first-use")
                self.assertIn("seal-admin1", json.dumps(units), "administrators are kept")
                deployment.load(instance)
            self.check_key(deployment, instance, key, wrapped)
        self.search_secrets(deployment)

    def search_secrets(self, deployment):
        secret = {"passphrase": PASSPHRASE.encode(), "PIN": PIN.encode(), "key": deployment.key, "value": b"authorization value"}
        secret |= {f"{name} in hex": value.hex().encode() for name, value in secret.items()}
        secret |= {f"{name} in base64": base64.b64encode(value) for name, value in list(secret.items())[:4]}
        places = [path for path in deployment.home.rglob("*") if path.is_file() and deployment.credentials not in path.parents
                  and deployment.home / "tpm" not in path.parents]
        self.assertIn(deployment.log, places)
        for pid in deployment.processes():
            places += [pathlib.Path(f"/proc/{pid}/cmdline"), pathlib.Path(f"/proc/{pid}/environ")]
        self.assertGreaterEqual(len(deployment.processes()), 4)
        for place in places:
            try:
                content = place.read_bytes()
            except (PermissionError, FileNotFoundError, ProcessLookupError):
                continue
            for name, value in secret.items():
                self.assertNotIn(value, content, f"{name} in {place}")

    def test_file(self):
        self.first_start_and_restarts("file")

    def test_passphrase(self):
        self.first_start_and_restarts("passphrase")

    def test_systemd_credentials(self):
        self.first_start_and_restarts("systemd-creds")

    def test_pkcs11(self):
        self.first_start_and_restarts("pkcs11")

    def test_tpm2(self):
        self.first_start_and_restarts("tpm2")

    def test_none(self):
        self.first_start_and_restarts("none")


class Changes(Case):
    def test_through_all_methods_while_it_serves(self):
        deployment = self.deployment()
        instance = deployment.instance()
        key = deployment.create_key(instance)["id"]
        wrapped = deployment.wrap(instance, key, b"d" * 32)
        text = deployment.cli("unit", "sealing").stdout
        self.assertIn("copies both the state file and the key file", text)
        for method in ("passphrase", "systemd-creds", "pkcs11", "tpm2", "file", "tpm2", "none", "passphrase", "file"):
            unit = deployment.endpoint["unit_pid"]
            deployment.cli("unit", "sealing", "--method", method, "--reference", METHODS[method])
            self.assertEqual(deployment.endpoint["unit_pid"], unit, "no restart")
            self.check_key(deployment, instance, key, wrapped)
            self.assertEqual(deployment.sealing()["method"], method)
            self.assertEqual((deployment.data / "unit/sealing.key").exists(), method in ("file", "none"))
            deployment.wait_unit_back(deployment.kill_unit())
            self.assertEqual(deployment.sealing()["method"], method)
            if method == "none":
                deployment.load(instance)
            self.check_key(deployment, instance, key, wrapped)
        actions = [event["action"] for event in deployment.audit_records() if event["action"].startswith("unit-sealing.update")
                   or event["action"].endswith("unit-sealing.update")]
        self.assertEqual(len(actions), 9)

    def test_what_is_refused_changes_nothing(self):
        deployment = self.deployment()
        before = deployment.state.read_bytes()
        for body, status in (({"method": "passphrase", "reference": "absent"}, 400), ({"method": "paper"}, 400), ({}, 400),
                             ({"method": "systemd-creds", "reference": "../unit-key"}, 400), ({"method": "tpm2", "reference": "x=1"}, 400),
                             ({"method": "pkcs11", "reference": "token=other;pin=unit-pin"}, 400),
                             ({"method": "file", "reference": "/etc/passwd"}, 400), ({"method": "file", "colour": "red"}, 400)):
            answer = deployment.call("PUT", "/v1/unit/sealing", body)
            self.assertEqual(answer.status, status, (body, answer.body))
            self.assertEqual(deployment.state.read_bytes(), before)
        reader = deployment.service_id("reader", "Manager")
        answer = deployment.call("GET", "/v1/unit/sealing", token=deployment.token(reader))
        self.assertEqual(answer.status, 401, answer.body)

    def test_methods_without_means_are_refused_as_such(self):
        deployment = Deployment()
        self.addCleanup(deployment.close)
        deployment.start()
        answer = deployment.call("PUT", "/v1/unit/sealing", {"method": "tpm2"})
        self.assertEqual(answer.status, 403, answer.body)
        self.assertIn("unit.tpm2_tcti", answer.body.decode())

    def test_killed_while_it_changes(self):
        deployment = self.deployment()
        instance = deployment.instance()
        key = deployment.create_key(instance)["id"]
        wrapped = deployment.wrap(instance, key, b"d" * 32)
        methods = ["systemd-creds", "file"] * 6
        for number, method in enumerate(methods):
            unit = deployment.endpoint["unit_pid"]
            change = subprocess.Popen([str(BIN / "keyhaven"), "unit", "sealing", "--method", method, "--reference", METHODS[method]],
                                      env=deployment.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            before = deployment.state.stat().st_ino
            if number % 2 == 0:  # as soon as the new file is there; else wherever it is
                wait_until(lambda: deployment.state.stat().st_ino != before or change.poll() is not None, "the new file")
            os.kill(unit, signal.SIGKILL)
            change.wait(60)
            deployment.wait_unit_back(unit)
            self.assertIn(deployment.sealing()["method"], ("file", "systemd-creds"))
            self.check_key(deployment, instance, key, wrapped)


class Refusals(Case):
    def test_a_wrong_secret_is_said_and_destroys_nothing(self):
        for method, name, words in (("passphrase", "unit-passphrase", "passphrase is wrong"), ("systemd-creds", "unit-key", "another credential"),
                                    ("pkcs11", "unit-pin", "PIN"), ("tpm2", "tpm-auth", "authorization value")):
            with self.subTest(method):
                deployment = self.deployment(method)
                deployment.stop()
                before = deployment.state.read_bytes()
                good = (deployment.credentials / name).read_bytes()
                deployment.credential(name, b"0" * 40)
                for _ in range(4):  # a service manager goes on trying: the token must not lock
                    self.assertIn(words, deployment.refused())
                (deployment.credentials / name).rename(deployment.home / "removed")
                self.assertIn(f"credential {name}", deployment.refused())
                self.assertEqual(deployment.state.read_bytes(), before)
                deployment.credential(name, good)
                deployment.start()
                deployment.close()

    def test_an_old_copy_is_refused_by_the_tpm_and_accepted_by_number(self):
        deployment = self.deployment("tpm2")
        instance = deployment.instance()
        key = deployment.create_key(instance)["id"]
        wrapped = deployment.wrap(instance, key, b"d" * 32)
        deployment.stop()
        old = deployment.state.read_bytes()
        deployment.start()
        deployment.instance("another", initialise=False)
        deployment.stop()
        newest = deployment.state.read_bytes()

        def put(content):
            with open(deployment.state, "r+b") as file:
                file.write(content)
                file.truncate()
        put(old)
        said = deployment.refused()
        self.assertIn("old copy", said)
        counter = int(re.search(r"unit.accept_state_counter = (\d+)", said)[1])
        put(newest)
        deployment.start()
        deployment.stop()
        put(old)
        deployment.settings["unit__accept_state_counter"] = counter - 1
        self.assertIn("old copy", deployment.refused())
        deployment.settings["unit__accept_state_counter"] = counter
        deployment.start()
        self.check_key(deployment, instance, key, wrapped)
        self.assertIn("was accepted", deployment.log.read_text())
        deployment.stop()
        accepted = deployment.state.read_bytes()
        put(newest)
        del deployment.settings["unit__accept_state_counter"]
        self.assertIn("old copy", deployment.refused(), "its counter is gone")
        put(accepted)
        deployment.start()


class TypedPassphrases(Case):
    def test_from_a_descriptor_and_for_every_restart_of_the_unit(self):
        deployment = self.deployment("passphrase", start=False, unit__sealing_reference="", unit__passphrase_from="fd:9")
        endpoint = deployment.data / "server/endpoint.json"

        def start(passphrase):
            endpoint.unlink(missing_ok=True)
            command = " ".join(f"'{part}'" for part in deployment.command())
            with open(deployment.log, "ab") as log:
                deployment.process = subprocess.Popen(["bash", "-c", f"exec 9<&0 0</dev/null; exec {command}"], stdin=subprocess.PIPE,
                                                      stdout=log, stderr=log)
            deployment.process.stdin.write(passphrase)
            deployment.process.stdin.close()
        start(b"a typed passphrase\n")
        wait_until(lambda: endpoint.exists() and deployment.call("GET", "/readyz", token=None).status == 200, "ready")
        for _ in range(2):
            deployment.wait_unit_back(deployment.kill_unit())
        for pid in deployment.processes():
            self.assertNotIn(b"a typed passphrase", pathlib.Path(f"/proc/{pid}/cmdline").read_bytes())
            try:
                environment = pathlib.Path(f"/proc/{pid}/environ").read_bytes()
            except PermissionError:  # of an undumpable process: for root only
                self.assertNotEqual(os.geteuid(), 0)
                continue
            self.assertNotIn(b"a typed passphrase", environment)
        deployment.stop()
        start(b"a wrong passphrase\n")
        self.assertEqual(deployment.process.wait(60), 1)
        self.assertIn("passphrase is wrong", deployment.log.read_text())
        start(b"")
        self.assertEqual(deployment.process.wait(60), 1)
        self.assertIn("is empty", deployment.log.read_text())

    def test_a_descriptor_that_is_not_open_is_refused(self):
        deployment = self.deployment("passphrase", start=False, unit__sealing_reference="", unit__passphrase_from="fd:9")
        self.assertIn("was not started with that descriptor", deployment.refused())

    def test_on_the_terminal_twice_at_first_and_without_echo(self):
        deployment = self.deployment("passphrase", start=False, unit__sealing_reference="", unit__passphrase_from="terminal")
        endpoint = deployment.data / "server/endpoint.json"

        def start(*typed):
            """Runs keyhavend in a terminal, types when asked; returns (pid, terminal, everything shown)."""
            endpoint.unlink(missing_ok=True)
            pid, terminal = pty.fork()
            if pid == 0:
                os.execv(deployment.command()[0], deployment.command())
            shown = b""
            for text in typed:
                seen = len(shown)
                while not shown[seen:].rstrip(b" ").endswith(b":"):
                    shown += self.read(terminal)
                os.write(terminal, text + b"\n")
            return pid, terminal, shown

        pid, terminal, shown = start(b"first version", b"a slip", b"typed by hand", b"typed by hand")
        wait_until(endpoint.exists, "ready")
        os.kill(pid, signal.SIGTERM)
        shown += self.drain(terminal)
        self.assertEqual(os.waitpid(pid, 0)[1], 0)
        self.assertIn(b"They differ", shown)
        self.assertNotIn(b"typed by hand", shown)
        pid, terminal, _ = start(b"typed by hand")
        wait_until(endpoint.exists, "ready")
        os.kill(pid, signal.SIGTERM)
        self.drain(terminal)
        self.assertEqual(os.waitpid(pid, 0)[1], 0)
        pid, terminal, _ = start()
        self.read(terminal)
        os.write(terminal, b"\x03")  # Ctrl-C
        self.drain(terminal)
        self.assertNotEqual(os.waitpid(pid, 0)[1], 0)

    def read(self, terminal):
        ready, _, _ = select.select([terminal], [], [], 60)
        self.assertTrue(ready, "nothing is shown")
        return os.read(terminal, 4096)

    def drain(self, terminal):
        out = b""
        try:
            while True:
                more = os.read(terminal, 4096)
                if not more:
                    return out
                out += more
        except OSError:  # the other end is closed
            return out


if __name__ == "__main__":
    unittest.main()
