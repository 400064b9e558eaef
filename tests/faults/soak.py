"""`make soak`: mixed load for some minutes; memory, open files, the store's keys and the log must stay flat."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import threading
import time
from pathlib import Path

from gateway.store.keys import WATCH_KEYS, room_keys, watch_key
from tests.faults.campaign import Bench, installed, table, workers_of
from tests.installation import Site

EVERY_S = 15
MEMORY_GROWS_MOST = 1.25  # from a third of the way on, when caches are warm
LOG_MOST_BYTES_A_MINUTE = 20_000


def reading(bench: Bench, began_s: float) -> dict[str, float]:
    """Sizes now, of both workers together. Reads /proc, so it is for Linux."""
    pids = workers_of(bench)
    memory = sum(_kilobytes(pid) for pid in pids)
    files = sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in pids)
    with bench.running.store_client() as client:
        keys = set(client.keys("*"))
    rooms = ("registration", "vaksin", "vaksin-rehearsal")
    expected = {key for room in rooms for key in room_keys(room)}
    expected |= {watch_key(room, name) for room in rooms for name in WATCH_KEYS}
    return {
        "seconds": round(time.monotonic() - began_s),
        "memory MB": round(memory / 1024),
        "open files": files,
        "keys": len(keys),
        "unknown keys": len(keys - expected),
        "log kB": round((bench.running.folder / "gateway.log").stat().st_size / 1024, 1),
    }


def _kilobytes(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


def problems(rows: list[dict[str, float]], minutes: float) -> list[str]:
    warm, last = rows[len(rows) // 3], rows[-1]
    found = []
    if last["memory MB"] > warm["memory MB"] * MEMORY_GROWS_MOST:
        found.append("memory grows")
    if last["open files"] > warm["open files"] + 50:
        found.append("open files grow")
    if last["unknown keys"]:
        found.append("keys that nobody declared")
    if last["log kB"] * 1024 > LOG_MOST_BYTES_A_MINUTE * max(1.0, minutes):
        found.append("the log grows")
    return found


async def soak(minutes: float, folder: Path, site: Site) -> list[dict[str, float]]:
    rows: list[dict[str, float]] = []
    async with installed(folder, site) as bench:
        await bench.begin()
        began_s = time.monotonic()
        while time.monotonic() - began_s < minutes * 60:
            await asyncio.sleep(EVERY_S)
            rows.append(await asyncio.to_thread(reading, bench, began_s))
            print(rows[-1], file=sys.stderr, flush=True)
        await bench.end()
    return rows


def main() -> int:
    """The first argument is minutes (3). Exit code 1: something grew."""
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 3.0
    site = Site()
    threading.Thread(target=site.serve_forever, args=(0.05,), daemon=True).start()
    with tempfile.TemporaryDirectory(prefix="antrean-soak-") as folder:
        rows = asyncio.run(soak(minutes, Path(folder), site))
    site.shutdown()
    print(table(rows))
    found = problems(rows, minutes)
    print("flat" if not found else f"NOT FLAT: {', '.join(found)}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
