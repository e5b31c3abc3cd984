"""Where a pre-training writes. No torch, so that a command can ask before it imports that."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from study.storage.writing import require_file

SUFFIX = ".safetensors"


@dataclass(frozen=True)
class Places:
    """The weights' file, and those beside it while it is not there yet."""

    out: Path

    @property
    def state(self) -> Path:
        """What outlives a kill."""
        return self.out.with_name(f"{self.out.name}.state")

    @property
    def damaged(self) -> Path:
        """Where a state is set aside that cannot be read."""
        return self.state.with_name(f"{self.state.name}.damaged")

    def require(self) -> None:
        """Before the work: all of them can be written.

        Raises:
            ValueError: `out` is no .safetensors file, or a folder, or its name too long.
            OSError: nothing can be written there.
        """
        if self.out.suffix != SUFFIX:
            raise ValueError(f"out = '{self.out}': a file that ends in {SUFFIX}")
        for path in (self.out, self.state, self.damaged):
            require_file("out", path)
