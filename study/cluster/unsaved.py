"""What Tune would pickle for a restore that never happens here."""

from __future__ import annotations


class Unsaved:
    """Pickles to nothing: the state is the run directory, and the command takes it up."""

    def __reduce__(self) -> tuple[type, tuple[()]]:
        return object, ()
