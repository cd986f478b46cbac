"""Suite `rotation` of bench/run: 50,000 keys go under another master key while they wrap DEKs."""
import threading
import time

import large
from master_keys import MasterKey

KEYS = 50_000
CONNECTIONS = 16
BODY = {"plaintext": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}


class Watch(threading.Thread):
    """How long the rotation takes, seen from outside."""

    def __init__(self, master):
        super().__init__(daemon=True)
        self.master, self.seconds, self.begin = master, None, time.monotonic()

    def run(self):
        while self.master.rotation()["phase"] == "resealing":
            time.sleep(0.1)
        self.seconds = time.monotonic() - self.begin


def measure(bench):
    deployment = bench.deployment
    instance = deployment.instance("rotation")
    large.fill(bench, instance, KEYS)
    master = MasterKey(deployment, instance)
    master.load(master.new_parts())
    keys = deployment.call("GET", f"/api/v2/keys?limit=200&offset={KEYS // 2}", instance=instance).json["resources"]
    request = bench.request("POST", "/api/v2/keys/{value}/actions/wrap", BODY, instance, value_size=36)

    def wraps(label):
        return bench.measure("wrap", CONNECTIONS, request, text='"ciphertext":"', values=[key["id"] for key in keys], label=label)

    before = [wraps("wrap, before")]
    state = master.rotation("POST")
    watch = Watch(master)
    watch.start()
    during = []
    while watch.seconds is None:
        during.append(wraps("wrap, keys being sealed anew"))
    if watch.seconds < bench.options.seconds and len(during) == 1:
        print(f"{'':16}the rotation took less than one measurement: --seconds {watch.seconds / 3:.0f}")
    master.set_immediate()
    if set(master.patterns()) != {state["to"]}:
        raise SystemExit("not every key is under the new master key")
    after = [wraps("wrap, after")]
    # The last window of `during` ends after the rotation; it is left out unless it is the only one.
    inside = during[:-1] or during
    normal = sum(one["latency_us"]["p99"] for one in before + after) / 2
    busy = max(one["latency_us"]["p99"] for one in inside)
    report = {"keys": KEYS, "seconds": round(watch.seconds, 1), "keys_per_second": round(KEYS / watch.seconds),
              "p99_us_normal": round(normal), "p99_us_worst_during": round(busy), "p99_ratio": round(busy / normal, 2)}
    print(f"{'':16}{KEYS:,} keys in {watch.seconds:.1f} s; p99 of wraps {busy:.0f} us instead of {normal:.0f} us "
          f"({busy / normal:.2f} times)")
    return {"rotation": report}
