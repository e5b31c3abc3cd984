"""Files of a study as a crash, or a bad disk, may leave them."""

from __future__ import annotations

import random
from collections.abc import Iterator

from study.storage.run_dir import StudyDir, TrialDir

TORN = b'{"trial_id": "torn", "state": "runn'


def cut_checkpoint(study: StudyDir, rng: random.Random) -> str | None:
    """Half of a checkpoint is missing. None: there is none."""
    return _change(study, rng, lambda content: content[: len(content) // 2])


def flip_bit(study: StudyDir, rng: random.Random) -> str | None:
    """One bit of a checkpoint is another one."""

    def flip(content: bytes) -> bytes:
        at = rng.randrange(len(content))
        return content[:at] + bytes([content[at] ^ (1 << rng.randrange(8))]) + content[at + 1 :]

    return _change(study, rng, flip)


def tear_records(study: StudyDir, rng: random.Random) -> str | None:
    """The last line of a trial's records was not written to its end."""
    return _tear(study, rng, "records.jsonl")


def tear_events(study: StudyDir, rng: random.Random) -> str | None:
    return _tear(study, rng, "events.jsonl")


def _tear(study: StudyDir, rng: random.Random, name: str) -> str | None:
    trials = [*_under_way(study)]
    if not trials:
        return None
    trial = rng.choice(trials)
    trial.store.write(name, (trial.store.read(name) or b"") + TORN)
    return f"{trial.id}/{name}"


def _change(study: StudyDir, rng: random.Random, change) -> str | None:
    found = [
        (trial, name)
        for trial in _under_way(study)
        for name in trial.store.names("*.pt")
        if trial.store.read(name)
    ]
    if not found:
        return None
    trial, name = rng.choice(found)
    trial.store.write(name, change(trial.store.read(name)))
    return f"{trial.id}/{name}"


def _under_way(study: StudyDir) -> Iterator[TrialDir]:
    return (trial for trial in study.trials() if not (trial.state and trial.state.is_final))
