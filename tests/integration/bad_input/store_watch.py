"""Tells whether anything was committed to the server's store, cheaply: `PRAGMA data_version` moves with every commit of
another connection. Only when it moved are the rows compared, because the outbox of audit events moves it too."""
import hashlib
import sqlite3

# Events on their way into the audit log, and the counter of that table.
NOT_STATE = ("outbox", "sqlite_sequence")


class StoreWatch:
    """Not thread-safe: each thread has its own."""

    def __init__(self, path):
        self.db = sqlite3.connect(f"file:{path}?mode=ro", uri=True, check_same_thread=False)
        names = self.db.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
        self.tables = [name for (name,) in names if name not in NOT_STATE]
        self.version = None
        self.sums = {}

    def close(self):
        self.db.close()

    def digest(self):
        """Table -> (rows, hash over all of every row, in order)."""
        out = {}
        self.db.execute("BEGIN")
        for table in self.tables:
            rows, total = 0, hashlib.sha256()
            columns = len(self.db.execute(f"SELECT * FROM {table} LIMIT 0").description)
            key = "_rowid_" if table in ("keys", "instances", "import_tokens", "schema_version") else ", ".join("123"[:columns])
            for row in self.db.execute(f"SELECT * FROM {table} ORDER BY {key}"):
                rows += 1
                total.update(repr(row).encode())
            out[table] = (rows, total.hexdigest())
        self.db.execute("COMMIT")
        return out

    def begin(self):
        """What is there now is what must stay."""
        self.version = self.db.execute("PRAGMA data_version").fetchone()[0]
        self.sums = self.digest()

    def changes(self):
        """The tables that differ from what `begin` saw; begins anew when there are any."""
        version = self.db.execute("PRAGMA data_version").fetchone()[0]
        if version == self.version:
            return []
        self.version = version
        now = self.digest()
        changed = [table for table in self.tables if now[table] != self.sums[table]]
        self.sums = now
        return changed
