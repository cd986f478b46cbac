"""Instances with many keys: suites `list` and `million` of bench/run."""
import json
import pathlib
import statistics
import time

KEY_TYPE = "application/vnd.ibm.kms.key+json"
LIST_KEYS = 50_000
MILLION = 1_000_000
WORKING_SET = 10_000
FEW = 10
FILL_CONNECTIONS = 64
ROUNDS = 7  # of wraps over few and over many keys, alternating
NAME_SIZE = 8


def raise_limit(deployment, instance, keys):
    answer = deployment.call("PATCH", f"/v2/resource_instances/{instance}", {"parameters": {"limits": {"keys": keys}}})
    if answer.status != 200:
        raise SystemExit(f"the limit of keys cannot be raised: {answer.status} {answer.body}")


def fill(bench, instance, count):
    """Makes `count` root keys, each durable before its answer; every tenth name holds a 'needle'."""
    raise_limit(bench.deployment, instance, count + 1000)
    body = {"metadata": {"collectionType": KEY_TYPE, "collectionTotal": 1},
            "resources": [{"type": KEY_TYPE, "name": "{value}", "extractable": False}]}
    request = bench.request("POST", "/api/v2/keys", body, instance, value_size=NAME_SIZE)
    names = [f"{'ndl' if i % 10 == 0 else 'key'}{i % 100_000:05}" for i in range(count)]
    result = bench.measure("create", FILL_CONNECTIONS, request, status=201, text='"id":"', most=count, values=names,
                           seconds=3600, warmup=0)
    bench.deployment.forget_tokens()
    if key_total(bench, instance) != count:
        raise SystemExit(f"{key_total(bench, instance)} keys found, {count} created")
    return result["seconds"]


def key_total(bench, instance, query=""):
    answer = bench.deployment.call("HEAD", "/api/v2/keys" + query, instance=instance)
    return int(answer.headers["Key-Total"])


def get(bench, instance, query, text='"resources":[{'):
    return measured(bench, "list", "GET", instance, query, text)


def head(bench, instance, query=""):
    return measured(bench, "head", "HEAD", instance, query, "")


def measured(bench, name, method, instance, query, text):
    """One caller at a time: the latency then holds no waiting for another list."""
    result = bench.measure(name, 1, bench.request(method, "/api/v2/keys" + query, instance=instance), text=text,
                           label=f"{method} {query}")
    result["query"] = query
    return result


def pages(bench, instance, total):
    """Pages of 200 from the first to the last; the cost that offset adds per 1,000 keys skipped."""
    results = [get(bench, instance, f"?limit=200&offset={offset}")
               for offset in (0, total // 5, total // 2, total - 200)]
    first, last = (result["cpu_us_per_request"]["server"] for result in (results[0], results[-1]))
    return {"first_page_us": first, "last_page_us": last,
            "us_per_1000_keys_of_offset": round((last - first) / (total / 1000), 3)}


def measure_lists(bench):
    instance = bench.deployment.instance("lists")
    seconds = fill(bench, instance, LIST_KEYS)
    report = {"keys": LIST_KEYS, "fill_seconds": seconds} | pages(bench, instance, LIST_KEYS)
    for offset in (0, LIST_KEYS - 200):
        get(bench, instance, f"?limit=200&offset={offset}&sort=creationDate")
        get(bench, instance, f"?limit=200&offset={offset}&sort=-state,extractable,creationDate")
        get(bench, instance, f"?limit=200&offset={offset}&filter=creationDate=gte:%222020-01-01T00:00:00Z%22")
    get(bench, instance, "?limit=5000")
    head(bench, instance)
    head(bench, instance, "?extractable=false&state=1")
    head(bench, instance, "?filter=creationDate=gte:%222020-01-01T00:00:00Z%22")
    # A search looks through at most 5,000 keys; so many are in an instance of their own.
    searched = bench.deployment.instance("search")
    fill(bench, searched, 5000)
    get(bench, searched, "?limit=200&search=ndl")
    get(bench, searched, "?limit=200&search=ndl&sort=-creationDate")
    report["slowest_page_p50_us"] = max(result["latency_us"]["p50"] for result in bench.results
                                        if result["name"] == "list" and "limit=200" in result["query"])
    report["slowest_head_p50_us"] = max(result["latency_us"]["p50"] for result in bench.results
                                        if result["name"] == "head")
    return {"list": report}


def ids(bench, instance, count):
    found = []
    while len(found) < count:
        limit = min(5000, count - len(found))
        answer = bench.deployment.call("GET", f"/api/v2/keys?limit={limit}&offset={len(found)}", instance=instance)
        found += [key["id"] for key in answer.json["resources"]]
    return found


def wrap(bench, instance, keys, label):
    body = {"plaintext": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}
    request = bench.request("POST", "/api/v2/keys/{value}/actions/wrap", body, instance)
    return bench.measure("wrap", max(bench.options.connections), request, text='"ciphertext":"', values=keys, label=label)


def compare_wraps(bench, few_instance, many_instance):
    """The same call over 10 keys of a small instance and 10,000 of the large one, in turn, so that what else the
    machine does meets both. A ratio is taken within each round; the median of the rounds counts. The first turn over
    the many opens them in the unit and belongs to no round."""
    few, many = ids(bench, few_instance, FEW), ids(bench, many_instance, WORKING_SET)
    wrap(bench, many_instance, many, f"wrap {WORKING_SET} keys, opening")
    rounds = []
    for _ in range(ROUNDS):
        rounds.append([figures(wrap(bench, instance, keys, f"wrap {len(keys)} keys"))
                       for instance, keys in ((few_instance, few), (many_instance, many))])
    report = {"rounds": [{"few": of_few, "many": of_many} for of_few, of_many in rounds]}
    for name in rounds[0][0]:
        report[f"ratio_{name}"] = round(statistics.median(of_many[name] / of_few[name] for of_few, of_many in rounds), 3)
    return report


def figures(result):
    cpu = result["cpu_us_per_request"]
    return {"requests_per_second": result["requests_per_second"], "server_us": cpu["server"], "unit_us": cpu["unit"],
            "server_and_unit_us": round(cpu["server"] + cpu["unit"], 2)}


def restart(bench):
    """From the start of the process until it is ready, with every key loaded."""
    deployment = bench.deployment
    deployment.stop()
    begin = time.monotonic()
    deployment.start()
    seconds = time.monotonic() - begin
    deployment.forget_tokens()
    bench.moved()
    return seconds


def measure_million(bench):
    deployment = bench.deployment
    few, many = deployment.instance("few"), deployment.instance("million")
    for number in range(FEW):
        deployment.create_key(few, f"few{number}")
    seconds = fill(bench, many, MILLION)
    report = {"keys": MILLION, "fill_seconds": seconds, "fill_memory_kib": bench.memory()}
    report["start_seconds"] = [round(restart(bench), 2) for _ in range(2)]
    report["memory_kib"] = bench.memory()
    report["store_bytes"] = sum(file.stat().st_size for file in pathlib.Path(deployment.data).rglob("*.db*"))
    if key_total(bench, many) != MILLION:
        raise SystemExit("keys are missing after the restart")
    report["wrap"] = compare_wraps(bench, few, many)
    report |= pages(bench, many, MILLION)
    head(bench, many)
    get(bench, many, f"?limit=200&offset={MILLION - 200}&sort=creationDate")
    report["memory_after_kib"] = bench.memory()
    print(json.dumps(report, indent=2), flush=True)
    return {"million": report}
