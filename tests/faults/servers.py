"""Real store servers for the fault tests: a primary with replicas and Sentinels, and a Cluster."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis

from gateway.store.binary import find_server
from tests.installation import free_port


@dataclass
class Servers:
    """Processes by port. ``url`` is what a gateway is told."""

    folder: Path
    url: str = ""
    processes: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, port: int, *options: str, config: str = "", sentinel: bool = False) -> int:
        folder = self.folder / str(port)
        folder.mkdir(exist_ok=True)
        command: list[str | Path] = [find_server()]
        if sentinel:
            (folder / "sentinel.conf").write_text(config)
            command += [folder / "sentinel.conf", "--sentinel"]
        command += ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), *options]
        log = (folder / "log").open("ab")
        self.processes[port] = subprocess.Popen(command, stdout=log, stderr=log)
        log.close()
        return port

    def kill(self, port: int) -> None:
        process = self.processes.pop(port)
        process.kill()
        process.wait()

    def pause(self, port: int) -> None:
        os.kill(self.processes[port].pid, signal.SIGSTOP)

    def resume(self, port: int) -> None:
        os.kill(self.processes[port].pid, signal.SIGCONT)

    def close(self) -> None:
        for port in list(self.processes):
            self.resume(port)
            self.kill(port)


def told(port: int, *command: str | int) -> Any:
    """The reply of the server at ``port``, or None while it does not answer or refuses."""
    with (
        suppress(redis.RedisError, OSError),
        redis.Redis(port=port, decode_responses=True, socket_timeout=2) as client,
    ):
        return client.execute_command(*command)
    return None


@contextmanager
def sentinel_set(folder: Path) -> Iterator[Servers]:
    """One primary, two replicas, three Sentinels that act within a second or two."""
    with ExitStack() as stack:
        servers = Servers(folder)
        stack.callback(servers.close)
        quiet = ("--save", "", "--appendonly", "no", "--repl-diskless-sync-delay", "0")
        primary = servers.start(free_port(), *quiet)
        for _ in range(2):
            servers.start(free_port(), "--replicaof", f"127.0.0.1 {primary}", *quiet)
        config = (
            f"sentinel monitor antrean 127.0.0.1 {primary} 2\n"
            "sentinel down-after-milliseconds antrean 700\nsentinel failover-timeout antrean 3000\n"
        )
        sentinels = [servers.start(free_port(), config=config, sentinel=True) for _ in range(3)]
        servers.url = "sentinel://" + ",".join(f"127.0.0.1:{port}" for port in sentinels) + "/antrean"
        yield servers


def primary_of(servers: Servers) -> int:
    """The primary's port, as the Sentinels say, 0 while they say nothing."""
    for host in servers.url.removeprefix("sentinel://").partition("/")[0].split(","):
        found = told(int(host.partition(":")[2]), "SENTINEL", "GET-MASTER-ADDR-BY-NAME", "antrean")
        if found:
            return int(found[1])
    return 0


def is_watched(servers: Servers) -> bool:
    """Whether each Sentinel knows both replicas and the two other Sentinels, and the replicas are in step."""
    for host in servers.url.removeprefix("sentinel://").partition("/")[0].split(","):
        facts = told(int(host.partition(":")[2]), "SENTINEL", "MASTER", "antrean")
        if not facts:
            return False
        known = facts if isinstance(facts, dict) else dict(zip(facts[::2], facts[1::2], strict=True))
        if (int(known["num-slaves"]), int(known["num-other-sentinels"])) != (2, 2):
            return False
    replication = told(primary_of(servers), "INFO", "replication")
    return bool(replication) and all(
        replication.get(f"slave{index}", {}).get("state") == "online" for index in range(2)
    )


@contextmanager
def cluster(folder: Path) -> Iterator[Servers]:
    """Three primaries and a replica of each. Join them with ``form_cluster``."""
    servers = Servers(folder)
    try:
        for _ in range(6):
            port, bus = free_port(), free_port()
            options = ("--cluster-enabled", "yes", "--cluster-node-timeout", "1000", "--cluster-port", str(bus))
            servers.start(port, *options, "--save", "", "--appendonly", "no", "--repl-diskless-sync-delay", "0")
            servers.processes[port].bus = bus  # type: ignore[attr-defined]
        servers.url = "cluster://" + ",".join(f"127.0.0.1:{port}" for port in servers.processes)
        yield servers
    finally:
        servers.close()


def form_cluster(servers: Servers, wait: Callable[[Callable[[], bool], str], None]) -> None:
    """Give every primary a third of the slots and a replica, and wait until all agree."""
    ports = list(servers.processes)
    wait(lambda: all(told(port, "PING") for port in ports), "the nodes answer")
    for port in ports[1:]:
        bus = servers.processes[port].bus  # type: ignore[attr-defined]
        told(ports[0], "CLUSTER", "MEET", "127.0.0.1", port, bus)
    bounds = [0, 5461, 10923, 16384]
    for index, port in enumerate(ports[:3]):
        told(port, "CLUSTER", "ADDSLOTSRANGE", bounds[index], bounds[index + 1] - 1)
    names = {port: told(port, "CLUSTER", "MYID") for port in ports}
    wait(
        lambda: all(len((told(port, "CLUSTER", "NODES") or "").splitlines()) == 6 for port in ports),
        "everybody knows everybody",
    )
    for index, port in enumerate(ports[3:]):
        told(port, "CLUSTER", "REPLICATE", names[ports[index]])

    def is_whole() -> bool:
        facts = [told(port, "CLUSTER", "INFO") or "" for port in ports]
        roles = [told(port, "ROLE") for port in ports[3:]]
        ok = all("cluster_state:ok" in fact for fact in facts)
        return ok and all(role and role[0] == "slave" and role[3] == "connected" for role in roles)

    wait(is_whole, "the cluster is whole")


def holder_of(servers: Servers, key: str) -> int:
    """The port of the primary that holds a key, 0 while nobody says."""
    for port in servers.processes:
        slot = told(port, "CLUSTER", "KEYSLOT", key)
        for row in told(port, "CLUSTER", "SLOTS") or ():
            rows = row if isinstance(row, list) else None
            if rows and int(rows[0]) <= slot <= int(rows[1]):
                return int(rows[2][1])
    return 0
