"""EC2, IAM and S3 without Amazon: moto answers, and tells what instances there should be.

    python pretend_aws.py ADDRESS PORT

A line of JSON whenever that changes: {instance: [state, private address, public address, type]}.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import boto3
from moto.server import ThreadedMotoServer

LOOK_S = 0.5


def instances(ec2: Any) -> dict[str, list[str | None]]:
    return {
        one["InstanceId"]: [
            one["State"]["Name"],
            one.get("PrivateIpAddress"),
            one.get("PublicIpAddress"),
            one["InstanceType"],
        ]
        for reservation in ec2.describe_instances()["Reservations"]
        for one in reservation["Instances"]
    }


def main(address: str, port: str) -> None:
    ThreadedMotoServer(ip_address=address, port=int(port), verbose=False).start()
    ec2 = boto3.client("ec2", endpoint_url=f"http://{address}:{port}")
    told: dict[str, list[str | None]] | None = None
    while True:
        if (found := instances(ec2)) != told:
            print(json.dumps(found), flush=True)
            told = found
        time.sleep(LOOK_S)


if __name__ == "__main__":
    main(*sys.argv[1:])
