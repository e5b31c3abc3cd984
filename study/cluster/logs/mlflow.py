"""MLflow: Ray's callback, which finds the runs of earlier sessions again.

Where MLFLOW_TRACKING_URI is not set, all is in the run directory:

    mlflow ui --backend-store-uri sqlite:///RUN_DIR/logs/mlflow/mlflow.db
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

from ray.air.integrations.mlflow import MLflowLoggerCallback

from study.cluster.logs.logged import LoggedTrial, Points
from study.config import digest


class MLflow(MLflowLoggerCallback):
    """A run for each trial in one experiment, by default of the run directory's name."""

    def __init__(self, study: str, name: str, folder: Path | None) -> None:
        """`study`: its id. `folder`: for the database; None: there must be a server."""
        for noisy in ("mlflow", "alembic"):
            logging.getLogger(noisy).setLevel(logging.ERROR)
        given = os.environ.get("MLFLOW_TRACKING_URI")
        self._folder = None if given else folder
        super().__init__(
            given or f"sqlite:///{folder}/mlflow.db",
            experiment_name=os.environ.get("MLFLOW_EXPERIMENT_NAME", name),
            tags={"study": study},
        )
        self.place = digest(given) if given else ""  # it may contain a password
        self._study = study
        self._points: dict[LoggedTrial, Points] = {}

    def setup(self, *args: Any, **kwargs: Any) -> None:
        from mlflow.tracking import MlflowClient

        self._client = MlflowClient(tracking_uri=self.tracking_uri)
        if self._folder:
            self._folder.mkdir(parents=True, exist_ok=True)
            if self._client.get_experiment_by_name(self.experiment_name or "") is None:
                # else files that somebody adds to a run would go to the working directory
                where = (self._folder / "artifacts").as_uri()
                self._client.create_experiment(self.experiment_name or "", where)
        super().setup(*args, **kwargs)

    def log_trial_start(self, trial: Any) -> None:
        self._points[trial] = set()
        if run := self._former(trial):
            run_id = self._trial_runs[trial] = run.info.run_id
            self._client.update_run(run_id, "RUNNING")
            for name in run.data.metrics:
                history = self._client.get_metric_history(run_id, name)
                self._points[trial] |= {(name, point.step) for point in history}
            told = run.data.params  # a kill may have kept some of them out; none may change
            for name in told.keys() & trial.config.keys():
                del trial.config[name]
        super().log_trial_start(trial)

    def log_trial_result(self, iteration: int, trial: Any, result: dict[str, Any]) -> None:
        from mlflow.entities import Metric

        metrics = dict(result)
        time_ms = round(1000 * metrics.pop("timestamp"))
        new = [
            Metric(name, value, time_ms, iteration)
            for name, value in metrics.items()
            if (name, iteration) not in self._points[trial]
        ]
        self._client.log_batch(self._trial_runs[trial], metrics=new)

    def log_trial_end(self, trial: Any, failed: bool = False) -> None:
        super().log_trial_end(trial, failed)
        del self._trial_runs[trial], self._points[trial]

    def _former(self, trial: LoggedTrial) -> Any:
        """The run of an earlier start of this trial, if there is one."""
        mine = f"tags.study = '{self._study}' and tags.trial_name = '{trial}'"
        runs = self._client.search_runs([str(self.mlflow_util.experiment_id)], mine)
        return runs[0] if runs else None
