"""What locust loads for a comparison: the ordinary locustfile, with the comparison's people in it."""

from __future__ import annotations

from typing import Any

from locust import events
from locust.env import Environment

from loadtests.compare.people import Hopeful, Temper
from loadtests.locustfile import Arrivals, Visitor
from loadtests.personas import PERSONAS

__all__ = ["Arrivals", "Visitor"]

ORDINARY = Temper()
PERSONAS[Hopeful.persona] = Hopeful


@events.init_command_line_parser.add_listener
def add_options(parser: Any) -> None:
    """Beside those of the ordinary locustfile."""
    group = parser.add_argument_group("What people bear")
    group.add_argument("--times-out-after", type=float, default=ORDINARY.times_out_after_s, help="seconds, a page")
    group.add_argument("--reloads", type=int, default=ORDINARY.reloads, help="after errors, in all")
    group.add_argument("--patience", type=float, default=ORDINARY.patience_s, help="seconds, in all")


@events.test_start.add_listener
def start(environment: Environment, **_: Any) -> None:
    """Before the first visitor is made."""
    options = environment.parsed_options
    assert options is not None
    Hopeful.temper = Temper(options.times_out_after, options.reloads, options.patience)
    Visitor.network_timeout = Visitor.connection_timeout = options.times_out_after
