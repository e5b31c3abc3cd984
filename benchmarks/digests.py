"""The digest of an annotation file of COCO's size that has not changed, against hashing it.

python -m benchmarks.digests
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.pairs import compare
from study.data.formats.digests import SETTLED_NS, digest_by_reading, file_digest

SIZE = 471_000_000  # bytes of instances_train2017.json


def main() -> None:
    with TemporaryDirectory() as folder:
        os.environ["STUDY_CACHE"] = str(Path(folder) / "cache")
        path = Path(folder) / "train.json"
        with path.open("wb") as file:
            file.truncate(SIZE)  # a hole: no disk to wait for, which favours the peer
        time.sleep(SETTLED_NS / 1e9 + 0.1)
        assert file_digest(path) == digest_by_reading(path), "not the same digest"
        print(f"a file of {SIZE:,} bytes")
        compare(
            {
                "remembered": lambda: file_digest(path),
                "hashed": lambda: digest_by_reading(path),
            },
            rounds=10,
            warmup=1,
        )


if __name__ == "__main__":
    main()
