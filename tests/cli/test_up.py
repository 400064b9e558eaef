"""`antrean up`, as a process: with the real store, and stand-ins for the three that serve HTTP."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.cli.procfile import PACKAGED
from tests.cli.copies import ROOT, Copy, alive, wait_until

Make = Callable[..., Copy]


def test_everything_starts_in_order_and_stops_in_reverse_leaving_nothing(copies: Make) -> None:
    copy = copies().started()
    server, desk = copy.server_pid(), copy.pids("desk")[0]
    copy.signal(signal.SIGINT)
    assert copy.ended() == 0
    lines = copy.said()
    starts = [lines.index(f"{name} is ready") for name in ("store", "registration", "gateway", "desk")]
    goodbyes = [lines.index(f"{name} says goodbye") for name in ("desk", "gateway", "registration")]
    assert starts == sorted(starts)
    assert [*goodbyes, lines.index("store stopped")] == sorted([*goodbyes, lines.index("store stopped")])
    assert "Traceback" not in lines
    assert "warning" not in lines
    assert copy.leftovers() == []
    assert not alive(server)
    assert not alive(desk)


def test_the_banner_says_where_to_go_and_how_to_see_a_line(copies: Make) -> None:
    said = copies().started().said()
    copy_ports = [line for line in said.splitlines() if line.strip().startswith(("applicants", "the desk"))]
    assert len(copy_ports) == 2
    assert "room set registration --rate 30" in said
    assert "new-line" not in said


def test_a_second_start_says_that_the_line_was_kept_and_how_to_begin_a_new_one(copies: Make) -> None:
    copy = copies().started()
    copy.signal()
    copy.ended()
    assert "room new-line registration" in copy.started().said()


def test_a_process_that_dies_is_started_again_alone(copies: Make) -> None:
    copy = copies().started()
    copy.make_die("ANTREAN_DESK_PORT")
    copy.wait_for("desk is ready again")
    assert "desk ended with exit code 7" in copy.said()
    assert len(copy.pids("desk")) == 2
    assert len(copy.pids("gateway")) == 1


def test_a_store_that_was_killed_is_started_again_on_the_same_file(copies: Make) -> None:
    copy = copies().started()
    first = copy.server_pid()
    os.kill(first, signal.SIGKILL)
    copy.wait_for("store is ready again")
    assert copy.server_pid() != first
    assert len(copy.pids("gateway")) == 1


def test_nothing_outlives_a_supervisor_that_was_killed(copies: Make) -> None:
    copy = copies().started()
    pids = [copy.server_pid(), *(copy.pids(name)[0] for name in ("registration", "gateway", "desk"))]
    copy.signal(signal.SIGKILL)
    copy.ended()
    wait_until(lambda: not any(map(alive, pids)), "every process is gone")
    wait_until(lambda: copy.leftovers() == [], "the socket is gone")


def test_a_copy_starts_again_right_after_its_supervisor_was_killed(copies: Make) -> None:
    copy = copies().started()
    copy.signal(signal.SIGKILL)
    copy.ended()
    copy.started()


def test_two_copies_run_side_by_side(copies: Make) -> None:
    one, other = copies("one").started(), copies("other").started()
    assert one.server_pid() != other.server_pid()


@pytest.mark.parametrize(
    ("variable", "process"),
    [("ANTREAN_PORT", "gateway"), ("ANTREAN_DESK_PORT", "desk"), ("REGISTRATION_PORT", "registration")],
)
def test_a_taken_port_is_one_clear_line_before_anything_starts(
    copies: Make, variable: str, process: str
) -> None:
    copy = copies()
    with socket.create_server(("127.0.0.1", copy.ports[variable])):
        copy.start()
        assert copy.ended() == 2
    [line] = copy.said().splitlines()
    assert f"port {copy.ports[variable]} ({process}) is taken" in line
    assert f"{variable}=" in line


def test_a_state_folder_of_another_copy_is_one_clear_line(copies: Make) -> None:
    one, other = copies("one").started(), copies("other")
    other.environ["ANTREAN_STATE_DIR"] = str(one.folder / ".state")
    other.start()
    assert other.ended() == 2
    [line] = other.said().splitlines()
    assert "another copy runs" in line
    assert "ANTREAN_STATE_DIR=" in line


def test_a_broken_configuration_is_told_whole_and_starts_nothing(copies: Make) -> None:
    copy = copies()
    (copy.folder / "antrean.toml").write_text('prot = 1\n[[rooms]]\nid = "a"\norigin = "nowhere"\n')
    copy.start()
    assert copy.ended() == 2
    first, second = sorted(copy.said().splitlines())
    assert "did you mean port?" in second
    assert 'room "a": origin: "nowhere" is not usable' in first


def test_a_process_that_ends_before_it_is_ready_stops_the_start(copies: Make) -> None:
    copy = copies(
        procfile="store: python -m gateway store\ngateway: python -c 'print(\"no such luck\"); exit(3)'\n"
    )
    copy.start()
    assert copy.ended() == 1
    assert "no such luck" in copy.said()
    assert "gateway ended with exit code 3 before it was ready" in copy.said()
    assert "Traceback" not in copy.said()
    assert copy.leftovers() == []


def test_a_command_that_is_not_there_is_one_clear_line(copies: Make) -> None:
    copy = copies(procfile="worker: no-such-program --now\n")
    copy.start()
    assert copy.ended() == 1
    assert "worker: no-such-program cannot be started: No such file or directory" in copy.said()


def test_ctrl_c_during_the_start_stops_what_has_started(copies: Make) -> None:
    copy = copies(procfile="store: python -m gateway store\ngateway: sleep 1000\n")
    copy.start()
    copy.wait_for("store is ready")
    copy.signal(signal.SIGINT)
    assert copy.ended() == 0
    assert copy.leftovers() == []


def test_a_store_of_your_own_means_that_none_is_started(copies: Make) -> None:
    copy = copies()
    copy.environ["ANTREAN_STORE_URL"] = "redis://127.0.0.1:1/0"
    copy.started()
    assert "store is ready" not in copy.said()
    assert not (copy.folder / ".state" / "store").exists()


def test_the_packaged_procfile_is_the_one_in_the_checkout() -> None:
    assert PACKAGED.read_text() == (ROOT / "Procfile").read_text()


def test_lines_of_each_process_stand_behind_its_name(copies: Make) -> None:
    said = copies().started().said()
    assert any(line.startswith("gateway      │ gateway runs as") for line in said.splitlines())


def test_a_copy_needs_nothing_in_its_folder(tmp_path: Path) -> None:
    from gateway.cli.procfile import read_procfile

    assert [entry.name for entry in read_procfile(PACKAGED)] == ["store", "registration", "gateway", "desk"]
