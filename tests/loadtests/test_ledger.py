"""The ledger is the only link between the visitors and the judgement: nothing may get lost on the way."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadtests.book import Book
from loadtests.ledger import Call, Ended, Ledger, Tail, from_line, to_line
from loadtests.outside import metric
from loadtests.site_load import FORM, at_once, most_at_once, site_bore_it
from tests.loadtests.ledgers import honest_events


def test_every_kind_of_event_comes_back_as_it_was() -> None:
    events = honest_events()
    assert [from_line(to_line(event)) for event in events] == events


@pytest.mark.parametrize("line", ["", "{}", "[1]", "nonsense", '{"kind": "Seen"}', '{"kind": "Ghost"}'])
def test_a_line_that_is_no_event_is_said(line: str) -> None:
    with pytest.raises(ValueError, match="not a line of a ledger"):
        from_line(line)


def test_half_a_line_waits_for_its_other_half(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    tail = Tail(path)
    assert list(tail.read()) == []
    line = to_line(Ended(1, "registered", 2.0)) + "\n"
    path.write_text(line + line[:10])
    assert len(list(tail.read())) == 1
    with path.open("a") as file:
        file.write(line[10:])
    assert list(tail.read()) == [Ended(1, "registered", 2.0)]
    assert list(tail.read()) == []


def test_a_worker_sends_each_event_once_and_the_master_writes_it(tmp_path: Path) -> None:
    worker, master = Book(), Book()
    worker.begin(None, sends=True)
    master.begin(tmp_path / "ledger.jsonl")
    worker.note(Ended(1, "registered", 2.0))
    master.receive(worker.take())
    master.receive(worker.take())
    master.close()
    assert (master.ended, worker.ended) == (1, 1)
    assert list(Tail(tmp_path / "ledger.jsonl").read()) == [Ended(1, "registered", 2.0)]


METRICS = 'antrean_issued{room="registration"} 200.0\nantrean_issued{room="other"} 3.0\n'


@pytest.mark.parametrize(
    ("name", "room", "value"),
    [
        ("antrean_issued", "registration", 200),
        ("antrean_issued", "third", None),
        ("antrean_claimed", "other", None),
    ],
)
def test_a_metric_is_read_for_its_room(name: str, room: str, value: int | None) -> None:
    assert metric(METRICS, name, room) == value


def test_the_sites_load_is_what_was_under_way_at_once() -> None:
    calls = [("enter", 0.0, 2.0), ("submit the form", 1.0, 3.0), ("pulse", 0.0, 9.0), ("enter", 3.0, 4.0)]
    ledger = Ledger.of(Call(0, name, 200, sent_s, received_s) for name, sent_s, received_s in calls)
    assert at_once(ledger) == [(0.0, 1), (1.0, 2), (2.0, 1), (3.0, 0), (3.0, 1), (4.0, 0)]
    assert most_at_once(at_once(ledger)) == 2
    assert most_at_once(at_once(Ledger())) == 0


@pytest.mark.parametrize(("took_s", "passed"), [([0.4] * 20, True), ([0.4] * 18 + [9.0] * 2, False), ([], None)])
def test_it_is_told_when_the_site_did_not_bear_the_rate(took_s: list[float], passed: bool | None) -> None:
    check = site_bore_it(Ledger.of(Call(0, FORM, 200, 0.0, each) for each in took_s), 120)
    assert check.passed is passed
    assert check.advice
    assert passed is not False or "did not bear 120 a minute" in check.detail
