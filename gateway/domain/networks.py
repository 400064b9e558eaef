"""How many newcomers a client network may bring: one bucket for each network, in bounded memory. Pure.

A network is what one customer or one operator's exit usually has: an IPv4 /24, an IPv6 /56. Mobile networks put
thousands of people behind one address, so the limit is meant to be generous: it is for one machine that takes
numbers in a loop. Addresses that are not of the public internet (loopback, private, shared) are not counted: they
are proxies that nobody declared, whose visitors would all count as one, and load tests.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

BURST_S = 60.0  # worth of the rate may come at once: an opening's first second brings everybody
REMEMBERED = 50_000  # networks of one room in one worker; the one not seen for longest is forgotten
_PREFIX_V4, _PREFIX_V6 = 24, 56
_ROUNDING_S = 1e-6  # of many additions


@lru_cache(8192)
def network_of(address: str) -> str:
    """The network that an address counts for; '' for one that is not counted."""
    try:
        ip: IPv4Address | IPv6Address = ip_address(address)
    except ValueError:  # a unix socket's, or none
        return ""
    ip = getattr(ip, "ipv4_mapped", None) or ip
    if not ip.is_global:
        return ""
    prefix = _PREFIX_V4 if ip.version == 4 else _PREFIX_V6
    return str(ip_network((ip, prefix), strict=False))


class Networks:
    """The newcomers of each network in one room, as one worker counts them."""

    def __init__(self, remembered: int = REMEMBERED) -> None:
        self._remembered = remembered
        self._paid_until_s: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._paid_until_s)

    def wait_s(self, address: str, per_minute: float, now_s: float, *, weight: int = 1) -> float:
        """0 when somebody from ``address`` may join now, who is counted then; else the seconds to wait.

        ``per_minute``: newcomers a network may bring, as this worker's share; 0 or less: no limit. At most a
        minute's worth at once, so in no minute more than twice as many. ``weight``: as how many this one counts.
        ``now_s`` is of a clock that never jumps. ITU-T I.371's generic cell rate algorithm, with BURST_S of room.
        """
        network = network_of(address) if per_minute > 0 else ""
        if not network:
            return 0.0
        paid = self._paid_until_s
        begins_s = max(paid.get(network, now_s), now_s)
        ends_s = begins_s + min(BURST_S, 60 * weight / per_minute)
        if ends_s - now_s > BURST_S + _ROUNDING_S:
            paid.move_to_end(network)
            return ends_s - now_s - BURST_S
        paid[network] = ends_s
        paid.move_to_end(network)
        if len(paid) > self._remembered:
            paid.popitem(last=False)
        return 0.0
