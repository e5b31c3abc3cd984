"""Where a run directory is: a folder, or a prefix of an object store (s3://, gs://).

Both give the same names to the same contents. A kill leaves the same on both: files appear whole,
and in the order in which they were written.
"""

from __future__ import annotations

import re
from pathlib import Path

from study.storage.folder import FolderStore
from study.storage.store import Busy, File, Store, StoreError

__all__ = ["Busy", "File", "FolderStore", "Store", "StoreError", "opened"]

_ADDRESS = re.compile(r"([a-z][a-z0-9+.-]*):/+(.*)", re.IGNORECASE)
_WITHOUT_SLASHES = re.compile(r"(s3|gs|gcs|abfss?):(?!/)(.*)", re.IGNORECASE)


def opened(where: Store | Path | str) -> Store:
    """The store at a path or an address; nothing is read or written yet.

    Raises:
        ValueError: an address of a scheme that is not known, or one without a bucket, or that has
            slashes too many or too few.
    """
    if not isinstance(where, (Path, str)):
        return where
    # a Path has made one slash of two
    address = _ADDRESS.fullmatch(str(where))
    if address is None and (meant := _WITHOUT_SLASHES.fullmatch(str(where))):
        raise ValueError(
            f"run_dir = {str(where)!r}: is neither a folder nor an address; write"
            f" {meant[1]}://{meant[2]}, or ./{where} for a folder of that name"
        )
    if address is None:
        return FolderStore(Path(where))
    scheme, rest = address[1].lower(), address[2]
    if scheme == "file":
        return FolderStore(Path("/" + rest))
    from study.storage.objects.store import ObjectStore  # here: folders need no pyarrow

    return ObjectStore.at_address(scheme, rest)
