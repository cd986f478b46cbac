"""The unit's journal of stored records is lost, damaged or put back: refused with a remedy that works."""
import re
import subprocess
import unittest

from harness import Deployment


class LostRecords(unittest.TestCase):
    def setUp(self):
        self.d = Deployment()
        self.addCleanup(self.d.close)
        self.d.start()
        self.instance = self.d.instance()
        self.key = self.d.create_key(self.instance, "payroll")["id"]
        self.wdek = self.d.wrap(self.instance, self.key, b"d" * 32)
        self.d.stop()
        self.journal = next(self.d.data.rglob("records"))

    def start(self, **settings):
        self.d.settings = {f"unit__{name}": value for name, value in settings.items()}
        self.d._tokens = {}
        self.d.start()

    def refused(self, **settings):
        """Starts a server that must not come up; what it says."""
        self.d.settings = {f"unit__{name}": value for name, value in settings.items()}
        done = subprocess.run(self.d.command(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, timeout=120)
        self.assertEqual(done.returncode, 1, done.stdout)
        return done.stdout

    def unwrap(self):
        return self.d.action(self.instance, self.key, "unwrap", {"ciphertext": self.wdek}).status

    def begin_anew(self):
        said = self.refused()
        self.assertIn("unit.lost_records", said)
        said = self.refused(lost_records="begin-anew")
        difference = re.search(r'unit.accept_records = \\?"([0-9a-f]{64})', said)[1]
        self.assertIn("were not accepted", self.refused(accept_records="0" * 64))
        self.start(accept_records=difference)
        self.assertEqual(self.unwrap(), 409)  # the instance's records are its quorum's to accept
        self.d.stop()
        self.start()
        self.assertEqual(self.unwrap(), 409)
        self.d.create_key(self.d.instance(), "of another instance")

    def test_a_lost_journal(self):
        self.journal.unlink()
        self.begin_anew()

    def test_a_damaged_journal(self):
        content = bytearray(self.journal.read_bytes())
        content[100] ^= 1
        self.journal.write_bytes(content)
        self.begin_anew()
        self.assertEqual((self.journal.parent / "records.unusable").read_bytes(), content)

    def test_a_journal_from_before_the_last_start(self):
        old = self.journal.read_bytes()
        self.start()
        self.assertEqual(self.unwrap(), 200)
        self.d.stop()
        newest = self.journal.read_bytes()
        self.journal.write_bytes(old)
        self.assertIn("old copy of the journal of stored records", self.refused())
        self.journal.write_bytes(newest)
        self.start()
        self.assertEqual(self.unwrap(), 200)

    def test_an_end_that_was_torn_by_a_loss_of_power(self):
        with open(self.journal, "ab") as journal:
            journal.write(b"KHRF" + bytes(30))
        self.start()
        self.assertIn("torn", self.d.log.read_text())
        self.assertEqual(self.unwrap(), 200)


if __name__ == "__main__":
    unittest.main()
