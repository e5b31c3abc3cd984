"""A cluster of machines: `cluster.local.yaml` itself, two studies at once, each loses a host.

The machines are made by `hosts.py`; what happens on them is what README and the file tell users to
do, and what may happen to them.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
import torch.distributed as dist
from torch.multiprocessing.spawn import spawn

from study.commands.options.sweep import Spend, Sweep, Tuning, design
from study.commands.status import COMPLETE
from study.config import RunConfig, from_dict
from study.planning.plan import Plan
from study.storage.run_dir import State, StudyDir, TrialDir
from study.training import engine
from tests.cluster.alone import Records, alone, records
from tests.cluster.commands import LENGTHS, SPACE, Cluster, at_work, complete, states, wait_for
from tests.cluster.hosts import ROOT, Machines, machines, missing

pytestmark = [
    pytest.mark.slow,
    pytest.mark.hosts,
    pytest.mark.skipif(missing() is not None, reason=str(missing())),
]

HEAD, *WORKERS = ("head", "one", "two", "three")
NAMES = {name: f"10.77.0.{10 + k}" for k, name in enumerate((HEAD, *WORKERS))}
TIGHT = " ".join(  # what a comment of the file offers
    f"RAY_health_check_{name}"
    for name in (
        "initial_delay_ms=1000",
        "period_ms=1000",
        "timeout_ms=2000",
        "failure_threshold=3",
    )
)
# A worker without a network ends itself after minutes, and until then holds its trial.
RESIGNS = (
    "RAY_gcs_rpc_server_reconnect_timeout_s=5"
    " RAY_grpc_client_keepalive_time_ms=2000 RAY_grpc_client_keepalive_timeout_ms=2000"
)

GROUP_WORKER = "RayTrainWorker"  # how Ray calls the process of each worker of a group


def edited() -> str:
    """The file that comes along, with what it tells its users to change."""
    text = (ROOT / "cluster.local.yaml").read_text()
    for old, new in (
        ("head_ip: 192.168.0.10 ", f"head_ip: {NAMES[HEAD]} "),
        ("[192.168.0.11, 192.168.0.12]", f"[{', '.join(NAMES[name] for name in WORKERS)}]"),
        ("max_workers: 2 ", f"max_workers: {len(WORKERS)} "),
        ("; ray start --head", f"; export {TIGHT}; ray start --head"),
        ("; ray start --address", f"; export {RESIGNS}; ray start --address"),
    ):
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


def works_for_a_group(lab: Machines, name: str) -> bool:
    return any(GROUP_WORKER in line for line in lab.processes(name))


def left_behind() -> tuple[str, str]:
    """What machines that were not taken down would show in: mounts and links of this one."""
    links = subprocess.run(["ip", "-o", "link"], capture_output=True, text=True, check=True)
    names = " ".join(line.split(":")[1] for line in links.stdout.splitlines())
    return Path("/proc/self/mounts").read_text(), names


SINGLES = ("--trials 3", "--confirm 0")  # enough to last until the group is there
PAIRS = ("--trials 1", "--confirm 0", "--arms scratch", "--stopping none")

# The same study without Ray, each worker a process here.


def in_pairs(run_dir: Path) -> Records:
    """PAIRS, in two processes."""
    asked = design(
        Sweep(
            space=str(SPACE),
            run_dir=run_dir,
            arms=("scratch",),
            lengths=LENGTHS,
            budget=Spend(trials=1, confirm=0),
            tuning=Tuning(stopping="none"),
        )
    )
    study = StudyDir(run_dir)
    study.open({"question": asked.question(data={}), "budget": {}})
    plan = Plan(asked, study)
    while (found := plan.next(set())) is not None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        spawn(_worker, args=(port, str(study.trial(found[0]).path)), nprocs=2)
    return records(study)


def _worker(rank: int, port: int, folder: str) -> None:
    trial = TrialDir(folder)
    address = f"tcp://127.0.0.1:{port}"
    dist.init_process_group("gloo", init_method=address, rank=rank, world_size=2)
    try:
        for _ in engine.run(from_dict(RunConfig, trial.config()["run"]), trial):
            pass
    finally:
        dist.destroy_process_group()


def test_a_trial_outlives_a_host_that_falls_silent_and_a_group_one_that_dies(tmp_path: Path):
    before = left_behind()
    with contextlib.ExitStack() as stack:
        pool = stack.enter_context(ProcessPoolExecutor(1, get_context("spawn"), os.nice, (19,)))
        expected = {
            "singles": pool.submit(alone, tmp_path / "alone", Spend(trials=3, confirm=0)),
            "pairs": pool.submit(in_pairs, tmp_path / "in_pairs"),
        }
        lab = stack.enter_context(machines(tmp_path / "lab", NAMES))
        lab.address("10.77.0.1/24")
        for name, address in NAMES.items():
            lab.boot(name, f"{address}/24")
        cluster = Cluster(lab, edited())
        cluster.up()
        wait_for(lambda: cluster.active() == len(NAMES), "all hosts in `ray status`", 3.0)

        # there is room for both: one core for each of two trials, and two for a group
        cluster.submit("/study/runs/pairs", *PAIRS, "--workers 2")
        cluster.submit("/study/runs/singles", *SINGLES, "--max-concurrent 2")
        pairs, singles = (StudyDir(lab.shared / "runs" / name) for name in ("pairs", "singles"))

        def with_a_group() -> set[str]:
            """Where the workers of a group are; each host has room for one."""
            return {name for name in NAMES if works_for_a_group(lab, name)}

        def of_one_worker() -> str | None:
            hosts = (name for name in at_work(singles) if name in WORKERS)
            return next(hosts, None) if len(with_a_group()) == 2 else None

        def of_a_group() -> str | None:
            halfway = next(at_work(pairs), None) is not None
            return min(with_a_group() - {HEAD, cut}, default=None) if halfway else None

        cut = wait_for(of_one_worker, "a trial on a worker, beside a group")
        lab.cut(cut)
        dead = wait_for(of_a_group, "a group halfway, with a worker beside the head")
        lab.kill(dead)
        for study in (pairs, singles):
            wait_for(lambda study=study: complete(study), f"the end of {study.path.name}")
            assert State.FAILED not in states(study)
            assert State.PREEMPTED in states(study)
            assert records(study) == expected[study.path.name].result()

        cluster.fetch("/tmp/runs/")
        assert lab.run("python -m study.sweep --status /tmp/runs/pairs")[0] == COMPLETE
        cluster.down()
        assert not [line for line in lab.processes(HEAD) if "ray" in line]
        (left,) = {*WORKERS} - {dead, cut}
        stop = f"ssh -o StrictHostKeyChecking=no ubuntu@{NAMES[left]} 'bash -lic \"ray stop\"'"
        assert lab.run(stop)[0] == 0
        assert not [line for line in lab.processes(left) if "raylet" in line]
    assert left_behind() == before
