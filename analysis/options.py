"""The options of `python -m analysis`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from study.storage import opened


@dataclass(frozen=True, kw_only=True)
class Analysis:
    """Print a study's answer and write its report."""

    run_dir: tyro.conf.Positional[
        Annotated[Path | str, tyro.conf.arg(metavar="RUN_DIR", constructor=str)]
    ]
    """The study's folder or address, as given to `python -m study.sweep --run-dir`."""
    out: Annotated[Path | str | None, tyro.conf.arg(metavar="DIR", constructor=str)] = None
    """Folder for the page and the tables (default: RUN_DIR/report; of a study on an
    object store, report)."""
    all: bool = False
    """Print every table, not one screen."""
    pictures: bool = True
    """Show some of the evaluation images in the page, if detections on them are stored."""
    against: Annotated[str | None, tyro.conf.arg(metavar="RUN_DIR")] = None
    """Another study, whose arms are compared with those of this one."""
    watch: bool = False
    """Instead of printing: serve the page to a browser on this machine, and write it again
    whenever the study has recorded something, until Ctrl-C."""
    host: Annotated[str | None, tyro.conf.arg(metavar="ADDRESS", help_behavior_hint="")] = None
    """With --watch: the address to serve at (default: 127.0.0.1, this machine alone). At
    another one everybody who reaches this machine can read the page."""
    port: Annotated[int | None, tyro.conf.arg(metavar="PORT", help_behavior_hint="")] = None
    """With --watch: the port (default: the first free one from 8765 on)."""

    @property
    def folder(self) -> Path:
        if self.out is not None:
            return Path(self.out)
        return (opened(self.run_dir).folder or Path()) / "report"
