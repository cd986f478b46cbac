"""The programs as processes: configuration, isolation, restart of the unit, second server, full disk, graceful stop."""
import os
import pathlib
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import unittest

from harness import BIN, Deployment, alive, b64, envelope, stop, wait_until


def keyhavend(*arguments):
    return subprocess.run([str(BIN / "keyhavend"), *map(str, arguments)], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)


class Configuration(unittest.TestCase):
    def check(self, text):
        with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
            file.write(text)
            file.flush()
            return keyhavend("--check-config", "--config", file.name)

    def test_good_file_is_accepted(self):
        done = self.check("[server]\nport = 9443\n")
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_wrong_key_or_value_is_one_line_and_status_2(self):
        for text, words in (("[server]\nprot = 1\n", "did you mean server.port"), ("[server]\nport = 70000\n", "0 to 65535"),
                            ("[server\n", ":1"), ("[log]\nlevel = \"loud\"\n", "one of"),
                            ("[server]\nuser = \"x\"\n[unit]\nuser = \"x\"\n", "differ")):
            done = self.check(text)
            self.assertEqual(done.returncode, 2, text)
            self.assertIn(words, done.stderr)
            self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)

    def test_missing_file_and_unknown_flag_are_status_2(self):
        self.assertEqual(keyhavend("--config", "/nonexistent/keyhaven.toml").returncode, 2)
        self.assertEqual(keyhavend("--no-such-flag").returncode, 2)

    def test_every_key_is_documented(self):
        done = keyhavend("--document-config")
        self.assertEqual(done.returncode, 0)
        self.assertIn("server.request_timeout_seconds", done.stdout)


class Processes(unittest.TestCase):
    def setUp(self):
        self.deployment = Deployment()
        self.deployment.start()
        self.addCleanup(self.deployment.close)

    def test_second_server_on_the_same_data_directory_is_refused(self):
        done = keyhavend("--data-dir", self.deployment.data, "--port", "0")
        self.assertEqual(done.returncode, 1)
        self.assertIn("in use", done.stderr)
        self.assertEqual(self.deployment.call("GET", "/readyz", token=None).status, 200)

    def test_port_in_use_is_named(self):
        port = self.deployment.url.rpartition(":")[2]
        with tempfile.TemporaryDirectory() as directory:
            os.chmod(directory, 0o755)
            done = keyhavend("--data-dir", directory + "/data", "--port", port)
        self.assertEqual(done.returncode, 1)
        self.assertIn(port, done.stderr)
        self.assertIn("in use", done.stderr)

    def test_graceful_stop_and_restart_keep_everything(self):
        instance = self.deployment.instance()
        key = self.deployment.create_key(instance, "stays")
        wdek = self.deployment.wrap(instance, key["id"], b"d" * 32)
        unit = self.deployment.endpoint["unit_pid"]
        self.deployment.stop()
        self.assertFalse(alive(unit))
        self.deployment.start()
        answer = self.deployment.action(instance, key["id"], "unwrap", {"ciphertext": wdek})
        self.assertEqual(answer.json["plaintext"], b64(b"d" * 32))

    def test_killed_unit_comes_back_and_service_goes_on(self):
        instance = self.deployment.instance()
        key = self.deployment.create_key(instance, "stays")["id"]
        for _ in range(3):
            wdek = self.deployment.wrap(instance, key, b"d" * 32)
            old = self.deployment.kill_unit()
            self.deployment.wait_unit_back(old)
            answer = self.deployment.action(instance, key, "unwrap", {"ciphertext": wdek})
            self.assertEqual(answer.json["plaintext"], b64(b"d" * 32))

    def test_unit_dies_with_a_killed_server_and_the_data_directory_is_free_again(self):
        self.deployment.kill_server()
        self.deployment.start()

    def test_unit_memory_and_files_are_out_of_the_servers_reach(self):
        server, unit = self.deployment.endpoint["pid"], self.deployment.endpoint["unit_pid"]
        status = {pid: dict(line.split(":", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines())
                  for pid in (server, unit)}
        uid = {pid: fields["Uid"].split()[0] for pid, fields in status.items()}
        if os.geteuid() == 0:
            self.assertNotEqual(uid[server], uid[unit])
            self.assertNotIn("0", uid.values())
            for name in ("sealing.key",):
                self.assertEqual((self.deployment.data / "unit" / name).stat().st_mode & 0o777, 0o600)
            self.assertEqual((self.deployment.data / "unit").stat().st_mode & 0o777, 0o700)
            self.assertEqual(str((self.deployment.data / "unit").stat().st_uid), uid[unit])
        limits = pathlib.Path(f"/proc/{unit}/limits").read_text()
        self.assertRegex(limits, r"Max core file size\s+0\s+0")
        sanitized = BIN.parent.name in ("asan", "tsan")
        for pid in (server, unit):
            self.assertEqual(status[pid]["NoNewPrivs"].strip(), "1")
        self.assertEqual(status[unit]["Seccomp"].strip(), "2")
        if not sanitized:
            self.assertEqual(status[server]["Seccomp"].strip(), "2")
        if os.geteuid() == 0:
            for space in ("net", "ipc", "uts"):
                self.assertNotEqual(os.readlink(f"/proc/{unit}/ns/{space}"), os.readlink(f"/proc/{server}/ns/{space}"))
            devices = pathlib.Path(f"/proc/{unit}/net/dev").read_text().splitlines()[2:]
            self.assertEqual([line.split(":")[0].strip() for line in devices], ["lo"])
        if BIN.parent.name not in ("asan", "tsan"):  # the sanitizers turn mlock into nothing
            self.assertGreater(int(status[unit]["VmLck"].split()[0]), 0)

    def test_more_keys_than_locked_memory_holds_do_not_stop_the_unit(self):
        instance = self.deployment.instance()
        unit = self.deployment.endpoint["unit_pid"]
        connection = self.deployment.connect()
        for number in range(3000):
            answer = self.deployment.call("POST", "/api/v2/keys", envelope({"name": f"key {number}", "extractable": False}),
                                          instance=instance, connection=connection)
            key = answer.json["resources"][0]["id"]
            self.assertEqual(self.deployment.action(instance, key, "wrap", {}, connection=connection).status, 200, number)
        self.assertEqual(self.deployment.endpoint["unit_pid"], unit)

    def test_health_names_what_is_wrong(self):
        # A stopped unit answers nothing: alive, not ready, and key operations are 503 with a cause.
        instance = self.deployment.instance()
        key = self.deployment.create_key(instance, "stays")["id"]
        pid = self.deployment.endpoint["unit_pid"]
        stop(pid)
        try:
            answer = self.deployment.action(instance, key, "wrap", {})
            self.assertEqual(answer.status, 503, answer.body)
            self.assertIn("Retry-After", answer.headers)
            self.assertEqual(self.deployment.call("GET", "/healthz", token=None).status, 200)
        finally:
            os.kill(pid, signal.SIGKILL)
        self.deployment.wait_unit_back(pid)
        self.assertEqual(self.deployment.action(instance, key, "wrap", {}).status, 200)


class Walls(unittest.TestCase):
    """What the unit does when the system does not give all that it asks for."""

    def unit(self, *options, memory_lock=None):
        """(exit status or None, standard output, standard error) of a unit as an ordinary user that is told to end at once."""
        with tempfile.TemporaryDirectory() as directory:
            os.chmod(directory, 0o755)
            program = shutil.copy2(BIN / "keyhaven-unit", directory)
            state = pathlib.Path(directory, "state")
            state.mkdir(0o700)
            identity = {}
            if os.geteuid() == 0:
                os.chown(state, 61010, 61010)
                identity = {"user": 61010, "group": 61010, "extra_groups": []}
            ours, theirs = socket.socketpair()
            limit = memory_lock and (lambda: resource.setrlimit(resource.RLIMIT_MEMLOCK, (memory_lock, memory_lock)))
            command = [program, "--state-dir", str(state), "--key-file", str(state / "key"), "--channels",
                       str(theirs.fileno()), *options]
            with subprocess.Popen(command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True, preexec_fn=limit, **identity) as process:
                theirs.close()
                ready = process.stdout.readline()
                ours.close()
                return process.wait(60), ready, process.stderr.read()

    @unittest.skipIf(BIN.parent.name in ("asan", "tsan"), "the sanitizers turn mlock into nothing")
    def test_memory_that_cannot_be_locked_stops_the_unit_unless_told(self):
        little = 16 * 1024
        status, ready, errors = self.unit(memory_lock=little)
        self.assertNotEqual(status, 0)
        self.assertEqual(ready, "")
        self.assertIn("LimitMEMLOCK", errors)
        status, ready, errors = self.unit("--memory-lock", "best-effort", memory_lock=little)
        self.assertEqual((status, ready), (0, "READY\n"), errors)
        self.assertEqual(errors.count("could not be locked"), 1)

    def test_the_whole_sandbox_is_there_when_it_is_required(self):
        status, ready, errors = self.unit("--sandbox", "required", "--memory-lock", "best-effort")
        self.assertEqual((status, ready), (0, "READY\n"), errors)

    @unittest.skipUnless(os.geteuid() == 0, "needs a start by root")
    def test_without_the_right_to_namespaces_it_says_so_or_does_not_start(self):
        for mode, ready in (("best-effort", True), ("required", False)):
            deployment = Deployment(unit__sandbox=mode)
            self.addCleanup(deployment.close)
            command = deployment.command
            deployment.command = lambda *extra, command=command: ["setpriv", "--bounding-set", "-sys_admin", *command(*extra)]
            if ready:
                deployment.start()
                deployment.stop()
            else:
                with self.assertRaises(AssertionError):
                    deployment.start()
            self.assertIn("the system gives it no network of its own", deployment.log.read_text())


class PrivateClone(unittest.TestCase):
    def test_programs_below_a_directory_that_the_unit_user_cannot_pass(self):
        with tempfile.TemporaryDirectory() as directory:  # mode 0700, as mktemp -d makes it
            for name in ("keyhavend", "keyhaven-unit"):
                shutil.copy2(BIN / name, directory)
            deployment = Deployment()
            self.addCleanup(deployment.close)
            command = deployment.command
            deployment.command = lambda *extra: [os.path.join(directory, "keyhavend"), *command(*extra)[1:]]
            deployment.start()
            self.assertEqual(deployment.call("GET", "/readyz", token=None).status, 200)
            deployment.stop()


@unittest.skipUnless(os.geteuid() == 0, "mounting a small file system needs root")
class FullDisk(unittest.TestCase):
    def test_full_disk_refuses_changes_loses_nothing_and_recovers(self):
        deployment = Deployment()
        self.addCleanup(deployment.close)
        deployment.data.mkdir(mode=0o755)
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m,mode=0755", "tmpfs", str(deployment.data)],
                                 stderr=subprocess.PIPE, text=True)
        if mounted.returncode != 0:
            self.skipTest("no tmpfs mount here: " + mounted.stderr.strip())
        self.addCleanup(subprocess.run, ["umount", "-l", str(deployment.data)])
        deployment.start()
        instance = deployment.instance()
        key = deployment.create_key(instance, "before")["id"]
        wdek = deployment.wrap(instance, key, b"d" * 32)
        filler = deployment.data / "filler"
        with open(filler, "wb") as file:
            with self.assertRaises(OSError):
                while True:
                    file.write(b"\0" * 65536)
                    file.flush()
        created, refused = [], 0
        for number in range(2000):
            answer = deployment.call("POST", "/api/v2/keys", envelope(
                {"name": f"full-{number}", "extractable": False, "description": "x" * 200}), instance=instance)
            if answer.status == 201:
                created.append(answer.json["resources"][0]["id"])
            else:
                self.assertEqual(answer.status, 503, answer.body)
                refused += 1
                break
        self.assertEqual(refused, 1)
        filler.unlink()
        wait_until(lambda: deployment.call("POST", "/api/v2/keys", envelope(
            {"name": "after", "extractable": False}), instance=instance).status == 201, "recovered", 20)
        deployment.kill_server()
        deployment.start()
        for known in created + [key]:
            self.assertEqual(deployment.call("GET", f"/api/v2/keys/{known}/metadata", instance=instance).status, 200)
        self.assertEqual(deployment.action(instance, key, "unwrap", {"ciphertext": wdek}).status, 200)


if __name__ == "__main__":
    unittest.main()
