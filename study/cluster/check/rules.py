"""What this project asks of a cluster file beyond Ray and the provider.

Each rule here costs hours, money or an open door when it is broken, and nothing else checks it
before machines are running.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from study.cluster.check import commands, machines
from study.cluster.check.commands import TOKEN
from study.cluster.check.document import SETUP, Document, Fault, is_map

REGION = re.compile(r"\bAWS_REGION=([\w-]+)")


def by_rules(document: Document) -> Iterator[Fault]:
    """All that is wrong by our own rules; what Ray's schema refuses is not looked at again."""
    for rule in RULES:
        yield from rule(document)


def repeated_keys(document: Document) -> Iterator[Fault]:
    yield from document.twice()


def copied(document: Document) -> Iterator[Fault]:
    """What is copied to every node must be here."""
    mounts = document.get("file_mounts")
    for target, source in (mounts if is_map(mounts) else {}).items():
        there = isinstance(source, str) and Path(source).expanduser().exists()
        if not there and target != TOKEN:  # made last; `still_to_do` reminds of it
            rule = "no such file or folder here (paths start from the current folder)"
            yield document.fault(("file_mounts", target), rule)


def run_directory(document: Document) -> Iterator[Fault]:
    """It is on a bucket that all machines may use, or in a folder that all of them mount."""
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
            rule = f"the machines are in {here}: traffic between regions costs by the GB"
            yield document.fault(place, f"has AWS_REGION={match[1]}, and {rule}")
    if not regions:
        rule = (
            "none of them gives access to the run directory, which must be where all nodes see"
            " it: export AWS_REGION in ~/.bashrc for a bucket, or check that a shared folder is"
            " mounted (`mountpoint -q /study || …`)"
        )
        yield Fault(document.fault(("setup_commands",), "").line, "setup_commands", "", rule)


def still_to_do(document: Document) -> Iterator[Fault]:
    """What is right, but not ready for `ray up`: placeholders, and a token that is not here."""
    mounts = document.get("file_mounts")
    source = mounts.get(TOKEN) if is_map(mounts) else None
    if isinstance(source, str) and not Path(source).expanduser().exists():
        rule = "not there yet: (umask 077; ray get-auth-token --generate)"
        yield document.fault(("file_mounts", TOKEN), rule)
    for place, config in document.node_configs():
        for key in [key for key, value in config.items() if "-12345678" in str(value)]:
            yield document.fault((*place, key), "a placeholder: put your own value here")
    for place, command in document.commands(*SETUP):
        if "-12345678" in command:
            yield document.fault(place, "has a placeholder: put your own value there")


RULES: tuple[Callable[[Document], Iterator[Fault]], ...] = (
    repeated_keys,
    commands.shell,
    commands.token,
    commands.ray_start,
    commands.versions,
    copied,
    run_directory,
    commands.data,
    machines.workers,
    machines.head_without_trials,
    machines.aws,
    machines.gcp,
    machines.local,
)
