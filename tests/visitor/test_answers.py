"""Answers as bytes: what the server writes is what ASGI would have been told."""

from __future__ import annotations

import pytest

from gateway.visitor.answers import Answer, Block, json_answer, lines_of


def test_the_lines_are_the_headers() -> None:
    answer = Answer(204, ((b"b", b"2"),), fixed=Block((b"a", b"1")))
    assert answer.headers == [(b"a", b"1"), (b"b", b"2")]
    assert answer.lines == b"a: 1\r\nb: 2\r\n"
    assert lines_of(json_answer(200, b"{}").headers) == json_answer(200, b"{}").lines


def test_the_length_of_a_body_is_told_once_whoever_forgets_it() -> None:
    told = (b"content-length", b"1")
    for answer in (Answer(200, body=b"x"), Answer(200, (told,), b"x"), Answer(200, body=b"x", fixed=Block(told))):
        assert answer.headers == [told]
        assert answer.lines == b"content-length: 1\r\n"


@pytest.mark.parametrize("value", [b"x\r\nset-cookie: evil=1", b"x\ny", b"x\ry", b"x\0y"])
def test_no_value_breaks_out_of_its_line(value: bytes) -> None:
    with pytest.raises(ValueError, match="line end"):
        _ = Answer(200, ((b"location", value),)).lines
