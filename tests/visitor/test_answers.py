"""Answers as bytes: what the server writes is what ASGI would have been told."""

from __future__ import annotations

import pytest

from gateway.visitor.answers import Answer, Block, json_answer, lines_of


def test_the_lines_are_the_headers() -> None:
    answer = Answer(200, ((b"b", b"2"),), b"x", fixed=Block((b"a", b"1")))
    assert answer.headers == [(b"a", b"1"), (b"b", b"2")]
    assert answer.lines == b"a: 1\r\nb: 2\r\n"
    assert lines_of(json_answer(200, b"{}").headers) == json_answer(200, b"{}").lines


@pytest.mark.parametrize("value", [b"x\r\nset-cookie: evil=1", b"x\ny", b"x\ry", b"x\0y"])
def test_no_value_breaks_out_of_its_line(value: bytes) -> None:
    with pytest.raises(ValueError, match="line end"):
        _ = Answer(200, ((b"location", value),)).lines
