"""The examples that are files, settings and code: they are read and run as they stand."""

from __future__ import annotations

import dataclasses
import json
import re
import time
from collections.abc import Callable

import pytest
from cryptography.exceptions import InvalidSignature

from gateway.domain import commitment
from gateway.domain import draw as fair
from gateway.domain.credentials import Keyring, Pass
from gateway.domain.room import Draw
from gateway.settings import RoomSettings, load_settings
from gateway.settings.documented import settings_of
from tests.docs.documents import README, ROOT, blocks

KEYS = ["an-older-key-of-32-characters-....", "a-newer-key-of-32-characters-....."]
EXAMPLE = ROOT / "antrean.toml.example"


def test_the_example_file_is_the_sample_room_with_every_setting_named() -> None:
    [room] = load_settings(EXAMPLE, {}).rooms
    [sample] = load_settings(environ={"ANTREAN_CONFIG": ""}).rooms
    assert room == dataclasses.replace(sample, name=room.name)
    text = EXAMPLE.read_text("utf-8")
    for name in settings_of(RoomSettings):
        assert re.search(rf"\n(# )?{name.rstrip('_')} = ", text), name


def test_the_second_room_of_the_example_can_be_taken_in() -> None:
    lines = EXAMPLE.read_text("utf-8").splitlines()
    start = lines.index("# [[rooms]]")
    taken_in = [*lines[:start], *(line.removeprefix("# ") for line in lines[start:])]
    assert taken_in[start] == "[[rooms]]"


def test_the_environment_file_of_the_readme_is_accepted() -> None:
    [block] = blocks(README, "ini")
    environ = dict(line.split("=", 1) for line in block.splitlines())
    settings = load_settings(EXAMPLE, environ)
    assert len(settings.secret_keys) == 2
    assert settings.store_url is not None
    assert settings.public_url == environ["ANTREAN_PUBLIC_URL"]
    assert settings.trusted_proxies == (environ["ANTREAN_TRUSTED_PROXIES"],)


@pytest.fixture
def visitor_of() -> Callable[[str, list[str]], str | None]:
    """The function of docs/origin.md."""
    [block] = blocks(ROOT / "docs" / "origin.md", "python")
    names: dict[str, Callable[[str, list[str]], str | None]] = {}
    exec(block, names)  # our own document
    return names["visitor_of"]


def signed(now_s: float) -> str:
    visitor_pass = Pass("registration", "abc", 1, 42, "nonce", int(now_s) + 100, int(now_s) + 1000)
    return Keyring(KEYS).sign_visitor(visitor_pass, now_s)


def test_the_origins_example_knows_a_visitor(visitor_of: Callable[[str, list[str]], str | None]) -> None:
    assert visitor_of(signed(time.time()), KEYS) == "registration:abc:42"


def test_the_origins_example_refuses_what_is_old_forged_or_cut(
    visitor_of: Callable[[str, list[str]], str | None],
) -> None:
    now = signed(time.time())
    assert visitor_of(signed(time.time() - 3600), KEYS) is None
    assert visitor_of(now, ["another-key-of-at-least-32-characters"]) is None
    assert visitor_of(now[:-2], KEYS) is None
    assert visitor_of("", KEYS) is None


def test_the_lines_that_check_a_signature_notice_every_change() -> None:
    _, block = blocks(ROOT / "docs" / "draw.md", "python")
    names: dict[str, Callable[[str, str], dict[str, object]]] = {}
    exec(block, names)  # our own document
    document = {"instance": "an-opening", "draw": {"announced_entropy": "undian é"}}
    text = json.dumps(commitment.sign(document, KEYS[0]), indent=2)
    assert names["check_signature"](text, commitment.public_key(KEYS[0])) == document
    for changed, key in ((text, KEYS[1]), (text.replace("undian", "lotere"), KEYS[0])):
        with pytest.raises(InvalidSignature):
            names["check_signature"](changed, commitment.public_key(key))


@pytest.mark.parametrize("size", [0, 1, 2, 5, 63, 64, 65, 1000])
def test_the_lines_that_check_a_draw_give_the_order_of_the_gateway(size: int) -> None:
    block, _ = blocks(ROOT / "docs" / "draw.md", "python")
    names: dict[str, Callable[[str], list[int]]] = {}
    exec(block, names)  # our own document
    secret = fair.draw_secret(KEYS[0], "registration", "an-opening")
    facts = Draw(fair.commitment_of(secret), "the lottery", size=size, secret=secret.hex(), entropy="04-17 é")
    text = json.dumps({"draw": dataclasses.asdict(facts)})
    assert names["order"](text) == sorted(range(1, size + 1), key=facts.position)
    with pytest.raises(AssertionError, match="not the secret"):
        names["order"](text.replace(secret.hex(), "00" * 32))
