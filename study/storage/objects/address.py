"""Where a prefix of an object store is: its address, and the file system that reaches it."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace

from pyarrow import fs

from study.config.checks.addresses import has_secret, hidden

SCHEMES = ("s3", "gs", "gcs", "abfs", "abfss")


@dataclass(frozen=True)
class Address:
    """A path in a file system; as text what one would type to name it."""

    files: fs.FileSystem
    path: str  # with the bucket
    scheme: str
    query: str

    def __str__(self) -> str:
        return f"{self.scheme}://{self.path}" + (f"?{self.query}" if self.query else "")

    def of(self, path: str) -> Address:
        """The address of another path in the same file system."""
        return replace(self, path=path)


def parsed(scheme: str, rest: str) -> Address:
    """The address scheme://rest; no request is made yet.

    Raises:
        ValueError: a scheme that is not known, no bucket, a part of the path that can be none, or
            credentials in the address.
    """
    said = f"run_dir = {hidden(f'{scheme}://{rest}')!r}"
    if scheme not in SCHEMES:
        raise ValueError(
            f"{said}: no such kind of store; give a folder, s3://bucket/prefix or"
            " gs://bucket/prefix"
        )
    path, _, query = rest.partition("?")
    bucket, _, prefix = path.strip("/").partition("/")
    if not bucket:
        raise ValueError(f"{said}: names no bucket; give {scheme}://bucket/prefix")
    odd = next((part for part in prefix.split("/") if part in ("", ".", "..")), "-")
    if prefix and odd != "-":
        raise ValueError(
            f"{said}: {odd!r} between two slashes is no folder of an object store; leave it out"
        )
    user, at, _ = bucket.rpartition("@")  # abfs://container@account has no secret in it
    if (at and (scheme == "s3" or ":" in user)) or has_secret(query):
        raise ValueError(
            f"run_dir = '{scheme}://…': contains credentials, and the command is written into"
            " the run directory; put them into the environment or into ~/.aws"
        )
    try:
        files, root = file_system(scheme, bucket, query)
    except (OSError, ValueError) as error:
        why = hidden(str(error).splitlines()[0])
        raise ValueError(f"{said}: cannot be opened: {why}") from error
    return Address(files, f"{root}/{prefix}".rstrip("/"), scheme, query)


@functools.cache
def file_system(scheme: str, bucket: str, query: str) -> tuple[fs.FileSystem, str]:
    """The file system with a bucket in it, and the bucket's path."""
    options = [query] if query else []
    if scheme == "s3":
        options.append("allow_delayed_open=true")  # one request for a small object, not three
    return fs.FileSystem.from_uri(f"{scheme}://{bucket}" + "?" * bool(options) + "&".join(options))
