"""A page that shows a data set: what is there, what looks wrong, and pictures with their labels.

It is one self-contained file, to be opened in a browser. It is written into the cache unless
another place is asked for: nothing is put into anybody's folders without being told to.
"""

from __future__ import annotations

from pathlib import Path

import jinja2

from study.commands.preparing.data_page.facts import classes, sizes
from study.commands.preparing.data_page.samples import NUMBER, samples
from study.config import ModelConfig, digest
from study.data.cache import cache_dir
from study.data.splits import Splits
from study.storage.writing import write_atomically


def write(
    splits: Splits,
    network: ModelConfig,
    title: str,
    found: list[str],
    table: list[list[str]],
    doubts: list[str],
    file: Path | None = None,
) -> Path:
    """Write the page; returns where it is.

    Args:
        network: whose input size the sizes of objects are given at.
        found: lines that say what was found.
        table: rows of numbers, by split; the first names the columns.
        doubts: as of `facts.doubts`.
        file: None: a file in the cache whose name follows from the data.

    Raises:
        OSError: it cannot be written there.
    """
    file = file or cache_dir() / "pages" / f"{digest(splits.digests())}.html"
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("study.commands.preparing.data_page", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
    )
    page = environment.get_template("page.html").render(
        title=title,
        found=found,
        head=table[0],
        rows=table[1:],
        doubts=doubts,
        classes=classes(splits),
        sizes=sizes(splits, network),
        short_px=network.short_px,
        samples=samples(splits),
        number=NUMBER,
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(file, page.encode(errors="replace"))  # a name may be no text
    return file
