"""A study's page while the study runs: made anew whenever something was recorded, and served."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

from analysis.serving.server import Edition, PageServer
from study.commands.common import usable
from study.config.checks.addresses import hidden
from study.config.printable import printable
from study.storage import StoreError

PAUSE = 10.0  # seconds between two looks at the records
IDLE = 4.0  # or so many times as long as making the page took: the study needs the processor

Stamp = dict[str, tuple[int, int]]
"""Time of the last change, in nanoseconds, and size of every file that the analysis reads."""


def stamp(run_dir: Path | str) -> Stamp:
    """What the analysis reads, as it is now: two stamps differ if anything was recorded."""
    return usable(run_dir, writing=False).stamps("study.json", "trials/*/*.json*")


def watch(
    run_dir: Path | str,
    make: Callable[[], tuple[Mapping[str, bytes], str]],
    server: PageServer,
    pause: Callable[[float], None] = time.sleep,
) -> None:
    """Serve what `make` makes, and make it again when something was recorded, until Ctrl-C.

    Args:
        make: reads the study, writes its page, and returns the files by name and how far the
            study is, in words.
    """
    try:
        known, began = stamp(run_dir), time.monotonic()
        if known:
            print(f"making the page of {run_dir}", flush=True)
        files, standing = make()
        server.edition = Edition(files)
        print(f"{standing}: {server.url}  (Ctrl-C ends it)", flush=True)
        while True:
            pause(max(PAUSE, IDLE * (time.monotonic() - began)))
            began = time.monotonic()
            try:
                if (now := stamp(run_dir)) == known:
                    continue
                files, standing = make()
            except StoreError as error:  # the network may be there again at the next look
                print(f"{time.strftime('%H:%M:%S')}  {printable(hidden(str(error)))}", flush=True)
                continue
            known, server.edition = now, Edition(files)
            print(f"{time.strftime('%H:%M:%S')}  {standing}: page written again", flush=True)
    except KeyboardInterrupt:  # the way to end it
        print("\nthe page is no longer served", flush=True)
