"""The rows of the check: what, with which result, and whether that is as it should be."""

from __future__ import annotations

import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

Verdict = Literal["ok", "FAILED", "for information", "not done"]


@dataclass(frozen=True)
class Row:
    what: str
    result: str
    verdict: Verdict


def judged(what: str, result: str, good: bool) -> Row:
    return Row(what, result, "ok" if good else "FAILED")


@dataclass
class Table:
    """Prints each row as it is found; an error of a check is a row too."""

    rows: list[Row] = field(default_factory=list)

    def add(self, row: Row) -> None:
        self.rows.append(row)
        print(f"{row.what:54} {row.result:70} {row.verdict}", flush=True)

    def take(self, name: str, found: Iterator[Row]) -> None:
        """All rows of a check, and how long it took; what it raises is printed whole."""
        began = time.monotonic()
        try:
            for row in found:
                self.add(row)
        except Exception as error:  # whatever it is, the others are checked
            traceback.print_exc()
            first = (str(error) or type(error).__name__).splitlines()[0]
            self.add(Row(name, first, "FAILED"))
        print(f"  ({name}: {time.monotonic() - began:.0f} s)", flush=True)

    @property
    def failed(self) -> bool:
        return any(row.verdict == "FAILED" for row in self.rows)
