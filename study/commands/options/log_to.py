"""Where a sweep is logged besides its run directory, and what that needs."""

from __future__ import annotations

import os
from collections.abc import Collection
from importlib.util import find_spec
from typing import Literal

from study.storage import Store

Kind = Literal["tensorboard", "wandb", "mlflow"]
"""TensorBoard, Weights & Biases, MLflow."""

PACKAGES: dict[Kind, tuple[str, str]] = {
    "tensorboard": ("tensorboardX", "tensorboardX"),
    "wandb": ("wandb", "wandb"),
    "mlflow": ("mlflow", "mlflow-skinny"),
}
"""What is imported, and what pip installs."""

TELEMETRY: dict[Kind, tuple[str, str]] = {
    "wandb": ("WANDB_ERROR_REPORTING", "false"),
    "mlflow": ("MLFLOW_DISABLE_TELEMETRY", "true"),
}
"""What keeps a package from reports about its use."""

OFFLINE = ("offline", "dryrun", "disabled")


def require(kinds: Collection[Kind], run_dir: Store) -> None:
    """Refuse what cannot be logged, before anything starts.

    Raises:
        ValueError: a package is missing, W&B knows nobody, or files would go to an object store.
    """
    for kind in kinds:
        module, package = PACKAGES[kind]
        if find_spec(module) is None:
            raise ValueError(
                f"log_to = {kind}: the package {package} is not installed; pip install"
                f" {package}, or pip install '.[log]' for all three"
            )
        if run_dir.folder is None:
            _require_server(kind, run_dir)
        if kind == "wandb" and os.environ.get("WANDB_MODE") not in OFFLINE and not _logged_in():
            raise ValueError(
                "log_to = wandb: nobody is logged in; run `wandb login`, set WANDB_API_KEY, or set"
                " WANDB_MODE=offline to keep the runs in the run directory"
            )


def without_telemetry(kind: Kind) -> None:
    """To be called before the package is imported; what the user has set stays."""
    if kind in TELEMETRY:
        os.environ.setdefault(*TELEMETRY[kind])


def _require_server(kind: Kind, run_dir: Store) -> None:
    """Raises ValueError where a log would be files beside a run directory that is no folder."""
    if kind == "wandb" and os.environ.get("WANDB_MODE") not in OFFLINE:
        return
    if kind == "mlflow" and os.environ.get("MLFLOW_TRACKING_URI"):
        return
    remedy = {
        "tensorboard": "choose a folder, or log to a server with wandb or mlflow",
        "wandb": "choose a folder, or unset WANDB_MODE",
        "mlflow": "choose a folder, or set MLFLOW_TRACKING_URI to a server",
    }[kind]
    raise ValueError(
        f"log_to = {kind}: writes files, and the run directory {run_dir} is on an object store;"
        f" {remedy}"
    )


def _logged_in() -> bool:
    """Whether W&B finds a key; asks nobody."""
    without_telemetry("wandb")
    import wandb  # here: few need it

    try:
        return wandb.login(prompt=False, verify=False)
    except wandb.Error as error:
        raise ValueError(f"log_to = wandb: {error}") from error
