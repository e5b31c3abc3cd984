"""A study's bill in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from study.commands.words import duration
from study.planning.pricing.bill import Bill

if TYPE_CHECKING:
    from study.training.speed import Speed


def bill_lines(bill: Bill) -> list[str]:
    """What will be run."""
    crossed = (
        f", of which {bill.cross_runs} give an arm another arm's setting, if that differs"
        if bill.cross_runs
        else ""
    )
    return [
        f"trials      {bill.tuning_trials} for tuning"
        f" ({bill.tuning_trials // bill.cells} for each arm at each size)"
        f" + {bill.confirm_runs} to confirm{crossed}",
        f"iterations  {bill.expected:,} expected, {bill.most:,} if every range is extended and no"
        f" trial stops early; {bill.independent:,} if each length were a training of its own",
        f"images      {bill.expected_images:,.0f} expected, {bill.most_images:,.0f} at most",
    ]


def bill_time(bill: Bill, speed: float, how: str, devices: int = 0) -> list[str]:
    """How long that takes.

    Args:
        bill: of the study.
        speed: training images per second of one device.
        how: that is known: measured where, or assumed.
        devices: that train at once; 0 if that is not known.
    """
    expected, most = (images / speed for images in (bill.expected_images, bill.most_images))
    hours = f"{expected / 3600:,.1f} device-hours expected, {most / 3600:,.1f} at most"
    if most < 3600:
        hours = f"{duration(expected)} of device time expected, {duration(most)} at most"
    rows = [f"devices     {hours}, and evaluation: {speed:.1f} images/s a device, {how}"]
    if devices:
        rows.append(
            f"time        {duration(expected / devices)} expected,"
            f" {duration(most / devices)} at most, {devices} devices at once"
        )
    return rows


def bill_memory(found: Speed) -> str:
    """What a worker needs, as it was measured."""
    parts = f", {found.at_once} of its {found.share} images at a time"
    return (
        f"memory      {found.peak_bytes / 1e9:.1f} GB for each worker at the peak, measured here"
        + (parts if found.at_once < found.share else "")
    )
