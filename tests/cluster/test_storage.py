"""A run directory that a node of the cluster does not see is refused; nothing has started by then.

Two nodes on this machine, each in a mount namespace of its own, so that a folder can be private to
one of them. Network, processes and temporary files of the cluster are its own too.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from study.cluster.trial import run_config
from study.storage.run_dir import StudyDir, TrialDir

SPACE = str(Path(__file__).with_name("tiny.py"))
ROOT = Path(__file__).parent.parent.parent
LIMIT_S = 240.0
PRIVATE = ("unshare", "--net", "--pid", "--mount", "--ipc", "--fork", "--kill-child")
CLUSTER = """
set -e
cd "$1"
ip link set lo up
mount -t proc proc /proc
mount -t tmpfs -o size=1g shm /dev/shm
mkdir -p /tmp/ray && mount -t tmpfs none /tmp/ray
start="ray start --num-cpus=1 --object-store-memory=100000000 --disable-usage-stats"
$start --head --node-ip-address=127.0.0.1 --port=6379 --include-dashboard=false
unshare --mount bash -c "mount -t tmpfs none '$2/local' && $start --address=127.0.0.1:6379"
""".replace("ray start", "{python} -m ray.scripts.scripts start")
SWEEP = """
status=0
python="$3"; space="$4"
for where in local shared; do
  RAY_ADDRESS=127.0.0.1:6379 "$python" -m study.sweep "$space" --run-dir "$2/$where/study" \\
    --arms scratch --trials 1 --confirm 0 --lengths 8 --max-concurrent 1 \\
    > "$2/$where.out" 2>&1 || status=$?
  echo "$where $status"; status=0
done
"""


def can_isolate() -> bool:
    """Whether this user may make namespaces, and has the tools."""
    if os.geteuid() or not all(map(shutil.which, ("unshare", "ip", "mount"))):
        return False
    return subprocess.run([*PRIVATE, "true"], capture_output=True, check=False).returncode == 0


@pytest.mark.slow
@pytest.mark.skipif(not can_isolate(), reason="needs root and namespaces")
def test_a_folder_of_one_node_is_refused_and_a_shared_one_serves(tmp_path: Path):
    for name in ("local", "shared"):
        (tmp_path / name).mkdir()
    script = CLUSTER.format(python=sys.executable) + SWEEP
    environment = os.environ | {"RAY_AUTH_MODE": "disabled"}  # writes no token into the home
    done = subprocess.run(
        [*PRIVATE, "bash", "-c", script, "test", ROOT, tmp_path, sys.executable, SPACE],
        env=environment,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    said = [(tmp_path / f"{name}.out").read_text() for name in ("local", "shared")]
    assert done.stdout.splitlines()[-2:] == ["local 2", "shared 0"], (done, said)
    folder = tmp_path / "local" / "study"
    assert f"error: --run-dir = '{folder}': not seen by " in said[0] and "NFS" in said[0]
    assert "Traceback" not in said[0]
    assert not StudyDir(folder).trials()
    assert not [path for path in folder.iterdir() if path.name.startswith(".seen")]
    assert StudyDir(tmp_path / "shared" / "study").trials()


def test_a_trial_on_a_node_that_joined_later_says_what_is_wrong(tmp_path: Path):
    with pytest.raises(ValueError, match=r"scratch-12-t000: not seen by .*same path"):
        run_config(TrialDir(tmp_path / "trials" / "scratch-12-t000"))
