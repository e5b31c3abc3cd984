"""A run of several workers: a Ray Train group of engines behind a gate.

The first worker hands each record to the gate and waits for the decision, so that no worker trains
past a decision and a stopped group ends by returning. Records do not travel through
`ray.train.report`, which Tune polls at intervals and whose last report can be lost.
"""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import ray
from ray import train, tune
from ray.exceptions import RayActorError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from study.cluster.trial import outcome, run_config, trial_dir
from study.storage import Busy, Store, opened
from study.storage.run_dir import Record, TrialDir

DRIVER = {"node:__internal_head__": 0.001}
"""What a group's driver takes: a place on the head, which Ray gives one unit of this resource.

With the head all is lost anyway, so that a driver there dies of no other node's end; and it takes
no part of a core, which would leave no room for a worker on that core.
"""
STOP_S = 60.0  # for a group to end after the decision


class WorkerDied(RuntimeError):
    """A worker's process ended: the run can be resumed."""


class PeerLost(RuntimeError):
    """A worker found the connection to another one broken."""


@ray.remote(num_cpus=0)
class Gate:
    """Passes records from the first worker to the trial, and the decision on each back."""

    def __init__(self) -> None:
        self._records: asyncio.Queue[tuple[Record | None, asyncio.Future[bool]]] = asyncio.Queue()
        self._decision: asyncio.Future[bool] | None = None
        self._closed = False

    async def offer(self, record: Record | None) -> bool:
        """The decision on `record` (None: there are no more): whether to go on."""
        if self._closed:
            return False
        decision: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        await self._records.put((record, decision))
        return await decision

    async def take(self) -> Record | None:
        """The next record; asking for it lets the workers go on from the one before."""
        self._decide(True)
        record, self._decision = await self._records.get()
        return record

    async def close(self) -> None:
        """Stop the workers at the record that waits, or at the next one."""
        self._closed = True
        self._decide(False)
        while not self._records.empty():
            self._records.get_nowait()[1].set_result(False)

    def _decide(self, go_on: bool) -> None:
        if self._decision is not None and not self._decision.done():
            self._decision.set_result(go_on)


def work(config: dict[str, Any]) -> None:
    """One worker: runs the engine, which finds its peers through torch.distributed."""
    import ray.train.collective as collective  # not imported by ray.train itself
    import torch.distributed as dist

    from study.training import engine

    first = train.get_context().get_world_rank() == 0
    trial, gate = TrialDir(config["trial"]), config["gate"]
    try:
        for record in engine.run(run_config(trial), trial):
            go_on = ray.get(gate.offer.remote(record)) if first else None
            go_on = collective.broadcast_from_rank_zero(go_on)
            if not (go_on or record.get("done")):  # after the last, the engine writes its end
                return
    except engine.Diverged:
        return  # seen by all workers; an outcome, which the engine has written down
    except RuntimeError as error:
        # often sooner than Ray; one that raised something of its own keeps its connections
        if isinstance(error, dist.DistError) or "gloo/transport" in str(error):
            raise PeerLost(str(error)) from error
        raise


class Group:
    """The workers of one run, which train in the background up to the record that was taken."""

    def __init__(self, trial: TrialDir, workers: int, device: str, storage: Store) -> None:
        """Start them.

        Args:
            trial: the run's folder, with its configuration.
            workers: processes.
            device: "cpu" or "cuda", for each worker a core or a GPU.
            storage: where to put Ray Train's own files.
        """
        # where this process is, so that no other node's end takes it away
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        self._gate: Any = Gate.options(scheduling_strategy=here).remote()  # an actor handle
        self._error: BaseException | None = None
        trainer = (trial, workers, device, storage)
        self._thread = threading.Thread(target=self._fit, args=trainer, daemon=True)
        self._thread.start()

    def take(self) -> Record | None:
        """The next record, None if there are no more; asking for it lets the workers go on.

        Raises:
            WorkerDied: a worker's process ended.
        """
        record: Any = ray.get(self._gate.take.remote())
        if record is None or record.get("done"):
            self.close()
        if self._error is not None:
            raise self._error
        return record

    def close(self) -> None:
        """Stop the workers at their next record, and wait for their end."""
        ray.get(self._gate.close.remote())
        self._thread.join(STOP_S)

    def _fit(self, trial: TrialDir, workers: int, device: str, storage: Store) -> None:
        try:
            _trainer(trial, workers, device, storage, self._gate).fit()
        except train.WorkerGroupError as error:
            died = any(map(_died, error.worker_failures.values()))
            self._error = WorkerDied(str(error)) if died else error
        except Exception as error:
            self._error = error
        ray.get(self._gate.offer.remote(None))


class GroupTrial(tune.Trainable):
    """Runs the engine in a Ray Train worker group, one group per trial."""

    def setup(self, config: dict[str, Any]) -> None:
        storage = opened(config["study"]).within(".tune", "groups")
        self._group = Group(trial_dir(config), config["workers"], config["device"], storage)

    def step(self) -> dict[str, Any]:
        return outcome(self._group.take())

    def cleanup(self) -> None:
        self._group.close()


def _died(failure: Exception) -> bool:
    """Whether a worker failed because a process ended, its own or another one.

    Ray Train wraps what the worker itself raised, and reports a process that is gone otherwise.
    The lock of the run is held where a worker lives on that is cut off, until it notices.
    """
    raised = getattr(failure, "_base_exc", None)
    return raised is None or isinstance(raised, PeerLost | RayActorError | Busy)


def _trainer(trial: TrialDir, workers: int, device: str, storage: Store, gate: Any) -> Any:
    from ray.train.torch import TorchTrainer  # here: imports torch

    cuda = device == "cuda"
    return TorchTrainer(
        work,
        train_loop_config={"trial": str(trial.store.absolute()), "gate": gate},
        scaling_config=train.ScalingConfig(
            num_workers=workers,
            use_gpu=cuda,
            resources_per_worker={"CPU": 1} | ({"GPU": 1} if cuda else {}),
        ),
        run_config=train.RunConfig(
            name=trial.id,
            storage_path=str(storage),
            # a lost worker ends the run, which its command or plan takes up again; finite, because
            # the default waits for ever for resources that do not exist
            failure_config=train.FailureConfig(max_failures=0, controller_failure_limit=3),
        ),
    )
