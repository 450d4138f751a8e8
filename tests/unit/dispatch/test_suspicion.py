# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures that are whole and look wrong: what is suspect, what is believed the second time, and that no frame is lost for want of a look.

Runs without Blender.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.dispatch.house import House, make_job

from batchserver.dispatch.dispatcher import Dispatcher
from batchserver.dispatch.doubts import KEPT, REJECTED_FOLDER, keep
from batchserver.dispatch.suspicion import APART, CannotLook, Grid, Look, difference, has_nan, is_black, is_outlier, is_transparent
from batchserver.model.recipe import Suspect
from batchserver.model.records import BatchRecord
from batchserver.model.status import FrameState, JobStatus
from batchserver.recipe import DiskSurvey

BRIGHT = Look((0.0, 0.0, 0.0, 1.0), (0.9, 0.8, 0.7, 1.0), grid=(0.5,) * 64)
BLACK = Look((0.0, 0.0, 0.0, 1.0), (0.0, 0.0, 0.0, 1.0), grid=(0.0,) * 64)
EMPTY = Look((0.0,) * 4, (0.0,) * 4, grid=(0.0,) * 64)
BAD = Look((0.0, 0.0, 0.0, 1.0), (0.9, 0.8, 0.7, 1.0), bad=0.25, linear=True, grid=(0.5,) * 64)

cells = st.lists(st.floats(0, 1), min_size=64, max_size=64).map(tuple)


def even(brightness: float) -> Grid:
    return (brightness,) * 64


# --- what is suspect, from numbers ------------------------------------------------------------------------


def test_each_word_finds_its_own_pictures_and_no_other() -> None:
    looks = {"bright": BRIGHT, "black": BLACK, "empty": EMPTY, "bad": BAD}
    found = {name: [is_black([look]), is_transparent([look]), has_nan([look])] for name, look in looks.items()}
    assert found == {"bright": [False] * 3, "black": [True, False, False], "empty": [False, True, False], "bad": [False, False, True]}


def test_dithering_is_black_and_a_dark_room_is_not() -> None:
    assert is_black([Look((0.0,) * 3, (1 / 255,) * 3)])
    assert not is_black([Look((0.0,) * 3, (3 / 255,) * 3)])
    assert not is_black([Look((0.0,) * 4, (0.002, 0.0, 0.0, 1.0), linear=True)])
    assert not is_black([Look((-0.5, 0.0, 0.0, 1.0), (0.0, 0.0, 0.0, 1.0), linear=True)]), "colours below 0 are some"


def test_layers_count_together() -> None:
    assert not is_black([BLACK, BRIGHT])
    assert is_black([EMPTY, BLACK])
    assert not is_transparent([EMPTY, BLACK])
    assert has_nan([BRIGHT, BAD])
    assert not any(judge([]) for judge in (is_black, is_transparent, has_nan))


@given(cells, cells)
def test_difference_is_between_nothing_and_one_and_the_same_both_ways(one: Grid, other: Grid) -> None:
    assert 0 <= difference(one, other) <= 1 + 1e-9
    assert difference(one, other) == difference(other, one)
    assert difference(one, one) == 0


@given(cells, st.lists(st.tuples(st.integers(-50, 50), cells), max_size=12), st.integers(-50, 50))
def test_whatever_the_frames_are_like_one_like_a_neighbour_is_believed(grid: Grid, frames: list[tuple[int, Grid]], frame: int) -> None:
    good = {number: other for number, other in frames if number != frame}
    is_outlier(frame, grid, good, {})
    assert not is_outlier(frame, grid, {**good, frame - 1: grid}, {})
    assert not is_outlier(frame, grid, good, {frame - 1: grid, frame + 1: grid}), "a doubted frame next to it is like it"


@given(st.floats(0, 1), st.floats(0, 0.02), st.floats(0, 1))
def test_a_frame_is_an_outlier_when_it_is_far_from_a_calm_shot(level: float, step: float, other: float) -> None:
    good = {number: even(level + step * number) for number in range(1, 5)}
    nearest = min(abs(other - (level + step * number)) for number in good)
    if abs(nearest - max(APART, 4 * step)) > 1e-6:
        assert is_outlier(5, even(other), good, {}) is (nearest > max(APART, 4 * step))


def test_too_few_frames_or_a_shot_that_flickers_make_no_outlier() -> None:
    assert not is_outlier(3, even(1), {1: even(0), 2: even(0)}, {})
    assert not is_outlier(5, even(1), {1: even(0), 2: even(0.5), 3: even(0), 4: even(0.5)}, {})


# --- the dispatcher, with an inspector of the test's own -------------------------------------------------------


class Eyes:
    """Looks at nothing: says of each frame what it is told to, one after the other."""

    def __init__(self, shown: dict[int, list[Look]], otherwise: Look = BRIGHT) -> None:
        self.shown, self.otherwise, self.asked = shown, otherwise, list[int]()

    def look(self, batch: BatchRecord, path: Path, pixels: int) -> tuple[Look, ...]:
        assert path.is_file()
        assert pixels == 8
        frame = int(path.stem[-4:])
        self.asked.append(frame)
        looks = self.shown.get(frame, [])
        return (looks.pop(0) if len(looks) > 1 else looks[0] if looks else self.otherwise,)


class Blind:
    """Cannot look."""

    def look(self, batch: BatchRecord, path: Path, pixels: int) -> tuple[Look, ...]:
        raise CannotLook("there was not enough memory left to open them")


Seeing = Callable[..., House]


@pytest.fixture
def seeing(tmp_path: Path) -> Iterator[Seeing]:
    """`seeing(inspector)`: a house whose dispatcher has it."""
    made = House(tmp_path)

    def let_see(inspector: Eyes | Blind) -> House:
        made.dispatcher.close()
        made.dispatcher = Dispatcher(made.ledger, clock=lambda: made.now, announce=made.events.append, survey=DiskSurvey(), inspector=inspector)
        made.service = type(made.service)(made.dispatcher, about=dict, instance="test")
        return made

    yield let_see
    made.dispatcher.close()
    made.ledger.close()


def render_all(house: House) -> None:
    """Render all there is; what is rejected is rendered again."""
    while offer := house.dispatcher.lease("w"):
        house.plan(offer)
        for frame in offer.lease.frames:
            house.dispatcher.accept(offer.lease.id, frame, house.write(offer, frame))
        house.dispatcher.release(offer.lease.id)


def errors(house: House, job_id: int, frame: int) -> list[str]:
    return [str(attempt["reason"]) for attempt in house.ledger.attempts(job_id, frame) if not attempt["good"]]


def test_a_job_that_does_not_ask_is_not_looked_at(seeing: Seeing) -> None:
    eyes = Eyes({}, otherwise=BLACK)
    house = seeing(eyes)
    batch = house.run(make_job(house.folder, frames=(1, 2)))
    render_all(house)
    assert (batch.jobs[0].record.status, eyes.asked) == (JobStatus.FINISHED, [])


def test_a_picture_that_looks_wrong_once_is_rendered_again_and_the_wrong_one_is_kept(seeing: Seeing) -> None:
    eyes = Eyes({2: [BLACK, BRIGHT]})
    house = seeing(eyes)
    batch = house.run(make_job(house.folder, frames=(1, 2, 3), suspect=(Suspect.BLACK,)))
    render_all(house)
    job = batch.jobs[0].record
    assert (job.status, job.messages) == (JobStatus.FINISHED, ())
    assert eyes.asked == [1, 2, 3, 2]
    assert house.pictures() == [f"{REJECTED_FOLDER}/j0_0002.png", "j0_0001.png", "j0_0002.png", "j0_0003.png"]
    (said,) = errors(house, job.id, 2)
    assert said == f"j0_0002.png is black all over (it is kept as {house.folder / 'out' / REJECTED_FOLDER / 'j0_0002.png'})"


@pytest.mark.parametrize(("suspect", "look", "code"), [("black", BLACK, "black"), ("transparent", EMPTY, "transparent"), ("nan", BAD, "not_a_number")])
def test_a_picture_that_is_wrong_every_time_fails_with_the_reason_and_the_others_are_done(seeing: Seeing, suspect: str, look: Look, code: str) -> None:
    house = seeing(Eyes({2: [look]}))
    batch = house.run(make_job(house.folder, frames=(1, 2, 3), suspect=(Suspect(suspect),)))
    render_all(house)
    job = batch.jobs[0].record
    assert job.status is JobStatus.FAILED
    assert job.failure is not None
    assert (job.failure.code, job.failure.frame) == (code, 2)
    (said,) = job.messages
    assert said.startswith("Frame 2 failed 3 times. j0_0002.png ")
    assert f"{REJECTED_FOLDER}/j0_0002.png" in said
    assert [row.state for row in house.ledger.frames(job.id)] == [FrameState.DONE, FrameState.FAILED, FrameState.DONE]
    assert house.pictures() == [f"{REJECTED_FOLDER}/j0_0002.png", "j0_0001.png", "j0_0003.png"]


def test_only_what_is_asked_for_is_suspect(seeing: Seeing) -> None:
    house = seeing(Eyes({1: [BLACK], 2: [EMPTY]}))
    batch = house.run(make_job(house.folder, frames=(1, 2), suspect=(Suspect.NAN,)))
    render_all(house)
    assert batch.jobs[0].record.status is JobStatus.FINISHED


def test_nobody_who_can_look_costs_a_note_and_no_frame(seeing: Seeing) -> None:
    house = seeing(Blind())
    batch = house.run(make_job(house.folder, frames=(1, 2, 3), suspect=(Suspect.BLACK,)))
    render_all(house)
    job = batch.jobs[0].record
    assert job.status is JobStatus.FINISHED
    assert job.messages == ("Pictures were accepted without being looked at: there was not enough memory left to open them",)
    assert [note.code for note in job.notes] == ["not_looked_at"]


def test_a_frame_that_is_unlike_the_others_once_is_rendered_again(seeing: Seeing) -> None:
    torn = Look(BRIGHT.least, BRIGHT.greatest, grid=(0.5,) * 40 + (0.0,) * 24)
    eyes = Eyes({6: [torn, BRIGHT]})
    house = seeing(eyes)
    batch = house.run(make_job(house.folder, frames=tuple(range(1, 10)), suspect=(Suspect.OUTLIER,)))
    render_all(house)
    assert (batch.jobs[0].record.status, eyes.asked) == (JobStatus.FINISHED, [*range(1, 10), 6])
    assert f"{REJECTED_FOLDER}/j0_0006.png" in house.pictures()


def test_a_scene_cut_costs_one_render_more_and_is_believed(seeing: Seeing) -> None:
    night = Look(BRIGHT.least, BRIGHT.greatest, grid=(0.1,) * 64)
    eyes = Eyes({frame: [night] for frame in range(6, 12)})
    house = seeing(eyes)
    batch = house.run(make_job(house.folder, frames=tuple(range(1, 12)), suspect=(Suspect.OUTLIER,)))
    render_all(house)
    assert (batch.jobs[0].record.status, eyes.asked) == (JobStatus.FINISHED, [*range(1, 12), 6])
    assert house.pictures() == [f"j0_{frame:04}.png" for frame in range(1, 12)], "what was right after all is no evidence"


def test_a_frame_that_is_another_one_every_time_fails(seeing: Seeing) -> None:
    house = seeing(Eyes({6: [Look(BRIGHT.least, BRIGHT.greatest, grid=even(level)) for level in (0.0, 1.0, 0.2)]}))
    batch = house.run(make_job(house.folder, frames=tuple(range(1, 8)), suspect=(Suspect.OUTLIER,)))
    render_all(house)
    assert batch.jobs[0].record.failure is not None
    assert (batch.jobs[0].record.failure.code, batch.jobs[0].failed) == ("outlier", 1)


def test_a_lease_that_is_gone_after_the_look_changes_nothing(seeing: Seeing) -> None:
    class Slow(Eyes):
        def look(self, batch: BatchRecord, path: Path, pixels: int) -> tuple[Look, ...]:
            house.dispatcher.cancel_batch(live)
            return super().look(batch, path, pixels)

    house = seeing(Slow({}))
    live = house.run(make_job(house.folder, suspect=(Suspect.BLACK,)))
    offer = house.lease()
    assert not house.dispatcher.accept(offer.lease.id, 1, house.write(offer, 1))
    assert live.jobs[0].record.status is JobStatus.CANCELLED


def test_evidence_is_bounded_and_the_newest_stays(tmp_path: Path) -> None:
    for number in range(KEPT + 5):
        path = tmp_path / f"f{number:03}.png"
        path.write_bytes(b"x")
        assert keep(path, tmp_path / "kept") == tmp_path / "kept" / path.name
    left = sorted(entry.name for entry in (tmp_path / "kept").iterdir())
    assert len(left) == KEPT
    assert left[-1] == f"f{KEPT + 4:03}.png"
    assert keep(tmp_path / "gone.png", tmp_path / "kept") is None


def test_what_is_suspect_survives_a_restart(house: House) -> None:
    house.run(make_job(house.folder, suspect=(Suspect.NAN, Suspect.OUTLIER)))
    house.restart()
    (batch,) = house.dispatcher.board
    assert batch.jobs[0].record.job.suspect == (Suspect.NAN, Suspect.OUTLIER)
    assert json.dumps(batch.jobs[0].record.job.suspect) == '["nan", "outlier"]'
