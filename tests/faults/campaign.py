"""`make faults`: faults of store and workers under load, one after another, and a table at the end.

Visitors join all the time, check in, are let in and use the site. Each keeps a ledger of its own: number, when it
was let in. After each fault everybody who was told a number is asked for it again.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.errors import StoreError
from gateway.secrets import load_keys
from gateway.settings import load_settings
from gateway.store.rooms import open_store
from tests.faults.proxy import FaultProxy, Mode
from tests.installation import CONFIG, Installation, Site, free_port
from tests.people import Browser, until
from tests.store.virtual import worst_excess

RATE_PER_MINUTE = 300.0
BASE = "/_queue/registration/"
ALIVE = ("waiting", "called", "admitted", "late", "finished")


@dataclass
class Visitor:
    """One visitor and the ledger of its own."""

    browser: Browser
    number: int = 0
    admitted_s: float = 0.0
    changed: bool = False  # was told another number than before


@dataclass
class Ledger:
    """What all visitors together saw during one fault."""

    visitors: list[Visitor] = field(default_factory=list)
    answered_s: list[float] = field(default_factory=list)  # when check-ins were answered
    interrupted: int = 0  # requests of one who is inside that did not reach the site
    requests_inside: int = 0

    def outage_s(self) -> float:
        times = sorted(self.answered_s)
        return max((b - a for a, b in itertools.pairwise(times)), default=0.0)


class Bench:
    """The running installation, the proxy before its store, and the crowd."""

    def __init__(self, running: Installation, proxy: FaultProxy) -> None:
        self.running, self.proxy = running, proxy
        self.ledger = Ledger()
        self.gateway_environ = running.environ
        self._done = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def start_gateway(self) -> None:
        """With the proxy between it and the store."""
        before, self.running.environ = self.running.environ, self.gateway_environ
        self.running.start("gateway", "serve")
        self.running.environ = before

    async def begin(self) -> None:
        self.ledger, self._done = Ledger(), asyncio.Event()
        await until(self._has_new_line, "a new line", 20)
        self._tasks = [asyncio.create_task(self._newcomers()), asyncio.create_task(self._insider())]
        await until(self._is_going, "visitors have numbers and one is inside", 40)

    async def end(self) -> None:
        self._done.set()
        await asyncio.gather(*self._tasks)

    async def _has_new_line(self) -> bool:
        """Without the crowd of the fault before, whose absence would have to be noticed first."""
        with contextlib.suppress(StoreError):
            store = await open_store(self.running.settings.store_address())
            try:
                await store.line("registration").new_line(actor="faults")
            finally:
                await store.close()
            return True
        return False

    async def _is_going(self) -> bool:
        return sum(bool(v.number) for v in self.ledger.visitors) > 20 and self.ledger.requests_inside > 3

    async def _newcomers(self) -> None:
        following = []
        while not self._done.is_set():
            visitor = Visitor(self.running.visitor())
            self.ledger.visitors.append(visitor)
            following.append(asyncio.create_task(self._follow(visitor)))
            await asyncio.sleep(random.uniform(0.05, 0.15))
        await asyncio.gather(*following)

    async def _follow(self, visitor: Visitor) -> None:
        with contextlib.suppress(OSError, ValueError, IndexError, TimeoutError):
            await visitor.browser.get("/")
        while not self._done.is_set() and not visitor.admitted_s:
            await self._check_in(visitor)
            await asyncio.sleep(random.uniform(0.6, 1.2))

    async def _check_in(self, visitor: Visitor) -> str:
        """The state that it was told, '' for none. A worker that was killed answers nothing."""
        with contextlib.suppress(OSError, ValueError, IndexError, TimeoutError):
            reply = await visitor.browser.fetch("POST", BASE + "check-in")
            if reply.status == 401 and not visitor.number:
                await visitor.browser.get("/")  # it came while nothing at all answered: it comes again
            if reply.status != 200:
                return ""
            said = reply.json()
            self.ledger.answered_s.append(time.monotonic())
            visitor.changed |= bool(visitor.number) and said["number"] != visitor.number
            visitor.number = said["number"]
            if said["state"] == "admitted" and not visitor.admitted_s:
                visitor.admitted_s = time.monotonic()
            return str(said["state"])
        return ""

    async def _insider(self) -> None:
        browser = self.running.visitor()
        while not self._done.is_set():
            with contextlib.suppress(OSError, ValueError, IndexError, TimeoutError):
                reply = await browser.get("/formulir")
                if reply.header("content-type") == "application/json":
                    self.ledger.requests_inside += 1
                elif self.ledger.requests_inside:
                    self.ledger.interrupted += 1
            await asyncio.sleep(0.3)

    async def settled(self) -> list[str]:
        """The state of everybody who was ever told a number, once check-ins are answered again."""
        states: list[str] = []

        async def ask(visitor: Visitor) -> None:
            async def told() -> bool:
                state = await self._check_in(visitor)
                if state:
                    states.append(state)
                return bool(state)

            async with turns:
                await until(told, f"number {visitor.number} is answered", 40)

        turns = asyncio.Semaphore(20)
        await asyncio.gather(*(ask(visitor) for visitor in self.ledger.visitors if visitor.number))
        return states


async def through(bench: Bench, mode: Mode, seconds: float, delay_s: float = 0.0) -> None:
    bench.proxy.mode, bench.proxy.delay_s = mode, delay_s
    await asyncio.sleep(seconds)
    bench.proxy.mode = "pass"


async def kill_store(bench: Bench) -> None:
    for _ in range(3):
        os.kill(bench.running.server_pid, signal.SIGKILL)
        await asyncio.to_thread(bench.running.processes.pop("store").wait, 20)
        bench.running.start("store", "store")
        await asyncio.sleep(4)


async def stop_store(bench: Bench) -> None:
    pid = bench.running.server_pid
    os.kill(pid, signal.SIGSTOP)
    await asyncio.sleep(10)
    os.kill(pid, signal.SIGCONT)


async def told(bench: Bench, *command: str) -> None:
    with bench.running.store_client() as client:
        client.execute_command(*command)


async def no_memory(bench: Bench) -> None:
    await told(bench, "CONFIG", "SET", "maxmemory", "1")
    await asyncio.sleep(5)
    await told(bench, "CONFIG", "SET", "maxmemory", "0")


async def read_only(bench: Bench) -> None:
    await told(bench, "REPLICAOF", "127.0.0.1", "1")
    await asyncio.sleep(5)
    await told(bench, "REPLICAOF", "NO", "ONE")


async def rolled_back(bench: Bench) -> None:
    """The store comes back with an append-only file of some seconds ago."""
    folder = bench.running.settings.state_dir / "store"
    kept = bench.running.folder / "kept"
    shutil.rmtree(kept, ignore_errors=True)
    shutil.copytree(folder / "appendonlydir", kept)
    await asyncio.sleep(4)
    os.kill(bench.running.server_pid, signal.SIGKILL)
    await asyncio.to_thread(bench.running.processes.pop("store").wait, 20)
    shutil.rmtree(folder / "appendonlydir")
    shutil.copytree(kept, folder / "appendonlydir")
    bench.running.start("store", "store")


def workers_of(bench: Bench) -> list[int]:
    listed = os.popen(f"ps -ww -o pid=,args= --ppid {bench.running.processes['gateway'].pid}").read()
    return [int(row.split()[0]) for row in listed.splitlines() if "spawn_main" in row]


async def kill_workers(bench: Bench) -> None:
    for _ in range(3):
        os.kill(workers_of(bench)[0], signal.SIGKILL)
        await asyncio.sleep(3)


async def pause_worker(bench: Bench) -> None:
    pid = workers_of(bench)[0]
    os.kill(pid, signal.SIGSTOP)
    await asyncio.sleep(8)
    os.kill(pid, signal.SIGCONT)


async def renew_workers(bench: Bench) -> None:
    os.kill(bench.running.processes["gateway"].pid, signal.SIGHUP)
    await asyncio.sleep(12)


def is_alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def largest_file(bench: Bench) -> int:
    """Bytes of the largest file of the append-only log."""
    log = bench.running.settings.state_dir / "store" / "appendonlydir"
    return max(path.stat().st_size for path in log.iterdir())


def highest_file(pid: int) -> int:
    """The highest descriptor that a process has open."""
    return max(int(path.name) for path in Path(f"/proc/{pid}/fd").iterdir())


async def kill_supervisor(bench: Bench) -> None:
    """The workers notice and end; then the gateway is started again, as systemd does."""
    workers = workers_of(bench)
    gateway = bench.running.processes.pop("gateway")
    gateway.kill()
    await asyncio.to_thread(gateway.wait, 20)

    async def all_ended() -> bool:
        return not any(map(is_alive, workers))

    await until(all_ended, "the workers end without their supervisor", 40)
    bench.start_gateway()
    await until(lambda: pulse_comes(bench.running), "the gateway answers again", 40)


async def rotate_keys(bench: Bench) -> None:
    for _ in range(3):
        command = [sys.executable, "-m", "gateway", "keys", "rotate"]
        process = await asyncio.create_subprocess_exec(
            *command, env=bench.running.environ, stdout=asyncio.subprocess.DEVNULL
        )
        assert await process.wait() == 0
        await asyncio.sleep(2)


async def limited(pid: int, what: int, soft: int, seconds: float) -> None:
    """A running process gets a lower limit, and its own one back."""
    before = resource.prlimit(pid, what)
    resource.prlimit(pid, what, (soft, before[1]))
    await asyncio.sleep(seconds)
    with contextlib.suppress(ProcessLookupError):
        resource.prlimit(pid, what, before)


async def fill_disk(bench: Bench) -> None:
    """No file of the store can grow any more: what a full disk is to it, without one."""
    pid = bench.running.server_pid
    await limited(pid, resource.RLIMIT_FSIZE, largest_file(bench), 6)
    if not is_alive(pid):
        print("    the store ended of it, and was started again", file=sys.stderr)
        await asyncio.to_thread(bench.running.processes.pop("store").wait, 20)
        bench.running.start("store", "store")


async def take_files(bench: Bench) -> None:
    """One of the workers can open no file more than it has open now."""
    pid = workers_of(bench)[0]
    await limited(pid, resource.RLIMIT_NOFILE, highest_file(pid) + 1, 6)


FAULTS: dict[str, Callable[[Bench], Awaitable[None]]] = {
    "store killed 3 x": kill_store,
    "store stopped 10 s": stop_store,
    "store emptied": lambda b: told(b, "FLUSHALL"),
    "store rolled back": rolled_back,
    "functions deleted": lambda b: told(b, "FUNCTION", "FLUSH", "SYNC"),
    "out of memory 5 s": no_memory,
    "read-only replica 5 s": read_only,
    "slow 200 ms": lambda b: through(b, "slow", 8, 0.2),
    "slow 2 s": lambda b: through(b, "slow", 8, 2.0),
    "black hole up": lambda b: through(b, "hole up", 6),
    "black hole down": lambda b: through(b, "hole down", 6),
    "lost replies": lambda b: through(b, "lost replies", 4),
    "resets": lambda b: through(b, "reset", 4),
    "workers killed 3 x": kill_workers,
    "worker stopped 8 s": pause_worker,
    "rolling restart": renew_workers,
    "supervisor killed": kill_supervisor,
    "keys rotated 3 x": rotate_keys,
    "store's disk full 6 s": fill_disk,
    "worker without files 6 s": take_files,
}


async def run_one(bench: Bench, name: str) -> dict[str, Any]:
    """One fault under load, and its row of the table."""
    began = time.monotonic()
    await bench.begin()
    await FAULTS[name](bench)
    await asyncio.sleep(3)
    states = await bench.settled()
    outage_s = bench.ledger.outage_s()
    await bench.end()
    numbers = [v.number for v in bench.ledger.visitors if v.number]
    claims = [(int(v.admitted_s * 1000), v.number) for v in bench.ledger.visitors if v.admitted_s]
    return {
        "fault": name,
        "seconds": round(time.monotonic() - began),
        "acknowledged": len(numbers),
        "lost": sum(v.changed for v in bench.ledger.visitors) + sum(state not in ALIVE for state in states),
        "twice": len(numbers) - len(set(numbers)),
        "over rate": max(0, round(worst_excess(claims, RATE_PER_MINUTE))),
        "inside": f"{bench.ledger.interrupted}/{bench.ledger.requests_inside}",
        "outage s": round(outage_s, 1),
    }


@contextlib.asynccontextmanager
async def installed(folder: Path, site: Site, *, admits: bool = False) -> AsyncIterator[Bench]:
    """A store, the proxy before it, and a gateway with two workers. ``admits``: ``on_store_loss`` is admit."""
    config = folder / "antrean.toml"
    text = CONFIG.format(port=site.server_address[1]).replace("6000.0", str(RATE_PER_MINUTE))
    if admits:
        text = text.replace('id = "registration"', 'id = "registration"\non_store_loss = "admit"')
    config.write_text(text)
    environ = {name: value for name, value in os.environ.items() if not name.startswith("ANTREAN_")} | {
        "ANTREAN_CONFIG": str(config),
        "ANTREAN_STATE_DIR": str(folder / "state"),
        "ANTREAN_PORT": str(free_port()),
        "ANTREAN_WORKERS": "2",
    }
    settings = load_settings(environ=environ)
    load_keys(settings)
    running = Installation(settings, environ, folder)
    proxy = FaultProxy(str(settings.socket_path))
    await proxy.start()
    try:
        running.start("store", "store")
        bench = Bench(running, proxy)
        bench.gateway_environ = environ | {"ANTREAN_STORE_URL": f"redis://127.0.0.1:{proxy.port}"}
        bench.start_gateway()
        await until(lambda: pulse_comes(running), "the gateway answers", 60)
        yield bench
    finally:
        for process in reversed(list(running.processes)):
            await asyncio.to_thread(running.stop, process)
        await proxy.close()


async def campaign(names: list[str], folder: Path, site: Site, *, admits: bool) -> list[dict[str, Any]]:
    rows = []
    async with installed(folder, site, admits=admits) as bench:
        for index, name in enumerate(names, 1):
            print(f"[{index}/{len(names)}] {name} …", file=sys.stderr, flush=True)
            rows.append(await run_one(bench, name))
            print(f"    {rows[-1]}", file=sys.stderr, flush=True)
    return rows


async def pulse_comes(running: Installation) -> bool:
    with contextlib.suppress(OSError):
        return (await running.visitor().fetch("GET", BASE + "pulse")).status == 200
    return False


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    heads = list(rows[0])
    lines = [heads, ["---"] * len(heads), *([str(row[head]) for head in heads] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def main() -> int:
    """Run the faults whose names contain one of the arguments (all without any). Exit code 1: a promise broke.

    ``--admit``: with on_store_loss = admit.
    """
    wanted = [word for word in sys.argv[1:] if word != "--admit"]
    names = [name for name in FAULTS if not wanted or any(word in name for word in wanted)]
    site = Site()
    threading.Thread(target=site.serve_forever, args=(0.05,), daemon=True).start()
    with tempfile.TemporaryDirectory(prefix="antrean-faults-") as folder:
        rows = asyncio.run(campaign(names, Path(folder), site, admits="--admit" in sys.argv))
    site.shutdown()
    print(table(rows))
    broken = [row["fault"] for row in rows if row["lost"] or row["twice"]]
    print("no place lost, no number twice" if not broken else f"BROKEN: {', '.join(broken)}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
