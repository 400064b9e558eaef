"""Answers as bytes: what the server writes is what ASGI would have been told."""

from __future__ import annotations

import pytest

from gateway.visitor.answers import Answer, Block, json_answer, lines_of


def test_the_lines_are_the_headers() -> None:
    answer = Answer(204, ((b"b", b"2"),), fixed=Block((b"a", b"1")))
    assert answer.headers == [(b"a", b"1"), (b"b", b"2")]
    assert answer.lines == b"a: 1\r\nb: 2\r\n"
    assert lines_of(json_answer(200, b"{}").headers) == json_answer(200, b"{}").lines


def test_the_length_is_told_where_a_body_may_be_and_nowhere_else() -> None:
    assert Answer(200, body=b"x").lines == b"content-length: 1\r\n"
    assert Answer(303).headers == [(b"content-length", b"0")]
    assert Answer(204).lines == b""


@pytest.mark.parametrize("value", [b"x\r\nset-cookie: evil=1", b"x\ny", b"x\ry", b"x\0y"])
def test_no_value_breaks_out_of_its_line(value: bytes) -> None:
    with pytest.raises(ValueError, match="line end"):
        Answer(200, ((b"location", value),))
