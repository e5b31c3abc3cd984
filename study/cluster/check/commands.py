"""Rules for the commands of a cluster file: what they run, and that they may run again."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from importlib.metadata import version

from study.cluster.check.document import SETUP, START, Document, Fault, Place, is_map

TOKEN = "~/.ray/auth_token"
LOCALHOST = ("127.0.0.1", "localhost")
PINNED = re.compile(r"\bray(?:\[[\w,-]*\])?\s*==\s*([\w.]+)")
IMAGE = re.compile(r"rayproject/ray(?:-ml|-llm)?:(\d+\.\d+\.\d+)")
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
        rule = f"none of them sets {wanted} in ~/.bashrc: anybody could use the cluster"
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


def data(document: Document) -> Iterator[Fault]:
    """Data come to a node by a program that must be there first."""
    commands = list(document.commands("setup_commands"))
    installs = [k for k, (_, command) in enumerate(commands) if PINNED.search(command)]
    for index, (place, command) in enumerate(commands):
        if "study.prepare sync" in command and index < min(installs, default=0):
            yield document.fault(place, "comes before the project is installed")
