"""A pretend AWS with real machines: a host boots for each instance that moto says is running.

What `ray up` asks of EC2, and everybody of S3, is answered by moto (`pretend_aws.py`). Then there
is a machine to log in to at the address that moto made up (`hosts.py`). A terminated instance
loses its power.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.hosts import LAPTOP, Machines

ADDRESS, PORT = "172.31.255.254", "5000"  # in the network of moto's subnets, 172.31.0.0/16
VARIABLES = {
    "AWS_ENDPOINT_URL": f"http://{ADDRESS}:{PORT}",
    "AWS_ACCESS_KEY_ID": "pretended",
    "AWS_SECRET_ACCESS_KEY": "pretended",
    "AWS_DEFAULT_REGION": "us-west-2",
    "AWS_EC2_METADATA_DISABLED": "true",
}
ENVIRONMENT = tuple(f"{name}={value}" for name, value in VARIABLES.items())
CALL_S = 300.0  # for what is waited for to come
SCRIPT = Path(__file__).with_name("pretend_aws.py")
# the private halves of EC2's key pairs, which `ray up` keeps on the laptop
PUBLIC_KEYS = "for key in ~root/.ssh/*.pem; do test -f $key && ssh-keygen -y -f $key; done; true"


@dataclass
class Instance:
    """An instance, and when it was switched on and off, in seconds of `time.monotonic`."""

    type: str
    booted: float
    ended: float | None = None


def host(instance: str) -> str:
    """The name of an instance's machine."""
    return f"i{instance[-8:]}"


class Cloud:
    """EC2's answers and machines, which share no folder; to be used with a laptop."""

    def __init__(self, lab: Machines) -> None:
        self.instances: dict[str, Instance] = {}
        self._lab = lab
        self.error: BaseException | None = None
        lab.address(f"{ADDRESS}/16")
        with (lab.folder / "moto.log").open("wb") as log:
            self._server = subprocess.Popen(
                [*lab.connected(LAPTOP), sys.executable, str(SCRIPT), ADDRESS, PORT],
                env=os.environ | VARIABLES,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self._server.stdout is not None
        self._server.stdout.readline()  # none yet
        self._keeper = threading.Thread(target=self._keep, daemon=True)
        self._keeper.start()

    def running(self, type: str) -> list[str]:
        """The instances of a type that have a machine."""
        there = self.instances.items()
        return [name for name, one in there if one.type == type and one.ended is None]

    def call(self, code: str) -> str:
        """Run Python on the laptop, with boto3's clients `ec2`, `iam` and `s3`."""
        clients = "import boto3; ec2, iam, s3 = map(boto3.client, ('ec2', 'iam', 's3'))"
        (self._lab.shared / "call.py").write_text(f"{clients}\n{code}\n")
        here = ("PYTHONPATH=.", *ENVIRONMENT)  # the project
        status, said = self._lab.run("python /study/call.py", CALL_S, here)
        assert status == 0, said
        return said.strip()

    def close(self) -> None:
        """Before the machines are switched off."""
        self._server.kill()
        self._server.wait()
        self._keeper.join()

    def _keep(self) -> None:
        assert self._server.stdout is not None
        try:
            for line in self._server.stdout:
                for name, (state, private, public, kind) in json.loads(line).items():
                    self._follow(name, state, private, public, kind)
        except BaseException as error:
            self.error = error
            raise

    def _follow(self, name: str, state: str, private: str, public: str | None, kind: str) -> None:
        known = self.instances.get(name)
        if known is None and state in ("pending", "running"):
            keys = self._lab.folder / "authorized_keys"
            keys.write_text(self._lab.inside(LAPTOP, "bash", "-c", PUBLIC_KEYS).stdout)
            addresses = [f"{private}/16", *([f"{public}/32"] if public else [])]
            self._lab.boot(host(name), *addresses, keys=keys, setenv=" ".join(ENVIRONMENT))
            self._lab.inside(host(name), "umount", "/study")
            self.instances[name] = Instance(kind, time.monotonic())
        if known is not None and known.ended is None and state not in ("pending", "running"):
            self._lab.kill(host(name))
            known.ended = time.monotonic()
