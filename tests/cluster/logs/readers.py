"""What lies in a log, as a program of its user's would read it: runs by name."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Run = tuple[dict[str, Any], dict[str, list[tuple[int, float]]]]
"""Parameters, and of each metric its iterations and values, as often as they are there."""


def tensorboard(run_dir: Path) -> dict[str, Run]:
    from tensorboardX.proto import plugin_hparams_pb2

    from study.cluster.logs.tensorboard import events

    found: dict[str, Run] = {}
    for folder in (run_dir / "logs").glob("*/"):
        parameters: dict[str, Any] = {}
        points: dict[str, list[tuple[int, float]]] = defaultdict(list)
        for file in sorted(folder.glob("events.out.tfevents.*")):
            for event in events(file.read_bytes()):
                for value in event.summary.value:
                    plugin = value.metadata.plugin_data
                    if plugin.plugin_name == "hparams":
                        told = plugin_hparams_pb2.HParamsPluginData.FromString(  # type: ignore[attr-defined]
                            plugin.content
                        ).session_start_info.hparams
                        kinds = {name: told[name].WhichOneof("kind") for name in told}
                        assert not (told and parameters), "parameters twice"
                        parameters |= {n: getattr(told[n], kind) for n, kind in kinds.items()}
                    else:
                        points[value.tag].append((event.step, value.simple_value))
        if points:
            found[folder.name] = parameters, points
    return found


def mlflow(run_dir: Path) -> dict[str, Run]:
    from mlflow.tracking import MlflowClient

    client = MlflowClient(tracking_uri=f"sqlite:///{run_dir}/logs/mlflow/mlflow.db")
    experiment = client.get_experiment_by_name(run_dir.name)
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id])
    assert len({run.info.run_name for run in runs}) == len(runs)
    return {
        str(run.info.run_name): (
            run.data.params,
            {
                name: [
                    (point.step, point.value)
                    for point in client.get_metric_history(run.info.run_id, name)
                ]
                for name in run.data.metrics
            },
        )
        for run in runs
    }


def wandb(run_dir: Path) -> dict[str, Run]:
    found: dict[str, Run] = {}
    for folder in sorted((run_dir / "logs" / "wandb").glob("offline-run-*")):
        parameters: dict[str, Any] = {}
        points: dict[str, list[tuple[int, float]]] = defaultdict(list)
        name, step = "", -1
        for record in written(folder):
            if record.HasField("run"):
                name = record.run.display_name
                assert name not in found and record.run.run_id.endswith(f"-{name}")
                for item in record.run.config.update:
                    parameters[item.key] = json.loads(item.value_json)
            elif record.HasField("history"):
                row = {
                    item.key or item.nested_key[0]: json.loads(item.value_json)
                    for item in record.history.item
                }
                assert row["_step"] > step, "W&B would drop the row"
                step = row["_step"]
                for metric, value in row.items():
                    if not metric.startswith("_") and metric != "iteration":
                        points[metric].append((row["iteration"], value))
        found[name] = parameters, points
    return found


def written(folder: Path) -> list[Any]:
    """The records of a run that has ended; its file may be complete a moment later."""
    deadline = time.monotonic() + 20.0
    while True:
        found = [
            one for file in folder.glob("*.wandb") for one in wandb_records(file.read_bytes())
        ]
        if found and found[-1].HasField("exit"):
            return found
        assert time.monotonic() < deadline, folder
        time.sleep(0.05)


def wandb_records(content: bytes) -> Iterator[Any]:
    """The records of a file in the format of LevelDB's logs."""
    from wandb.proto import wandb_internal_pb2

    whole, place = b"", 7  # behind the header of the file
    while place + 7 <= len(content):
        if 32768 - place % 32768 < 7:  # a block's last bytes are empty
            place += 32768 - place % 32768
            continue
        size, kind = int.from_bytes(content[place + 4 : place + 6], "little"), content[place + 6]
        if not size:
            return
        whole += content[place + 7 : place + 7 + size]
        place += 7 + size
        if kind in (1, 4):  # whole, or the last part
            yield wandb_internal_pb2.Record.FromString(whole)  # type: ignore[attr-defined]
            whole = b""


READERS: dict[str, Callable[[Path], dict[str, Run]]] = {
    "tensorboard": tensorboard,
    "mlflow": mlflow,
    "wandb": wandb,
}
