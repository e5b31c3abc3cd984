"""A trial as a Tune actor: `step()` is `next()` on the engine's records.

The actor is told only which trial it runs; all else is in the run directory. One actor serves
many trials after another (Tune's `reuse_actors`), so that torch is imported once.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from ray import tune

from study.config import RunConfig, from_dict
from study.storage.run_dir import Record, StudyDir, TrialDir


def trial_dir(config: dict[str, Any]) -> TrialDir:
    """The trial meant by a Tune configuration: {"study": where, "trial_id": id}."""
    return StudyDir(config["study"]).trial(our_id(config))


def our_id(config: dict[str, Any]) -> str:
    """The trial's id alone, which the driver asks for at each record."""
    return config["trial_id"]


def run_config(trial: TrialDir) -> RunConfig:
    """The trial's configuration, as the plan wrote it.

    Raises:
        ValueError: this node does not see it.
    """
    if not trial.store.exists("config.json"):
        raise ValueError(
            f"{trial.store}: not seen by {socket.gethostname()}; the run directory must be on"
            " storage that all nodes mount at the same path"
        )
    return from_dict(RunConfig, trial.config()["run"])


def outcome(record: Record | None) -> dict[str, Any]:
    """What Tune is told of a record; None: there are no more. The plan reads the run directory.

    It is in a list: Tune keeps statistics of every number that it finds in dictionaries.
    """
    records = [] if record is None else [record]
    return {"records": records, "done": record is None or bool(record.get("done"))}


def imported_engine() -> ModuleType:
    """`study.training.engine`: here, so that the driver does not import torch."""
    from study.training import engine

    return engine


class OneWorkerTrial(tune.Trainable):
    """Runs the engine in the Tune actor itself."""

    def setup(self, config: dict[str, Any]) -> None:
        self._records: Iterator[Record] = self._run(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self.cleanup()
        self.setup(new_config)
        return True

    def step(self) -> dict[str, Any]:
        found = outcome(next(self._records, None))
        if found["done"]:
            for _ in self._records:  # let the engine write its end
                pass
        return found

    def cleanup(self) -> None:
        """Close the engine's generator: nothing is lost, and the trial's lock is free again."""
        close = getattr(self._records, "close", None)
        if close:
            close()

    def _run(self, config: dict[str, Any]) -> Iterator[Record]:
        engine, trial = imported_engine(), trial_dir(config)
        try:
            yield from engine.run(run_config(trial), trial)
        except engine.Diverged:
            return  # an outcome, which the engine has written down
