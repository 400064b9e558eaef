"""The permutation: a bijection, even, blind to the order of arrival; and what an insider could reach."""

from __future__ import annotations

import hashlib
import itertools
import random
from collections import Counter

import pytest

from gateway.domain import draw
from gateway.errors import DrawRefuted

SEED = hashlib.sha256(b"a seed").digest()


def seeds(count: int) -> list[bytes]:
    return [hashlib.sha256(b"seed %d" % index).digest() for index in range(count)]


def order(seed: bytes, size: int) -> list[int]:
    return [draw.position_of.__wrapped__(seed, size, number) for number in range(1, size + 1)]


def test_every_small_draw_gives_every_place_once() -> None:
    for size in range(301):
        places = order(SEED, size)
        assert sorted(places) == list(range(1, size + 1)), size
        assert [draw.number_at(SEED, size, place) for place in places] == list(range(1, size + 1)), size


def test_large_draws_lead_back_from_each_place_to_its_number() -> None:
    """A map with an inverse on its own range is a bijection."""
    chance = random.Random(8)
    edges = [4095, 4096, 4097, 65_535, 65_536, 65_537, 1_048_577, 10_000_000]
    for size in [*edges, *(chance.randint(64, 10_000_000) for _ in range(40))]:
        for number in [1, size, *(chance.randint(1, size) for _ in range(20))]:
            place = draw.position_of(SEED, size, number)
            assert 1 <= place <= size
            assert draw.number_at(SEED, size, place) == number


def test_who_comes_after_the_freeze_is_behind_all_of_the_drawn() -> None:
    assert [draw.position_of(SEED, 100, number) for number in (101, 102, 5000)] == [101, 102, 5000]
    assert draw.position_of(SEED, 0, 1) == 1, "nobody was registered: the first to come is the first"
    assert draw.position_of(SEED, 1, 1) == 1


def test_known_answers_that_any_other_program_must_give() -> None:
    """The same values are computed by the page's script in tests/browser, and by the lines in docs/draw.md."""
    assert order(SEED, 5) == KNOWN_FIVE
    assert [draw.position_of(SEED, 1_000_000, number) for number in (1, 2, 3, 1_000_000)] == KNOWN_MILLION


KNOWN_FIVE = [2, 4, 5, 3, 1]
KNOWN_MILLION = [728582, 251896, 716822, 872262]


@pytest.mark.parametrize("size", [2, 3, 4, 5])
def test_every_order_of_a_few_is_as_likely_as_another(size: int) -> None:
    """Chi-squared over all orders. The seeds are fixed; the threshold is passed by one fair draw in 10,000."""
    drawn = 4000
    counts = Counter(tuple(order(seed, size)) for seed in seeds(drawn))
    orders = list(itertools.permutations(range(1, size + 1)))
    assert chi_squared([counts[each] for each in orders]) < bound(len(orders) - 1)


@pytest.mark.parametrize("size", [7, 63, 64, 65, 100, 1000])
def test_every_number_reaches_every_place_alike(size: int) -> None:
    """For the first, a middle and the last number: where it lands over many draws, in at most 20 bins."""
    bins = min(size, 20)
    for number in (1, size // 2, size):
        landed = Counter(
            (draw.position_of.__wrapped__(seed, size, number) - 1) * bins // size for seed in seeds(4000)
        )
        sizes = Counter(place * bins // size for place in range(size))
        expected = [4000 * sizes[index] / size for index in range(bins)]
        assert chi_squared([landed[index] for index in range(bins)], expected) < bound(bins - 1)


@pytest.mark.parametrize("size", [2, 10, 63, 64, 500, 20_000])
def test_the_place_does_not_depend_on_the_order_of_arrival(size: int) -> None:
    """The rank correlation of number and place, over draws, is zero within four standard errors."""
    draws = max(3, 6000 // size)
    total = sum(correlation(order(seed, size)) for seed in seeds(draws))
    assert abs(total) < 4 * (draws / (size - 1)) ** 0.5


def test_neighbours_do_not_stay_neighbours() -> None:
    """Arriving together with a friend says nothing about where the friend lands: distances as for random pairs."""
    size = 20_000
    places = order(SEED, size)
    gaps = [abs(a - b) / size for a, b in itertools.pairwise(places)]
    assert abs(sum(gaps) / len(gaps) - 1 / 3) < 4 * (1 / 18 / len(gaps)) ** 0.5


def test_an_insider_who_may_choose_the_secret_reaches_everything_without_entropy_and_nothing_with_it() -> None:
    """Trying secrets until the favourite is first works, if nothing is added afterwards; entropy undoes it."""
    size, favourite = 1000, 700

    def place(attempt: int, entropy: str) -> int:
        secret = draw.draw_secret("the insider's key, long enough", "room", str(attempt))
        return draw.position_of(draw.seed_of(secret.hex(), entropy), size, favourite)

    best = min(range(6000), key=lambda attempt: place(attempt, ""))
    assert place(best, "") <= 3, "a few thousand tries are enough"
    later = [place(best, f"lottery of {day}") for day in range(400)]
    assert abs(sum(later) / len(later) - (size + 1) / 2) < 4 * size / (12 * len(later)) ** 0.5
    assert sum(each <= 10 for each in later) <= 14, "4 are expected; 15 come once in 20,000 fair draws"


def test_the_secret_follows_from_key_room_and_line_and_from_nothing_that_can_be_shifted_between_them() -> None:
    base = draw.draw_secret("key", "room", "line")
    assert base == draw.draw_secret("key", "room", "line")
    assert len({base, draw.draw_secret("key", "rooml", "ine"), draw.draw_secret("key2", "room", "line")}) == 3
    commitment = draw.commitment_of(base)
    assert draw.secret_behind(commitment, ["newer", "key", "newest"], "room", "line") == base
    assert draw.secret_behind(commitment, ["newer"], "room", "line") is None


def published(**changes: object) -> dict[str, object]:
    secret = draw.draw_secret("key", "room", "line")
    facts = {"commitment": draw.commitment_of(secret), "announced_entropy": "the index at noon"}
    return {"draw": {**facts, "size": 100, "secret": secret.hex(), "entropy": "8412.33", **changes}}


def test_a_published_draw_is_verified() -> None:
    seed, size = draw.verified(published())
    assert size == 100
    assert 1 <= draw.position_of(seed, size, 42) <= 100
    assert draw.verified(published()["draw"]) == (seed, size)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"secret": "00" * 32}, "NOT the one that was committed to"),
        ({"secret": ""}, "not drawn yet"),
        ({"secret": "no hex"}, "not hexadecimal"),
        ({"entropy": ""}, "announced is missing"),
        ({"size": "100"}, "not a whole number"),
        ({"size": True}, "not a whole number"),
        ({"size": -1}, "not a whole number"),
    ],
)
def test_a_draw_that_is_not_what_it_says_is_refuted(changes: dict[str, object], told: str) -> None:
    with pytest.raises(DrawRefuted, match=told):
        draw.verified(published(**changes))


@pytest.mark.parametrize("document", [{}, {"draw": None}, {"draw": {"secret": "00"}}])
def test_something_else_is_no_draw(document: dict[str, object]) -> None:
    with pytest.raises(DrawRefuted, match="not a published draw"):
        draw.verified(document)


@pytest.mark.parametrize("entropy", ["", " 1", "1 ", "a\nb", "a\x00b", "x" * 501])
def test_entropy_that_people_could_copy_wrongly_is_refused(entropy: str) -> None:
    assert draw.entropy_problem(entropy)


def test_entropy_may_be_any_text_that_can_be_seen() -> None:
    assert draw.entropy_problem("Hasil undian 20 Agustus: 48–1–77") == ""


def chi_squared(counts: list[int], expected: list[float] | None = None) -> float:
    wanted = expected or [sum(counts) / len(counts)] * len(counts)
    return sum((count - each) ** 2 / each for count, each in zip(counts, wanted, strict=True))


def bound(freedom: int) -> float:
    """Chi-squared exceeds this once in about 10,000 fair draws (Wilson and Hilferty, z = 3.72)."""
    part = 2 / (9 * freedom)
    return float(freedom * (1 - part + 3.72 * part**0.5) ** 3) + 1


def correlation(places: list[int]) -> float:
    size = len(places)
    squares = sum((number - place) ** 2 for number, place in enumerate(places, 1))
    return 1 - 6 * squares / (size * (size**2 - 1))
