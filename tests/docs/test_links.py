"""Every link and every path that the documents name leads somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.documents import DOCUMENTS, ROOT

LINK = re.compile(r"""\]\((?P<markdown>[^)\s]+)\)|src="(?P<image>[^"]+)\"""")
NAMED_PATH = re.compile(r"`((?:gateway|registration_app|loadtests|tests|docs|scripts)/[\w./-]*)`")
NAMED_TEST = re.compile(r"`(test_\w+?)(…?)`")
IMAGE_BYTES_MOST = 120_000
RECORD_LINES_MOST = 20
RECORDS = sorted((ROOT / "docs" / "adr").glob("0*.md"))


def text_of(document: Path) -> str:
    return document.read_text("utf-8")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(document: Path) -> None:
    for match in LINK.finditer(text_of(document)):
        target = match["markdown"] or match["image"]
        if not target.startswith("https://"):
            file, _, anchor = target.partition("#")
            assert (document.parent / file).exists(), target
            assert not anchor, "links go to files: headings change"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_path_and_test_that_is_named_exists(document: Path) -> None:
    for path in NAMED_PATH.findall(text_of(document)):
        assert (ROOT / path).exists(), path
    sources = "\n".join(file.read_text("utf-8") for file in (ROOT / "tests").rglob("test_*.py"))
    for name, cut in NAMED_TEST.findall(text_of(document)):
        whole = f"def {name}" + ("" if cut else "(")
        assert whole in sources or any((ROOT / "tests").rglob(f"{name}.py")), name


def test_images_are_small() -> None:
    images = list((ROOT / "docs" / "images").iterdir())
    assert images
    assert [image.name for image in images if image.stat().st_size > IMAGE_BYTES_MOST] == []


def test_the_index_of_decisions_names_each_by_its_title_in_order() -> None:
    index = re.findall(r"^(\d+)\. \[(.*)\]\((.*)\)$", text_of(ROOT / "docs" / "adr" / "README.md"), re.MULTILINE)
    records = [(text_of(record).partition("\n")[0], record.name) for record in RECORDS]
    assert [(f"# {number}. {title}", name) for number, title, name in index] == records
    numbers = [int(number) for number, _, _ in index]
    assert numbers == sorted(set(numbers)), "rising, each once; a number whose decision was dropped stays free"


@pytest.mark.parametrize("record", RECORDS, ids=lambda path: path.stem)
def test_a_decision_is_short_and_says_context_decision_and_consequences(record: Path) -> None:
    text = text_of(record)
    assert len(text.splitlines()) <= RECORD_LINES_MOST
    parts = [text.find(f"**{part}.**") for part in ("Context", "Decision", "Consequences")]
    assert -1 < parts[0] < parts[1] < parts[2]


def test_the_map_of_the_package_names_modules_that_exist() -> None:
    import gateway

    named = re.findall(r"``((?:[a-z_]+\.)?[a-z_]+)(?:\.\w+\(\))?``", gateway.__doc__ or "")
    assert len(named) >= 10
    for name in named:
        path = ROOT / "gateway" / name.replace(".", "/")
        assert path.is_dir() or path.with_suffix(".py").exists(), name
