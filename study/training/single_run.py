"""A run by itself, outside a study: its directory is begun, or taken up again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from study.config import DataConfig, RunConfig, from_dict, to_dict
from study.config.arithmetic import REMEDY
from study.config.data import PATHS
from study.storage.run_dir import Damaged, DifferentQuestion, TrialDir
from study.storage.run_dir.mending import is_damaged, mend


def trial_config(run: RunConfig, recipe: str | None = None) -> dict[str, Any]:
    """The contents of config.json."""
    place = {"role": "single", "index": 0, "strategy": "given"}
    return place | ({"recipe": recipe} if recipe else {}) | {"run": to_dict(run)}


def begin(run: RunConfig, trial: TrialDir, recipe: str | None = None) -> RunConfig:
    """Write the configuration, and the name of the `recipe`, if it is one; returns the run, with
    the id that its records have, which was the name of its folder when it began.

    A run that was refused before its first iteration, because of its weights say, leaves nothing
    but its configuration; any other run may replace it.

    Raises:
        DifferentQuestion: the directory holds another run. Device and threads may differ, data
            whose digests are recorded may lie elsewhere, and lengths may be added at the end.
        Busy: another process has begun a run there that is before its first iteration.
    """
    written = trial_config(run, recipe)
    if not trial.has_begun:
        with trial.lock(wait_s=0):
            trial.write_config(written)
        return run
    there = _there(trial)
    run = replace(run, trial_id=there.trial_id)
    if there.arithmetic != run.arithmetic:
        raise DifferentQuestion(
            f"run directory {trial.store} holds a run of another version, which computes"
            f" otherwise: arithmetic {there.arithmetic} there, {run.arithmetic} here."
            f" {REMEDY.format(run_dir=trial.store)}."
        )
    if not _continues(run, there):
        raise DifferentQuestion(
            f"run directory {trial.store} holds another run (see its config.json): repeat that"
            " command to resume it, or choose another --run-dir"
        )
    if is_damaged(trial):
        with trial.lock():
            mend(trial)
    trial.write_config(trial_config(run, recipe))
    return run


def _there(trial: TrialDir) -> RunConfig:
    try:
        return from_dict(RunConfig, trial.config()["run"])
    except Damaged:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        file = trial.store.at("config.json")
        raise Damaged(f"{file}: holds no run ({error}); choose another --run-dir") from error


def _continues(run: RunConfig, there: RunConfig) -> bool:
    before, now = there.schedule, run.schedule
    # a length inserted before the others would be behind the checkpoint
    longer = now.lengths[: len(before.lengths)] == before.lengths
    longer = longer and now.watch[: len(before.watch)] == before.watch
    grown = replace(before, lengths=now.lengths, watch=now.watch) if longer else before
    data = _moved(there.data, run.data) if there.data.digests else there.data
    return run == replace(there, schedule=grown, data=data, device=run.device, threads=run.threads)


def _moved(data: DataConfig, to: DataConfig) -> DataConfig:
    """The data where those of the run lie: their digests are compared when they are opened."""
    return replace(data, **{name: getattr(to, name) for name in ("root", *PATHS)})
