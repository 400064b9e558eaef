"""Structured logs: lines for people on a terminal, JSON for machines otherwise.

The standard library's logging (uvicorn, aiohttp) goes the same way as our own events.
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, TextIO

import structlog

if TYPE_CHECKING:
    from structlog.typing import Processor

    from gateway.settings import Settings


def configure_logs(settings: Settings, process: str, stream: TextIO | None = None) -> None:
    """Set up logging for this process; ``process`` is its name in every JSON line.

    People get colours and a short time of day; the name is left out, since `antrean up` puts it
    before every line.
    """
    stream = stream or sys.stdout
    human = settings.log_format == "human" or (settings.log_format == "auto" and stream.isatty())
    level = getattr(logging, settings.log_level.upper())
    shared = _shared(process, human)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=_renderers(human))
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # What uvicorn says of starting and stopping, `antrean up` and systemd say too.
    logging.getLogger("uvicorn").setLevel(max(level, logging.WARNING) if level > logging.DEBUG else level)


def _shared(process: str, human: bool) -> list[Processor]:
    def add_process(
        _logger: object, _method: str, event: structlog.typing.EventDict
    ) -> structlog.typing.EventDict:
        event["process"] = process
        return event

    stamp = structlog.processors.TimeStamper(fmt="%H:%M:%S" if human else "iso", utc=not human)
    level: Processor = structlog.stdlib.add_log_level
    merge: Processor = structlog.contextvars.merge_contextvars
    return [merge, level, stamp] if human else [merge, level, add_process, stamp]


def _renderers(human: bool) -> list[Processor]:
    strip: Processor = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    if human:
        # Colours: `antrean up` gives its children a pipe but says that people read at its end.
        return [strip, structlog.dev.ConsoleRenderer(colors=True, pad_event_to=0)]
    return [strip, structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
