"""python3 -m vendor_double: serves until it is interrupted; prints one line of JSON that says where and to whom."""
import argparse
import json
import os
import signal

from . import Double, Plan


def main():
    parser = argparse.ArgumentParser(prog="python3 -m vendor_double", description="A double of the key-management service, in memory.")
    parser.add_argument("--port", type=int, default=0, help="of loopback; 0 takes a free one")
    parser.add_argument("--faults", metavar="FILE", help="plan of faults, JSON")
    parser.add_argument("--service", choices=("hs-crypto", "kms"), default="hs-crypto", help="which of the vendor's services")
    parser.add_argument("--instances", type=int, default=1, help="how many; all of one Manager, who may purge, too")
    arguments = parser.parse_args()
    with Double(Plan.read(arguments.faults) if arguments.faults else None, arguments.service, arguments.port) as double:
        instances = [double.instance() for _ in range(arguments.instances)]
        key_file = double.directory / "api-key"
        with os.fdopen(os.open(key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(double.identity("manager", ["Manager", "KeyPurge"], instances))
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
        print(json.dumps({"url": double.url, "iam_url": double.url, "ca": double.ca, "instances": instances,
                          "api_key_file": str(key_file)}), flush=True)
        signal.sigwait({signal.SIGINT, signal.SIGTERM})


if __name__ == "__main__":
    main()
