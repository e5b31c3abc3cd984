"""Rules for the machines of a cluster file: how many, which, and what Ray is told of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from study.cluster.check.commands import STARTS_RAY, options
from study.cluster.check.document import Document, Fault, Place, is_map

WITH_GPUS = re.compile(r"(g|gr|p)\d")  # EC2's families: g5.2xlarge, p4d.24xlarge, …
GCP_WITH_GPUS = re.compile(r"[ag]\d-")  # g2-standard-8, a3-highgpu-8g; to others GPUs are attached


def workers(document: Document) -> Iterator[Fault]:
    """The number of workers must leave room for those that are wanted."""
    types, total = document.get("available_node_types"), document.get("max_workers")
    lowest = 0
    for name, one in (types if is_map(types) else {}).items():
        low, high = (
            (one.get(key) for key in ("min_workers", "max_workers")) if is_map(one) else (0, 0)
        )
        lowest += low if isinstance(low, int) else 0
        place = ("available_node_types", name, "max_workers")
        if isinstance(low, int) and isinstance(high, int) and high < low:
            yield document.fault(place, f"must be at least its min_workers, {low}")
        if isinstance(total, int) and isinstance(high, int) and high > total:
            rule = f"is more than the max_workers of all together, {total}: raise that one"
            yield document.fault(place, rule)
    if isinstance(total, int) and total < lowest:
        yield document.fault(
            ("max_workers",), f"must be at least the sum of all min_workers, {lowest}"
        )
    head = document.get("head_node_type")
    if is_map(types) and head not in list(types):
        yield document.fault(("head_node_type",), f"must be one of {', '.join(map(str, types))}")


def head_without_trials(document: Document) -> Iterator[Fault]:
    """A rented head only drives: with a trial on it, a crash there would end the session."""
    head = document.get("head_node_type")
    place = ("available_node_types", str(head), "resources")
    if head is None or not is_map(document.get(*place)):
        return
    if document.get(*place, "CPU") != 0:
        yield document.fault((*place, "CPU"), "must be 0: no trial on the head")
    for where, command in document.commands("head_start_ray_commands"):
        if STARTS_RAY.search(command) and options(command).get("--num-cpus") != "0":
            yield document.fault(where, "`ray start` lacks --num-cpus=0: no trial on the head")


def aws(document: Document) -> Iterator[Fault]:
    """Own permissions and an own security group on every machine, and GPUs that Ray knows of."""
    if document.get("provider", "type") != "aws":
        return
    if document.get("provider", "cache_stopped_nodes") is not False:
        rule = "must be false: stopped machines keep their disks, which cost"
        yield document.fault(("provider", "cache_stopped_nodes"), rule)
    for place, config in document.node_configs():
        for key, default in (
            ("IamInstanceProfile", "Ray makes a role that allows everything on EC2 and S3"),
            ("SecurityGroupIds", "Ray makes a group that opens port 22 to everybody"),
        ):
            if key not in config and "LaunchTemplate" not in config:
                yield document.fault((*place, key), f"is missing: without one {default}")
        machine = config.get("InstanceType")
        if isinstance(machine, str):
            has = WITH_GPUS.match(machine) is not None
            yield from _gpus(document, place, (*place, "InstanceType"), has)


def gcp(document: Document) -> Iterator[Fault]:
    """GPUs that Ray knows of."""
    if document.get("provider", "type") == "gcp":
        for place, config in document.node_configs():
            machine = str(config.get("machineType", ""))
            has = bool(config.get("guestAccelerators") or GCP_WITH_GPUS.match(machine))
            yield from _gpus(document, place, (*place, "machineType"), has)


def local(document: Document) -> Iterator[Fault]:
    """Machines of your own: all of them, and the autoscaler that starts all of them."""
    if document.get("provider", "type") != "local":
        return
    if document.get("available_node_types") is not None:
        rule = "not with machines of your own: Ray finds out what each of them has"
        yield document.fault(("available_node_types",), rule)
    machines, most = document.get("provider", "worker_ips"), document.get("max_workers")
    if not isinstance(machines, list) or not document.get("provider", "head_ip"):
        yield document.fault(("provider",), "must name head_ip and a list worker_ips")
    elif isinstance(most, int) and most < len(machines):
        rule = f"is less than the {len(machines)} worker_ips: the others would stay idle"
        yield document.fault(("max_workers",), rule)
    for place, command in document.commands("head_start_ray_commands"):
        before = STARTS_RAY.split(command, 1)
        if len(before) > 1 and "RAY_enable_autoscaler_v2=0" not in before[0]:
            rule = (
                "lacks `export RAY_enable_autoscaler_v2=0;` before `ray start`: the newer"
                " autoscaler takes the head for a worker, and never starts the last one"
            )
            yield document.fault(place, rule)


def _gpus(document: Document, config: Place, machine: Place, has: bool) -> Iterator[Fault]:
    resources = (*config[:-1], "resources")
    if config[1] == document.get("head_node_type") or not is_map(document.get(*resources)):
        return
    gpus: Any = document.get(*resources, "GPU")
    if has and not gpus:
        rule = f"has GPUs, but {config[1]}.resources names none: no trial would get one"
        yield document.fault(machine, rule)
    if gpus and not has:
        rule = (
            f"has no GPUs, but {config[1]}.resources promises {gpus}: trials would wait for ever"
        )
        yield document.fault(machine, rule)
