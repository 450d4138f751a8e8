# SPDX-License-Identifier: GPL-3.0-or-later
"""Old logs are removed, and the oldest of too many; never one that somebody needs, and nothing that is no log of ours. Runs without Blender."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from batchserver.cli.arguments import make_parser
from batchserver.cli.housekeeping import Chore, Housekeeping
from batchserver.cli.log_keeping import DAY, FRESH, LogKeeper, Needed, files
from batchserver.model.log_files import RollingLog, batch_of, roll_over, whole_log

NOW = 1_795_376_460.0


def made(folder: Path, name: str, *, days: float, size: int = 10) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(b"x" * size)
    os.utime(path, (NOW - days * DAY, NOW - days * DAY))
    return path


def keeper(tmp_path: Path, *, days: int = 30, most: int = 10_000, needed: Needed | None = None) -> LogKeeper:
    return LogKeeper(tmp_path / "data", tmp_path / "server", days=days, needed=lambda: needed or Needed(), most=most)


def left(tmp_path: Path) -> list[str]:
    return sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file())


def test_logs_older_than_the_days_go_and_nothing_else(tmp_path: Path) -> None:
    for name in ("session-20261122-203925-slot-1.log", "session-20261122-203925-inspector.log.1", "hooks-7.log", "hooks-7-0.log", "batch-7.log"):
        made(tmp_path / "data", name, days=31)
    made(tmp_path / "data", "renderplus_01-10-2026-20-39-25", days=31)
    made(tmp_path / "server", "renderplus_01-10-2026-20-39-25.3", days=31)
    made(tmp_path / "data", "session-new.log", days=29)
    for name in ("started_by_blender.log", "notes.txt", "my-session-x.log", "renderplus_notes"):
        made(tmp_path / "data", name, days=400)
    made(tmp_path / "server", "session-20261122-203925-slot-1.log", days=400)  # not ours there
    assert keeper(tmp_path).clean(NOW) == 7
    assert left(tmp_path) == [
        "data/my-session-x.log", "data/notes.txt", "data/renderplus_notes", "data/session-new.log", "data/started_by_blender.log",
        "server/session-20261122-203925-slot-1.log",
    ]  # fmt: skip


def test_of_too_many_bytes_the_oldest_go_and_what_is_fresh_stays(tmp_path: Path) -> None:
    made(tmp_path / "data", "session-a.log", days=5, size=6000)
    made(tmp_path / "server", "renderplus_20-11-2026-20-39-25", days=4, size=3000)
    made(tmp_path / "data", "session-c.log", days=3, size=3000)
    made(tmp_path / "data", "session-d.log", days=FRESH / DAY / 2, size=6000)
    assert keeper(tmp_path).clean(NOW) == 2
    assert left(tmp_path) == ["data/session-c.log", "data/session-d.log"]
    assert keeper(tmp_path, most=1).clean(NOW) == 1
    assert left(tmp_path) == ["data/session-d.log"]


def test_what_a_living_session_or_an_unfinished_batch_needs_stays_however_old_and_large(tmp_path: Path) -> None:
    kept = made(tmp_path / "data", "session-a.log", days=90, size=20_000)
    made(tmp_path / "data", "session-a.log.1", days=90, size=20_000)
    for name in ("hooks-7.log", "hooks-7-12.log", "batch-7.log", "batch-7.log.1", "hooks-77.log"):
        made(tmp_path / "data", name, days=90)
    assert keeper(tmp_path, needed=Needed(files([kept, ""]), frozenset({7}))).clean(NOW) == 1
    assert left(tmp_path) == [f"data/{name}" for name in ("batch-7.log", "batch-7.log.1", "hooks-7-12.log", "hooks-7.log", "session-a.log", "session-a.log.1")]


def test_zero_days_keep_all_of_them(tmp_path: Path) -> None:
    made(tmp_path / "data", "session-a.log", days=4000, size=20_000)
    assert keeper(tmp_path, days=0).clean(NOW) == 0
    assert left(tmp_path)


def test_folders_that_are_not_there_and_links_are_passed_over(tmp_path: Path) -> None:
    assert keeper(tmp_path).clean(NOW) == 0
    outside = made(tmp_path / "elsewhere", "precious", days=400)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "session-link.log").symlink_to(outside)
    (tmp_path / "data" / "session-folder.log").mkdir()
    assert keeper(tmp_path).clean(NOW) == 0
    assert outside.exists()


def test_names_tell_what_a_log_is_of() -> None:
    assert [batch_of(name) for name in ("hooks-7.log", "hooks-7-0.log.1", "batch-12.log", "session-7.log", "hooks-x.log")] == [7, 7, 12, None, None]
    assert whole_log(Path("a/session-x.log.1")) == Path("a/session-x.log")
    assert whole_log(Path("a/session-x.log")) == Path("a/session-x.log")


def test_a_full_log_is_put_aside_and_its_end_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "session-x.log"
    log = RollingLog(path, most=100)
    for number in range(50):
        log.write(b"line %03d\n" % number)
    log.write(b"the end\n")
    log.close()
    assert path.read_bytes().endswith(b"the end\n")
    assert sorted(found.name for found in tmp_path.iterdir()) == ["session-x.log", "session-x.log.1"]
    assert sum(found.stat().st_size for found in tmp_path.iterdir()) < 220
    roll_over(path, most=1)
    assert not path.exists()
    roll_over(path, most=1)  # none there: nothing to do


def test_a_log_that_cannot_be_written_stops_nobody(tmp_path: Path) -> None:
    log = RollingLog(tmp_path / "not there" / "session-x.log")
    log.write(b"lost")
    log.close()
    assert not list(tmp_path.iterdir())


def test_a_chore_that_fails_does_not_keep_the_others_from_being_done(caplog: pytest.LogCaptureFixture) -> None:
    done = threading.Event()

    def fail(_: float) -> int:
        raise OSError("no")

    def work(_: float) -> int:
        done.set()
        return 3

    caplog.set_level("INFO")
    house = Housekeeping([Chore(fail, "%d", "It could not be done"), Chore(work, "%d things were done", "")], every=600)
    house.start()
    assert done.wait(10)
    house.stop()
    assert [record.getMessage() for record in caplog.records] == ["It could not be done", "3 things were done"]


@pytest.mark.parametrize("days", ["-1", "x", "40000", ""])
def test_days_that_are_none_are_refused(days: str) -> None:
    assert make_parser().parse_args(["--serve", "--keep-logs", "7"]).keep_logs == 7
    with pytest.raises(SystemExit):
        make_parser().parse_args(["--serve", "--keep-logs", days])
