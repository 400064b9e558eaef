"""What locust loads: ``locust -f loadtests/locustfile.py`` gives its own web page, with our options in it.

Visitors come at their planned time, live once and are not reborn. locust starts anew whoever ends, so
a visitor whose visit is over stays behind as an idle greenlet: locust's number of users is the number
of visitors that have come. The ledger goes to a file in the one process that has no master; workers
send theirs along with their reports.
"""

from __future__ import annotations

import datetime as dt
import logging
import secrets
from argparse import Namespace
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gevent
from locust import FastHttpUser, LoadTestShape, events, runners, task
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

from loadtests.book import Book
from loadtests.browser import Browser, TroubleError
from loadtests.identities import Identities, places
from loadtests.ledger import OBSERVER, Arrived, Ended, Failure, Seen, Silence, clock
from loadtests.locust_client import LocustTransport
from loadtests.outside import rehearsal_mark
from loadtests.personas import EVERYONE, PERSONAS
from loadtests.plan import Planned, make_plan, outage_of, parse_mix
from loadtests.shapes import SHAPES
from loadtests.visitors import World

START_S = 2.0  # from locust's start to the plan's: nobody is late because locust was still starting
AHEAD_S = 1.5  # locust looks at a shape once a second: visitors are started this early and wait for their moment
NETWORK_TIMEOUT_S = 60.0
WORKERS = "antrean-workers"  # the message by which a master tells its workers how many they are

WORKER_SILENT_S = 30  # locust's own 3 s end a whole run when a busy machine gives a worker no turn for that long
FOREVER_S = 1e6

logger = logging.getLogger(__name__)
book = Book()


@events.init_command_line_parser.add_listener
def add_options(parser: Any) -> None:
    """Our options; all of them are on locust's web page too (it does not show those of an argument group)."""
    parser.add_argument("--visitors", type=int, default=200, help="how many come")
    parser.add_argument("--arrivals", choices=sorted(SHAPES), default="OpeningSpike", help="when they come")
    parser.add_argument("--arrive-within", type=float, default=0.0, help="seconds; 0: as the shape says")
    parser.add_argument("--mix", default="patient", help=f"everyone, or weights of {', '.join(sorted(PERSONAS))}")
    parser.add_argument("--seed", type=int, default=2014, help="decides times, personas and their dice")
    parser.add_argument("--identity-salt", default="", help="empty: new applicants in each run")
    parser.add_argument("--room", default="registration", help="the room's id")
    parser.add_argument("--path", default="/", help="the page that a visitor opens")
    parser.add_argument("--most-seconds", type=float, default=300.0, help="cut the run off after this time")
    parser.add_argument("--expired-pass", default="", help="a pass that is over, for forgers to try")
    parser.add_argument("--ledger", default="", help="write the ledger to this file")


class Run:
    """The run in this process: the plan, and which of it is still to come."""

    def __init__(self, options: Namespace, *, first: int, step: int) -> None:
        shape = SHAPES[options.arrivals]
        mix = parse_mix(options.mix, frozenset(PERSONAS), EVERYONE)
        length_s = float(options.arrive_within or shape.default_length_s)
        self.plan = make_plan(shape, options.visitors, mix, options.seed, length_s)
        self.most_seconds = float(options.most_seconds)
        self.started_s = clock() + START_S
        self.outage = outage_of(shape, length_s, self.started_s)
        salt = options.identity_salt or secrets.token_hex(8)
        # Without a salt, each process makes up its own people; a salt and the plan's index fix them.
        identities = Identities(salt, dt.datetime.now(dt.UTC).date())
        self.world = World(
            *(options.room, options.path, identities, self.sleep, book.note, together),
            expired_pass=options.expired_pass,
        )
        self._own = iter(self.plan[first::step])

    def sleep(self, seconds: float) -> None:
        """As long as a visitor wants, or until the site can be reached again."""
        due_s = clock() + seconds
        gevent.sleep(max(0.0, (self.outage.wake_s(due_s) if self.outage else due_s) - clock()))

    def next_visit(self) -> Planned | None:
        """The next visit of this process; None when it has no more."""
        return next(self._own, None)

    def due(self) -> int:
        """How many visitors should have been started by now."""
        horizon = clock() - self.started_s + AHEAD_S
        return sum(visit.at_s <= horizon for visit in self.plan)


def together(acts: Sequence[Callable[[], Seen]]) -> list[Seen]:
    """Each in a greenlet of its own, started at the same moment. Raises what the first that fails raises."""
    started = [gevent.spawn(act) for act in acts]
    gevent.joinall(started, raise_error=True)
    return [each.value for each in started]


class Stage:
    """What this process is playing at the moment; locust makes users and shapes itself, so they look here."""

    run: Run | None = None
    failed = False  # the options of this run cannot be played
    workers = 1


class Visitor(FastHttpUser):
    """One visit of one person."""

    network_timeout = NETWORK_TIMEOUT_S
    connection_timeout = NETWORK_TIMEOUT_S
    concurrency = 1

    visit: Planned | None = None
    ended = False

    @task
    def once(self) -> None:
        """Wait for the planned moment, live, and stay behind as nobody."""
        try:
            if Stage.run and (visit := Stage.run.next_visit()):
                self.visit = visit
                self._live(Stage.run, visit)
        except Exception as exc:
            # A fault of ours must be seen in the report, and must not start this task again and again.
            book.note(
                Failure(
                    self.visit.index if self.visit else OBSERVER,
                    "load test",
                    "locustfile",
                    repr(exc),
                    clock(),
                )
            )
            logger.exception("a visitor failed")
            self._end("failed")
        gevent.sleep(FOREVER_S)

    def on_stop(self) -> None:
        """The run is over, whether the visit is or not."""
        if self.visit is not None and not self.ended:
            self._end("cut off")

    def _live(self, run: Run, visit: Planned) -> None:
        planned_s = run.started_s + visit.at_s
        gevent.sleep(max(0.0, planned_s - clock()))
        book.note(Arrived(visit.index, visit.persona, planned_s, clock()))
        transport = LocustTransport(self.client)
        browser = Browser(transport, self.host or "", visit.index, book.note, rehearsal_mark())
        try:
            self._end(PERSONAS[visit.persona](run.world, browser, visit).live())
        except TroubleError as exc:
            book.note(Failure(visit.index, exc.cause, exc.call, exc.detail, clock()))
            self._end("failed")
        finally:
            transport.close()

    def _end(self, outcome: str) -> None:
        self.ended = True
        if self.visit is not None:
            book.note(Ended(self.visit.index, outcome, clock()))


class Arrivals(LoadTestShape):
    """Starts visitors as the plan says, and ends the run when everyone's visit has ended."""

    def tick(self) -> tuple[int, float] | None:
        run = Stage.run
        if Stage.failed:
            return None
        if run is None:  # locust asks before it announces the start: one visitor is due in any case
            return 1, 1
        if book.ended >= len(run.plan) or clock() - run.started_s > run.most_seconds:
            return None
        due = max(1, run.due())  # none at all would be the end of the run, for locust
        return due, due


@events.init.add_listener
def listen(environment: Environment, **_: Any) -> None:
    """Get ready; on a worker, hear from the master how many workers share the plan.

    The codes of places take a second or more to find: by the start they are known.
    """
    runners.HEARTBEAT_LIVENESS = WORKER_SILENT_S
    places()
    if isinstance(environment.runner, WorkerRunner):
        environment.runner.register_message(WORKERS, hear_workers)


def hear_workers(environment: Environment, msg: Any, **_: Any) -> None:
    """The master says so before each start."""
    Stage.workers = int(msg.data["count"])


@events.test_start.add_listener
def start(environment: Environment, **_: Any) -> None:
    """Make the plan anew for each run, also for the second one from the web page."""
    runner, options = environment.runner, environment.parsed_options
    assert options is not None
    first, step = 0, 1
    if isinstance(runner, MasterRunner):
        runner.send_message(WORKERS, {"count": runner.worker_count})
    elif isinstance(runner, WorkerRunner):
        first, step = runner.worker_index, Stage.workers
    is_worker = isinstance(runner, WorkerRunner)
    book.begin(Path(options.ledger) if options.ledger and not is_worker else None, sends=is_worker)
    Stage.failed = True  # until it is not: locust logs what is raised here, and goes on
    Stage.run = run = Run(options, first=first, step=step)
    if run.outage and not is_worker:
        book.note(Silence(OBSERVER, run.outage.from_s, run.outage.until_s))
    Stage.failed = False


@events.report_to_master.add_listener
def send_ledger(data: dict[str, Any], **_: Any) -> None:
    """On a worker, with its report: what its visitors wrote since the last one."""
    data["antrean_ledger"] = book.take()


@events.worker_report.add_listener
def receive_ledger(data: dict[str, Any], **_: Any) -> None:
    """On the master."""
    book.receive(data.get("antrean_ledger", []))


@events.test_stop.add_listener
def stop(environment: Environment, **_: Any) -> None:
    """The next run, from the web page, has a plan of its own."""
    Stage.run = None


@events.quitting.add_listener
def finish(environment: Environment, **_: Any) -> None:
    """The judgement is made from the ledger by whoever started us."""
    book.close()
