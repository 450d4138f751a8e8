# SPDX-License-Identifier: GPL-3.0-or-later
"""A sound when a batch is over: ours or the recipe's, as loud as it says. Runs without Blender."""

from __future__ import annotations

import contextlib
import logging
import math
import tempfile
import wave
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from batchserver.model.events import Event, EventKind

from .facts import BatchFacts, ReactionProblem
from .sound_players import Player, names, players
from .sound_volume import scaled_copy
from .system import TOO_LONG, System

log = logging.getLogger(__name__)

LONGEST = 15.0
"""Seconds of a sound that are played."""

FULL = 10.0
"""The recipe's word for full volume."""

SOUNDS = Path(__file__).resolve().parents[3] / "assets" / "sounds"


class Sound:
    """Plays where the recipe's `notifications.sound` is enabled; `sounds` has `finished.wav` and `failed.wav`, `temp` takes what is scaled."""

    name = "Sound"
    time_limit = 3 * LONGEST
    kinds = frozenset({EventKind.BATCH_FINISHED})

    def __init__(self, system: System, *, sounds: Path = SOUNDS, temp: Path | None = None, longest: float = LONGEST) -> None:
        self._system = system
        self._sounds = sounds
        self._temp = temp
        self._longest = longest

    def wants(self, event: Event, batch: BatchFacts) -> bool:
        """Tell whether to play."""
        return event.kind is EventKind.BATCH_FINISHED and _wishes(batch).get("enabled") is True

    def react(self, event: Event, batch: BatchFacts) -> None:
        """Play it. Raises `ReactionProblem`."""
        wishes = _wishes(batch)
        volume = min(1.0, max(0.0, float(wishes.get("volume", FULL)) / FULL))
        if volume == 0:
            return
        own = self._sounds / ("failed.wav" if batch.failures else "finished.wav")
        # A stranger's recipe does not choose which files of this machine are opened.
        asked = Path(str(wishes.get("file"))) if wishes.get("file") and batch.trusted else None
        if asked is not None and not asked.is_file():
            self._play(own, volume)
            raise ReactionProblem(f"There is no sound {asked}; the sound of Render+ was played. Choose another file, or leave it empty")
        self._play(asked or own, volume)

    def _play(self, sound: Path, volume: float) -> None:
        last = ""
        for player, program in players(self._system, sound):
            with self._loud(player, sound, volume) as file:
                if file is None:
                    last = f"{player.program} cannot play {sound.name} quieter"
                    continue
                command, extra = player.command(program, file, volume)
                ran = self._system.run(command, self._longest, extra)
            if ran.fine or ran.code == TOO_LONG:
                return
            last = f"{player.program} said: {ran.said or ran.code}"
        problem = last or f"no player is there for {sound.suffix or 'such'} files; install one of {', '.join(names(self._system))}"
        raise ReactionProblem(f"The sound could not be played: {problem}")

    @contextlib.contextmanager
    def _loud(self, player: Player, sound: Path, volume: float) -> Iterator[Path | None]:
        """Give the file for a player: a quieter copy for one without volume; None when there can be no copy."""
        if player.has_volume or math.isclose(volume, 1.0):
            yield sound
            return
        with tempfile.TemporaryDirectory(prefix="renderplus-sound-", dir=self._temp, ignore_cleanup_errors=True) as folder:
            quieter: Path | None = Path(folder) / "quieter.wav"
            try:
                scaled_copy(sound, Path(folder) / "quieter.wav", volume)
            except (OSError, EOFError, wave.Error) as error:
                log.info("%s cannot be made quieter: %s", sound, error)
                quieter = None
            yield quieter


def _wishes(batch: BatchFacts) -> Mapping[str, Any]:
    return dict(dict(batch.reactions.get("notifications") or {}).get("sound") or {})


def make_sound(system: System, *, temp: Path | None = None) -> Sound:
    """Make the sound of a machine; `temp` is an existing folder for scaled copies, None takes the system's."""
    return Sound(system, temp=temp)
