"""The replay's own Valkey, and the rawest way to talk to it: packed pipelines out, parsed replies in."""

from __future__ import annotations

import contextlib
import re
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hiredis

from gateway.domain.room import Knobs, Snapshot
from gateway.leash import Leash
from gateway.store.binary import find_server
from gateway.store.functions import LIBRARY, NAME, Command, Functions, load_command
from gateway.store.keys import room_key
from gateway.store.snapshots import known_json, parse_snapshot

ROOM = "replay"
WORKER = "replay"
SLOW_US = 1000  # ticks below this need no entry of their own
_NOW_MARK = 1111111111111


def _constant(name: str) -> int:
    found = re.search(rf"^local {name} = (\d+)", LIBRARY, re.MULTILINE)
    if found is None:
        raise RuntimeError(f"the function library has no {name} any more")
    return int(found[1])


WINDOW_MS = _constant("WINDOW_MS")
OFFER_MS = _constant("OFFER_MS")
LEASE_MS = _constant("LEASE_MS")


@dataclass(frozen=True, slots=True)
class Effort:
    """What the store spent."""

    cpu_s: float
    calls: int
    call_us: float  # mean time of one function call
    slow_ticks_us: tuple[int, ...]  # every tick above SLOW_US, by the store's own watch, longest first
    tick_cpu_us: tuple[int, ...]  # of the ticks whose CPU time was taken, longest first


class ReplayStore:
    """One connection. ``send`` and ``receive`` are apart, so that the store works while we do."""

    def __init__(self, path: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(60)
        self._socket.connect(path)
        self._reader = hiredis.Reader(encoding="utf-8", errors="replace")  # a slow log names bytes, too
        self.functions = Functions(ROOM)
        facts = self._info("server")
        self.run_id = facts["run_id"]
        self.call(("CONFIG", "SET", "slowlog-log-slower-than", SLOW_US, "slowlog-max-len", 10_000))
        self.call(load_command())
        self._slow_ticks: list[int] = []
        self._tick_cpu_us: list[int] = []
        self._schedstat = Path(f"/proc/{facts['process_id']}/schedstat")
        tick = hiredis.pack_command(self.functions.tick(_NOW_MARK, self.run_id, WORKER))  # type: ignore[arg-type]
        self._tick_head, self._tick_tail = tick.split(b"%d" % _NOW_MARK)
        self._offer_keys = (room_key(ROOM, "offers"), room_key(ROOM, "offers:late"))
        self.baseline = 0

    def open_room(self, now_ms: int, knobs: Knobs, poll_max_s: int) -> Snapshot:
        """Open the room; its first tick may come a second later."""
        known = known_json(None, issued=0, instance=secrets.token_hex(8), defaults=knobs, poll_max_s=poll_max_s)
        self.call(self.functions.restore(now_ms - 1000, self.run_id, known))
        snapshot = self.snapshot(self.call(self.functions.restore(now_ms, self.run_id, known)))
        self.baseline = self.memory_bytes()
        return snapshot

    @staticmethod
    def snapshot(reply: object) -> Snapshot:
        return parse_snapshot(ROOM, reply)

    def tick(self, now_ms: int) -> bytes:
        """The tick, packed."""
        return bytes(self._tick_head + b"%d" % now_ms + self._tick_tail)

    def offers_of(self, vt_ms: int, *, late: bool) -> bytes:
        """Which positions the tick at room time ``vt_ms`` offered, packed."""
        score = vt_ms + OFFER_MS
        return pack(("ZRANGEBYSCORE", self._offer_keys[late], score, score))

    def exchange_watched(self, packed: Sequence[bytes], kinds: Sequence[str]) -> list[Any]:
        """Send one by one, and note the CPU time that the server needed for each tick.

        Unlike the slow log's time, it leaves out the moments in which a busy machine gave the server nothing.
        """
        replies = []
        for command, kind in zip(packed, kinds, strict=True):
            began_ns = self._server_cpu_ns()
            self.send([command])
            replies += self.receive(1)
            if kind == "tick" and began_ns:
                self._tick_cpu_us.append((self._server_cpu_ns() - began_ns) // 1000)
        return replies

    def _server_cpu_ns(self) -> int:
        try:
            return int(self._schedstat.read_text().split()[0])
        except OSError:
            return 0  # not Linux

    def set_rate(self, now_ms: int, rate: float) -> Command:
        return self.functions.set_knobs(now_ms, -1, "replay", "", "rate", rate)

    def send(self, packed: Sequence[bytes]) -> None:
        self._socket.sendall(b"".join(packed))

    def receive(self, count: int) -> list[Any]:
        """The next ``count`` replies. Raises RuntimeError on an error among them."""
        replies = []
        for _ in range(count):
            while (reply := self._reader.gets()) is False:
                received = self._socket.recv(1 << 18)
                if not received:
                    raise RuntimeError("the store ended")
                self._reader.feed(received)
            if isinstance(reply, hiredis.ReplyError):
                raise RuntimeError(f"the store refused: {reply}")
            replies.append(reply)
        return replies

    def call(self, command: Command) -> Any:
        """One command and its reply; nothing else may be under way."""
        self.send([pack(command)])
        return self.receive(1)[0]

    def memory_bytes(self) -> int:
        """What the line costs: without our own connection's buffers."""
        facts = self._info("memory")
        return int(facts["used_memory"]) - int(facts["mem_clients_normal"]) - self.baseline

    def note_slow_ticks(self) -> None:
        """Collect the slow log, which keeps a bounded number of entries."""
        for entry in self.call(("SLOWLOG", "GET", -1)):
            if f"{NAME}_tick" in entry[3]:
                self._slow_ticks.append(entry[2])
        self.call(("SLOWLOG", "RESET"))

    def effort(self) -> Effort:
        self.note_slow_ticks()
        cpu, stats = self._info("cpu"), self._info("commandstats")
        calls = re.search(r"calls=(\d+),usec=(\d+)", stats["cmdstat_fcall"])
        assert calls is not None
        count, usec = int(calls[1]), int(calls[2])
        spent = float(cpu["used_cpu_user"]) + float(cpu["used_cpu_sys"])
        return Effort(spent, count, usec / count, _longest(self._slow_ticks), _longest(self._tick_cpu_us))

    def _info(self, section: str) -> dict[str, str]:
        lines = (line.partition(":") for line in self.call(("INFO", section)).splitlines() if ":" in line)
        return {name: value for name, _, value in lines}

    def close(self) -> None:
        self._socket.close()


def _longest(times: list[int]) -> tuple[int, ...]:
    return tuple(sorted(times, reverse=True))


def pack(command: Command) -> bytes:
    """The command as it goes over the wire."""
    packed: bytes = hiredis.pack_command(command)  # type: ignore[arg-type]
    return packed


@contextlib.contextmanager
def own_store() -> Iterator[ReplayStore]:
    """A Valkey that keeps nothing, on a socket of its own, ended and removed afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="antrean-"))
    path = folder / "s"
    options = ("--port", "0", "--unixsocket", str(path), "--save", "", "--appendonly", "no", "--dir", str(folder))
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [str(find_server()), *options],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            process_group=0,  # Ctrl-C is ours to handle
        )
    leash = Leash(server.pid)  # it ends with us, however we end
    try:
        with contextlib.closing(ReplayStore(_listening(server, path))) as store:
            yield store
    finally:
        server.terminate()
        server.wait()
        leash.release()
        shutil.rmtree(folder, ignore_errors=True)


def _listening(server: subprocess.Popen[bytes], path: Path, patience_s: float = 20.0) -> str:
    until = time.monotonic() + patience_s
    while time.monotonic() < until and server.poll() is None:
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
            probe.connect(str(path))
            return str(path)
        time.sleep(0.02)
    words = (path.parent / "log").read_text(errors="replace")[-500:]
    raise RuntimeError(f"the replay's store did not start: {words}")
