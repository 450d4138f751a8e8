# SPDX-License-Identifier: GPL-3.0-or-later
"""The server's own log: one for each start, rolled over when it is large, without secrets. Runs without Blender."""

from __future__ import annotations

import logging
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from batchserver.cli import logs
from batchserver.cli.batch_logs import BatchLogs
from batchserver.cli.logs import Redacting
from batchserver.model.redaction import DOTS, redacted
from blenders import ROOT

AT = time.struct_time((2026, 11, 22, 20, 39, 25, 6, 326, 0))

PLANTED = [
    ("Authorization: Bearer hunter2hunter2", "hunter2"),
    ("headers={'Authorization': 'Basic aHVudGVyOmh1bnRlcg=='}", "aHVudGVy"),
    ("curl -H 'X-Gotify-Key: AbCdEf12345' https://push.example.org/message", "AbCdEf12345"),
    ("GET https://ntfy.example.org/topic?auth=QmVhcmVyIHRrX3&x=1 failed", "QmVhcmVyIHRrX3"),
    ("POST https://api.telegram.org/bot123456:AAF-secret_part/sendPhoto: 404", "AAF-secret_part"),
    ("https://discord.com/api/webhooks/4711/abcDEF-secret: 401", "abcDEF-secret"),
    ("https://hooks.slack.com/services/T00/B00/XXsecretXX: no_service", "XXsecretXX"),
    ("smtp://me:correct-horse@mail.example.org refused", "correct-horse"),
    ("tgram://123456:AAF-secret_part@bots/4711", "AAF-secret_part"),
    ('{"pass": "correct horse battery", "user": "me"}', "horse"),
    ("smtp_password='correct horse'; to=x", "horse"),
    ("AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI", "wJalrXUtnFEMI"),
    ("upload --api-key 0123456789abcdef --to bucket", "0123456789abcdef"),
    ("Set-Cookie: session=abcdefgh; Path=/", "abcdefgh"),
]

HARMLESS = [
    "frame_done: batch 1 job 0 frame 12",
    "Everyone but this server's own command line needs the owner's token, which is in the data folder",
    "batch 3: Mail could not be sent: the server smtp.example.org refused the login",
    "The session of slot-1 is renewed: it ran out of memory",
    "Saved: /films/passage: night/shot_0001.png",
    "http://127.0.0.1:7777/api/v1/batches/7/jobs/0/log answered 200",
    "2026-11-22 20:39:25,530 INFO    batchserver.cli.reacting: batch_started: batch 1",
]


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    """Give the root logger, without what a test adds to it."""
    found = logging.getLogger()
    level, before = found.level, list(found.handlers)
    for handler in before:
        found.removeHandler(handler)
    yield found
    for handler in list(found.handlers):
        found.removeHandler(handler)
        handler.close()
    for handler in before:
        found.addHandler(handler)
    found.setLevel(level)


@pytest.mark.parametrize(("line", "secret"), PLANTED, ids=[f"{number:02d}" for number in range(len(PLANTED))])
def test_what_looks_like_a_secret_is_dots(line: str, secret: str) -> None:
    assert secret in line
    told = redacted(line)
    assert secret not in told
    assert DOTS in told


@pytest.mark.parametrize("line", HARMLESS, ids=[f"{number:02d}" for number in range(len(HARMLESS))])
def test_what_is_no_secret_stays_as_it_is(line: str) -> None:
    assert redacted(line) == line


def test_known_secrets_are_dots_wherever_they_stand_but_for_short_ones() -> None:
    assert redacted("the server said: no such user-zebra9", ["zebra9"]) == f"the server said: no such user-{DOTS}"
    assert redacted("a longer one zebra99", ["zebra9", "zebra99"]) == f"a longer one {DOTS}"
    assert redacted("an ox", ["ox"]) == "an ox"


def test_endless_lines_are_looked_through_in_time() -> None:
    for text in ("-" * 200_000, "a." * 100_000, "x_" * 100_000, "http://" * 30_000, "token" * 40_000, "'" * 200_000):
        began = time.process_time()
        redacted(text)
        assert time.process_time() - began < 5, text[:20]


def test_a_log_is_named_after_its_start_and_a_second_one_in_the_same_second_too(tmp_path: Path) -> None:
    server = tmp_path / "server"
    server.mkdir()
    first, second = (logs.log_file(tmp_path / "data", AT, server) for _ in range(2))
    assert (first.parent, first.name) == (server / "log", "renderplus_22-11-2026-20-39-25")
    assert second.name == "renderplus_22-11-2026-20-39-25-2"
    assert first.exists()


def test_where_the_servers_folder_is_an_extensions_or_cannot_be_written_the_data_folder_takes_the_log(tmp_path: Path) -> None:
    server = tmp_path / "extensions" / "user_default" / "renderplus" / "server"
    server.mkdir(parents=True)
    (server.parent / "blender_manifest.toml").touch()
    assert logs.log_file(tmp_path / "data", AT, server).parent == tmp_path / "data"
    assert not (server / "log").exists()
    assert logs.log_file(tmp_path / "data", AT, tmp_path / "not there").parent == tmp_path / "data"


def test_a_large_log_is_rolled_over_and_a_bounded_number_of_parts_is_kept(tmp_path: Path, root: logging.Logger) -> None:
    path = tmp_path / "renderplus_22-11-2026-20-39-25"
    logs.set_up(file=path, debug=False, largest=2000)
    assert path in logs.open_files()
    for number in range(400):
        logging.getLogger("batchserver.test").info("line %d", number)
    parts = sorted(tmp_path.iterdir())
    assert [part.name for part in parts] == [path.name, *(f"{path.name}.{number}" for number in range(1, logs.PARTS + 1))]
    assert all(part.stat().st_size <= 2000 for part in parts)
    assert "line 399" in path.read_text()


def test_lines_have_their_stable_fields_and_tracebacks_are_indented_and_without_secrets(tmp_path: Path, root: logging.Logger) -> None:
    path = tmp_path / "renderplus_22-11-2026-20-39-25"
    logs.set_up(file=path, debug=False)
    logs.hide(["zebra-crossing", ""])
    log = logging.getLogger("batchserver.test")
    log.warning("batch 1: said %s", "zebra-crossing")
    try:
        raise ValueError("https://me:hunter2@example.org zebra-crossing")
    except ValueError:
        log.exception("It failed")
    log.debug("not asked for")
    first, second, *rest = path.read_text("utf-8").splitlines()
    assert re.fullmatch(rf"\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d,\d{{3}} WARNING batchserver\.test: batch 1: said {DOTS}", first)
    assert re.fullmatch(r"\S+ \S+ ERROR   batchserver\.test: It failed", second)
    assert rest
    assert all(line.startswith("    ") for line in rest)
    assert "hunter2" not in "".join(rest)
    assert "zebra" not in "".join(rest)


def test_only_our_formatters_are_told_secrets(root: logging.Logger) -> None:
    other, ours = logging.StreamHandler(), logging.StreamHandler()
    ours.setFormatter(Redacting())
    root.addHandler(other)
    root.addHandler(ours)
    logs.hide(["zebra-crossing"])
    record = logging.LogRecord("x", logging.INFO, "", 0, "zebra-crossing", (), None)
    assert ours.format(record).endswith(DOTS)
    assert other.format(record) == "zebra-crossing"


def test_a_batch_that_wants_a_log_has_one_of_its_own(tmp_path: Path) -> None:
    asked: list[int] = []
    batch_logs = BatchLogs(tmp_path / "log", lambda batch: asked.append(batch) is None and batch == 2, clock=lambda: 1795376460.25)
    for batch in (1, 2, 2, 1):
        batch_logs.write(batch, f"frame_done: batch {batch} job 0 frame 1; token=abcdefgh")
    assert asked == [1, 2]
    assert [path.name for path in (tmp_path / "log").iterdir()] == ["batch-2.log"]
    lines = (tmp_path / "log" / "batch-2.log").read_text("utf-8").splitlines()
    assert len(lines) == 2
    assert re.fullmatch(rf"\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d,250 frame_done: batch 2 job 0 frame 1; token={DOTS}", lines[0])


def test_the_log_of_a_batch_is_no_business_of_a_disk_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("a file stands there")
    BatchLogs(tmp_path / "log", lambda _: True).write(1, "batch_started: batch 1")
    assert (tmp_path / "log").read_text() == "a file stands there"


def test_a_command_of_the_server_writes_its_log_and_says_where(tmp_path: Path) -> None:
    recipe = tmp_path / "x.json"
    recipe.write_text('{"version": 2.2, "jobs": [{"blend_file": "/nowhere/a.blend", "output": "/nowhere/x_"}]}')
    command = [sys.executable, str(ROOT / "server"), "--recipe", str(recipe), "--missing", "--write-log", "--data-dir", str(tmp_path / "data")]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    named = re.search(r"^Log: (.+)$", ran.stderr, re.MULTILINE)
    assert named, ran.stderr
    path = Path(named[1])
    try:
        assert re.fullmatch(r"renderplus_\d\d-\d\d-\d{4}-\d\d-\d\d-\d\d(-\d+)?", path.name)
    finally:
        path.unlink()
