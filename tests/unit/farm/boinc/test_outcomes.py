# SPDX-License-Identifier: GPL-3.0-or-later
"""What a failed result is said to mean. Runs without Blender."""

from __future__ import annotations

import pytest

from batchserver.farm.boinc.outcomes import is_success, outcome
from batchserver.farm.boinc.requests import Report, SentFile
from batchserver.model.codes import CODES

BLENDER_CRASHED = "Blender 5.2.0\nWriting: /tmp/blender.crash.txt\n"


@pytest.mark.parametrize(
    ("report", "code", "says", "machine"),
    [
        (Report("r", 3, 90, 1, ""), "no_blender", "no Blender that starts", True),
        (Report("r", 3, 92, 1, ""), "no_blender", "does not start", True),
        (Report("r", 3, 91, 1, ""), "disk_full", "could not unpack", True),
        (Report("r", 6, 196, 1, ""), "disk_full", "more room", True),
        (Report("r", 3, -185, 1, "couldn't start app"), "no_blender", "could not start the program", True),
        (Report("r", 1, -186, 1, "<message>WU download error: couldn't get input files</message>"), "", "couldn't get input files", True),
        (Report("r", 3, 93, 1, ""), "file_not_written", "without a picture", False),
        (Report("r", 6, 197, 1, ""), "hung", "time limit", False),
        (Report("r", 6, 198, 1, ""), "out_of_memory", "memory", False),
        (Report("r", 3, 0, 1, "", codes=(-161,)), "file_not_written", "no picture", False),
        (Report("r", 3, 0, 1, "", codes=(-131,)), "wrong_size", "larger", False),
        (Report("r", 5, 0, 1, "", files=(SentFile("f", 1, "", "permanent upload error"),)), "file_not_written", "never arrived", False),
        (Report("r", 3, 139, 1, BLENDER_CRASHED), "crashed", "SIGSEGV", False),
        (Report("r", 3, 11, 1, "<message>process got signal 11</message>"), "crashed", "SIGSEGV", False),
        (Report("r", 3, 0, 1, "", signal=9), "killed", "SIGKILL", False),
        (Report("r", 3, 7, 1, 'x\nRender+ failed: The scene has no camera "B".\ny'), "render_error", 'The scene has no camera "B".', False),
        (Report("r", 3, 1, 1, "strange"), "ended", "exit code 1", False),
    ],
    ids=lambda value: str(value.exit_status) if isinstance(value, Report) else "",
)
def test_a_failure_has_a_code_and_a_sentence(report: Report, code: str, says: str, machine: bool) -> None:
    found = outcome(report, 12)
    assert found.why is not None
    assert (found.why.code, found.machine, found.why.frame) == (code, machine, 12)
    assert says in found.why.sentence
    assert code in CODES or not code
    assert not is_success(report)


@pytest.mark.parametrize("status", [194, 195, 200, 202, 203])
def test_an_abort_is_nobodys_fault(status: int) -> None:
    assert outcome(Report("r", 6, status, 0, ""), 1).why is None


def test_success_needs_the_state_the_exit_and_no_error_of_a_file() -> None:
    assert is_success(Report("r", 5, 0, 1, "", files=(SentFile("f", 1, "", ""),)))
    assert not is_success(Report("r", 4, 0, 1, ""))
    assert not is_success(Report("r", 5, 1, 1, ""))
