"""`cluster.yaml` itself on a pretend AWS: spot workers on demand, one lost, then the head, and
all given back.

Machines have nothing in common but a bucket. GPUs are what Ray believes of an instance
(`resources` of its type); trials train on CPUs.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from study.commands.options.sweep import Spend
from study.commands.status import COMPLETE
from study.storage.run_dir import State
from tests.cluster.alone import alone
from tests.cluster.commands import Cluster, wait_for
from tests.cluster.hosts import ROOT, machines, missing
from tests.runs import exact

pytest.importorskip("moto")
from tests.cluster.cloud import ENVIRONMENT, Cloud, host

pytestmark = [
    pytest.mark.slow,
    pytest.mark.hosts,
    pytest.mark.skipif(missing() is not None, reason=str(missing())),
]

HEAD, WORKER = "m6i.xlarge", "g5.2xlarge"
RUN_DIR = "s3://rethink-data/runs/rented"
# What must be there beforehand, by the file's first lines.
PREPARED = """
for name in ("rethink-head", "rethink-worker"):
    iam.create_role(RoleName=name, AssumeRolePolicyDocument="{}")
    iam.create_instance_profile(InstanceProfileName=name)
    iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
s3.create_bucket(
    Bucket="rethink-data", CreateBucketConfiguration={"LocationConstraint": "us-west-2"}
)
aborted = {"ID": "torn", "Status": "Enabled", "Filter": {}}
aborted["AbortIncompleteMultipartUpload"] = {"DaysAfterInitiation": 1}
s3.put_bucket_lifecycle_configuration(
    Bucket="rethink-data", LifecycleConfiguration={"Rules": [aborted]}
)
print(ec2.create_security_group(GroupName="rethink", Description="rethink")["GroupId"])
"""
# Ask the bucket, on the laptop.
WATCHED = f"""
from study.storage.run_dir import StudyDir
from tests.cluster.commands import at_work, complete, states, wait_for
study = StudyDir({RUN_DIR!r})
"""
LOST = "print(wait_for(lambda: next(at_work(study), None), 'one in its second length', 1.0))"
NOTICED = "wait_for(lambda: 'preempted' in states(study), 'the loss to be noticed', 1.0)\n"
END = """
wait_for(lambda: complete(study), "the end of the study", 1.0)
print(*states(study))
"""
RESULTS = f"""
import json
import analysis
trials = analysis.load({RUN_DIR!r}).trials
found = {{trial.id: trial.records() for trial in study.trials()}}
print(json.dumps([dict(zip(trials["trial_id"], trials["state"])), found]))
"""


def edited(group: str) -> str:
    """The file that comes along, with what it tells its users to change."""
    text = (ROOT / "cluster.yaml").read_text().replace("sg-12345678", group)
    # idle machines go sooner, for the test's sake
    text, sooner = re.subn(r"idle_timeout_minutes: 10 ", "idle_timeout_minutes: 0.3 ", text)
    assert sooner == 1
    return text


def test_a_study_rents_spot_machines_outlives_one_and_the_head_and_gives_all_back(tmp_path: Path):
    with contextlib.ExitStack() as stack:
        pool = stack.enter_context(ProcessPoolExecutor(1, get_context("spawn"), os.nice, (19,)))
        expected = pool.submit(alone, tmp_path / "alone", Spend(trials=1, confirm=1))
        lab = stack.enter_context(machines(tmp_path / "lab", {}))
        cloud = stack.enter_context(contextlib.closing(Cloud(lab)))
        group = cloud.call(PREPARED)
        (lab.shared / "coco").mkdir()
        (lab.shared / "coco" / "image.jpg").write_text("data")
        upload = "python -m study.prepare upload /study/coco s3://rethink-data/coco"
        assert lab.run(upload, environment=ENVIRONMENT)[0] == 0
        cluster = Cluster(lab, edited(group), ENVIRONMENT)
        cluster.up()
        assert len(cloud.running(HEAD)) == 1 and not cloud.running(WORKER)

        # two trials at a time, as many as the plan has: as many machines are asked for
        budget = ("--trials 1", "--confirm 1")
        command = (RUN_DIR, *budget, "--device cpu", "--gpus-per-trial 1")
        cluster.submit(*command)
        wait_for(lambda: len(cloud.running(WORKER)) == 2, "two spot instances")
        lost = cloud.call(WATCHED + LOST)
        image = "/home/ubuntu/data/coco/image.jpg"
        assert lab.inside(lost, "cat", image).stdout == "data"
        instance = next(name for name in cloud.running(WORKER) if host(name) == lost)
        cloud.call(f"ec2.terminate_instances(InstanceIds=[{instance!r}])")

        # with the head the sweep is lost; another head finds all of it in the bucket
        cloud.call(WATCHED + NOTICED + LOST)
        (head,) = cloud.running(HEAD)
        cloud.call(f"ec2.terminate_instances(InstanceIds=[{head!r}])")
        wait_for(lambda: not cloud.running(HEAD), "the loss of the head")
        cluster.up()
        cluster.submit(*command)
        states = cloud.call(WATCHED + END).split()
        assert State.PREEMPTED in states and State.FAILED not in states
        assert sum(one.type == WORKER for one in cloud.instances.values()) >= 3, "no replacement"

        # from the laptop, and without a cluster if need be
        asked = f"python -m study.sweep --status {RUN_DIR}"
        assert lab.run(asked, environment=ENVIRONMENT)[0] == COMPLETE
        ended, found = json.loads(cloud.call(WATCHED + RESULTS).splitlines()[-1])
        assert {*ended.values()} <= {State.FINISHED, State.STOPPED}
        assert {name: exact(rows) for name, rows in found.items()} == expected.result()

        wait_for(lambda: not cloud.running(WORKER), "idle machines given back")
        assert len(cloud.running(HEAD)) == 1
        cluster.down()
        wait_for(lambda: not cloud.running(HEAD), "the head given back")
        assert cloud.error is None
