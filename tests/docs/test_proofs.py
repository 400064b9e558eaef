"""The table of proofs names functions that exist, and a test in this repository for each."""

from __future__ import annotations

import re

from tests.docs.documents import ROOT

PROOFS = ROOT / "docs" / "proofs.md"
LUA = ROOT / "gateway" / "store" / "lua"
ROW = re.compile(r"^\| (?P<what>[^|]+) \| (?:`(?P<file>\w+\.lua)` (?P<function>\w+) \| )?`(?P<test>\w+)` \|$")


def test_each_safeguard_is_where_the_table_says_and_each_function_file_is_in_it() -> None:
    tests = "\n".join(file.read_text("utf-8") for file in (ROOT / "tests" / "store").glob("test_*.py"))
    lines = [line for line in PROOFS.read_text("utf-8").splitlines() if line.startswith("| ")]
    rows = [row for row in map(ROW.match, lines) if row]
    headings = [
        line
        for line in lines
        if line.endswith("| | |") or line.startswith(("| ---", "| what happens", "| safeguard"))
    ]
    assert len(rows) + len(headings) == len(lines), "a row that names no test"
    for row in rows:
        assert f"def {row['test']}(" in tests, row["test"]
        if row["file"]:
            source = (LUA / row["file"]).read_text("utf-8")
            assert f"local function {row['function']}(" in source, row["what"]
    assert {row["file"] for row in rows} >= {"1_state.lua", "2_presence.lua", "3_visitors.lua", "4_release.lua"}
    assert len(rows) > 60
