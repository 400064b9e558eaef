"""A room's colours: shades of one accent, and whether text in it can be read (WCAG 2.2, contrast AA)."""

from __future__ import annotations

import re

LEAST_CONTRAST = 4.5  # AA for text of any size
PAPER, NIGHT, INK = "#ffffff", "#172226", "#06282b"  # the card by day, by night, and text on a button by night
TINT = 0.12  # of the accent in the ground of a label

_HEX = re.compile(r"#[0-9a-f]{6}", re.IGNORECASE)


def is_colour(value: object) -> bool:
    """Whether it is written ``#rrggbb``."""
    return isinstance(value, str) and _HEX.fullmatch(value) is not None


def mix(one: str, other: str, share: float) -> str:
    """``share`` of the first colour, the rest of the second."""
    mixed = (round(a * share + b * (1 - share)) for a, b in zip(_parts(one), _parts(other), strict=True))
    return "#" + "".join(f"{part:02x}" for part in mixed)


def contrast(one: str, other: str) -> float:
    """1 for the same colour, 21 for black on white."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def readable_by_day(accent: str) -> float:
    """The least contrast of what the page writes with ``accent``: on paper, on a label's ground, below white."""
    return min(contrast(accent, PAPER), contrast(accent, mix(accent, PAPER, TINT)))


def readable_by_night(accent: str) -> float:
    """The same on the dark page, where a button's text is dark."""
    grounds = (contrast(accent, NIGHT), contrast(accent, mix(accent, NIGHT, TINT)), contrast(accent, INK))
    return min(grounds)


def lightened(accent: str) -> str:
    """The nearest tint of ``accent`` that is easily read by night."""
    tints = (mix(PAPER, accent, step / 20) for step in range(20))
    return next((tint for tint in tints if readable_by_night(tint) >= LEAST_CONTRAST + 1.5), PAPER)


def _parts(colour: str) -> tuple[int, ...]:
    return tuple(int(colour[at : at + 2], 16) for at in (1, 3, 5))


def _luminance(colour: str) -> float:
    """Relative luminance, as WCAG defines it."""
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (value / 255 for value in _parts(colour))
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
