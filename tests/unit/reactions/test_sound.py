# SPDX-License-Identifier: GPL-3.0-or-later
"""Which sound is played when, how loud, by whom, and what is said when nobody can. Runs without Blender."""

from __future__ import annotations

import importlib.util
import struct
import wave
from pathlib import Path
from typing import Any

import pytest
from unit.reactions.batch_facts import CANCELLED, FAILED, FINISHED, Machine, batch_facts, failed_job, job_facts

from batchserver.reactions.facts import BatchFacts, ReactionProblem
from batchserver.reactions.sound import SOUNDS, Sound
from batchserver.reactions.sound_volume import scaled
from batchserver.reactions.system import TOO_LONG, Ran
from blenders import ROOT


def wishing(*jobs: Any, trusted: bool = True, **sound: Any) -> BatchFacts:
    wishes = {"enabled": True, "file": "", "volume": 10} | sound
    return batch_facts(*jobs, trusted=trusted, reactions={"notifications": {"sound": wishes}})


def play(machine: Machine, batch: BatchFacts) -> None:
    Sound(machine.system).react(FINISHED, batch)


def loudest(data: bytes, at: Path) -> int:
    at.write_bytes(data)
    with wave.open(str(at)) as file:
        frames = file.readframes(file.getnframes())
    return max(map(abs, struct.unpack(f"<{len(frames) // 2}h", frames)))


def test_the_sounds_are_there_are_small_and_are_what_the_tool_makes(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("make_sounds", ROOT / "tools" / "make_sounds.py")
    assert spec is not None
    assert spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    tool.main([str(tmp_path)])
    for name in ("finished.wav", "failed.wav"):
        kept = (SOUNDS / name).read_bytes()
        assert kept == (tmp_path / name).read_bytes()
        assert len(kept) < 50_000
        assert 20_000 < loudest(kept, tmp_path / "x.wav") < 25_000, "loud, with room above"


def test_one_sound_for_all_well_and_another_for_failures_and_none_without_the_wish() -> None:
    machine = Machine(["pw-play"])
    play(machine, wishing(job_facts(0)))
    play(machine, wishing(job_facts(0), failed_job()))
    assert [Path(command[-1]).name for command in machine.asked] == ["finished.wav", "failed.wav"]
    sound = Sound(machine.system)
    assert sound.wants(FINISHED, wishing())
    assert not sound.wants(CANCELLED, wishing())
    assert not sound.wants(FAILED, wishing())
    assert not sound.wants(FINISHED, wishing(enabled=False))
    assert not sound.wants(FINISHED, batch_facts(reactions={}))


@pytest.mark.parametrize(
    ("player", "platform", "word"),
    [("paplay", "linux", "--volume=43872"), ("pw-play", "linux", "--volume=0.30"), ("ffplay", "linux", "30"), ("afplay", "darwin", "0.30")],
)
def test_a_player_with_a_volume_is_told_it(player: str, platform: str, word: str) -> None:
    machine = Machine([player], platform)
    play(machine, wishing(volume=3))
    assert word in machine.asked[0]
    assert machine.asked[0][-1].endswith("assets/sounds/finished.wav")


@pytest.mark.parametrize(("player", "platform"), [("aplay", "linux"), ("powershell", "win32")])
def test_for_a_player_without_volume_the_samples_are_scaled(tmp_path: Path, player: str, platform: str) -> None:
    machine = Machine([player], platform)
    own = (SOUNDS / "finished.wav").read_bytes()
    for volume in (10, 5):
        Sound(machine.system, temp=tmp_path).react(FINISHED, wishing(volume=volume))
    if platform == "linux":
        assert machine.kept[0] == own
        assert abs(loudest(machine.kept[1], tmp_path / "x.wav") * 2 - loudest(own, tmp_path / "y.wav")) <= 2
    else:
        assert [Path(extra["RENDERPLUS_SOUND"]).name for extra in machine.extras] == ["finished.wav", "quieter.wav"]
    assert not list(tmp_path.glob("renderplus-sound-*")), "the copy goes"


def test_volume_nought_plays_nothing_and_more_than_ten_is_ten() -> None:
    machine = Machine(["pw-play"])
    play(machine, wishing(volume=0))
    assert machine.asked == []
    play(machine, wishing(volume=400))
    assert "--volume=1.00" in machine.asked[0]


def test_samples_of_every_width_are_scaled() -> None:
    assert scaled(bytes([128, 255, 1]), 1, 0.5) == bytes([128, 192, 64])
    assert struct.unpack("<3h", scaled(struct.pack("<3h", 0, 1000, -32768), 2, 0.5)) == (0, 500, -16384)
    assert struct.unpack("<2i", scaled(struct.pack("<2i", 2**30, -(2**31)), 4, 0.25)) == (2**28, -(2**29))
    three = b"".join(value.to_bytes(3, "little", signed=True) for value in (8_000_000, -8_388_608))
    halved = scaled(three, 3, 0.5)
    assert [int.from_bytes(halved[at : at + 3], "little", signed=True) for at in (0, 3)] == [4_000_000, -4_194_304]
    with pytest.raises(wave.Error):
        scaled(b"", 8, 0.5)


def test_the_recipes_own_file_is_played_by_a_player_that_takes_it(tmp_path: Path) -> None:
    for name, player in (("bell.wav", "aplay"), ("bell.xyz", "ffplay")):
        (tmp_path / name).write_bytes(b"x")
        machine = Machine(["aplay", "ffplay"])
        play(machine, wishing(file=str(tmp_path / name)))
        assert machine.asked[0][0] == f"/bin/{player}"
        assert machine.asked[0][-1].endswith(name)


def test_a_file_that_is_gone_is_said_and_ours_is_played_and_a_strangers_is_not_opened(tmp_path: Path) -> None:
    machine = Machine(["pw-play"])
    with pytest.raises(ReactionProblem, match=r"There is no sound .*gone\.ogg; the sound of Render\+ was played"):
        play(machine, wishing(file=str(tmp_path / "gone.ogg")))
    (tmp_path / "bell.wav").write_bytes(b"x")
    play(machine, wishing(file=str(tmp_path / "bell.wav"), trusted=False))
    assert [Path(command[-1]).name for command in machine.asked] == ["finished.wav", "finished.wav"]


def test_the_next_player_is_taken_when_one_fails_and_a_missing_one_is_a_sentence(tmp_path: Path) -> None:
    silent = {"pw-play": Ran(1, "no server"), "aplay": Ran(1, "no card")}
    machine = Machine(["pw-play", "paplay"], answers=silent)
    play(machine, wishing())
    assert [command[0] for command in machine.asked] == ["/bin/pw-play", "/bin/paplay"]
    with pytest.raises(ReactionProblem, match="could not be played: aplay said: no card"):
        play(Machine(["pw-play", "aplay"], answers=silent), wishing())
    with pytest.raises(ReactionProblem, match=r"no player is there for \.wav files; install one of pw-play, paplay, aplay, ffplay"):
        play(Machine(), wishing())
    bad = tmp_path / "float.wav"
    bad.write_bytes(b"RIFF")
    with pytest.raises(ReactionProblem, match=r"aplay cannot play float\.wav quieter"):
        play(Machine(["aplay"]), wishing(file=str(bad), volume=5))


def test_a_long_sound_is_cut_and_that_is_no_fault() -> None:
    play(Machine(["pw-play"], answers={"pw-play": Ran(TOO_LONG)}), wishing())
