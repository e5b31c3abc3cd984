"""What the commands share: data of one's own on the command line, and exit statuses."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import tyro

from study.commands import failing
from study.commands.options.parsing import as_typed
from study.config import DataConfig, SearchSpace
from study.config.checks.addresses import hidden
from study.config.data import located
from study.config.printable import printable
from study.data import formats
from study.storage import Busy, Store, StoreError, opened

DONE, FAILURE, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130


class Failed(RuntimeError):
    """What nobody at the command can mend at once: one line on stderr, exit status 1."""


def unset(metavar: str) -> Any:
    """For an option that is None unless given: how its value is called, and no word of None."""
    return tyro.conf.arg(metavar=metavar, help_behavior_hint="")


File = Annotated[Path | None, unset("FILE")]
Folder = Annotated[Path | None, unset("DIR")]
Count = Annotated[int | None, unset("N")]
RunDir = Annotated[Path | str, tyro.conf.arg(metavar="DIR", constructor=str)]
"""A folder, or the address of one on an object store: a Path would take a slash from s3://."""


@dataclass(frozen=True, kw_only=True)
class OwnData:
    """A data set of your own: a folder, or all four of train and val."""

    root: Folder = None
    """Where the data of a search space or recipe lie (default: where it says, data/…)."""
    folder: Annotated[
        Path | None,
        tyro.conf.arg(
            name="data",
            prefix_name=False,
            metavar="PATH",
            help=f"A folder or file in a format that is recognised ({formats.NAMES}), with its"
            " splits; without a val split, images are held out of train.",
            help_behavior_hint="",
        ),
    ] = None
    train: File = None
    """Instead of a folder: annotations of the training images (JSON in COCO's format)."""
    train_images: Folder = None
    """Their folder."""
    train_within: File = None
    """Train only on images whose ids are in this annotation file too, tune on some others."""
    val: File = None
    """Annotations of the images to report on, never tuned on."""
    val_images: Folder = None
    """Their folder."""
    tune: File = None
    """Annotations of images to tune on; without them some of train are held out."""
    tune_images: Folder = None
    """Their folder."""
    tune_size: Count = None
    """How many are held out (default: 128, or a quarter of train if that is less)."""
    val_size: Count = None
    """Report on the first N images of val; in a folder without val, N images held out
    (default: 128, or a quarter of train if that is less)."""
    skip_bad: Annotated[bool, tyro.conf.arg(name="skip-bad", prefix_name=False)] = False
    """Leave out images that cannot be read and objects with a mistake, instead of stopping."""

    @property
    def given(self) -> bool:
        return any(path is not None for path in (self.folder, self.train, self.val))

    def over(self, base: DataConfig, name: str) -> DataConfig:
        """`base` with what was given, paths made absolute; `name` if images were given.

        Raises:
            ValueError: a root where nothing lies relative to one, or images but not all of them.
        """
        given: dict[str, Any] = {
            key: value if isinstance(value, int) else str(located(key, value))
            for key, value in vars(self).items()
            if value is not None and value is not False
        }
        if self.root and (self.given or base.root is None):
            raise ValueError(
                f"data.root = '{self.root}': for search spaces and recipes that name their own"
                " data, like coco_10k; leave it out, or name one and no data of your own"
            )
        if self.given:
            return DataConfig(name=name, **given)
        if given.keys() - {"root"}:
            base = replace(base, digests={})  # other images than those of which they were taken
        return replace(base, **given).absolute()


def usable(run_dir: Path | str, *, writing: bool) -> Store:
    """The run directory, which may lie on an object store.

    Raises:
        ValueError: one that does not exist, or where nothing may be read or written.
    """
    store = opened(run_dir)
    store.require_usable(writing)
    return store


def data_config(space: SearchSpace, own: OwnData) -> DataConfig:
    """The space's data, or the command's, with absolute paths.

    Raises:
        ValueError: options that do not fit the space.
    """
    if space.name == "shapes" and own.given:
        raise ValueError("space = 'shapes' brings its own data: leave out the name, or --data.*")
    if space.name == "custom" and not own.given:
        return DataConfig(name="custom")  # refuses, and says what is missing
    return own.over(space.fixed.data, space.name)


def exit_status(
    command: Callable[[], int], arguments: Sequence[str] = (), goes_on: bool = False
) -> int:
    """Run a command: what the user can mend is one line on stderr, what we broke a traceback.

    Args:
        command: returns an exit status.
        arguments: that were typed; a refusal names options as they were.
        goes_on: whether the same command, typed again, goes on where it was interrupted.
    """
    failing.open_streams()
    try:
        failing.require_folder()
        status = command()
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        failing.let_go()
        return failing.CUT_OFF
    except (ValueError, Busy) as error:
        if not failing.refused(error):
            return _unforeseen(error)
        return _end(BAD_INPUT, f"error: {as_typed(str(error), arguments)}")
    except StoreError as error:
        return _end(failing.of_storage(error), f"error: {error}")
    except Failed as error:
        return _end(FAILURE, f"error: {error}")
    except OSError as error:
        told = failing.of_system(error)
        return _end(told[0], f"error: {told[1]}") if told else _end(FAILURE, failing.fault(error))
    except ImportError as error:
        unloaded = failing.of_installation(error)
        return _end(FAILURE, f"error: {unloaded}" if unloaded else failing.fault(error))
    except MemoryError:
        return _end(
            FAILURE,
            "error: memory: there is not enough of it; end other programs, or ask for less: fewer"
            " --workers, smaller images or batches",
        )
    except KeyboardInterrupt:
        again = "goes on where this one ended" if goes_on else "begins again"
        return _end(INTERRUPTED, f"interrupted: the same command {again}")
    except Exception as error:
        return _unforeseen(error)


def _unforeseen(error: Exception) -> int:
    told = failing.of_environment(error)
    return _end(BAD_INPUT, f"error: {told}") if told else _end(FAILURE, failing.fault(error))


def _end(status: int, said: str) -> int:
    """Say it, where there is somebody to hear it; returns the exit status."""
    with contextlib.suppress(OSError):
        print(printable(hidden(said)), file=sys.stderr, flush=True)
    return status
