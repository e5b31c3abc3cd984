"""An object store on this machine for the tests that need one: moto's S3 with one bucket."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import secrets
import urllib.request
from collections.abc import Iterator

import boto3
from moto.server import ThreadedMotoServer

from study.storage.objects.address import file_system

BUCKET = "study"


@contextlib.contextmanager
def s3() -> Iterator[str]:
    """Serve S3; inside, the environment points to it, for child processes too. Yields its URL."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # a line for each request
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    settings = {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    file_system.cache_clear()  # it has been told of another server
    try:
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        yield url
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
        file_system.cache_clear()
        server.stop()


def fresh() -> str:
    """The address of a run directory that nobody has used."""
    return f"s3://{BUCKET}/runs/{secrets.token_hex(4)}"


def keys(address: str) -> set[str]:
    """The objects at an address, by name."""
    prefix = address.removeprefix(f"s3://{BUCKET}/") + "/"
    found = boto3.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])
    return {one["Key"].removeprefix(prefix) for one in found if not one["Key"].endswith("/")}


@contextlib.contextmanager
def guarded(url: str) -> Iterator[None]:
    """Inside, requests are refused to whoever has no permission: nobody has."""
    plain = {"Content-Type": "text/plain"}
    ask = urllib.request.Request(f"{url}/moto-api/reset-auth", b"0", plain)
    before = json.loads(urllib.request.urlopen(ask).read())
    try:
        yield
    finally:
        ask.data = str(before["PREVIOUS_INITIAL_NO_AUTH_ACTION_COUNT"]).encode()
        urllib.request.urlopen(ask).close()
