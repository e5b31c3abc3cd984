"""torchvision's published weights, kept where torch itself keeps them.

torch's own download waits for ever, and its own reading would run what is pickled in a file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from study.models.vision import get_weight
from study.models.weights import download, files


def cached(url: str) -> Path:
    """Where torch keeps the file."""
    return download.cache() / Path(url).name


def content(name: str) -> Any:
    """What the weights `name`, as `torchvision.models.get_weight` takes it, hold.

    Raises:
        OSError: they cannot be downloaded.
        ValueError: what came, or what is in the cache, is not what was published.
    """
    url = get_weight(name).url
    path = cached(url)
    if path.is_file():
        digest = download.digest_of(url)
        download.require_digest(path, digest, f"weights {name}: the copy {str(path)!r}")
    else:
        download.bring(url, path, files.content)
    return files.content(path)
