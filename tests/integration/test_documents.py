"""What the documents say is what the programs do."""
import os
import pathlib
import re
import subprocess
import unittest

from harness import BIN, ROOT, Deployment
from openapi_check import UNROUTED, api_docs

# Of paths and methods that no call of the document has.
UNROUTED_CODES = set(UNROUTED.values())
# Tests of the table and of checkers: they name codes without provoking them.
PROVOKE_NOTHING = ("errors_test.cc", "reason_test.cc", "test_documents.py", "test_openapi.py", "openapi_check.py")


def document_errors():
    return subprocess.run([str(BIN / "keyhavend"), "--document-errors"], stdout=subprocess.PIPE, text=True, check=True).stdout


def codes_of_section(heading):
    """The codes in the first column of the table below a heading of docs/errors.md; every row has a reason."""
    section = (ROOT / "docs/errors.md").read_text().partition(f"## {heading}\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| (.{20,}) \|$", section, re.MULTILINE)
    assert rows, heading
    return {code for code, _ in rows}


class Documents(unittest.TestCase):
    def test_configuration_page_is_what_the_program_prints(self):
        printed = subprocess.run([str(BIN / "keyhavend"), "--document-config"], stdout=subprocess.PIPE, text=True, check=True).stdout
        self.assertIn(printed, (ROOT / "docs/operations/configuration.md").read_text())

    def test_error_table_is_what_the_program_prints(self):
        self.assertIn("\n\n" + document_errors() + "\n## ", (ROOT / "docs/errors.md").read_text())

    def test_every_error_code_is_named_in_a_test_or_said_to_be_unreachable(self):
        unreachable = codes_of_section("Codes of ours that HTTP never shows")
        tests = "".join(path.read_text(errors="replace") for pattern in ("src/**/*_test.cc", "tests/**/*.py", "tests/**/*.cc")
                        for path in ROOT.glob(pattern) if path.name not in PROVOKE_NOTHING)
        table = re.findall(r"^\| (\w+) \| \d+ \| `(\w+)` \|", document_errors(), re.MULTILINE)
        self.assertGreater(len(table), 80)
        unnamed = [f"{reason} ({code})" for reason, code in table if code not in unreachable and
                   not re.search(rf"\b(Reason::{reason}|{code})\b|\"{reason}\"", tests)]
        self.assertEqual(" ".join(unnamed), "", "each needs a test that provokes it, or a line in docs/errors.md that says why it cannot occur")

    def test_unreachable_codes_are_those_of_the_table_that_no_call_documents(self):
        document = api_docs.load()
        documented = {code for _, _, _, operation in api_docs.operations(document)
                      for codes in operation["x-keyhaven-errors"].values() for code in codes}
        table = set(re.findall(r"\| `(\w+)` \|", document_errors()))
        unreachable = codes_of_section("Codes of ours that HTTP never shows")
        self.assertEqual(table - documented - UNROUTED_CODES, unreachable)
        self.assertEqual(documented & unreachable, set())
        self.assertEqual(codes_of_section("Codes of the vendor that are never raised") & table, set())

    def test_curl_commands_of_the_readme_work_as_printed(self):
        lines = [line.strip() for line in (ROOT / "README.md").read_text().splitlines()]
        commands = [line for line in lines if line.startswith(("TOKEN=$(curl", "curl "))]
        self.assertEqual(len(commands), 3)
        with Deployment() as deployment:
            instance = deployment.instance()
            environment = deployment.environment(KH_API_KEY=deployment.api_key, KH_INSTANCE=instance)
            script = "set -euo pipefail\n" + "\n".join(command + ("; echo" if command.startswith("curl") else "") for command in commands)
            done = subprocess.run(["bash", "-c", script], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            self.assertEqual(done.returncode, 0, done.stderr)
            created, wrapped = done.stdout.strip().splitlines()
            self.assertIn('"aliases":["my-alias"]', created)
            self.assertIn('"ciphertext"', wrapped)

    def test_help_of_every_verb_names_its_options_and_no_secret(self):
        for verb in ([], ["key", "create"], ["tke", "init"], ["migrate", "apply"], ["login"]):
            done = subprocess.run([str(BIN / "keyhaven"), *verb, "--help"], stdout=subprocess.PIPE, text=True)
            self.assertEqual(done.returncode, 0)
            self.assertNotRegex(done.stdout, r"--(api-key|password|payload|plaintext|value)[ ,]")

    def test_links_between_documents_lead_somewhere(self):
        for page in [ROOT / "README.md", ROOT / "ARCHITECTURE.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *(ROOT / "docs").rglob("*.md")]:
            for name in re.findall(r"`((?:docs|tools|src|tests|bench|examples)/[\w./-]+)`", page.read_text()):
                if "*" not in name and not name.startswith("src/<"):
                    self.assertTrue((ROOT / name.rstrip("/")).exists() or (page.parent / name).exists(), f"{page.name}: {name}")


if __name__ == "__main__":
    unittest.main()
