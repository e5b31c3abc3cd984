"""Weights & Biases: a run for each trial, logged by the driver.

Ray's own callback (`ray.air.integrations.wandb`) would begin a new run whenever a trial goes on,
starts two processes for each, and nobody hears of their errors.

    wandb sync RUN_DIR/logs/wandb/offline-run-*    # after WANDB_MODE=offline
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from ray.tune.logger import LoggerCallback

from study.cluster.logs.logged import LoggedTrial
from study.config import digest

LONGEST_ID = 64


class WandB(LoggerCallback):
    """A run for each trial in one project, by default of the run directory's name.

    A trial that goes on is told from its beginning again. Online what the run has is left out.
    Offline W&B goes on with no run: another folder has all of it, under the same id, and the one
    before is removed.
    """

    def __init__(self, study: str, name: str, folder: Path | None) -> None:
        """`study`: its id. `folder`: that of all logs; None: files are of no use later."""
        self._temporary = None if folder else tempfile.TemporaryDirectory()
        self._folder = folder or Path(self._temporary.name if self._temporary else "")
        for variable, value in (
            ("WANDB_CACHE_DIR", str(self._folder / "wandb" / "cache")),
            ("WANDB_DATA_DIR", str(self._folder / "wandb" / "data")),
        ):
            os.environ.setdefault(variable, value)
        self._study = study
        self._project = os.environ.get("WANDB_PROJECT", name)
        self.place = digest([os.environ.get(f"WANDB_{x}") for x in ("MODE", "PROJECT", "ENTITY")])
        self._runs: dict[LoggedTrial, Any] = {}
        self._next: dict[LoggedTrial, int] = {}

    def log_trial_start(self, trial: Any) -> None:
        import wandb

        (self._folder / "wandb").mkdir(parents=True, exist_ok=True)
        identity = f"{self._study}-{trial}"
        if len(identity) > LONGEST_ID:
            identity = f"{self._study}-{digest(str(trial))}"
        offline = os.environ.get("WANDB_MODE") in ("offline", "dryrun")
        run = self._runs[trial] = wandb.init(
            project=self._project,
            id=identity,
            name=str(trial),
            config=trial.config,
            allow_val_change=True,
            dir=str(self._folder),
            resume=None if offline else "allow",
            reinit="create_new",  # trials run beside each other
            settings=wandb.Settings(console="off", silent=True, x_disable_stats=True),
        )
        run.define_metric("*", step_metric="iteration")
        self._next[trial] = 0

    def log_trial_result(self, iteration: int, trial: Any, result: dict[str, Any]) -> None:
        # W&B drops a step that is not behind all others, and the trunk may be looked at twice in
        # an iteration, or after the tail of a shorter length
        step = max(iteration, self._next[trial])
        self._next[trial] = step + 1
        run = self._runs[trial]
        if step >= run.starting_step:  # else the run has it from an earlier session
            metrics = {name: value for name, value in result.items() if name != "timestamp"}
            run.log(metrics | {"iteration": iteration}, step=step)

    def log_trial_end(self, trial: Any, failed: bool = False) -> None:
        del self._next[trial]
        run = self._runs.pop(trial)
        run.finish(exit_code=int(failed))
        for file in (self._folder / "wandb").glob(f"offline-run-*/run-{run.id}.wandb"):
            if file.parent != Path(run.dir).parent:
                shutil.rmtree(file.parent, ignore_errors=True)
