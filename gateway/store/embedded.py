"""`antrean store`: a Valkey of our own, on a unix socket, with everything kept in the state folder.

One owner: the store's folder itself is locked, and the server inherits the lock, so that no second
one can touch the append-only file while the first is still ending. A crash leaves no stale lock.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import signal
import stat
import subprocess
import time
from collections import deque
from pathlib import Path
from types import FrameType

from gateway.errors import SettingsError, StoreError
from gateway.leash import Leash
from gateway.logs import get_logger
from gateway.settings import Settings
from gateway.store.binary import find_server

LOCK_PATIENCE_S = 5.0
"""A store that was just told to stop, or lost its parent, needs a moment to write its file."""

log = get_logger(__name__)

_LINE = re.compile(r"^\d+:\w \d+ \w+ \d+ [\d:.]+ (?P<mark>[.\-*#]) (?P<text>.*)$")


def run(settings: Settings) -> int:
    """Own the embedded store until told to stop; returns the exit code.

    Raises SettingsError or StoreError, each with one clear line, when it cannot start.
    """
    if settings.store_url:
        raise SettingsError(["ANTREAN_STORE_URL names a store: there is none of our own to run"])
    server = find_server()
    folder = store_folder(settings)
    lock = _lock(folder, LOCK_PATIENCE_S)
    try:
        _prepare_socket(settings.socket_path, folder)
        return _supervise(server_command(server, folder, settings.socket_path), lock, settings.socket_path)
    finally:
        os.close(lock)


def store_folder(settings: Settings) -> Path:
    """Where the append-only file is; made if it is not there, closed to others."""
    folder = settings.state_dir / "store"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
    except OSError as exc:
        raise SettingsError([f"ANTREAN_STATE_DIR: {folder} cannot be used: {exc.strerror}"]) from exc
    return folder


def owner_is_running(settings: Settings) -> bool:
    """Whether some `antrean store` owns this state folder now."""
    if not (settings.state_dir / "store").is_dir():
        return False
    try:
        os.close(_lock(settings.state_dir / "store", patience_s=0))
    except StoreError:
        return True
    return False


def server_command(server: Path, folder: Path, socket_path: Path) -> list[str]:
    """The server's whole configuration. What is not said here is the server's default."""
    options = {
        "port": "0",  # no network: only who may open the socket gets in
        "unixsocket": str(socket_path),
        "unixsocketperm": "700",
        "dir": str(folder),
        "appendonly": "yes",
        "appendfsync": "everysec",  # at most a second is lost with the machine; tickets outlive even that
        "save": "",  # the append-only file is enough
        "maxmemory-policy": "noeviction",  # a forgotten place in line is worse than a refused write
        "databases": "1",
        "daemonize": "no",
        "logfile": "",  # to us
        "pidfile": str(folder / "server.pid"),
    }
    return [str(server), *(part for name, value in options.items() for part in (f"--{name}", value))]


def _lock(folder: Path, patience_s: float) -> int:
    """Take the folder's lock and return its descriptor; it is held until every copy is closed."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    until = time.monotonic() + patience_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return descriptor
        except OSError as exc:
            if exc.errno in (errno.EWOULDBLOCK, errno.EACCES) and time.monotonic() < until:
                time.sleep(0.1)
                continue
            os.close(descriptor)
            raise StoreError(_why_not_locked(folder, exc)) from exc


def _why_not_locked(folder: Path, exc: OSError) -> str:
    if exc.errno not in (errno.EWOULDBLOCK, errno.EACCES):
        return f"{folder} cannot be locked: {exc.strerror}. Keep the state folder on a local disk."
    with contextlib.suppress(OSError):
        pid = (folder / "server.pid").read_text().strip()
        return f"another store (process {pid}) owns {folder}. For a second copy set ANTREAN_STATE_DIR."
    return f"another store owns {folder}. For a second copy set ANTREAN_STATE_DIR."


def _prepare_socket(path: Path, folder: Path) -> None:
    """Make the socket's folder, and believe one in /tmp only if it is ours alone."""
    if path.parent == folder:
        return
    with contextlib.suppress(FileExistsError):
        path.parent.mkdir(mode=0o700)
    found = path.parent.lstat()
    if (
        not stat.S_ISDIR(found.st_mode)
        or found.st_uid != os.geteuid()
        or stat.S_IMODE(found.st_mode) != 0o700
    ):
        raise StoreError(f"{path.parent} is not ours alone: remove it, or use a shorter ANTREAN_STATE_DIR")


def _supervise(command: list[str], lock: int, socket_path: Path) -> int:
    """Run the server and pass its words on, until it ends."""
    server = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        process_group=0,  # Ctrl-C reaches us, and we stop it
        pass_fds=(lock,),
    )
    leash = Leash(server.pid)
    asked_to_stop = _stop_on_signals(server)
    try:
        last_words = _relay(server, socket_path, asked_to_stop)
    finally:
        code = server.wait()
        leash.release()
        _remove_socket(socket_path)
    if asked_to_stop and code in (0, -signal.SIGTERM):
        log.info("store stopped")
        return 0
    raise StoreError(f"the store ended by itself (exit code {code}): {last_words}")


def _stop_on_signals(server: subprocess.Popen[str]) -> list[int]:
    """Stop the server on SIGTERM, SIGINT or SIGHUP; the list holds the signals that came."""
    came: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        came.append(number)
        server.terminate()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, stop)
    return came


def _relay(server: subprocess.Popen[str], socket_path: Path, asked_to_stop: list[int]) -> str:
    """Log the server's lines; returns the last few that may explain why it ended."""
    last_words: deque[str] = deque(maxlen=3)
    assert server.stdout is not None
    for line in server.stdout:
        found = _LINE.match(line.rstrip())
        mark, text = (found["mark"], found["text"]) if found else ("", line.strip())
        if text.startswith("Ready to accept connections"):
            log.info("store ready", socket=str(socket_path))
        elif mark == "#" and not asked_to_stop and "overcommit" not in text:
            log.warning(text)  # but not the advice on the kernel that nobody needs at this size
        else:
            log.debug(text)
        if text and mark in ("#", ""):
            last_words.append(text)
    return " / ".join(last_words) or "it said nothing"


def _remove_socket(path: Path) -> None:
    path.unlink(missing_ok=True)
    if path.parent.name != "store":
        with contextlib.suppress(OSError):
            path.parent.rmdir()
