"""Worker processes that serve one app on one listening socket: started, replaced, renewed and stopped.

uvicorn's own supervisor asks every half second over a pipe whether a worker lives, and waits five seconds
for one that has just died. This one sleeps until the system says that something happened.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import multiprocessing
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from typing import cast

from uvicorn import Config, Server

from gateway.errors import AntreanError
from gateway.shedding import SheddingProtocol
from gateway.sweeping import Queue

# How long requests in progress may take when a worker stops, and then the worker to end.
STOP_S = 15
_END_S = 5
_LONGEST_PAUSE_S = 30.0  # before a worker that could not start is tried again
# Objects made at start stay: looking at them again in each collection costs about a tenth of the rate.
_GC_THRESHOLD = (50_000, 20, 50)

_spawn = multiprocessing.get_context("spawn")
log = logging.getLogger("antrean.server")


class Worker:
    """One process. It says through ``ready`` when it serves."""

    def __init__(self, config: Config, listener: socket.socket) -> None:
        self.ready, theirs = _spawn.Pipe(duplex=False)
        self._was_ready = False
        self.process = _spawn.Process(target=_work, args=(config, listener, theirs))
        with _blocked(signal.SIGINT, signal.SIGHUP):
            self.process.start()
        theirs.close()

    @property
    def sentinel(self) -> int:
        """Becomes readable when the process has ended."""
        return self.process.sentinel

    @property
    def is_ready(self) -> bool:
        """Whether it serves, or did before it ended."""
        if not self._was_ready and self.ready.poll():
            with suppress(EOFError):  # it ended without a word
                self._was_ready = bool(self.ready.recv())
        return self._was_ready

    def stop(self) -> None:
        """Ask it to finish what it is doing and end."""
        self.process.terminate()

    def kill(self) -> None:
        """End it at once."""
        self.process.kill()
        self.process.join()


class Workers:
    """Keeps ``config.workers`` processes serving on ``listener``. Use it in the main thread."""

    def __init__(self, config: Config, listener: socket.socket) -> None:
        self._config = config
        self._listener = listener
        self._told_to_stop = False
        self._told_to_renew = False
        self._interrupts = 0
        self._serving: list[Worker] = []
        self._missing_since: list[float] = []  # when the places of workers that died became free
        self._failures = 0  # starts in a row that came to nothing

    def run(self) -> bool:
        """Serve until SIGTERM or SIGINT; SIGHUP renews the workers. False: none could ever start."""
        with self._signals_wake() as wake:
            first = self._start_and_wait(wake)
            self._serving.append(first)
            if not first.is_ready and not self._told_to_stop:
                return False
            if first.is_ready:
                self._serving += [self._start() for _ in range(1, self._config.workers)]
            while not self._told_to_stop:
                wait([wake, *(worker.sentinel for worker in self._serving)], self._until_next_start_s())
                _drain(wake)
                self._bury_dead()
                self._start_missing()
                if self._told_to_renew and not self._told_to_stop:
                    self._told_to_renew = False
                    self._renew(wake)
            self._stop(self._serving, wake)
        return True

    def _start_and_wait(self, wake: socket.socket) -> Worker:
        """A new worker, once it serves or has ended, or we are told to stop."""
        worker = self._start()
        while not worker.is_ready and worker.process.is_alive() and not self._told_to_stop:
            wait([wake, worker.sentinel, worker.ready])
            _drain(wake)
        return worker

    def _start(self) -> Worker:
        return Worker(self._config, self._listener)

    def _note(self, number: int, _frame: object) -> None:
        if number == signal.SIGHUP:
            self._told_to_renew = True
        else:
            self._told_to_stop = True
            self._interrupts += number == signal.SIGINT

    def _bury_dead(self) -> None:
        for worker in [worker for worker in self._serving if not worker.process.is_alive()]:
            self._serving.remove(worker)
            self._missing_since.append(time.monotonic())
            if worker.is_ready:
                log.warning("worker %s died (%s): replacing it", worker.process.pid, _ending(worker))
                self._failures = 0
            else:
                log.error("worker %s could not start (%s)", worker.process.pid, _ending(worker))
                self._failures += 1

    def _pause_s(self) -> float:
        return min(2.0**self._failures, _LONGEST_PAUSE_S) if self._failures else 0.0

    def _until_next_start_s(self) -> float | None:
        if not self._missing_since:
            return None
        return max(0.0, self._missing_since[0] + self._pause_s() - time.monotonic())

    def _start_missing(self) -> None:
        while self._missing_since and self._until_next_start_s() == 0.0:
            self._missing_since.pop(0)
            self._serving.append(self._start())

    def _renew(self, wake: socket.socket) -> None:
        """Replace each worker by a new one that serves already; keep the old ones if that one cannot."""
        for old in list(self._serving):
            new = self._start_and_wait(wake)
            if not new.is_ready:
                log.error("the new worker %s could not start: the others stay", new.process.pid)
                new.kill()
                return
            self._serving[self._serving.index(old)] = new
            self._stop([old], wake)

    def _stop(self, workers: list[Worker], wake: socket.socket) -> None:
        """Let the workers finish; kill those that do not in time, or all at a second Ctrl-C."""
        for worker in workers:
            worker.stop()
        deadline = time.monotonic() + STOP_S + _END_S
        while alive := [worker for worker in workers if worker.process.is_alive()]:
            left_s = deadline - time.monotonic()
            if left_s <= 0 or self._interrupts > 1:
                break
            wait([wake, *(worker.sentinel for worker in alive)], left_s)
            _drain(wake)
        for worker in workers:
            worker.kill()

    @contextmanager
    def _signals_wake(self) -> Iterator[socket.socket]:
        """Collect signals, each of which makes the socket readable, so that ``wait`` returns."""
        reading, writing = socket.socketpair()
        reading.setblocking(False)
        writing.setblocking(False)
        numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
        before = [signal.signal(number, self._note) for number in numbers]
        fd_before = signal.set_wakeup_fd(writing.fileno())
        try:
            yield reading
        finally:
            signal.set_wakeup_fd(fd_before)
            for number, handler in zip(numbers, before, strict=True):
                signal.signal(number, handler)
            reading.close()
            writing.close()


@contextmanager
def _blocked(*numbers: signal.Signals) -> Iterator[None]:
    """Keep signals from being delivered; a process started meanwhile never gets them.

    Ctrl-C and a hang-up reach the whole process group. What follows of them is the parent's to say, and a
    worker that is just being imported would end with a trace.
    """
    resource_tracker.ensure_running()  # starting it would unblock them
    before = signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _ending(worker: Worker) -> str:
    code = worker.process.exitcode or 0
    return f"signal {-code}" if code < 0 else f"exit code {code}"


def _drain(wake: socket.socket) -> None:
    with suppress(BlockingIOError):
        while wake.recv(1024):
            pass


def _work(config: Config, listener: socket.socket, ready: Connection[object, object]) -> None:
    """The worker's main function. A mistake in the configuration is one line, not a trace."""
    threading.Thread(target=_stop_with_parent, name="parent-watch", daemon=True).start()
    config.configure_logging()
    try:
        WorkerServer(config, ready).run([listener])
    except AntreanError as exc:
        print(exc, file=sys.stderr)
        sys.exit(1)


def _stop_with_parent() -> None:
    """Stop this worker when its parent is gone without having said so (killed)."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os.kill(os.getpid(), signal.SIGTERM)


class WorkerServer(Server):
    """uvicorn's server inside a worker: stopped by the parent only, and reporting when it serves."""

    def __init__(self, config: Config, ready: Connection[object, object]) -> None:
        super().__init__(config)
        self._ready = ready

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """SIGTERM is the only signal that gets here."""
        signal.signal(signal.SIGTERM, self.handle_exit)
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """See uvicorn; then tell the parent."""
        await super().startup(sockets)
        if sockets:
            self._watch_queue(sockets[0])
        gc.collect()
        gc.freeze()
        gc.set_threshold(*_GC_THRESHOLD)
        self._ready.send(True)

    def _watch_queue(self, listener: socket.socket) -> None:
        """Let the app's measure of overload see who waits to be accepted."""
        app = self.config.loaded_app
        if getattr(app, "overload", None) is None:
            return
        loop = asyncio.get_running_loop()
        listener.setblocking(False)

        def hand_over(connection: socket.socket, data: bytes) -> Awaitable[object]:
            protocol = cast("SheddingProtocol", self._protocol())
            protocol.begun_with = data
            return loop.connect_accepted_socket(lambda: protocol, connection)

        app.overload.server = self.server_state
        app.overload.queue = Queue(listener, app.who_asks, hand_over)

    def _protocol(self) -> object:
        """As uvicorn makes one for each connection."""
        return self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
