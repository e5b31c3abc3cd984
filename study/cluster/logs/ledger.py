"""How much of each trial a log has: what a session need not look up in the log itself."""

from __future__ import annotations

import json

from study.storage import Store
from study.storage.run_dir.json_text import lines


class Ledger:
    """A line for each end of a trial that was logged with all its records."""

    def __init__(self, store: Store, kind: str, place: str) -> None:
        """`place`: where the log is. What is written down about another one does not count."""
        self._store, self._name, self._place = store, f"{kind}.jsonl", place

    def records(self) -> dict[str, int]:
        """How many records of each trial are in the log."""
        remedy = "remove the file: the log itself is looked at then"
        rows = lines(self._store.read(self._name), self._store.at(self._name), remedy)
        return {row["trial_id"]: row["records"] for row in rows if row["place"] == self._place}

    def note(self, trial_id: str, records: int) -> None:
        row = {"trial_id": trial_id, "records": records, "place": self._place}
        self._store.append(self._name, json.dumps(row).encode())
