# SPDX-License-Identifier: GPL-3.0-or-later
"""Statistics come from the ledger: right after a restart, whole in CSV and JSON, beside the pictures. Runs without Blender."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from unit.dispatch.house import House, make_job
from unit.reactions.batch_facts import CANCELLED, FINISHED, batch_facts, job_facts

from batchserver.cli.statistics_text import frames_text
from batchserver.dispatch.board import LiveBatch
from batchserver.model.records import FrameTimes
from batchserver.reactions.facts import BatchFacts, ReactionProblem
from batchserver.reactions.gathering import Gathering
from batchserver.reactions.mail_message import compose
from batchserver.reactions.report import report
from batchserver.reactions.statistics import StatisticsReaction, wanted
from batchserver.reactions.statistics_files import COLUMNS, write_csv
from batchserver.reactions.statistics_reading import StatisticsReader, summed


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A dispatcher over an empty ledger."""
    made = House(tmp_path)
    yield made
    made.dispatcher.close()
    made.ledger.close()


def rendered(house: House) -> LiveBatch:
    """Render three frames of job 0 in 0.25, 2 and 0.75 s with a restart between them; job 1 fails, job 2 is off."""
    jobs = make_job(house.folder, 0, (1, 2, 3), name="=Gold"), make_job(house.folder, 1, (7,), name="Glass"), make_job(house.folder, 2, enabled=False)
    house.run(*jobs)
    offer = house.lease("slot-1")
    seconds(house, offer, 1, 0.25, "12M")
    house.dispatcher.reject(offer.lease.id, 2, "Blender died")
    house.restart()
    for frame, took in ((2, 2.0), (3, 0.75)):
        offer = house.lease("slot-2")
        seconds(house, offer, frame, took)
        house.dispatcher.release(offer.lease.id)
    failing = house.lease("slot-2")
    house.dispatcher.fail_job(failing.lease.id, "no camera")
    house.dispatcher.release(failing.lease.id)
    return house.dispatcher.take_over(1)


def seconds(house: House, offer: Any, frame: int, took: float, memory: str = "") -> None:
    house.now += took
    assert house.dispatcher.accept(offer.lease.id, frame, replace(house.write(offer, frame), seconds=took, memory=memory))


def facts(house: House, wish: object) -> BatchFacts:
    found = Gathering(house.dispatcher)(1)
    assert found is not None
    return replace(found, reactions={"settings": {"statistics": wish}})


def test_the_figures_are_those_of_the_ledger_also_after_a_restart(house: House) -> None:
    rendered(house)
    figures = StatisticsReader(house.dispatcher).batch(1)
    assert figures is not None
    times = FrameTimes(3, 3.0, (0.25, 1), (2.0, 2))
    assert [job.frame_times for job in figures.jobs] == [times, None, None]
    assert figures.frame_times == times
    assert times.average == 1.0
    frames = StatisticsReader(house.dispatcher).frames(figures.jobs[0])
    assert [(row.frame, row.seconds, row.attempts, row.worker, row.memory) for row in frames] == [
        (1, 0.25, 1, "slot-1", "12M"), (2, 2.0, 2, "slot-2", ""), (3, 0.75, 1, "slot-2", ""),
    ]  # fmt: skip
    assert frames[0].files == ((house.folder / "out" / "j0_0001.png", (house.folder / "out" / "j0_0001.png").stat().st_size),)
    assert StatisticsReader(house.dispatcher).batch(99) is None


def test_both_files_say_the_same_and_stand_beside_the_pictures(house: House) -> None:
    rendered(house)
    batch = facts(house, True)
    reaction = StatisticsReaction(StatisticsReader(house.dispatcher), time.gmtime)
    assert reaction.wants(FINISHED, batch)
    reaction.react(FINISHED, batch)
    reaction.react(CANCELLED, batch)  # rendered again, say: the same files anew
    base = house.folder / "out" / "scene-statistics-19700101-001640"
    assert sorted(path.name for path in (house.folder / "out").glob("*statistics*")) == [base.name + ".csv", base.name + ".json"]
    rows = list(csv.DictReader(io.StringIO(base.with_name(base.name + ".csv").read_text("utf-8"))))
    assert [row["kind"] for row in rows] == ["batch", "job", "frame", "frame", "frame", "job", "frame", "job"]
    total, gold, _, second, _, glass, failed, off = rows
    assert [total[key] for key in ("frames", "done", "failed", "rendering", "average", "fastest", "fastest_frame", "slowest", "slowest_frame")] == [
        "4", "3", "1", "3.000", "1.000", "0.250", "1", "2.000", "2",
    ]  # fmt: skip
    assert gold["name"] == "'=Gold"  # no formula for a spreadsheet
    assert (second["frame"], second["seconds"], second["attempts"], second["worker"], second["state"]) == ("2", "2.000", "2", "slot-2", "done")
    assert (glass["state"], failed["state"], off["state"]) == ("FAILED", "failed", "DISABLED")
    assert "no camera" in failed["error"]
    document = json.loads(base.with_name(base.name + ".json").read_text("utf-8"))
    assert document["renderplus"] == "statistics"
    assert document["batch"]["slowest_frame"] == {"seconds": 2.0, "frame": 2, "job": 0}
    assert [job["status"] for job in document["jobs"]] == ["FINISHED", "FAILED", "DISABLED"]
    assert document["jobs"][0]["per_frame"][1]["files"] == [{"path": str(house.folder / "out" / "j0_0002.png"), "bytes": int(second["bytes"])}]
    assert document["jobs"][0]["name"] == "=Gold"


def test_a_file_of_somebody_else_is_left_alone(house: House) -> None:
    rendered(house)
    out = house.folder / "out"
    mine = out / "scene-statistics-19700101-001640.csv"
    mine.write_text("my own table")
    StatisticsReaction(StatisticsReader(house.dispatcher), time.gmtime).react(FINISHED, facts(house, {"csv": True}))
    assert mine.read_text() == "my own table"
    assert (out / "scene-statistics-19700101-001640-2.csv").is_file()
    assert not list(out.glob("*.json"))


def test_a_folder_that_cannot_be_written_is_a_sentence(house: House) -> None:
    rendered(house)
    reader = StatisticsReader(house.dispatcher)
    (house.folder / "file").write_text("")
    found = reader.batch(1)
    assert found is not None
    lost = replace(found, jobs=tuple(replace(job, folder=house.folder / "file" / "out") for job in found.jobs))
    reader.batch = lambda _: lost  # type: ignore[method-assign]
    with pytest.raises(ReactionProblem, match=r"The statistics .*scene-statistics-19700101-001640\.csv could not be written: "):
        StatisticsReaction(reader, time.gmtime).react(FINISHED, facts(house, True))


@pytest.mark.parametrize(
    ("wish", "files"),
    [(True, (True, True)), (False, (False, False)), (None, (False, False)), ({"csv": True, "json": False}, (True, False)), ({}, (False, False))],
    ids=["true", "false", "none", "csv", "empty"],
)
def test_what_is_asked_for_is_written(wish: object, files: tuple[bool, bool]) -> None:
    assert wanted(wish) == files
    batch = batch_facts(reactions={"settings": {"statistics": wish}})
    assert StatisticsReaction(None).wants(FINISHED, batch) is any(files)  # type: ignore[arg-type]


def test_the_table_has_the_columns_that_are_promised() -> None:
    docs = (Path(__file__).parents[3] / "docs" / "statistics.md").read_text("utf-8")
    assert not [name for name in COLUMNS if f"`{name}`" not in docs]


def test_a_long_job_is_written_frame_by_frame(house: House) -> None:
    rendered(house)
    reader = StatisticsReader(house.dispatcher)
    figures = reader.batch(1)
    assert figures is not None
    asked: list[int] = []
    text = io.StringIO()

    def frames(job: Any) -> list[Any]:
        asked.append(job.index)
        assert text.getvalue().count("\njob,") == len(asked)  # what came before is written already
        return reader.frames(job)

    write_csv(text, figures, frames, time.gmtime)
    assert asked == [0, 1, 2]


# --- where people read them -------------------------------------------------------------------------------


def test_nothing_measured_is_nothing_said(house: House) -> None:
    house.run(make_job(house.folder))
    figures = StatisticsReader(house.dispatcher).batch(1)
    assert figures is not None
    assert summed([None, None]) is None
    assert frames_text(figures) == ""


def test_the_command_line_names_the_fastest_and_the_slowest_frame(house: House) -> None:
    rendered(house)
    figures = StatisticsReader(house.dispatcher).batch(1)
    assert figures is not None
    assert frames_text(figures).splitlines() == [
        "", "frames", "rendering  3.0 s for 3 frames, 1.0 s each", 'fastest    0.2 s  frame 1 of job 0 "=Gold"', 'slowest    2.0 s  frame 2 of job 0 "=Gold"',
        "", "job  name   average  fastest  frame  slowest  frame  rendering", "0    =Gold  1.0 s    0.2 s    1      2.0 s    2      3.0 s",
    ]  # fmt: skip


def test_a_mail_names_them_in_text_and_html() -> None:
    gold, glass = FrameTimes(10, 20.0, (1.0, 4), (9.5, 7)), FrameTimes(2, 3.0, (0.5, 12), (2.5, 11))
    batch = batch_facts(job_facts(0, frame_times=gold), job_facts(1, "Glass", done=2, total=2, frame_times=glass))
    told = report(FINISHED, batch, time.gmtime)
    figures = dict(told.figures)
    assert figures["Average for each frame"] == "1.9 s"  # as measured, not the time of the whole by the frames
    assert figures["Fastest frame"] == "Glass, frame 12, 0.5 s"
    assert figures["Slowest frame"] == "Gold, frame 7, 9.5 s"
    mail = compose(told, {"to": "zoe@example.org", "from": "me@example.org"}, (), 0.0)
    for kind in ("plain", "html"):
        part = mail.get_body((kind,))
        assert part is not None
        assert "Gold, frame 7, 9.5 s" in part.get_content()
