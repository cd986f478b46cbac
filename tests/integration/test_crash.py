"""kill -9 of server and unit under changes: what was acknowledged is there, what was not is not half there."""
import contextlib
import http.client
import os
import random
import ssl
import socket
import threading
import time
import unittest
import urllib.parse

from harness import Deployment, b64, envelope, wait_until

SEED = int(os.environ.get("KH_SEED", random.randrange(1 << 32)))

ALIASED = 100  # keys of each client that get an alias: an instance has at most 1,000


class Client(threading.Thread):
    """Creates and rotates keys until told to stop; keeps a log of what was acknowledged."""

    def __init__(self, deployment, instance, number):
        super().__init__(daemon=True)
        self.deployment, self.instance, self.number = deployment, instance, number
        self.stop = threading.Event()
        self.created, self.rotations, self.unknown = {}, {}, set()
        self.sent = 0
        self.problem = None

    def connected(self):
        """A connection to the server once it is there again; nothing is sent before."""
        def attempt():
            with contextlib.suppress(OSError, ValueError):
                connection = self.deployment.connect()
                connection.connect()
                return connection
        return wait_until(attempt, "server accepts again", 60)

    def run(self):
        connection = None
        while not self.stop.is_set():
            alias = f"k-{self.number}-{self.sent}"
            try:
                connection = connection or self.connected()
                answer = self.deployment.call("POST", "/api/v2/keys", envelope(
                    {"name": alias, "extractable": False} | ({"aliases": [alias]} if self.sent < ALIASED else {})), instance=self.instance, connection=connection)
                self.sent += 1
                if answer.status == 201:
                    key = answer.json["resources"][0]["id"]
                    self.created[alias] = key
                    self.rotations[key] = [0, 0]  # acknowledged, uncertain
                    if self.sent % 3 == 0:
                        self.rotations[key][1] = 1
                        status = self.deployment.action(self.instance, key, "rotate", connection=connection).status
                        if status == 204:
                            self.rotations[key] = [1, 0]
                        elif status not in (500, 503):
                            self.rotations[key][1] = 0
                elif answer.status == 503:
                    self.unknown.add(alias)
                else:
                    self.problem = answer.body
                    return
            except (OSError, http.client.HTTPException, ValueError):
                self.unknown.add(alias)
                self.sent += 1
                connection = None


class Crash(unittest.TestCase):
    def test_acknowledged_changes_survive_kills_of_server_and_unit(self):
        with self.subTest(seed=SEED):  # a failure names it; KH_SEED repeats it
            self.kill_and_compare(random.Random(SEED))

    def kill_and_compare(self, chance):
        deployment = Deployment()
        self.addCleanup(deployment.close)
        deployment.start()
        port = deployment.url.rpartition(":")[2]
        deployment.settings["server__port"] = port
        instance = deployment.instance()
        clients = [Client(deployment, instance, number) for number in range(8)]
        deployment.token()
        for client in clients:
            client.start()

        def sent():
            return sum(client.sent for client in clients)

        kills = 0
        while kills < 12 or sent() < 1500:
            goal = sent() + chance.randrange(5, 80)
            wait_until(lambda: sent() >= goal or not all(client.is_alive() for client in clients), "clients go on", 60)
            self.assertEqual([client.problem for client in clients if client.problem], [])
            if kills < 12:
                kills += 1
                if chance.random() < 0.5:
                    old = deployment.kill_unit()
                    deployment.wait_unit_back(old)
                else:
                    deployment.kill_server()
                    deployment.start()
        for client in clients:
            client.stop.set()
        for client in clients:
            client.join(120)
        deployment.kill_server()
        deployment.start()
        self.assertEqual([client.problem for client in clients if client.problem], [])
        created = {alias: key for client in clients for alias, key in client.created.items()}
        self.assertGreater(len(created), 500)
        for client in clients:
            for alias, key in client.created.items():
                number = int(alias.rpartition("-")[2])
                name = alias if number < ALIASED else key
                answer = deployment.call("GET", f"/api/v2/keys/{name}/metadata", instance=instance)
                self.assertEqual(answer.status, 200, (alias, answer.body))
                self.assertEqual(answer.json["resources"][0]["id"], key)
                versions = len(deployment.call("GET", f"/api/v2/keys/{key}/versions", instance=instance).json["resources"])
                acknowledged, uncertain = client.rotations[key]
                self.assertIn(versions, range(1 + acknowledged, 2 + acknowledged + uncertain), alias)
                wrapped = deployment.action(instance, key, "wrap", {"plaintext": b64(b"d" * 32)})
                self.assertEqual(wrapped.status, 200)
        # Nothing is half there: every listed key is one that was asked for, once, and it works.
        asked = set(created) | {alias for client in clients for alias in client.unknown}
        page = deployment.call("GET", "/api/v2/keys?limit=5000", instance=instance).json["resources"]
        names = [key["name"] for key in page]
        self.assertEqual(len(names), len(set(names)))
        self.assertEqual(set(names) - asked, set())
        for key in page:
            number = int(key["name"].rpartition("-")[2])
            self.assertEqual(key.get("aliases", []), [key["name"]] if number < ALIASED else [])
            wrapped = deployment.action(instance, key["id"], "wrap", {})
            self.assertEqual(wrapped.status, 200, wrapped.body + deployment.log.read_bytes()[-600:])
        deployment.cli("audit", "verify", "--log", deployment.data / "server/audit", "--public-key",
                       deployment.data / "server/audit-public-key")


class Effect(unittest.TestCase):
    """After an acknowledged disable no use succeeds: 100,000 wraps over all loops."""

    def pipelined(self, deployment, instance, key, count, results, ready, started):
        parts = urllib.parse.urlsplit(deployment.url)
        context = ssl.create_default_context(cafile=deployment.ca)
        request = (f"POST /api/v2/keys/{key}/actions/wrap HTTP/1.1\r\nHost: {parts.netloc}\r\nAuthorization: Bearer {deployment.token()}\r\n"
                   f"Bluemix-Instance: {instance}\r\nContent-Length: 2\r\n\r\n{{}}").encode()
        with socket.create_connection((parts.hostname, parts.port)) as raw:
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with context.wrap_socket(raw, server_hostname=parts.hostname) as tls:
                tls.sendall(request)
                self.assertTrue(tls.recv(65536).startswith(b"HTTP/1.1 200"))
                ready.release()
                started.wait()
                left, tally = count, {}
                while left:
                    batch = min(10, left)
                    tls.sendall(request * batch)
                    seen, data = 0, b""
                    while seen < batch or not data.endswith((b"}", b"\n")):
                        data += tls.recv(1 << 18)
                        seen = data.count(b"HTTP/1.1 ")
                    for status in (b"200", b"409"):
                        tally[status] = tally.get(status, 0) + data.count(b"HTTP/1.1 " + status)
                    left -= batch
                results.append(tally)

    def test_no_wrap_succeeds_after_an_acknowledged_disable(self):
        deployment = Deployment()
        self.addCleanup(deployment.close)
        deployment.start()
        instance = deployment.instance()
        key = deployment.create_key(instance, "soon disabled")["id"]
        results, ready, started = [], threading.Semaphore(0), threading.Event()
        workers = [threading.Thread(target=self.pipelined, args=(deployment, instance, key, 12500, results, ready, started)) for _ in range(8)]
        for worker in workers:
            worker.start()
        for _ in workers:  # every connection has used the key before it is disabled
            self.assertTrue(ready.acquire(timeout=60), "a connection did not get its first answer")
        self.assertEqual(deployment.action(instance, key, "disable").status, 204)
        started.set()
        for worker in workers:
            worker.join()
        self.assertEqual(len(results), 8)
        total = {status: sum(result.get(status, 0) for result in results) for status in (b"200", b"409")}
        self.assertEqual(total, {b"200": 0, b"409": 100000})


if __name__ == "__main__":
    unittest.main()
