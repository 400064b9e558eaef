"""How much processor time a process has used, told to whoever asks over a unix socket.

A thread that sleeps until it is asked: nothing is added to a request, and it works where there is no /proc.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import threading
import time
from pathlib import Path

VARIABLE = "ANTREAN_BENCH_METER"  # the socket's path, in the environment of a measured process
_SECONDS = struct.Struct("<d")


def start_meter() -> None:
    """Answer from now on, if the environment says where. Call it in the process that does the work."""
    path = os.environ.get(VARIABLE)
    if path is None:
        return
    with contextlib.suppress(FileNotFoundError):
        Path(path).unlink()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    threading.Thread(target=_answer, args=(listener,), daemon=True).start()


def _answer(listener: socket.socket) -> None:
    while True:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(_SECONDS.pack(time.process_time()))


def read_meter(path: Path) -> float:
    """Seconds of processor time that the process at ``path`` has used. Raises OSError when there is none."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(path))
        data = b""
        while len(data) < _SECONDS.size:
            piece = connection.recv(_SECONDS.size - len(data))
            if not piece:
                raise ConnectionError(f"the process at {path} ended")
            data += piece
    seconds: float = _SECONDS.unpack(data)[0]
    return seconds
