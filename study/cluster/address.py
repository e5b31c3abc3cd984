"""Which Ray cluster a command runs on: that at $RAY_ADDRESS, one of this machine, or its own."""

from __future__ import annotations

import os
import re
import socket

from study.config.printable import shown

VARIABLE = "RAY_ADDRESS"
LOOPBACK = "127.0.0.1"
CONNECT_S = 2.0
MOST_PORT = 65535


def to_join() -> str | None:
    """The head of the cluster to join, "HOST:PORT"; None: the command starts one of its own.

    Raises:
        ValueError: RAY_ADDRESS is no such address, or nobody answers there.
    """
    given = os.environ.get(VARIABLE, "").strip()
    if given == "local":
        return None
    if given in ("", "auto"):
        from ray._private import services  # here: it takes a second; it knows of `ray start`

        found = services.find_bootstrap_address(None)
        if found and not answers(found):
            raise ValueError(
                f"no Ray cluster answers at {shown(found)}, where one was started: start it again,"
                " or run `ray stop`, after which a command starts its own"
            )
        if given and not found:
            raise ValueError(
                "RAY_ADDRESS = 'auto': no Ray cluster was started on this machine: start it (`ray"
                " start --head`), or unset RAY_ADDRESS"
            )
        return found
    said = f"RAY_ADDRESS = {shown(repr(given))}"
    if given.startswith("ray://"):
        raise ValueError(
            f"{said}: is for Ray's client, which cannot run a study: give the address of the"
            " cluster's head, HOST:6379, or run the command there"
        )
    fits = re.fullmatch(r"[^/\s]+:(\d{1,5})", given)
    if not fits or int(fits[1]) > MOST_PORT:
        raise ValueError(f"{said}: must be HOST:PORT of a cluster's head, `auto`, or `local`")
    if not answers(given):  # Ray itself would look for a minute, with a dump
        raise ValueError(f"{said}: no Ray cluster answers there: start it, or unset RAY_ADDRESS")
    return given


def require_loopback() -> None:
    """Raises ValueError where this machine does not reach itself: Ray would wait for minutes."""
    with socket.socket() as server:
        try:
            server.bind((LOOPBACK, 0))
            server.listen()
            socket.create_connection(server.getsockname(), CONNECT_S).close()
        except OSError as error:
            raise ValueError(
                f"network: this machine does not reach itself at {LOOPBACK}"
                f" ({error.strerror or error}), where Ray's processes talk: bring the loopback"
                " interface up (`ip link set lo up`), or let it through the firewall"
            ) from error


def answers(address: str) -> bool:
    """Whether somebody listens at "host:port"."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), CONNECT_S).close()
    except (OSError, UnicodeError, ValueError, OverflowError):  # or no such host or port can be
        return False
    return True
