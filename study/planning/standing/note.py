"""How a study stood when its sweep last wrote it down, for those who look from elsewhere."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from study.planning.standing.parts import Standing
from study.storage.run_dir import Damaged, StudyDir
from study.storage.run_dir.study_dir import STANDING_REMEDY


@dataclass(frozen=True)
class Note:
    """The contents of standing.json."""

    standing: Standing
    seconds: float  # that its sweeps have run so far, all sessions together
    seconds_left: float | None  # None: not known yet
    time: float  # of writing, in seconds since 1970

    def write(self, study: StudyDir) -> None:
        study.write_standing(asdict(self))

    def left_at(self, now: float) -> float | None:
        """Seconds left at a later moment, if the sweep has run on."""
        return None if self.seconds_left is None else max(0.0, self.seconds_left - now + self.time)


def read(study: StudyDir) -> Note | None:
    """What was written last; None where no sweep has: it is too young, or of an older version.

    Raises:
        Damaged: the file holds something else.
    """
    found: dict[str, Any] = study.standing()
    if not found:
        return None
    try:
        stands = Standing(**found.pop("standing"))
        return Note(standing=stands, **found)
    except (TypeError, KeyError) as error:
        file = study.store.at("standing.json")
        raise Damaged(f"{file}: is no note of a sweep; {STANDING_REMEDY}") from error
