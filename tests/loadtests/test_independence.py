"""What is measured is what a stranger gets: the load tests know nothing of the gateway's inside."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "loadtests"
MODULES = sorted(
    path for path in FOLDER.glob("*.py") if not path.stem.startswith("replay")
)  # plays the store itself


def imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name.partition(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found


def test_there_are_modules_to_look_at() -> None:
    assert {"visitors", "checks", "locustfile"} <= {path.stem for path in MODULES}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_no_load_test_imports_what_it_measures(path: Path) -> None:
    assert imported(path).isdisjoint({"gateway", "registration_app"})


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_only_what_locust_itself_loads_imports_locust(path: Path) -> None:
    if path.stem not in ("locustfile", "locust_client"):
        assert imported(path).isdisjoint({"locust", "gevent"})
