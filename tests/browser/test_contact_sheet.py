"""The sheet of all states is made of the pictures that are there, each in its place."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.browser.contact_sheet import sheet, states


def test_each_state_has_its_languages_and_schemes_in_order(tmp_path: Path) -> None:
    for name in (
        "waiting-id-360-light", "waiting-en-360-dark", "last-call-id-360-dark", "waiting-id-1280-light", "other",
    ):  # fmt: skip
        (tmp_path / f"{name}.png").write_bytes(b"")
    assert {state: len(pictures) for state, pictures in states(tmp_path).items()} == {"last-call": 1, "waiting": 2}
    cells = re.findall(r'src="([^"]*)"|(<span>)', sheet(tmp_path).partition("<h2>waiting</h2>")[2])
    assert [picture or "none" for picture, _ in cells] == [
        "waiting-id-360-light.png", "none", "none", "waiting-en-360-dark.png",
    ]  # fmt: skip


def test_without_pictures_it_says_how_to_make_some(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="ANTREAN_SCREENSHOTS"):
        sheet(tmp_path)
