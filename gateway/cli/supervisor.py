"""Processes that start in order, each waited for; restart alone; and stop in reverse order."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Mapping, Sequence

from gateway.cli.output import Output
from gateway.cli.procfile import Entry
from gateway.cli.readiness import Probe
from gateway.errors import AntreanError
from gateway.leash import Leash

READY_WITHIN_S = 60.0
STOP_WITHIN_S = 12.0
"""Longer than the gateway gives the requests in its hands."""
SAY_SO_EVERY_S = 5.0
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
STEADY_S = 30.0
"""A process that ran this long starts again without a pause that earlier deaths have earned."""
LAST_LINES_S = 2.0
LONGEST_LINE = 16_384


class NotReadyError(AntreanError):
    """A process ended, or said nothing for too long, before it was ready."""


class Child:
    """One process of the Procfile, through all its lives."""

    def __init__(self, entry: Entry, probe: Probe | None, environ: Mapping[str, str], output: Output) -> None:
        self.name = entry.name
        self._arguments = entry.arguments
        self._probe = probe
        self._environ = environ
        self._output = output
        self._process: asyncio.subprocess.Process | None = None
        self._leash: Leash | None = None
        self._relay: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the process and wait until it is ready. Raises NotReadyError."""
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self._arguments,
                env=self._environ,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                process_group=0,  # Ctrl-C reaches us, and we stop it in its turn
                limit=LONGEST_LINE,
            )
        except OSError as exc:
            raise NotReadyError(
                f"{self.name}: {self._arguments[0]} cannot be started: {exc.strerror}"
            ) from exc
        self._leash = Leash(self._process.pid)
        self._relay = asyncio.create_task(self._pass_on(self._process))
        await self._until_ready()

    async def ended(self) -> int:
        """Wait for the process to end; its exit code, negative for a signal."""
        assert self._process is not None
        code = await self._process.wait()
        self._clean_up(self._process.pid)
        if self._relay is not None:
            # Its last lines; but a process that left its group may hold the pipe open for ever.
            await asyncio.wait([self._relay], timeout=LAST_LINES_S)
        return code

    async def stop(self) -> None:
        """Ask it to stop, and insist after a while. Nothing happens when it does not run."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            # The group only for a shell, which does not pass signals on; others stop their own workers.
            if self._arguments[0] == "/bin/sh":
                os.killpg(process.pid, signal.SIGTERM)
            else:
                process.terminate()
        try:
            async with asyncio.timeout(STOP_WITHIN_S):
                await process.wait()
        except TimeoutError:
            self._output.say(f"{self.name} did not stop in {STOP_WITHIN_S:.0f} s and is killed")
        self.kill()
        await self.ended()

    def kill(self) -> None:
        """Leave nothing of its process group."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def _clean_up(self, group: int) -> None:
        """Whatever the dead process left running in its group would hold its port."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)
        if self._leash is not None:
            self._leash.release()
            self._leash = None

    async def _until_ready(self) -> None:
        assert self._process is not None
        began = said = time.monotonic()
        while self._process.returncode is None:
            if self._probe is None or await self._probe():
                return
            now = time.monotonic()
            if now - began > READY_WITHIN_S:
                await self.stop()
                raise NotReadyError(f"{self.name} was not ready after {READY_WITHIN_S:.0f} s")
            if now - said > SAY_SO_EVERY_S:
                self._output.say(f"still waiting for {self.name} ({now - began:.0f} s)")
                said = now
            await asyncio.sleep(0.1)
        code = await self.ended()
        raise NotReadyError(f"{self.name} ended {_how(code)} before it was ready; what it said is above")

    async def _pass_on(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        while True:
            try:
                line = await process.stdout.readline()
            except ValueError:  # a line beyond the limit: its beginning is dropped, the rest follows
                continue
            if not line:
                return
            self._output.line(self.name, line.decode("utf-8", "replace").rstrip())


class Supervisor:
    """All processes. ``run`` returns when ``stopping`` is set and all of them are gone."""

    def __init__(self, children: Sequence[Child], output: Output, stopping: asyncio.Event) -> None:
        self._children = children
        self._output = output
        self._stopping = stopping
        self._keepers: list[asyncio.Task[None]] = []

    async def start(self) -> bool:
        """Start all in order. False: told to stop meanwhile. NotReadyError leaves nothing running."""
        for child in self._children:
            starting = asyncio.create_task(child.start())
            await _first_of(starting, self._stopping)
            if not starting.done():
                starting.cancel()
                await asyncio.wait([starting])
                return False
            try:
                starting.result()
            except NotReadyError:
                await self.stop()
                raise
            self._output.say(f"{child.name} is ready")
        self._keepers = [asyncio.create_task(self._keep(child)) for child in self._children]
        return True

    async def stop(self) -> None:
        """Stop all, the last started first."""
        self._stopping.set()
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        for child in reversed(self._children):
            await child.stop()

    def kill(self) -> None:
        """Stop all at once, without asking."""
        for child in self._children:
            child.kill()

    async def _keep(self, child: Child) -> None:
        """Start the child again whenever it ends, with longer pauses when it ends soon."""
        pause = FIRST_PAUSE_S
        while True:
            began = time.monotonic()
            code = await child.ended()
            if time.monotonic() - began > STEADY_S:
                pause = FIRST_PAUSE_S
            self._output.say(f"{child.name} ended {_how(code)}; starting it again in {pause:g} s")
            while True:
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE_S)
                try:
                    await child.start()
                except NotReadyError as exc:
                    self._output.say(f"{exc}; trying again in {pause:g} s")
                else:
                    self._output.say(f"{child.name} is ready again")
                    break


async def _first_of(task: asyncio.Task[None], stopping: asyncio.Event) -> None:
    waiting = asyncio.create_task(stopping.wait())
    await asyncio.wait([task, waiting], return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()


def _how(code: int) -> str:
    if code >= 0:
        return f"with exit code {code}"
    try:
        return f"by {signal.Signals(-code).name}"
    except ValueError:
        return f"by signal {-code}"
