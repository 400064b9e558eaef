"""A child process that cannot outlive us, however we end, on Linux and on macOS alike.

A small shell waits at the other end of a pipe that only we hold open. When we are gone, even after
SIGKILL, it reads the end of the pipe and stops the child's process group. (PR_SET_PDEATHSIG does
this without a helper, but on Linux only, and it reaches one process instead of a group.)
"""

from __future__ import annotations

import contextlib
import subprocess

GRACE_S = 10
"""What the child has between the request to stop and being killed."""

# $1: the process group. Signals meant for us must not end the watcher first.
_WATCHER = f"""
trap '' HUP INT TERM
read -r word
[ "$word" = released ] && exit 0
kill -s TERM -- "-$1" 2>/dev/null
left={GRACE_S}
while [ "$left" -gt 0 ] && kill -s 0 -- "-$1" 2>/dev/null; do sleep 1; left=$((left - 1)); done
kill -s KILL -- "-$1" 2>/dev/null
exit 0
"""


class Leash:
    """Holds the process group ``group`` (a child started with ``process_group=0``: its pid)."""

    def __init__(self, group: int) -> None:
        self._watcher = subprocess.Popen(
            ["/bin/sh", "-c", _WATCHER, "antrean-leash", str(group)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def release(self) -> None:
        """The child has ended: let its watcher go, so that it never touches a process with the same id."""
        if self._watcher.stdin is not None:
            with contextlib.suppress(OSError):
                self._watcher.stdin.write(b"released\n")
            with contextlib.suppress(OSError):
                self._watcher.stdin.close()
        self._watcher.wait()
