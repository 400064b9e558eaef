"""Newcomers limited by their network."""

from __future__ import annotations

import pytest

from gateway.domain.networks import Networks, network_of

HERE, NEIGHBOUR, ELSEWHERE = "8.8.8.8", "8.8.8.200", "8.8.9.8"


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("36.68.1.77", "36.68.1.0/24"),
        ("::ffff:36.68.1.77", "36.68.1.0/24"),
        ("2404:c0:1234:5678:9abc::1", "2404:c0:1234:5600::/56"),
        ("127.0.0.1", ""),
        ("10.1.2.3", ""),
        ("192.168.0.9", ""),
        ("100.64.0.1", ""),
        ("fe80::1", ""),
        ("::1", ""),
        ("", ""),
        ("/run/antrean.sock", ""),
    ],
)
def test_a_network_is_a_24_or_a_56_of_the_public_internet(address: str, network: str) -> None:
    assert network_of(address) == network


def admitted(networks: Networks, address: str, per_minute: float, now_s: float, knocks: int = 1000) -> int:
    return sum(networks.wait_s(address, per_minute, now_s) == 0 for _ in range(knocks))


@pytest.mark.parametrize(
    ("per_minute", "now_s", "admitted_by_then"),
    [
        (60, 0, 60),
        (60, 1, 61),
        (60, 30, 90),
        (60, 60, 120),
        (60, 3600, 120),
        (1, 0, 1),
        (0.5, 0, 1),
        (300, 0, 300),
    ],
)
def test_a_minutes_worth_may_come_at_once_and_then_the_rate(
    per_minute: float, now_s: float, admitted_by_then: int
) -> None:
    networks = Networks()
    first = admitted(networks, HERE, per_minute, 0.0)
    later = admitted(networks, HERE, per_minute, now_s) if now_s else 0
    assert first + later == admitted_by_then


def test_neighbours_share_and_others_do_not() -> None:
    networks = Networks()
    assert admitted(networks, HERE, 10, 0.0) == 10
    assert networks.wait_s(NEIGHBOUR, 10, 0.0) == pytest.approx(6)
    assert networks.wait_s(NEIGHBOUR, 10, 6.1) == 0
    assert networks.wait_s(ELSEWHERE, 10, 0.0) == 0


def test_a_heavy_one_counts_as_many() -> None:
    networks = Networks()
    assert sum(networks.wait_s(HERE, 100, 0.0, weight=10) == 0 for _ in range(50)) == 10


def test_no_limit_and_no_public_address_count_nobody() -> None:
    networks = Networks()
    assert admitted(networks, HERE, 0, 0.0) == 1000
    assert admitted(networks, "10.0.0.1", 1, 0.0) == 1000
    assert len(networks) == 0


def test_memory_is_bounded_and_the_busy_are_remembered() -> None:
    networks = Networks(remembered=100)
    assert admitted(networks, HERE, 10, 0.0) == 10
    for other in range(99):
        assert networks.wait_s(f"9.9.{other}.1", 10, 0.0) == 0
    assert networks.wait_s(HERE, 10, 0.0) > 0
    assert networks.wait_s("9.9.0.1", 10, 0.0) == 0
    assert networks.wait_s("9.9.250.1", 10, 0.0) == 0
    assert networks.wait_s(HERE, 10, 0.0) > 0, "refused a moment ago: not the one unseen for longest"
    assert admitted(networks, "9.9.0.1", 10, 0.0) == 8, "neither is who came again"
    for other in range(500):
        networks.wait_s(f"9.{other % 200 + 10}.{other % 250}.1", 10, 0.0)
    assert len(networks) == 100
