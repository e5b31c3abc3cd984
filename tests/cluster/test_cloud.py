"""`cluster.yaml` itself on a pretend AWS: spot workers on demand, one lost, all given back.

GPUs are what Ray believes of an instance (`resources` of its type); trials train on CPUs.
"""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

import pytest

from study.rundir import State
from tests.cluster.commands import Cluster, at_work, complete, states, wait_for
from tests.cluster.hosts import ROOT, machines, missing

pytest.importorskip("moto")
from tests.cluster.cloud import ENVIRONMENT, Cloud, host

pytestmark = [
    pytest.mark.slow,
    pytest.mark.hosts,
    pytest.mark.skipif(missing() is not None, reason=str(missing())),
]

HEAD, WORKER = "m6i.xlarge", "g5.2xlarge"
# What must be there beforehand, by the file's first lines.
PREPARED = """
for name in ("rethink-head", "rethink-worker"):
    iam.create_role(RoleName=name, AssumeRolePolicyDocument="{}")
    iam.create_instance_profile(InstanceProfileName=name)
    iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
print(ec2.create_security_group(GroupName="rethink", Description="rethink")["GroupId"])
"""


def edited(group: str) -> str:
    """The file that comes along, with what it tells its users to change."""
    text = (ROOT / "cluster.yaml").read_text().replace("sg-12345678", group)
    # the embedded images need no bucket; idle machines go sooner, for the test's sake
    text, removed = re.subn(r"\n  - aws s3 sync .*", "", text)
    text, sooner = re.subn(r"idle_timeout_minutes: 10 ", "idle_timeout_minutes: 0.3 ", text)
    assert (removed, sooner) == (1, 1)
    return text


def test_a_study_rents_spot_machines_outlives_a_loss_and_gives_all_back(tmp_path: Path):
    with contextlib.ExitStack() as stack:
        lab = stack.enter_context(machines(tmp_path / "lab", {}))
        cloud = stack.enter_context(contextlib.closing(Cloud(lab)))
        cluster = Cluster(lab, edited(cloud.call(PREPARED)), ENVIRONMENT)
        cluster.up()
        assert len(cloud.running(HEAD)) == 1 and not cloud.running(WORKER)

        # two trials at a time, as many as the plan has: as many machines are asked for
        budget = ("--trials 1", "--confirm 1")
        study = cluster.submit("rented", *budget, "--device cpu", "--gpus-per-trial 1")
        wait_for(lambda: len(cloud.running(WORKER)) == 2, "two spot instances")
        lost = wait_for(lambda: next(at_work(study), None), "a trial in its second length")
        instance = next(name for name in cloud.running(WORKER) if host(name) == lost)
        cloud.call(f"ec2.terminate_instances(InstanceIds=[{instance!r}])")
        wait_for(lambda: complete(study), "the end of the study")
        assert State.PREEMPTED in states(study) and State.FAILED not in states(study)
        assert sum(one.type == WORKER for one in cloud.instances.values()) >= 3, "no replacement"

        wait_for(lambda: not cloud.running(WORKER), "idle machines given back")
        assert len(cloud.running(HEAD)) == 1
        cluster.down()
        wait_for(lambda: not cloud.running(HEAD), "the head given back")
        assert cloud.error is None
