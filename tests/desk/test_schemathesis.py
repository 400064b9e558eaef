"""The document, walked by a program that has read nothing else: what it allows works, what it does not is refused,
and every answer is as it says. A quick walk with the same examples each time; for a long one, see below.

``ANTREAN_EXAMPLES=200`` makes so many examples of each call.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

SETTINGS = Path(__file__).with_name("schemathesis.toml")
EXAMPLES = os.environ.get("ANTREAN_EXAMPLES", "2")


async def test_the_document_holds_for_whoever_believes_it(desk: Any, worker: Any, tmp_path: Path) -> None:
    await worker.line.set_knobs({"rate_per_minute": 0}, actor="tests")
    await worker.line.join()
    run = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("schemathesis")),
        *("--config-file", str(SETTINGS), "run", desk.url + "/api/openapi.json", "--seed", "1"),
        *("--header", f"Authorization: Bearer {desk.token}", "--phases", "fuzzing", "--max-examples", EXAMPLES),
        *("--generation-deterministic", "--suppress-health-check", "all", "--no-color"),
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    told, _ = await run.communicate()
    assert run.returncode == 0, told.decode()
    assert b"Tested: 18" in told, told.decode()
