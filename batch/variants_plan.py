# SPDX-License-Identifier: GPL-3.0-or-later
"""The variants as jobs: their names, and outputs that tell all of them apart. Pure plans. Runs inside Blender."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import bpy

from . import naming, quick_looks, variants
from .quick_adding import check_count
from .quick_plans import CannotPlan, JobPlan, Plans, cameras_of, frames_of
from .sayings import say
from .variants import AXES, Matrix, Variant

if TYPE_CHECKING:
    from .properties import RenderPlusBatch

OWN_TOKENS = ("variant", "look", "size")
"""Tokens that are filled in when the jobs are made, since a recipe does not know them."""

_TOKENS = MappingProxyType({"camera": "{camera}", "world": "{world}", "layer": "{layer}", "size": "{width}x{height}"})
"""What tells the values of an axis apart in an output; a look has no token in a recipe, and stands there as a text."""

_TELLING = MappingProxyType({"camera": {"camera"}, "look": {"look"}, "world": {"world"}, "layer": {"layer"}, "size": {"size", "width", "height"}})
_ALL_TELLING = frozenset({"variant", "job", "index"})


class Maker:
    """Makes jobs of the variants of a scene."""

    def __init__(self, matrix: Matrix, scene: bpy.types.Scene, mode: str, output: str) -> None:
        self.matrix, self.scene, self.output = matrix, scene, output
        self.frames = frames_of(scene, mode)
        self.names = {axis: variants.options(scene, axis) for axis in AXES}
        self.cameras = {camera.name: camera for camera in cameras_of(scene)}
        self.worlds = {world.name: world for world in reversed(bpy.data.worlds[:])}
        self.looks = variants.looks(scene)
        self._check()
        self.format, note = quick_looks.display_format(scene) if matrix.chosen.get("look") else ("", "")
        self.notes: tuple[str, ...] = (note,) if note else ()
        self._tell_apart()

    def _check(self) -> None:
        """Refuse values that are not there; sizes can be any."""
        for axis in AXES[:-1]:
            for name in self.matrix.chosen.get(axis, ()):
                if name not in self.names[axis]:
                    raise CannotPlan(say('There is no "{name}" any more', name=name))

    def _tell_apart(self) -> None:
        """Put into the output what variants differ in and it does not say."""
        said = set(naming.tokens(self.output))
        silent = [axis for axis in self.matrix.varying if not said & (_TELLING[axis] | _ALL_TELLING)]
        if silent:
            self.output = naming.distinguish(self.output, "_".join(f"{{{axis}}}" for axis in silent))
            listed = " ".join(f"{{{axis}}}" for axis in silent)
            self.notes += (say("{tokens} is put into the output, to tell the variants apart", tokens=listed),)

    def job(self, variant: Variant) -> JobPlan:
        """Make the job of a variant."""
        camera, look, world, layer, size = variant
        values: dict[str, Any] = {}
        if size:
            width, _, height = size.partition("x")
            values = {"use_size": True, "size": (int(width), int(height)), "percentage": 100}
        if look:
            values |= {"overrides": quick_looks.settings(self.scene, self.looks[look]), "file_format": self.format}
        return JobPlan(
            self._name(variant),
            self._filled(variant),
            scene=self.scene,
            camera=self.cameras.get(camera),
            world=self.worlds.get(world),
            layers=(layer,) if layer else (),
            **self.frames,
            **values,
        )

    def _name(self, variant: Variant) -> str:
        """Name a variant by what it differs in, or by all that is chosen."""
        chosen = {axis: self.names[axis].get(key, key) for axis, key in zip(AXES, variant, strict=True) if key}
        return " ".join(chosen[axis] for axis in (self.matrix.varying or chosen)) or str(self.scene.name)

    def _filled(self, variant: Variant) -> str:
        """Fill in the tokens that a recipe does not know; the others stay, and follow what is renamed."""
        parts = {axis: _TOKENS.get(axis) or self._look(key) for axis, key in zip(AXES, variant, strict=True)}
        whole = "_".join(parts[axis] for axis in (self.matrix.varying or [axis for axis in AXES if self.matrix.chosen.get(axis)])) or "{scene}"
        return naming.fill_tokens(self.output, {"variant": whole, "look": parts["look"], "size": parts["size"]})

    def _look(self, key: str) -> str:
        view, _ = quick_looks.view_settings(self.scene)
        shown = self.names["look"].get(key or view.look, key or view.look)
        return naming.escape_braces(naming.safe_name(shown))


def plan(batch: RenderPlusBatch | None, scene: bpy.types.Scene, matrix: Matrix, mode: str, output: str, most: int | None = None) -> Plans:
    """Plan a job for each variant that is left, or for the first `most` of them; raises `CannotPlan`."""
    notes: tuple[str, ...] = ()
    if batch is not None and batch.use_global_size and matrix.chosen.get("size"):
        matrix = Matrix(_without_sizes(matrix.chosen), matrix.exclusions)
        notes = (say("The sizes are left out, because this list has one size for all jobs"),)
    check_count(matrix.count(), len(batch.jobs) if batch is not None else 0)
    maker = Maker(matrix, scene, mode, output)
    return Plans(tuple(map(maker.job, islice(matrix.variants(), most))), notes + maker.notes)


def _without_sizes(chosen: Mapping[str, tuple[str, ...]]) -> Mapping[str, tuple[str, ...]]:
    return {axis: keys for axis, keys in chosen.items() if axis != "size"}
