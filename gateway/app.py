"""The composition root of the public listener: everything is made here, and started and stopped here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager

from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.alarming import Alarming
from gateway.direct import Direct
from gateway.domain.credentials import Keyring
from gateway.domain.overload import Limits, Who
from gateway.domain.paths import PathRules, Protection
from gateway.domain.room import Knobs
from gateway.errors import AntreanError, SettingsError, StoreError, StoreUnsuitable
from gateway.forwarding import judging
from gateway.i18n import languages
from gateway.logs import configure_logs, get_logger
from gateway.origin.proxy import Origin
from gateway.overload import Overload, connections_for, open_files
from gateway.secrets import load_keys, newer_keys
from gateway.settings import RoomSettings, Settings, load_settings
from gateway.store.rooms import Store
from gateway.visitor.gate import Gate
from gateway.visitor.rooms import VisitorRoom
from gateway.visitor.turned_away import TurnedAway, who_asks
from gateway.visitor.waiting_page import WaitingPage
from gateway.watching import Watching
from gateway.webhook import Webhook

FIRST_SNAPSHOT_WITHIN_S = 5.0

log = get_logger(__name__)


def create_app(settings: Settings | None = None) -> ASGIApp:
    """The public listener as an ASGI app. One for each worker process: call it after the fork.

    Raises SettingsError when the configuration or the keys cannot be used. The store need not be there
    yet: pages are served without it.
    """
    if settings is None:
        settings = load_settings()
        configure_logs(settings, "gateway")
    keys = load_keys(settings)
    keyring = Keyring(keys, newer_keys(settings))
    store = Store(settings.store_address(), draw_keys=keys)
    origins = {room.id: _origin(room) for room in settings.rooms}
    rooms = {room.id: _room(room, store, origins[room.id], keyring) for room in settings.rooms}
    rules = PathRules([_protection(room) for room in settings.rooms])
    turned_away = TurnedAway(next(iter(rooms.values())), tuple(languages()))
    overload = Overload(
        _limits(settings),
        turned_away,
        next(iter(rooms.values())).line.count,
        lambda: sum(room.line.asking for room in rooms.values()),
    )
    for room in rooms.values():
        room.overload = overload
    gate = Gate(rooms, rules, public_url=settings.public_url, turned_away=turned_away, overload=overload)

    @asynccontextmanager
    async def running() -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for origin in origins.values():
                await origin.start()
                stack.push_async_callback(origin.close)
            await _refuse_unsuitable(store)
            await store.start()
            stack.push_async_callback(store.close)
            for room in rooms.values():
                stack.push_async_callback(room.uses.settle)
            await stack.enter_async_context(Watching(store, _alarming(settings)).running())
            await _wait_for_snapshots(list(rooms.values()))
            stack.enter_context(overload.measured())
            yield

    app = WithLifespan(judging(gate, settings.trusted_proxies), running)
    app.overload, app.who_asks = overload, who_asks
    return app


def _limits(settings: Settings) -> Limits:
    return Limits(settings.most_connections or connections_for(open_files()), settings.most_lag_ms / 1000)


class WithLifespan:
    """Runs ``app`` inside ``running``, by the server's lifespan protocol."""

    overload: Overload | None = None  # what a worker can bear, for the server
    who_asks: Callable[[bytes], Who] | None = None

    def __init__(self, app: ASGIApp, running: Callable[[], AbstractAsyncContextManager[None]]) -> None:
        self._app = app
        self._running = running
        direct: Direct | None = getattr(app, "direct", None)
        if direct is not None:
            self.direct = direct

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        else:
            await self._app(scope, receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        phase = "startup"
        try:
            async with self._running():
                await send({"type": "lifespan.startup.complete"})
                phase = "shutdown"
                await receive()
        except AntreanError as error:
            log.error("the gateway cannot start", problem=str(error))  # one line that says what to do
            await send({"type": f"lifespan.{phase}.failed", "message": str(error)})
            return
        except Exception as error:
            log.exception("the gateway failed", phase=phase)
            await send({"type": f"lifespan.{phase}.failed", "message": str(error)})
            return
        await send({"type": "lifespan.shutdown.complete"})


def _room(settings: RoomSettings, store: Store, origin: Origin, keyring: Keyring) -> VisitorRoom:
    defaults = Knobs(rate_per_minute=settings.rate_per_minute, ceiling=settings.ceiling)
    admits_alone = settings.on_store_loss == "admit"
    line = store.line(
        settings.id,
        defaults,
        poll_max_s=settings.poll_max_s,
        admits_alone=admits_alone,
        day_offset_ms=settings.day_offset_ms,
    )
    return VisitorRoom(settings, line, origin, keyring, WaitingPage(settings))


def _alarming(settings: Settings) -> Alarming | None:
    if settings.webhook_url is None:
        return None
    return Alarming(Webhook(settings.webhook_url), slow_s=settings.alarm_p95_ms / 1000)


def _origin(settings: RoomSettings) -> Origin:
    try:
        return Origin(settings.origin)
    except ValueError as error:
        raise SettingsError([f"room {settings.id}, origin: {error}"]) from error


def _protection(settings: RoomSettings) -> Protection:
    return Protection(settings.id, settings.paths, settings.except_, settings.hosts)


async def _refuse_unsuitable(store: Store) -> None:
    """A store that may not be used is a mistake to mend before the day; one that is away is waited for.

    Raises StoreUnsuitable.
    """
    try:
        await store.ping()
        await store.tick()  # what is in it may be another version's
    except StoreUnsuitable:
        raise
    except StoreError as error:
        log.info("the store is waited for", reason=str(error))


async def _wait_for_snapshots(rooms: Sequence[VisitorRoom]) -> None:
    """So that the first visitors of a new worker are not shown trouble; without a store, go on all the same."""
    try:
        async with asyncio.timeout(FIRST_SNAPSHOT_WITHIN_S):
            while any(room.snapshot is None for room in rooms):  # noqa: ASYNC110 - at start only, and the tick has no event
                await asyncio.sleep(0.02)
    except TimeoutError:
        log.warning("no answer from the store yet: visitors are asked to wait until there is one")
