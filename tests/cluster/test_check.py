"""Cluster files: those that come along are right, and each kind of mistake gets one clear line."""

from __future__ import annotations

import re
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml

from study.cluster.check import provider_schemas, rules
from study.cluster.check.__main__ import main
from study.cluster.check.document import Document, Fault
from study.commands.common import BAD_INPUT, DONE

ROOT = Path(__file__).parent.parent.parent
AWS, LOCAL, GCP = "cluster.yaml", "cluster.local.yaml", "docs/cluster.gcp.yaml"
SHIPPED = (AWS, LOCAL, GCP)
COSTS = re.compile(r"InstanceType|machineType|guestAcc|VolumeSize|diskSize|prepare sync")


@pytest.fixture(autouse=True)
def at_root(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(ROOT)  # `ray up` is run there: sources of file_mounts start from it


def without_ray(path: Path) -> list[Fault]:
    document = Document(path)
    return [*provider_schemas.by_ray_schema(document), *rules.by_rules(document)]


@pytest.mark.parametrize("name", SHIPPED)
def test_files_that_come_along_keep_the_rules(name: str):
    assert without_ray(Path(name)) == []


@pytest.mark.slow  # imports ray
def test_files_that_come_along_are_right_for_ray_and_ec2_too(capsys: pytest.CaptureFixture[str]):
    assert main(list(SHIPPED)) == DONE
    out = capsys.readouterr().out
    assert all(f"{name}: right" in out for name in SHIPPED)
    assert "ImageId = 'ami-12345678': a placeholder" in out


@pytest.mark.parametrize("name", [AWS, GCP])
def test_every_line_that_costs_money_says_so(name: str):
    lines = Path(name).read_text().splitlines()
    for above, line in zip(["", *lines], lines, strict=False):
        if COSTS.search(line) and not line.startswith("#"):
            assert "costs:" in line or "costs:" in above, line


def test_kubernetes_gets_the_same_ray_with_a_token_a_bucket_and_data():
    spec = yaml.safe_load(Path("docs/kuberay.yaml").read_text())["spec"]
    assert spec["rayVersion"] == version("ray")
    assert spec["authOptions"] == {"mode": "token"}
    for group in (spec["headGroupSpec"], *spec["workerGroupSpecs"]):
        pod = group["template"]["spec"]
        assert pod["serviceAccountName"] == "rethink"
        assert {"name": "data", "emptyDir": {}} in pod["volumes"]
        for container in (*pod["initContainers"], *pod["containers"]):
            assert {"name": "data", "mountPath": "/data"} in container["volumeMounts"]
            assert [variable["name"] for variable in container["env"]] == ["AWS_REGION"]


RAY = version("ray")
TOKEN_MOUNT = "  ~/.ray/auth_token: ~/.ray/auth_token\n"
SPOT = "available_node_types.gpu_spot"
PIN = f'"ray[default,tune,train]=={RAY}"'
FREE = "resources: {CPU: 8, GPU: 1}           # integers"

BROKEN = {
    "bad key": (
        AWS,
        "max_workers: 8",
        "max_worker: 8",
        "max_worker = 8: Ray knows no such key; is 'max_workers' meant",
    ),
    "string resources": (
        AWS,
        FREE,
        'resources: {CPU: "8", GPU: 1}  # integers',
        f"{SPOT}.resources.CPU = '8': must be of type integer",
    ),
    "missing key": (AWS, "cluster_name: rethink", "", "cluster_name: is missing"),
    "key twice": (
        AWS,
        "head_node_type: head",
        "head_node_type: head\nmax_workers: 9",
        "max_workers: is there twice",
    ),
    "missing token": (
        AWS,
        TOKEN_MOUNT,
        "",
        "file_mounts = .*: lacks it; the token must reach every node",
    ),
    "no authentication": (LOCAL, "RAY_AUTH_MODE=token", "RAY_AUTH_MODE=disabled", "RAY_AUTH_MODE"),
    "open dashboard": (
        AWS,
        "--dashboard-host=127.0.0.1",
        "--dashboard-host 0.0.0.0",
        r"head_start_ray_commands\[1\] = .*: has --dashboard-host=0.0.0.0; must be",
    ),
    "dashboard left to Ray": (
        LOCAL,
        " --dashboard-host=127.0.0.1",
        "",
        "no --dashboard-host; must be",
    ),
    "broken shell": (
        AWS,
        "ulimit -n 65536; ray start --head",
        "ulimit -n (65536; ray start --head",
        r"head_start_ray_commands\[1\] = .*: .*syntax error",
    ),
    "shell that runs twice": (
        AWS,
        "test -x ~/venv/bin/python || python3.11",
        "mkdir ~/made; python3.11",
        r"setup_commands\[2\] = .*mkdir -p",
    ),
    "another Ray": (
        AWS,
        PIN,
        '"ray[default,tune,train]==2.40.0"',
        rf"setup_commands\[3\] = .*: Ray 2.40.0 there and {RAY} here",
    ),
    "any Ray": (
        LOCAL,
        PIN,
        '"ray[default,tune,train]"',
        "setup_commands: none of them installs a pinned Ray",
    ),
    "missing project": (
        AWS,
        "analysis: analysis",
        "analysis: analyses",
        "file_mounts.~/rethink/analysis = 'analyses': no such file",
    ),
    "missing data path": (
        LOCAL,
        "  - mountpoint -q /study",
        "  - true",
        "setup_commands: none of them gives access to the run directory, .*mountpoint -q",
    ),
    "missing bucket": (
        AWS,
        "AWS_REGION=us-west-2",
        "AWS_REGIO=us-west-2",
        "setup_commands: none of them gives access to the run directory, .*export AWS_REGION",
    ),
    "bucket far away": (
        AWS,
        "AWS_REGION=us-west-2",
        "AWS_REGION=us-east-1",
        r"setup_commands\[1\] = .*: has AWS_REGION=us-east-1, and the machines are in us-west-2",
    ),
    "bucket of Google's": (
        GCP,
        "      serviceAccounts: *storage\n",
        "",
        "gpu_ondemand.node_config.serviceAccounts: is missing: without one",
    ),
    "data before the program": (
        AWS,
        "  - test -x ~/venv/bin/python",
        "  - python -m study.prepare sync s3://rethink-data/a a\n  - test -x ~/venv/bin/python",
        r"setup_commands\[2\] = .*: comes before the project is installed",
    ),
    "GPU type without GPUs": (
        AWS,
        FREE,
        "resources: {CPU: 8} # integers",
        "InstanceType = 'g5.2xlarge': has GPUs, but gpu_spot.resources names none",
    ),
    "GPUs that are not there": (
        AWS,
        "g5.2xlarge            # costs: spot",
        "m6i.2xlarge           # costs: spot",
        "'m6i.2xlarge': has no GPUs, but gpu_spot.resources promises 1",
    ),
    "GPUs of Google's": (
        GCP,
        "      guestAccelerators: *gpu             # costs: as well\n",
        "",
        "gpu_ondemand.node_config.machineType = 'n1-standard-8': has no GPUs",
    ),
    "max_workers too small": (
        AWS,
        "max_workers: 8",
        "max_workers: 5",
        f"{SPOT}.max_workers = 6: is more than the max_workers of all together, 5",
    ),
    "min_workers too large": (
        AWS,
        "min_workers: 0\n    max_workers: 2",
        "min_workers: 3\n    max_workers: 2",
        "gpu_ondemand.max_workers = 2: must be at least its min_workers, 3",
    ),
    "machines left out": (
        LOCAL,
        "max_workers: 2",
        "max_workers: 1",
        "max_workers = 1: is less than the 2 worker_ips",
    ),
    "newer autoscaler": (
        LOCAL,
        "export RAY_enable_autoscaler_v2=0; ",
        "",
        "lacks `export RAY_enable_autoscaler_v2=0;`",
    ),
    "trials on the head": (
        AWS,
        "resources: {CPU: 0}",
        "resources: {CPU: 4}",
        "available_node_types.head.resources.CPU = 4: must be 0",
    ),
    "no head": (
        AWS,
        "head_node_type: head",
        "head_node_type: haed",
        "head_node_type = 'haed': must be one of head, gpu_spot, gpu_ondemand",
    ),
    "every permission": (
        AWS,
        "      IamInstanceProfile: {Name: rethink-head}\n",
        "",
        "head.node_config.IamInstanceProfile: is missing: without one Ray makes a role",
    ),
    "port 22 open": (
        AWS,
        "      SecurityGroupIds: [sg-12345678]     # EDIT\n",
        "",
        "head.node_config.SecurityGroupIds: is missing: without one",
    ),
    "disks that stay": (
        AWS,
        "cache_stopped_nodes: false",
        "cache_stopped_nodes: true",
        "provider.cache_stopped_nodes = True: must be false",
    ),
}

EC2_BROKEN = {
    "unknown instance field": (
        "InstanceMarketOptions",
        "InstanceMarketOption",
        "InstanceMarketOption = .*: EC2's .* no such field; is 'InstanceMarketOptions' meant",
    ),
    "field further down": (
        "VolumeType: gp3",
        "VolumeTyp: gp3",
        r"head.node_config.BlockDeviceMappings\[0\].Ebs.VolumeTyp = 'gp3': EC2's",
    ),
    "unknown machine": (
        "m6i.xlarge",
        "m6i.xxlarge",
        "InstanceType = 'm6i.xxlarge': not among the .* is 'm6i.xlarge' meant",
    ),
    "wrong type": (
        "VolumeSize: 140",
        "VolumeSize: 140GB",
        r"Ebs.VolumeSize = '140GB': must be of type integer",
    ),
    "group without a list": (
        "SecurityGroupIds: [sg-12345678]     # EDIT\n",
        "SecurityGroupIds: sg-12345678\n",
        "SecurityGroupIds = 'sg-12345678': must be of type list",
    ),
    "subnet without a list": (
        "InstanceType: m6i.xlarge",
        "SubnetIds: subnet-1\n      InstanceType: m6i.xlarge",
        "SubnetIds = 'subnet-1': must be a list",
    ),
}


def broken(folder: Path, name: str, old: str, new: str) -> Path:
    """A copy of a file that comes along, with one mistake."""
    text = Path(name).read_text()
    assert old in text
    path = folder / Path(name).name
    path.write_text(text.replace(old, new, 1))
    return path


def is_said_once(path: Path, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(path)]) == BAD_INPUT
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert re.match(rf"{re.escape(str(path))}:\d+: .*{said}", lines[0])


@pytest.mark.parametrize("mistake", BROKEN)
def test_a_mistake_is_one_line_with_key_value_and_rule(
    mistake: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    name, old, new, said = BROKEN[mistake]
    is_said_once(broken(tmp_path, name, old, new), said, capsys)


@pytest.mark.parametrize("mistake", EC2_BROKEN)
def test_what_ec2_would_refuse_is_refused_here(
    mistake: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    pytest.importorskip("botocore")
    old, new, said = EC2_BROKEN[mistake]
    is_said_once(broken(tmp_path, AWS, old, new), said, capsys)


def test_the_line_is_that_of_the_key(tmp_path: Path):
    path = broken(tmp_path, AWS, "max_workers: 8", "max_workers: eight")
    (fault, *_) = without_ray(path)
    assert path.read_text().splitlines()[fault.line - 1] == "max_workers: eight"


@pytest.mark.parametrize(
    ("text", "said"),
    [("a: [", "while parsing"), ("- a\n", "a mapping of keys"), (None, "cannot be read")],
)
def test_what_is_no_cluster_file_is_refused(
    text: str | None, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    path = tmp_path / "none.yaml"
    if text is not None:
        path.write_text(text)
    assert main([str(path)]) == BAD_INPUT
    err = capsys.readouterr().err
    assert err.startswith(f"error: {path}:") and said in err


def test_without_a_file_nothing_is_right(capsys: pytest.CaptureFixture[str]):
    assert main([]) == BAD_INPUT
    assert "no file given" in capsys.readouterr().err
