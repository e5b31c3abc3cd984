"""The record of one evaluation: what a line of records.jsonl says, and in which order."""

from __future__ import annotations

from collections.abc import Mapping

from study.config import RunConfig
from study.config.schedule import Leg
from study.storage.run_dir import Record


def record(
    run: RunConfig,
    leg: Leg,
    weights: str,
    *,
    scores: Mapping[str, float | None],
    losses: Mapping[str, float],
    eval_seconds: float,
    costs: Mapping[str, float],
    time: float,
    done: bool,
) -> Record:
    """The record of a leg that was trained to its end.

    Args:
        run: that was evaluated.
        leg: at whose end.
        weights: tail; on the way trunk, or average.
        scores: points 0-100 by column; None without ground truth.
        losses: mean over the leg's iterations, by column.
        eval_seconds: wall time of the evaluation.
        costs: of the run so far (`study.training.cost_meter`).
        time: seconds since 1970.
        done: whether it is the run's last one.
    """
    return {
        "trial_id": run.trial_id,
        "arm": run.arm,
        "size": run.size,
        "draw": run.draw,
        "seed": run.seed,
        "lr": run.optim.lr,
        "weight_decay": run.optim.weight_decay,
        "leg": leg.name,
        "weights": weights,
        "iteration": leg.stop,
        "length": leg.length,
        "factor": leg.factor,
        "images_seen": leg.stop * run.optim.batch_size,
        "split": run.split,
        **scores,
        **losses,
        "eval_seconds": eval_seconds,
        **costs,
        "time": time,
        "done": done,
    }
