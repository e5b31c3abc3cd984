"""A held port is there for the program that it is for, and for nobody else."""

from __future__ import annotations

import errno
import socket
import struct

import pytest

from study.cluster.ports import held_port

IP_LOCAL_PORT_RANGE = 51  # of Linux 6.3 and later; Python 3.11 has no name for it


def test_a_server_that_comes_late_listens_there():
    with held_port() as port, socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do
        server.bind(("127.0.0.1", port))
        server.listen()
        with socket.create_connection(("127.0.0.1", port)), server.accept()[0]:
            pass


def test_a_connection_gets_another():
    """One that may take this port alone finds none, until it is free."""

    def connects(port: int) -> int:
        with socket.socket() as client:
            try:
                only = struct.pack("I", port | port << 16)
                client.setsockopt(socket.IPPROTO_IP, IP_LOCAL_PORT_RANGE, only)
            except OSError:
                pytest.skip("this kernel cannot narrow the range of ports of one socket")
            return client.connect_ex(server.getsockname())

    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        with held_port() as port:
            assert connects(port) == errno.EADDRNOTAVAIL
        assert connects(port) == 0
