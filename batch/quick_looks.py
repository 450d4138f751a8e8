# SPDX-License-Identifier: GPL-3.0-or-later
"""The quick batch of colors: a job for each look, or for each view transform, of the color management. Pure plans. Runs inside Blender."""

from __future__ import annotations

import ast
from collections.abc import Collection
from dataclasses import dataclass

import bpy

from .quick_plans import CannotPlan, JobPlan, Plans, Setting, frames_of
from .sayings import say

SCENE_LINEAR = frozenset({"OPEN_EXR", "OPEN_EXR_MULTILAYER", "HDR"})
"""Formats that hold the light itself: looks do not show in them."""

NO_LOOK = "None"


@dataclass(frozen=True, slots=True)
class Look:
    """A view transform with a look: what turns light into colors."""

    key: str
    """Blender's word for what tells it from the others."""
    transform: str
    look: str

    @property
    def name(self) -> str:
        """What it is called, for people and in file names."""
        return say("No Look") if self.key == NO_LOOK else self.key


def choices(owner: bpy.types.bpy_struct, attribute: str) -> list[str]:
    """List the words that a choice has just now, when they depend on the color configuration: Blender names them where it refuses one.

    Nothing is set: the word that is tried cannot exist.
    """
    try:
        setattr(owner, attribute, "\x01")
    except TypeError as error:
        listed = str(error).rpartition("not found in ")[2]
        try:
            return [str(word) for word in ast.literal_eval(listed)]
        except (ValueError, SyntaxError):
            return [getattr(owner, attribute)]
    return []


def view_settings(scene: bpy.types.Scene) -> tuple[bpy.types.ColorManagedViewSettings, str]:
    """Give the settings that decide about a scene's pictures, with their path: those of its output when it has some of its own."""
    output = scene.render.image_settings
    if output.color_management == "OVERRIDE":
        return output.view_settings, "render.image_settings.view_settings"
    return scene.view_settings, "view_settings"


def looks(scene: bpy.types.Scene) -> list[Look]:
    """List the looks that go with the scene's view transform."""
    view, _ = view_settings(scene)
    return [Look(word, view.view_transform, word) for word in choices(view, "look")]


def transforms(scene: bpy.types.Scene) -> list[Look]:
    """List the view transforms, each without a look."""
    view, _ = view_settings(scene)
    return [Look(word, word, NO_LOOK) for word in choices(view, "view_transform")]


def settings(scene: bpy.types.Scene, look: Look) -> tuple[Setting, ...]:
    """Give the overrides that make a look; the transform goes first, because looks depend on it."""
    view, path = view_settings(scene)
    transform = Setting(f"{path}.view_transform", say("View Transform"), "ENUM", look.transform)
    chosen = Setting(f"{path}.look", say("Look"), "ENUM", look.look)
    return (chosen,) if view.view_transform == look.transform else (transform, chosen)


def display_format(scene: bpy.types.Scene) -> tuple[str, str]:
    """Give the format in which looks show, "" when it is the scene's, and a note when it is not."""
    own = scene.render.image_settings.file_format
    if own not in SCENE_LINEAR:
        return "", ""
    return "PNG", say("The pictures are PNG, because looks do not show in {format}", format=own)


def plan(scene: bpy.types.Scene, names: Collection[str], mode: str, output: str, *, of_transforms: bool = False) -> Plans:
    """Plan a job for each of the looks (or view transforms) that are named; raises `CannotPlan`."""
    chosen = [look for look in (transforms if of_transforms else looks)(scene) if look.key in names]
    if not chosen:
        raise CannotPlan(say("No view transform is chosen") if of_transforms else say("No look is chosen"))
    word, note = display_format(scene)
    jobs = tuple(JobPlan(look.name, output, scene=scene, file_format=word, overrides=settings(scene, look), **frames_of(scene, mode)) for look in chosen)
    return Plans(jobs, (note,) if note else ())
