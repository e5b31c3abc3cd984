"""A checkpoint's bytes with their checksum, so that damage is noticed before anything is read.

    "study checkpoint 1\\n", SHA-256 (32 bytes), length (8 bytes, little-endian), the content

Those of earlier versions are torch's own files, zip archives, without it.
"""

from __future__ import annotations

import hashlib

from study.storage.run_dir.json_text import Damaged

MAGIC = b"study checkpoint 1\n"
OLDER = b"PK\x03\x04"
HEAD = len(MAGIC) + 32 + 8


def packed(content: bytes) -> bytes:
    """For the file."""
    length = len(content).to_bytes(8, "little")
    return b"".join((MAGIC, hashlib.sha256(content).digest(), length, content))


def unpacked(found: bytes, file: str) -> bytes:
    """What was packed.

    Raises:
        Damaged: the bytes are not those that were written; says how.
    """
    if found.startswith(OLDER):
        return found
    if not found.startswith(MAGIC) or len(found) < HEAD:
        raise Damaged(f"{file}: damaged: no checkpoint" + " (empty)" * (not found))
    digest = found[len(MAGIC) : HEAD - 8]
    length = int.from_bytes(found[HEAD - 8 : HEAD], "little")
    content = memoryview(found)[HEAD:]
    if len(content) != length:
        raise Damaged(f"{file}: damaged: {len(content):,} bytes, and {length:,} were written")
    if hashlib.sha256(content).digest() != digest:
        raise Damaged(f"{file}: damaged: its checksum does not fit it")
    return bytes(content)
