# SPDX-License-Identifier: GPL-3.0-or-later
"""GPUs: lists them, and enables the one that a job asks for, for that job alone.

Blender renders on the CPU without a word when there is no GPU, and when none is enabled in the preferences. Run by itself
(`blender -b --python devices.py`) it prints one line, `GPUS {json}`. Runs inside Blender.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import bpy


@dataclass
class Choice:
    """What a job's device word came to: the word for `scene.cycles.device` ("" = leave it), and notes."""

    cycles_device: str = ""
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Gpu:
    """One GPU as Cycles sees it through one of its interfaces (CUDA, OPTIX, HIP, METAL, ONEAPI)."""

    number: int
    name: str
    type: str
    id: str


def preferences() -> Any:
    """Return the preferences of Cycles; None in a Blender without it."""
    addon = bpy.context.preferences.addons.get("cycles")
    return addon.preferences if addon is not None else None


def gpus(prefs: Any) -> list[Gpu]:
    """List the GPUs, the preferred interface first and each card once for each interface, numbered from 0."""
    if prefs is None:
        return []
    found: list[tuple[str, str, str]] = []
    for kind in _kinds(prefs):
        for device in prefs.get_devices_for_type(kind) or []:
            if device.type != "CPU":
                found.append((device.name, device.type, device.id))
    return [Gpu(number, *each) for number, each in enumerate(dict.fromkeys(found))]


def _kinds(prefs: Any) -> list[str]:
    prefs.get_devices()
    kinds = [item[0] for item in prefs.get_device_types(bpy.context) if item[0] != "NONE"]
    first = ["OPTIX", "CUDA", "HIP", "METAL", "ONEAPI"]
    return sorted(kinds, key=lambda kind: (kind != prefs.compute_device_type, first.index(kind) if kind in first else len(first)))


def find(word: str, known: list[Gpu]) -> list[Gpu]:
    """Return the GPUs that a job's word means: all for GPU, else one number, name, or interface."""
    text = word.strip()
    if text.upper() == "GPU":
        return [gpu for gpu in known if gpu.type == known[0].type]
    if text.isdigit():
        return [gpu for gpu in known if gpu.number == int(text)]
    same = [gpu for gpu in known if text.lower() in {gpu.name.lower(), gpu.id.lower(), f"{gpu.name} ({gpu.type})".lower()}]
    return same[:1] or [gpu for gpu in known if gpu.type == text.upper()]


@contextmanager
def chosen(word: str) -> Iterator[Choice]:
    """Enable the device that `word` asks for; put the preferences back at the end.

    DEFAULT leaves everything as it is; CPU renders on the CPU. A GPU that cannot be had is a note, and the CPU renders.
    """
    if word.upper() == "DEFAULT":
        yield Choice()
        return
    if word.upper() == "CPU":
        yield Choice("CPU")
        return
    prefs = preferences()
    known = gpus(prefs)
    wanted = find(word, known) if known else []
    if prefs is None or not wanted:
        names = ", ".join(f'{gpu.number}: "{gpu.name}" ({gpu.type})' for gpu in known)
        have = f"There are {names}." if names else "Blender finds no GPU on this computer."
        yield Choice("CPU", [_no_gpu(f'The job asks for the GPU "{word}". {have} It is rendered on the CPU.')])
        return
    before = (prefs.compute_device_type, [(device.id, device.type, device.use) for device in prefs.devices])
    try:
        enable(prefs, wanted)
        names = ", ".join(f'"{gpu.name}" ({gpu.type})' for gpu in wanted)
        yield Choice("GPU", [f"Rendered on {names}."])
    finally:
        _put_back(prefs, *before)


def default_notes(scene: bpy.types.Scene) -> list[str]:
    """Say so when the scene itself wants a GPU and none would be used."""
    prefs = preferences()
    if prefs is None or scene.render.engine != "CYCLES" or scene.cycles.device != "GPU":
        return []
    prefs.get_devices()
    if prefs.compute_device_type != "NONE" and any(device.use and device.type == prefs.compute_device_type for device in prefs.devices):
        return []
    return [_no_gpu("The scene asks for a GPU, and none is enabled in the preferences here: it is rendered on the CPU.")]


def _no_gpu(sentence: str) -> str:
    from .failures import Note  # here, because run by itself this file is in no package

    return Note("no_gpu", sentence)


def enable(prefs: Any, wanted: list[Gpu]) -> None:
    """Have Cycles compute on the GPUs `wanted`, which are of one interface, and on nothing else."""
    prefs.compute_device_type = wanted[0].type
    prefs.get_devices()
    for device in prefs.devices:
        device.use = any(gpu.id == device.id and gpu.type == device.type for gpu in wanted)


def _put_back(prefs: Any, kind: str, uses: list[tuple[str, str, bool]]) -> None:
    prefs.compute_device_type = kind
    for device in prefs.devices:
        for id_, type_, use in uses:
            if device.id == id_ and device.type == type_:
                device.use = use


def _main() -> None:
    """Print the GPUs of this computer as one line of JSON."""
    known = gpus(preferences())
    line = "GPUS " + json.dumps([{"number": gpu.number, "name": gpu.name, "type": gpu.type, "id": gpu.id} for gpu in known])
    os.write(1, f"\n{line}\n".encode())
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    _main()
