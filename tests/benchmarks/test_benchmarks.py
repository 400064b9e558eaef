"""The bench itself: its figures are of real replies, and a wrong reply ends it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from benchmarks import draw_cost, polling, store_cost
from benchmarks.__main__ import main
from benchmarks.calls import Call
from benchmarks.client import Job, Load, LoadError, run
from benchmarks.rounds import Result, Round, StoreUse


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """A server that answers 200 to /ok and 404 to everything else, in two pieces."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                status = b"200 OK" if b"/ok" in head else b"404 Not Found"
                writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 4\r\n\r\nbo")
                await writer.drain()
                writer.write(b"dy")
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def test_the_load_counts_whole_replies(port: int) -> None:
    load = await run(Job(port, [b"GET /ok HTTP/1.1\r\n\r\n"], 200, 0.1, connections=2))
    assert load.replies > 2
    assert 0 < load.median_ms <= load.slowest_ms


async def test_a_wrong_status_ends_the_run(port: int) -> None:
    with pytest.raises(LoadError, match="404"):
        await run(Job(port, [b"GET /no HTTP/1.1\r\n\r\n"], 200, 0.1, connections=1))


def test_ratios_are_of_processor_time_and_the_noise_is_told() -> None:
    def stretch(processor_us: float, bare_us: float) -> Round:
        load = Load(100, 1.0, 1.0, 2.0)
        return Round(load, processor_us, load, bare_us, StoreUse(1, 1.0))

    call = Call("x", "GET", "/", {}, 200)
    result = Result(call, "uvicorn", [stretch(100, 90), stretch(100, 100), stretch(100, 120)])
    assert result.median(lambda r: r.ratio) == 1.0
    assert result.spread(lambda r: r.ratio) == pytest.approx(0.15)


def test_a_request_is_the_same_for_the_bare_server_but_for_the_path() -> None:
    call = Call("x", "POST", "/long/path", {"host": "a"}, 200, cookies=("one", "two"))
    ours, bare = call.requests(), call.requests("/")
    assert [each.replace(b" /long/path ", b" / ") for each in ours] == bare
    assert b"cookie: two\r\n\r\n" in ours[1]


def test_a_longer_line_asks_hardly_more_often() -> None:
    short, long = polling.reckon((100_000, 10_000_000))
    assert short.fixed_per_s == 20_000
    assert long.fixed_per_s / long.total_per_s > 10 > 1 < short.fixed_per_s / short.total_per_s
    assert long.check_ins_per_s == pytest.approx(short.check_ins_per_s, rel=0.05)


def test_the_cost_of_a_drawn_place_is_told_as_a_share_of_a_check_in() -> None:
    known, unknown = draw_cost.measure_draw(1.0, (1000,)) + draw_cost.measure_draw(None, (1000,))
    assert known.first_us > known.remembered_us > 0, "it is remembered"
    assert known.share is not None
    assert known.remembered_us < known.share < known.first_us
    assert unknown.share is None


def test_the_stores_cost_is_measured_on_a_real_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_cost, "TICKS", 40)
    (cost,) = store_cost.measure_store((20_000,))
    assert cost.memory_bytes > 0
    assert 0 < cost.tick_median_us <= cost.tick_worst_us
    assert cost.joined_us > 0


def test_the_figures_are_written_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wanted = tmp_path / "figures.json"
    assert main(["--parts", "polling", "--json", str(wanted)]) == 0
    assert [line["waiting"] for line in json.loads(wanted.read_text())["polling"]] == list(polling.SIZES)
    assert "10,000,000" in capsys.readouterr().out
