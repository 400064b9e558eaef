"""Log lines: for people on a terminal, JSON otherwise, and the library's like our own."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from gateway.logs import configure_logs, get_logger
from gateway.settings import Settings


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_a_file_gets_one_json_object_a_line_with_the_process() -> None:
    stream = io.StringIO()
    configure_logs(Settings(), "gateway", stream)
    get_logger("a module").info("released", count=3)
    line = json.loads(stream.getvalue())
    assert (line["event"], line["count"], line["level"], line["process"]) == (
        "released",
        3,
        "info",
        "gateway",
    )
    assert line["timestamp"].endswith("Z")


def test_a_terminal_gets_a_line_for_people() -> None:
    stream = Terminal()
    configure_logs(Settings(), "gateway", stream)
    get_logger("a module").info("released", count=3)
    assert "released" in stream.getvalue()
    assert "{" not in stream.getvalue()


def test_the_librarys_lines_have_the_same_form_and_their_trace() -> None:
    stream = io.StringIO()
    configure_logs(Settings(), "gateway", stream)
    try:
        raise ValueError("no such room")
    except ValueError:
        logging.getLogger("uvicorn.error").exception("failed for %s", "a")
    line = json.loads(stream.getvalue())
    assert (line["event"], line["level"], line["process"]) == ("failed for a", "error", "gateway")
    assert "ValueError: no such room" in line["exception"]


def test_what_is_below_the_level_is_not_written() -> None:
    stream = io.StringIO()
    configure_logs(Settings(log_level="warning", log_format="json"), "gateway", stream)
    get_logger("a module").info("quiet")
    logging.getLogger("x").info("quiet")
    assert stream.getvalue() == ""


@pytest.mark.parametrize("stream", [io.StringIO(), Terminal()], ids=["json", "human"])
def test_what_failed_is_told_without_the_values_that_it_failed_with(stream: io.StringIO) -> None:
    configure_logs(Settings(), "gateway", stream)
    ticket = "-".join(["a", "secret", "ticket"])
    try:
        raise KeyError("cookie")
    except KeyError:
        get_logger("a module").exception("a request failed", length=len(ticket))
    assert "KeyError" in stream.getvalue()
    assert ticket not in stream.getvalue()
