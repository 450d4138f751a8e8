# SPDX-License-Identifier: GPL-3.0-or-later
"""Check: engines, graphics cards and the denoiser that the Blender which renders does not have. Runs inside Blender."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..choices import engine_label
from ..override_values import override_value
from ..sayings import say
from .case import Case, Entry, about, told
from .finding import Finding, Severity
from .programs import Renderer
from .renderer import renderer

EEVEES = frozenset({"BLENDER_EEVEE", "BLENDER_EEVEE_NEXT"})
DENOISER_FAILS_TO = (4, 3)
"""Up to here a render fails without the denoiser; later Blenders do not denoise, and say nothing."""


def find(case: Case) -> Iterator[Finding]:
    """Ask what the Blender that renders can do, and compare."""
    found = case.renderer
    if found is None or found.problem:
        return
    rendered = [entry for entry in case.entries if not entry.is_merge]
    yield from _engines(rendered, found)
    cycles = [entry for entry in rendered if entry.resolved.engine == "CYCLES"]
    yield from _gpu_of_the_scene([entry for entry in cycles if _device(entry) == "DEFAULT" and _scene_wants_gpu(entry)], found)
    yield from _gpu_of_the_job(case, [entry for entry in cycles if _device(entry) not in ("DEFAULT", "CPU")])
    if not found.has_denoiser:
        denoise = [entry for entry in cycles if entry.scene is not None and _denoises(entry)]
        lacking = {scene for scene in {entry.scene for entry in denoise} if _needs_denoiser(scene)}
        yield from _denoiser([entry for entry in denoise if entry.scene in lacking], found)


def _engines(rendered: list[Entry], found: Renderer) -> Iterator[Finding]:
    strange: dict[str, list[Entry]] = {}
    for entry in rendered:
        engine = entry.resolved.engine
        if engine and engine not in found.engines and not (engine in EEVEES and found.engines & EEVEES):
            strange.setdefault(engine, []).append(entry)
    for engine, entries in strange.items():
        values = told(entries) | {"engine": engine_label(engine), "blender": found.name}
        message = (
            say('{blender} has no engine "{engine}", which the job "{job}" needs; enable its add-on, or choose another engine', **values)
            if len(entries) == 1
            else say('{blender} has no engine "{engine}", which {count} jobs need: {jobs}; enable its add-on, or choose another engine', **values)
        )
        own = all(entry.job.engine and entry.scene is not None for entry in entries)
        if own:
            yield about(Severity.ERROR, "engine_unknown", message, entries, "renderplus.mend_from_scene", say("Take the Scene's Engine"), what="ENGINE")
        else:
            yield about(Severity.ERROR, "engine_unknown", message, entries, "screen.userpref_show", say("Open Preferences"), section="ADDONS")


def _device(entry: Entry) -> str:
    return str(entry.job.device).strip().upper() or "DEFAULT"


def _scene_wants_gpu(entry: Entry) -> bool:
    settings: Any = getattr(entry.scene, "cycles", None)
    return settings is not None and settings.device == "GPU"


def _gpu_of_the_scene(entries: list[Entry], found: Renderer) -> Iterator[Finding]:
    if not entries or found.gpu_is_enabled:
        return
    values = told(entries) | {"blender": found.name}
    message = (
        say('The job "{job}" is to render on the graphics card, and none is switched on in the preferences of {blender}; it would take the slow way', **values)
        if len(entries) == 1
        else say(
            "{count} jobs are to render on the graphics card, and none is switched on in the preferences of {blender}: {jobs}; they would take the slow way",
            **values,
        )
    )
    if found.is_this:
        yield about(Severity.WARNING, "gpu_off", message, entries, "screen.userpref_show", say("Open Preferences"), section="SYSTEM")
    else:
        yield about(Severity.WARNING, "gpu_off", message, entries)


def _gpu_of_the_job(case: Case, entries: list[Entry]) -> Iterator[Finding]:
    """A job that names a card switches it on by itself, so it only has to be there."""
    if not entries:
        return
    found = renderer(case.context, case.facts, with_gpus=True)
    if found is None or found.gpus is None:
        return
    strange: dict[str, list[Entry]] = {}
    for entry in entries:
        if not is_there(entry.job.device, found.gpus):
            strange.setdefault(entry.job.device.strip(), []).append(entry)
    for device, lost in strange.items():
        values = told(lost) | {"device": device, "blender": found.name, "known": ", ".join(dict.fromkeys(name for name, _, _ in found.gpus))}
        one = len(lost) == 1
        if found.gpus:
            message = (
                say('{blender} finds no graphics card "{device}", which the job "{job}" asks for, but {known}; it would take the slow way', **values)
                if one
                else say(
                    '{blender} finds no graphics card "{device}", which {count} jobs ask for ({jobs}), but {known}; they would take the slow way', **values
                )
            )
        else:
            message = (
                say('{blender} finds no graphics card here, and the job "{job}" asks for "{device}"; it would take the slow way', **values)
                if one
                else say('{blender} finds no graphics card here, and {count} jobs ask for "{device}": {jobs}; they would take the slow way', **values)
            )
        yield about(Severity.WARNING, "gpu_unknown", message, lost, "renderplus.mend_from_scene", say("Take the Scene's Device"), what="DEVICE")


def is_there(word: str, gpus: tuple[tuple[str, str, str], ...]) -> bool:
    """Tell whether a job's word means one of the cards: GPU for any, a number, a name, an id or an interface."""
    text = word.strip().lower()
    if text.isdigit():
        return int(text) < len(gpus)
    return bool(gpus) and (text == "gpu" or any(text in (name.lower(), kind.lower(), id_.lower(), f"{name} ({kind})".lower()) for name, kind, id_ in gpus))


def _needs_denoiser(scene: Any) -> bool:
    """Tell whether denoising in a scene is done by what distributions' Blenders lack; those call it by no name at all."""
    return hasattr(scene, "cycles") and scene.cycles.denoiser in ("OPENIMAGEDENOISE", "")


def _denoises(entry: Entry) -> bool:
    """Tell whether a job denoises; an override may switch it on or off."""
    scene: Any = entry.scene
    own = [bool(override_value(each)) for each in entry.job.overrides if each.enabled and each.path == "cycles.use_denoising"]
    if not (own[-1] if own else scene.cycles.use_denoising):
        return False
    wanted = {layer.name for layer in entry.job.view_layers}
    layers = [layer for layer in scene.view_layers if (layer.name in wanted if wanted else layer.use)]
    return any(getattr(layer.cycles, "use_denoising", True) for layer in layers)


def _denoiser(entries: list[Entry], found: Renderer) -> Iterator[Finding]:
    if not entries:
        return
    values = told(entries) | {"blender": found.name}
    if found.version[:2] <= DENOISER_FAILS_TO:
        severity = Severity.ERROR
        message = (
            say(
                'This {blender} was built without a denoiser, so the job "{job}", which denoises, would fail; switch that off, or use that of blender.org',
                **values,
            )
            if len(entries) == 1
            else say(
                "This {blender} was built without a denoiser, so {count} jobs which denoise would fail: {jobs}; switch that off, or use that of blender.org",
                **values,
            )
        )
    else:
        severity = Severity.WARNING
        message = (
            say('This {blender} was built without a denoiser: the pictures of the job "{job}" would stay noisy', **values)
            if len(entries) == 1
            else say("This {blender} was built without a denoiser: the pictures of {count} jobs would stay noisy: {jobs}", **values)
        )
    yield about(severity, "no_denoiser", message, entries, "renderplus.mend_denoising", say("Switch Denoising Off"))
