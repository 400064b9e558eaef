"""Structured logs: lines for people on a terminal, JSON for machines otherwise.

The standard library's logging (uvicorn, aiohttp) goes the same way as our own events. structlog is
imported when something is logged: it takes a tenth of a second, and a command that logs nothing has
half a second in all.
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from structlog.typing import EventDict, Processor

    from gateway.settings import Settings


class _Logger:
    """structlog's logger of this name, fetched at its first use."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, method: str) -> Any:
        import structlog

        return getattr(structlog.get_logger(self._name), method)


def get_logger(name: str) -> Any:
    """A logger for a module's events: ``log.info("released", count=3)``."""
    return _Logger(name)


def configure_logs(settings: Settings, process: str, stream: TextIO | None = None) -> None:
    """Set up logging for this process; ``process`` is its name in every JSON line.

    People get colours and a short time of day; the name is left out, since `antrean up` puts it
    before every line.
    """
    import structlog

    stream = stream or sys.stdout
    human = settings.log_format == "human" or (settings.log_format == "auto" and stream.isatty())
    level: int = getattr(logging, settings.log_level.upper())
    shared = _shared(process, human=human)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=_renderers(human=human))
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # What uvicorn says of starting and stopping, `antrean up` and systemd say too.
    logging.getLogger("uvicorn").setLevel(max(level, logging.WARNING) if level > logging.DEBUG else level)


def _shared(process: str, *, human: bool) -> list[Processor]:
    import structlog

    def add_process(_logger: object, _method: str, event: EventDict) -> EventDict:
        event["process"] = process
        return event

    stamp = structlog.processors.TimeStamper(fmt="%H:%M:%S" if human else "iso", utc=not human)
    first: list[Processor] = [structlog.contextvars.merge_contextvars, structlog.stdlib.add_log_level]
    return [*first, stamp] if human else [*first, add_process, stamp]


def _renderers(*, human: bool) -> list[Processor]:
    import structlog

    strip: Processor = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    if human:
        # Colours: `antrean up` gives its children a pipe but says that people read at its end.
        # The stack alone: the frames' values, which the default shows, are passes, cookies and keys.
        plain = structlog.dev.plain_traceback
        return [strip, structlog.dev.ConsoleRenderer(colors=True, pad_event_to=0, exception_formatter=plain)]
    return [strip, structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
