"""The frame judges drivers: what it must not let pass."""
import json
import pathlib
import tempfile
import unittest

import run
import sdks
from deployment import harness


def line(**changed):
    return {"call": "get", "case": "works", "kind": "success", "result": "pass"} | changed


def printed(*entries):
    return "".join(json.dumps(entry) + "\n" for entry in entries)


class FakeSdk(sdks.Sdk):
    """An SDK whose driver and cache are made by the test."""

    def __init__(self, home, **changed):
        super().__init__(**{"folder": "fake", "sdk": "fake", "language": "Python", "version": "1", "tools": ["sh"], "packages": "dash",
                            "locked": ["lock"], "install": ["sh", "-c", "echo made >> made"], "run": []} | changed)
        self.home = pathlib.Path(home)
        (self.home / "lock").write_text("one")

    @property
    def here(self):
        return self.home

    @property
    def cache(self):
        return self.home / "cache"


class Lines(unittest.TestCase):
    def test_good_lines_are_read(self):
        methods, cases = run.read_lines(printed({"methods": ["get"]}, line(), line(case="skips", result="skip", why="no purge role")))
        self.assertEqual((methods, len(cases)), (["get"], 2))

    def test_everything_else_is_refused(self):
        for text in ("", printed(line()), printed({"methods": ["get"]}) + "hello\n", printed({"methods": ["get"]}, {"methods": ["get"]}),
                     printed({"methods": ["get"]}, line(result="fail")), printed({"methods": ["get"]}, line(result="ok")),
                     printed({"methods": ["get"]}, line(kind="other")), printed({"methods": ["get"]}, {"call": "get"}),
                     printed({"methods": ["get"]}, [1])):
            with self.subTest(text), self.assertRaises(run.Malformed):
                run.read_lines(text)


class Gaps(unittest.TestCase):
    def gaps(self, cases, methods=("get",), **excuses):
        with tempfile.TemporaryDirectory() as home:
            return run.gaps(FakeSdk(home, **excuses), methods, cases)

    def test_success_and_refusal_are_enough(self):
        self.assertEqual(self.gaps([line(), line(kind="refusal", case="refuses")]), [])

    def test_a_method_nobody_calls_is_found(self):
        self.assertEqual(self.gaps([line(), line(kind="refusal", case="refuses")], ("get", "put")), ["put is never called"])

    def test_a_kind_that_is_missing_or_only_skipped_is_found(self):
        self.assertEqual(self.gaps([line()]), ["get has no case of kind refusal"])
        self.assertEqual(self.gaps([line(), line(kind="refusal", case="refuses", result="skip", why="not here")]),
                         ["get has no case of kind refusal"])

    def test_excuses_count_only_for_methods_that_exist(self):
        self.assertEqual(self.gaps([line()], no_refusal={"get": "cannot"}), [])
        self.assertEqual(self.gaps([], exempt={"get": "later"}), [])
        self.assertEqual(len(self.gaps([line(), line(kind="refusal", case="refuses")], exempt={"gone": "later"})), 1)

    def test_misspelled_calls_and_twins_are_found(self):
        found = self.gaps([line(), line(), line(kind="refusal", case="refuses"), line(call="Get", case="x")])
        self.assertEqual(found, ["Get is called but is no method of the SDK", "get: two cases are called 'works'"])


class Drivers(unittest.TestCase):
    def judge(self, *entries, status=0):
        with tempfile.TemporaryDirectory() as home:
            (pathlib.Path(home) / "lines").write_text(printed(*entries))
            sdk = FakeSdk(home, run=["sh", "-c", f'test "$KH_URL" = url && cat "{{here}}/lines"; exit {status}'], no_refusal={"get": "cannot"})
            sdk.cache.mkdir()
            return [case["why"] for case in run.run_driver(sdk, {"KH_CA": "ca", "KH_URL": "url"})[1] if case["result"] == "fail"]

    def test_a_driver_is_judged_by_its_lines_and_its_status(self):
        self.assertEqual(self.judge({"methods": ["get"]}, line()), [])
        self.assertEqual(self.judge({"methods": ["get"]}, line(), status=3), ["the driver ended with status 3"])
        self.assertEqual(self.judge(), ["the driver did not print its methods"])


class Installation(unittest.TestCase):
    def test_the_cache_is_used_until_the_lock_changes(self):
        with tempfile.TemporaryDirectory() as home:
            sdk = FakeSdk(home)
            sdk.ensure_installed()
            sdk.ensure_installed()
            (sdk.cache / "kept").touch()
            sdk.ensure_installed()
            self.assertTrue((sdk.cache / "kept").exists())
            (sdk.home / "lock").write_text("two")
            sdk.ensure_installed()
            self.assertFalse((sdk.cache / "kept").exists())
            self.assertEqual((sdk.cache / "made").read_text(), "made\n")

    def test_what_is_missing_is_named(self):
        with tempfile.TemporaryDirectory() as home:
            with self.assertRaisesRegex(sdks.Unavailable, "no-such-tool not found .Debian packages: dash"):
                FakeSdk(home, tools=["sh", "no-such-tool"]).ensure_installed()
            with self.assertRaisesRegex(sdks.Unavailable, "installation failed: no route"):
                FakeSdk(home, install=["sh", "-c", "echo no route; exit 1"]).ensure_installed()

    def test_an_altered_download_is_a_failure_and_not_a_skip(self):
        for message in ("npm error code EINTEGRITY", "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES", "verifying x@v1: checksum mismatch"):
            with tempfile.TemporaryDirectory() as home, self.assertRaises(sdks.Altered):
                FakeSdk(home, install=["sh", "-c", f"echo '{message}'; exit 1"]).ensure_installed()

    def test_a_command_that_hangs_is_ended_with_its_children(self):
        status, output, _ = sdks.run_bounded(["sh", "-c", "sleep 60 & echo $!; wait"], 0.5)
        self.assertIsNone(status)
        harness.wait_until(lambda: not harness.alive(int(output)), "child ended")


if __name__ == "__main__":
    unittest.main()
