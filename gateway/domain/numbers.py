"""The number as people see, say and type it: ``A-0001-2340``.

The last digit is a check digit by H. Michael Damm (2004): every single wrong digit and every swap of
two neighbours is noticed. It helps on the telephone; it is not a credential.
"""

from __future__ import annotations

from gateway.errors import MistypedNumber

_GROUP = 4
_SHORTEST = 8  # digits, check digit included
_LONGEST = 20
_DAMM = (  # Damm's totally anti-symmetric quasigroup of order 10
    "0317598642",
    "7092154863",
    "4206871359",
    "1750983426",
    "6123045978",
    "3674209581",
    "5869720134",
    "8945362017",
    "9438617205",
    "2581436790",
)


def format_number(number: int) -> str:
    """``A-0001-2340`` for 1234."""
    if number < 1:
        raise ValueError(f"numbers start at 1, not {number}")
    text = str(number)
    digits = text + _damm(text)
    if len(digits) <= _SHORTEST:
        padded = digits.zfill(_SHORTEST)
        return f"A-{padded[:_GROUP]}-{padded[_GROUP:]}"
    width = max(_SHORTEST, -(-len(digits) // _GROUP) * _GROUP)
    padded = digits.zfill(width)
    return "A-" + "-".join(padded[at : at + _GROUP] for at in range(0, width, _GROUP))


def parse_number(text: str) -> int:
    """The number in what a person typed: any case, with or without ``A``, dashes and spaces.

    Raises MistypedNumber.
    """
    digits = "".join(text.upper().split()).replace("-", "").removeprefix("A")
    if not (digits.isascii() and digits.isdigit()) or not 2 <= len(digits) <= _LONGEST:
        raise MistypedNumber(f"{text[:40]!r} is not a number in line: it looks like {format_number(1234)}")
    if _damm(digits) != "0" or int(digits[:-1]) < 1:
        raise MistypedNumber(f"{text[:40]!r} has a typing mistake: compare the digits once more")
    return int(digits[:-1])


def _damm(digits: str) -> str:
    state = "0"
    for digit in digits:
        state = _NEXT[state][digit]
    return state


_NEXT = {str(state): {str(digit): row[digit] for digit in range(10)} for state, row in enumerate(_DAMM)}
