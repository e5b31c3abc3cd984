"""A signal is known before the main thread comes to it, which may hang in a call into Ray."""

from __future__ import annotations

import subprocess
import sys

import pytest

COMMAND = """
import ctypes, os, signal, sys, threading, time
from study.cluster.failures.interruption import interruptible

number, line = map(int, sys.argv[1:])
before = signal.getsignal(number)
heard = []
libc, mutex = ctypes.CDLL(None), ctypes.create_string_buffer(64)
libc.pthread_mutex_lock(mutex)

def hangs():
    frame = sys._current_frames()[threading.main_thread().ident]
    return frame.f_code.co_filename == "<string>" and frame.f_lineno == line

def look():
    while not hangs():
        time.sleep(0.01)
    time.sleep(0.5)  # between this line of Python and the lock
    heard.append(interruption.is_set())
    os.kill(os.getpid(), number)
    deadline = time.monotonic() + 30
    while not interruption.is_set() and time.monotonic() < deadline:
        time.sleep(0.01)
    heard.append(interruption.is_set())
    libc.pthread_mutex_unlock(mutex)

try:
    with interruptible() as interruption:
        other = threading.Thread(target=look)
        other.start()
        libc.pthread_mutex_lock(mutex)  # no handler runs before it returns
except KeyboardInterrupt:
    heard.append("raised")
other.join()
assert signal.getsignal(number) is before and signal.set_wakeup_fd(-1) == -1
heard.append(interruption.is_set())  # afterwards too
print(*heard)
"""


HANGS = 1 + next(at for at, line in enumerate(COMMAND.splitlines()) if "no handler runs" in line)


@pytest.mark.parametrize("number", [2, 15])
def test_a_signal_is_heard_while_the_main_thread_hangs(number: int):
    command = [sys.executable, "-c", COMMAND, str(number), str(HANGS)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == ("False True raised True\n", "")
