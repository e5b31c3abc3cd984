"""python -m study.cluster.check FILE…: is a file for `ray up` right? Needs no cloud, no cluster.

Looks at Ray's schema, EC2's own model of the request (with boto3), the syntax of every command,
and this project's rules. A line for each fault: file, line, key, value, rule. What is right but
not yet ready, like placeholders, is said and changes nothing.

Exit status: 0 all files are right, 2 some are not.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from study.cluster.check import provider_schemas, rules
from study.cluster.check.document import Document, Fault
from study.commands.common import BAD_INPUT, DONE, exit_status
from study.commands.options.parsing import parsed


@dataclass(frozen=True, kw_only=True)
class Check:
    """Check files for `ray up`, offline."""

    files: tyro.conf.Positional[Annotated[tuple[Path, ...], tyro.conf.arg(metavar="FILE ...")]]
    """Cluster files."""


def faults(document: Document) -> list[Fault]:
    """All that is wrong with a file, by line."""
    found = [*provider_schemas.by_ray_schema(document), *rules.by_rules(document)]
    if document.get("provider", "type") == "aws" and provider_schemas.has_boto():
        found += provider_schemas.by_ec2(document)
    if not found:
        found += provider_schemas.by_ray(document)
    return sorted(found, key=lambda fault: fault.line)


def run(paths: Sequence[Path]) -> int:
    """Print what is wrong with each file; returns the exit status.

    Raises:
        ValueError: no file, or one that cannot be read or is no mapping.
    """
    if not paths:
        raise ValueError("no file given: python -m study.cluster.check cluster.yaml")
    status = DONE
    for document in [Document(path) for path in paths]:
        found = faults(document)
        for fault in found:
            print(f"{document.path}:{fault}", file=sys.stderr)
        if found:
            status = BAD_INPUT
            continue
        print(f"{document.path}: right")
        for fault in rules.still_to_do(document):
            print(f"  to do before `ray up`, line {fault}")
        if document.get("provider", "type") == "aws" and not provider_schemas.has_boto():
            print("  not checked: node_config, which EC2's request model in boto3 describes")
    return status


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    prog = "python -m study.cluster.check"
    return exit_status(lambda: run(parsed(Check, arguments, prog, __doc__).files), arguments)


if __name__ == "__main__":
    sys.exit(main())
