"""What this project asks of a cluster file beyond Ray and the provider.

Each rule here costs hours, money or an open door when it is broken, and is found by nobody else
before machines are running.
"""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

from study.cluster.check.document import SETUP, START, Document, Fault, Place, is_map

TOKEN = "~/.ray/auth_token"
LOCALHOST = ("127.0.0.1", "localhost")
WITH_GPUS = re.compile(r"(g|gr|p)\d")  # EC2's families: g5.2xlarge, p4d.24xlarge, …
GCP_WITH_GPUS = re.compile(r"[ag]\d-")  # g2-standard-8, a3-highgpu-8g; to others GPUs are attached
PINNED = re.compile(r"\bray(?:\[[\w,-]*\])?\s*==\s*([\w.]+)")
IMAGE = re.compile(r"rayproject/ray(?:-ml|-llm)?:(\d+\.\d+\.\d+)")
REGION = re.compile(r"\bAWS_REGION=([\w-]+)")
STARTS_RAY = re.compile(r"\bray\s+start\b")

NOT_TWICE = (
    (r">>", r"\bgrep -q", "appends once more each time: put `grep -q … ||` before it"),
    (r"\bmkdir (?!-p\b|.* -p\b)", r"\btest\b", "fails the second time: mkdir -p"),
    (
        r"(?:^|&&|;|\bsudo) *mount ",
        r"\bmountpoint -q",
        "mounts again: put `mountpoint -q … ||` before it",
    ),
    (r"\bgit clone\b", r"\btest\b", "fails the second time: put `test -d … ||` before it"),
)
"""Shell that must not run twice, what makes it harmless, and what to do."""


def by_rules(document: Document) -> Iterator[Fault]:
    """All that is wrong by our own rules; what Ray's schema refuses is not looked at again."""
    for rule in RULES:
        yield from rule(document)


def repeated_keys(document: Document) -> Iterator[Fault]:
    yield from document.twice()


def shell(document: Document) -> Iterator[Fault]:
    """Every command must be bash, and each setup command may run again."""
    for place, command in document.commands(*SETUP, *START):
        parsed = subprocess.run(
            ["bash", "-n", "-c", command], capture_output=True, text=True, check=False
        )
        if parsed.returncode:
            said = (parsed.stderr.strip().splitlines() or ["cannot be parsed"])[0]
            yield document.fault(place, said.removeprefix("bash: ").replace("-c: ", "bash: "))
    for place, command in document.commands(*SETUP):
        for pattern, harmless, rule in NOT_TWICE:
            if re.search(pattern, command) and not re.search(harmless, command):
                yield document.fault(place, f"runs again on a node that is set up, and {rule}")


def token(document: Document) -> Iterator[Fault]:
    """The token must reach every node, and every node must ask for it."""
    mounts = document.get("file_mounts")
    if not is_map(mounts) or TOKEN not in mounts:
        rule = f"the token must reach every node: {TOKEN}: {TOKEN}"
        yield document.fault(("file_mounts",), f"lacks it; {rule}")
    wanted = "RAY_AUTH_MODE=token"
    commands = list(document.commands(*SETUP, *START))
    off = [place for place, command in commands if re.search(r"RAY_AUTH_MODE=(?!token)", command)]
    for place in off:
        yield document.fault(place, f"switches authentication off; only {wanted} is accepted")
    if not off and not any(wanted in command for _, command in commands):
        rule = f"none of them sets {wanted} in ~/.bashrc: the cluster would serve everybody"
        yield Fault(document.fault(("setup_commands",), "").line, "setup_commands", "", rule)


def ray_start(document: Document) -> Iterator[Fault]:
    """How Ray is started: written out, and its dashboard for the head itself only."""
    for name, needed in (
        ("head_start_ray_commands", ("--head", "--autoscaling-config")),
        ("worker_start_ray_commands", ("--address",)),
    ):
        found = [
            (place, options(command))
            for place, command in document.commands(name)
            if STARTS_RAY.search(command)
        ]
        if not found:
            rule = "must be written out with `ray start`"
            if name.startswith("head"):
                rule += ": Ray's own default opens the dashboard to all interfaces"
            yield document.fault((name,), rule)
        for place, given in found:
            for option in [option for option in needed if option not in given]:
                yield document.fault(place, f"`ray start` lacks {option}")
            host = given.get("--dashboard-host", "")
            if name.startswith("head") and host not in LOCALHOST:
                has = f"--dashboard-host={host}" if host else "no --dashboard-host"
                rule = f"has {has}; must be --dashboard-host=127.0.0.1, see it through ssh"
                yield document.fault(place, rule)


def options(command: str) -> dict[str, str]:
    """The options of the `ray start` in a command; those without a value have an empty one."""
    try:
        words = shlex.split(STARTS_RAY.split(command, 1)[1])
    except ValueError:  # `shell` says so
        return {}
    given: dict[str, str] = {}
    for word, after in zip(words, [*words[1:], ""], strict=True):
        if word.startswith("--"):
            name, equals, value = word.partition("=")
            given[name] = value if equals else "" if after.startswith("--") else after
    return given


def versions(document: Document) -> Iterator[Fault]:
    """One Ray everywhere: the one that starts the cluster."""
    own = version("ray")
    found: list[tuple[Place, str]] = [
        (place, match.group(1))
        for place, command in document.commands(*SETUP)
        for match in PINNED.finditer(command)
    ]
    docker = document.get("docker")
    for key, image in docker.items() if is_map(docker) else ():
        match = IMAGE.search(str(image))
        if match:
            found.append((("docker", key), match.group(1)))
    if not found:
        rule = f'none of them installs a pinned Ray: pip install "ray[default,tune,train]=={own}"'
        yield Fault(document.fault(("setup_commands",), "").line, "setup_commands", "", rule)
    for place, pinned in found:
        if pinned != own:
            rule = f"Ray {pinned} there and {own} here: nodes and submitter need the same one"
            yield document.fault(place, rule)


def copied(document: Document) -> Iterator[Fault]:
    """What is copied to every node must be here."""
    mounts = document.get("file_mounts")
    for target, source in (mounts if is_map(mounts) else {}).items():
        there = isinstance(source, str) and Path(source).expanduser().exists()
        if not there and target != TOKEN:  # made last; `still_to_do` reminds of it
            rule = "no such file or folder here (paths start from the current folder)"
            yield document.fault(("file_mounts", target), rule)


def run_directory(document: Document) -> Iterator[Fault]:
    """It lies on a bucket that all machines may use, or in a folder that all of them mount."""
    commands = list(document.commands("setup_commands"))
    if any("mountpoint -q" in command for _, command in commands):
        return
    provider, head = document.get("provider", "type"), document.get("head_node_type")
    if provider == "gcp":
        for place, config in document.node_configs():
            if place[1] != head and "serviceAccounts" not in config:
                rule = "is missing: without one a worker may use no bucket"
                yield document.fault((*place, "serviceAccounts"), rule)
        return
    regions = [(place, match) for place, command in commands if (match := REGION.search(command))]
    here = document.get("provider", "region")
    for place, match in regions:
        if provider == "aws" and match[1] != here:
            rule = f"the machines are in {here}: what travels between regions costs by the GB"
            yield document.fault(place, f"has AWS_REGION={match[1]}, and {rule}")
    if not regions:
        rule = (
            "none of them leads to the run directory, which must lie where all nodes see it:"
            " export AWS_REGION in ~/.bashrc for a bucket, or make sure of a shared folder"
            " (`mountpoint -q /study || …`)"
        )
        yield Fault(document.fault(("setup_commands",), "").line, "setup_commands", "", rule)


def data(document: Document) -> Iterator[Fault]:
    """Data come to a node by a program that must be there first."""
    commands = list(document.commands("setup_commands"))
    installs = [k for k, (_, command) in enumerate(commands) if PINNED.search(command)]
    for index, (place, command) in enumerate(commands):
        if "study.prepare sync" in command and index < min(installs, default=0):
            yield document.fault(place, "comes before the project is installed")


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
            yield document.fault(place, f"at least its min_workers, {low}")
        if isinstance(total, int) and isinstance(high, int) and high > total:
            rule = f"more than the max_workers of all together, {total}: raise that one"
            yield document.fault(place, rule)
    if isinstance(total, int) and total < lowest:
        yield document.fault(("max_workers",), f"at least the sum of all min_workers, {lowest}")
    head = document.get("head_node_type")
    if is_map(types) and head not in types:
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
            ("IamInstanceProfile", "Ray makes a role that may do everything with EC2 and S3"),
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


def local(document: Document) -> Iterator[Fault]:
    """Machines of one's own: all of them, and the autoscaler that starts all of them."""
    if document.get("provider", "type") != "local":
        return
    if document.get("available_node_types") is not None:
        rule = "not with machines of one's own: Ray takes what each of them has"
        yield document.fault(("available_node_types",), rule)
    machines, most = document.get("provider", "worker_ips"), document.get("max_workers")
    if not isinstance(machines, list) or not document.get("provider", "head_ip"):
        yield document.fault(("provider",), "must name head_ip and a list worker_ips")
    elif isinstance(most, int) and most < len(machines):
        rule = f"fewer than the {len(machines)} worker_ips: the others would stay idle"
        yield document.fault(("max_workers",), rule)
    for place, command in document.commands("head_start_ray_commands"):
        before = STARTS_RAY.split(command, 1)
        if len(before) > 1 and "RAY_enable_autoscaler_v2=0" not in before[0]:
            rule = (
                "lacks `export RAY_enable_autoscaler_v2=0;` before `ray start`: the newer"
                " autoscaler takes the head for a worker, and never starts the last one"
            )
            yield document.fault(place, rule)


def still_to_do(document: Document) -> Iterator[Fault]:
    """What is right, but not ready for `ray up`: placeholders, and a token that is not here."""
    mounts = document.get("file_mounts")
    source = mounts.get(TOKEN) if is_map(mounts) else None
    if isinstance(source, str) and not Path(source).expanduser().exists():
        rule = "not there yet: (umask 077; ray get-auth-token --generate)"
        yield document.fault(("file_mounts", TOKEN), rule)
    for place, config in document.node_configs():
        for key in [key for key, value in config.items() if "-12345678" in str(value)]:
            yield document.fault((*place, key), "a placeholder: your own goes here")
    for place, command in document.commands(*SETUP):
        if "-12345678" in command:
            yield document.fault(place, "has a placeholder: your own goes there")


RULES: tuple[Callable[[Document], Iterator[Fault]], ...] = (
    repeated_keys,
    shell,
    token,
    ray_start,
    versions,
    copied,
    run_directory,
    data,
    workers,
    head_without_trials,
    aws,
    gcp,
    local,
)
