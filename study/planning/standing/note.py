"""How a study stood when its sweep last wrote it down, for those who look from elsewhere."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from study.config.printable import brief
from study.planning.standing.parts import PARTS, Standing
from study.storage.run_dir import Damaged, StudyDir
from study.storage.run_dir.manifest import MOST, is_number
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
        noted = Note(standing=stands, **found)
    except (TypeError, KeyError) as error:
        file = study.store.at("standing.json")
        raise Damaged(f"{file}: is no note of a sweep; {STANDING_REMEDY}") from error
    _require_numbers(noted, study.store.at("standing.json"))
    return noted


def _require_numbers(noted: Note, file: str) -> None:
    """Raises Damaged, naming file, field, value and rule, for what no sweep notes."""
    numbers = {"seconds": noted.seconds, "seconds_left": noted.seconds_left, "time": noted.time}
    for name, value in numbers.items():
        if not is_number(value) and not (name == "seconds_left" and value is None):
            rule = "must be a finite number of seconds"
            raise Damaged(f"{file}: {name} = {brief(value)}: {rule}; {STANDING_REMEDY}")
    for name, value in asdict(noted.standing).items():
        most = len(PARTS) if name == "part" else MOST
        if type(value) is not int or not 0 <= value <= most:
            rule = f"must be a whole number from 0 to {most}"
            raise Damaged(f"{file}: standing.{name} = {brief(value)}: {rule}; {STANDING_REMEDY}")
