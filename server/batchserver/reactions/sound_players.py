# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs that play a sound, those that the system brings first, and how each is told how loud. Runs without Blender."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .system import System, powershell

_WAV = frozenset({".wav"})
_MACOS = frozenset({".wav", ".aif", ".aiff", ".caf", ".mp3", ".m4a", ".aac", ".flac"})
_SOUNDFILE = frozenset({".wav", ".flac", ".ogg", ".oga", ".opus", ".aif", ".aiff", ".au", ".mp3"})

_SOUND_PLAYER = "$ErrorActionPreference = 'Stop'; (New-Object System.Media.SoundPlayer $env:RENDERPLUS_SOUND).PlaySync()"

Command = tuple[list[str], dict[str, str]]
"""What is run, and what is added to its environment."""


@dataclass(frozen=True, slots=True)
class Player:
    """A program. `endings`: files that it takes, None for all. `has_volume`: it scales by itself, WAV files are scaled for the others."""

    program: str
    command: Callable[[str, Path, float], Command]
    endings: frozenset[str] | None
    has_volume: bool


def players(system: System, sound: Path) -> Iterator[tuple[Player, str]]:
    """Find the players that are there and take the file, with where each is."""
    for player in _PLAYERS.get(system.platform, _FREEDESKTOP):
        if player.endings is None or sound.suffix.lower() in player.endings:
            found = system.find(player.program)
            if found:
                yield player, found


def names(system: System) -> list[str]:
    """Name the players that are looked for."""
    return [player.program for player in _PLAYERS.get(system.platform, _FREEDESKTOP)]


def _paplay(program: str, sound: Path, volume: float) -> Command:
    cubic = round(65536 * volume ** (1 / 3))  # its volumes are loudness, the others' and ours are of the samples
    return [program, "--client-name=Render+", f"--volume={cubic}", str(sound)], {}


def _pw_play(program: str, sound: Path, volume: float) -> Command:
    return [program, f"--volume={volume:.2f}", str(sound)], {}


def _aplay(program: str, sound: Path, volume: float) -> Command:
    return [program, "-q", str(sound)], {}


def _ffplay(program: str, sound: Path, volume: float) -> Command:
    return [program, "-nodisp", "-autoexit", "-loglevel", "error", "-volume", str(round(100 * volume)), "-i", f"file:{sound}"], {}


def _afplay(program: str, sound: Path, volume: float) -> Command:
    return [program, "-v", f"{volume:.2f}", str(sound)], {}


def _powershell(program: str, sound: Path, volume: float) -> Command:
    return powershell(program, _SOUND_PLAYER), {"RENDERPLUS_SOUND": str(sound)}


_FFPLAY = Player("ffplay", _ffplay, None, True)
_FREEDESKTOP: Sequence[Player] = (
    Player("pw-play", _pw_play, _SOUNDFILE, True),
    Player("paplay", _paplay, _SOUNDFILE, True),
    Player("aplay", _aplay, _WAV, False),
    _FFPLAY,
)
_PLAYERS: Mapping[str, Sequence[Player]] = {
    "darwin": (Player("afplay", _afplay, _MACOS, True), _FFPLAY),
    "win32": (Player("powershell", _powershell, _WAV, False), _FFPLAY),
}
