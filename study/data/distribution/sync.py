"""A data set on an object store, and its copy on each node's disk.

Images are read again and again and want to lie on the node. Whoever has them uploads them once,
with a manifest of what they are; each node brings them to its disk once, and checks every file.
Any folder will do: a data set in COCO's format, or a cache that has been filled
(`study.data.cache`), for files keep their time of change.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from study.config.printable import shown
from study.data.distribution import files
from study.data.distribution.manifest import (
    MANIFEST,
    PARTIAL_MANIFEST,
    Entry,
    parsed,
    read_manifest,
    require_inside,
    written,
)
from study.data.distribution.transfer import (
    CHUNK_BYTES,
    GivenUp,
    Progress,
    Say,
    entry_of,
    in_parallel,
)
from study.storage import Store, StoreError
from study.storage.failures import told
from study.storage.locking import locked
from study.storage.writing import beside, write_all, write_atomically

ATTEMPTS = 4
SHOWN = 20  # lines of an error
KNOWN = ".sync.json"  # what was found right in the folder
GOES_ON = "the same command goes on from there"


def upload(folder: Path, store: Store, say: Say) -> None:
    """Put a folder's files on a store, and last a manifest with the digest of each.

    Files that an earlier upload has put there and that have not changed stay as they are.

    Raises:
        ValueError: see `files.to_upload`.
        StoreError: a file could not be written.
    """
    paths = {name: folder / name for name in files.to_upload(folder)}
    before = {**read_manifest(store, MANIFEST), **read_manifest(store, PARTIAL_MANIFEST)}
    there = {name: size for name, (_, size) in store.stamps().items()}
    progress = Progress(len(paths), sum(path.stat().st_size for path in paths.values()), say)
    sent: dict[str, Entry] = {}

    def send(name: str) -> None:
        entry = entry_of(paths[name], progress)
        same = before.get(name)
        if same is None or same.sha256 != entry.sha256 or there.get(name) != entry.size:
            store.send(paths[name], name)
        sent[name] = entry
        progress.add(files=1)

    try:
        in_parallel(send, list(paths), progress)
    except BaseException:
        with contextlib.suppress(StoreError):
            store.write(PARTIAL_MANIFEST, written(before | sent))
        raise
    store.write(MANIFEST, written(sent))
    store.remove(PARTIAL_MANIFEST)
    say(f"{progress.line()} at {store}")


def sync(store: Store, folder: Path, say: Say) -> None:
    """Bring what was uploaded to a folder; what is there already is checked, and stays.

    One process of a node brings it, the others wait. A file appears under its name when it is
    whole and right; what was cut off goes on where it was.

    Raises:
        ValueError: nothing was uploaded there, files are not what the manifest says, or the disk
            has too little room.
        StoreError: a file could not be read.
    """
    entries = read_manifest(store, MANIFEST)
    if not entries:
        raise ValueError(
            f"{store}: has no {MANIFEST}: upload a data set first, with python -m study.prepare"
            f" upload FOLDER {store}"
        )
    require_inside(entries, store.at(MANIFEST))
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(
            f"folder {folder}: cannot be made ({error.strerror}); choose another, or make room"
            " for it"
        ) from error
    with _alone(folder, say):
        known = _known(folder)
        todo = [
            name
            for name, entry in entries.items()
            if not _is_known(folder / name, known.get(name), entry)
        ]
        progress = Progress(len(todo), sum(entries[name].size for name in todo), say)
        missing = sum(_rest(folder / name, entries[name]) for name in todo)
        free = shutil.disk_usage(folder).free
        if missing > free:
            raise ValueError(
                f"folder {folder}: {free / 1e9:,.1f} GB are free, and {missing / 1e9:,.1f} GB are"
                f" to come from {store}"
            )
        wrong: list[str] = []

        def bring(name: str) -> None:
            if problem := _bring(store, folder, name, entries[name], progress):
                wrong.append(problem)
            else:
                known[name] = entries[name]
                progress.add(files=1)

        try:
            in_parallel(bring, todo, progress)
        finally:
            with contextlib.suppress(StoreError):  # without it all is checked again
                write_atomically(folder / KNOWN, written(known))
    if wrong:
        if len(wrong) == 1:
            raise ValueError(wrong[0])
        more = [f"… and {len(wrong) - SHOWN} more"] if len(wrong) > SHOWN else []
        raise ValueError(
            "\n".join([f"{len(wrong)} files are wrong:", *sorted(wrong)[:SHOWN], *more])
        )
    before = len(entries) - len(todo)
    say(f"{store} is in {folder}: {progress.line()} copied or checked, {before:,} checked before")
    if others := files.others(folder, entries):
        say(
            f"look at     {folder}: {len(others):,} files in it are none of {store}, the first is"
            f" {shown(others[0])!r}: remove them if they are none of the data set"
        )


def _bring(store: Store, folder: Path, name: str, entry: Entry, progress: Progress) -> str | None:
    """Make a file be there; what is wrong with it, if something is."""
    path = folder / name
    if path.is_dir():
        return f"{path}: is a folder, and a file of that name is to come: remove it"
    if path.exists():
        if entry_of(path, progress).sha256 == entry.sha256:
            os.utime(path, ns=(entry.mtime_ns, entry.mtime_ns))
            return None
        return (
            f"{path}: is not what {store.at(MANIFEST)} says: remove it, and run this command again"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = beside(path, "partial")
    for resumed in (True, False):  # an object may have been replaced since it was cut off
        if not resumed or (partial.exists() and partial.stat().st_size > entry.size):
            partial.unlink(missing_ok=True)
        fresh = not partial.exists()
        if _download(store, name, partial, progress) == entry.sha256:
            os.utime(partial, ns=(entry.mtime_ns, entry.mtime_ns))
            partial.replace(path)
            return None
        if fresh:
            break
    partial.unlink()
    return f"{store.at(name)}: its digest is not that in {MANIFEST}: upload it again"


def _download(store: Store, name: str, partial: Path, progress: Progress) -> str:
    """Read the rest of an object into a file; the digest of the whole."""
    for attempt in range(1, ATTEMPTS + 1):
        found = hashlib.sha256()
        with partial.open("ab+", buffering=0) as file:
            file.seek(0)
            while chunk := file.read(CHUNK_BYTES):
                found.update(chunk)
            try:
                with store.reading(name) as source:
                    source.seek(file.tell())
                    while chunk := source.read(CHUNK_BYTES):
                        with told(partial, then=GOES_ON):
                            write_all(file.fileno(), chunk)
                        found.update(chunk)
                        progress.add(len(chunk))
                        if progress.stop.is_set():
                            raise GivenUp
                return found.hexdigest()
            except StoreError:
                raise
            except OSError as error:
                if attempt == ATTEMPTS or isinstance(error, FileNotFoundError):
                    raise StoreError(f"{store.at(name)}: cannot be read: {error}") from error
        time.sleep(2.0**attempt)
    raise AssertionError("the last attempt returns or raises")


def _rest(path: Path, entry: Entry) -> int:
    """Bytes of a file that are still to come."""
    for there in (path, beside(path, "partial")):
        if there.exists():
            return max(0, entry.size - there.stat().st_size)
    return entry.size


def _is_known(path: Path, before: Entry | None, entry: Entry) -> bool:
    """Whether a file was found right before, and has not been touched since."""
    if before != entry or not path.exists():
        return False
    state = path.stat()
    return (state.st_size, state.st_mtime_ns) == (entry.size, entry.mtime_ns)


def _known(folder: Path) -> dict[str, Entry]:
    """What was found right in the folder by an earlier call."""
    file = folder / KNOWN
    with contextlib.suppress(FileNotFoundError, ValueError):  # damaged: all is checked again
        return parsed(file.read_bytes(), str(file))
    return {}


@contextlib.contextmanager
def _alone(folder: Path, say: Say) -> Iterator[None]:
    """Hold the folder against other processes of this node."""
    with (path := folder / ".sync.lock").open("a") as lock:
        try:
            locked(lock, path, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"another process is copying the data to {folder}: waiting for it")
            locked(lock, path)
        yield
