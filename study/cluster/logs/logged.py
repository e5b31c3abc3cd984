"""A trial as Ray's logger callbacks know one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

Points = set[tuple[str, int]]
"""What a log has of a run: names of metrics, each with an iteration."""


@dataclass(frozen=True, eq=False)  # a trial that goes on is another key of their dictionaries
class LoggedTrial:
    """What Ray's logger callbacks ask of a trial of Tune's; its name is the trial's id.

    Tune's own trial is named by a number that changes with every session, and its folder is
    removed at the end.
    """

    trial_id: str
    config: dict[str, str | float]
    folder: Path  # for files of its own

    def __str__(self) -> str:
        return self.trial_id

    @property
    def evaluated_params(self) -> dict[str, str | float]:
        return self.config

    @property
    def local_path(self) -> str:
        return str(self.folder)

    def init_local_path(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
