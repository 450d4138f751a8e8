# SPDX-License-Identifier: GPL-3.0-or-later
"""Schemathesis asks a real server everything that its openapi.json allows, and much that it does not: no 500, no hang, no undescribed answer.

RENDERPLUS_FUZZ_EXAMPLES asks for a longer run (examples for each operation). Runs without Blender.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from unit.web.real_house import real_house

from batchserver.web.app import OPENAPI
from batchserver.web.server import serve

EXAMPLES = os.environ.get("RENDERPLUS_FUZZ_EXAMPLES", "4")
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance"
SLOWEST = "10"
"""Seconds of the slowest answer on a busy machine; an answer takes milliseconds."""


@pytest.mark.timeout(3600)
@pytest.mark.slow
def test_no_request_that_the_description_allows_or_forbids_makes_the_server_fail(tmp_path: Path) -> None:
    with real_house(tmp_path / "data") as house:
        serving = serve(house.app, 0)
        try:
            command = [
                sys.executable, "-m", "schemathesis.cli", "run", str(OPENAPI), "--url", f"http://127.0.0.1:{serving.port}", "--checks", CHECKS,
                "--max-examples", EXAMPLES, "--max-response-time", SLOWEST, "--request-timeout", "20", "--seed", "20260101", "--mode", "all",
                "--phases", "examples,coverage,fuzzing,stateful", "--suppress-health-check", "all", "--warnings", "off", "--no-color",
            ]  # fmt: skip
            ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace", check=False)
        finally:
            serving.close()
        assert list((tmp_path / "data" / "spool").iterdir()) == []
    report = os.environ.get("RENDERPLUS_FUZZ_REPORT")
    if report:
        Path(report).write_text(ran.stdout + ran.stderr, "utf-8")
    assert ran.returncode == 0, ran.stdout[-6000:] + ran.stderr[-2000:]
