# SPDX-License-Identifier: GPL-3.0-or-later
"""One camera that stands for the others: Cycles throws its data away when another camera takes its place, from Blender 4.2 on.

The rig takes over what makes a camera's picture: location, rotation, scale, their deltas, and the camera's own settings. Not its
matrix: taking a matrix apart rounds, and the picture would not be the same bit by bit. While it stands for a camera it has its
name, too, since stamps and paths tell it. Runs inside Blender.
"""

from __future__ import annotations

from typing import Any

import bpy

from . import animation
from .rna_state import plain, same

NAME = "Render+ camera"
ASIDE = "Render+ camera, taken over"

PLACE = (
    "rotation_mode", "location", "rotation_euler", "rotation_quaternion", "rotation_axis_angle", "scale", "delta_location", "delta_rotation_euler",
    "delta_rotation_quaternion", "delta_scale",
)  # fmt: skip
DERIVED = frozenset({"rna_type", "angle", "angle_x", "angle_y", "name", "name_full", "use_fake_user", "tag", "use_extra_user", "is_runtime_data"})
WINDOWS = ("show_", "display_", "passepartout", "composition_", "library_", "override_", "lens_unit")
"""What only a window shows."""

PARTS = ("dof", "stereo", "cycles")


def can_stand_for(camera: Any) -> bool:
    """Tell whether a rig can give exactly the picture of `camera`: one that nothing moves, with settings that are values."""
    data = camera.data
    plainly = camera.parent is None and not len(camera.constraints) and camera.library is None and camera.override_library is None
    if not plainly or any(animation.is_moved(block) for block in (camera, data)):
        return False
    if getattr(camera, "rigid_body", None) is not None or len(camera.modifiers) or camera.type != "CAMERA":
        return False
    return data.type in {"PERSP", "ORTHO", "PANO"} and data.dof.focus_object is None


class RigCamera:
    """The rig of one scene."""

    def __init__(self, scene: Any) -> None:
        """Put a rig into `scene` and let it be its camera."""
        self._rig = bpy.data.objects.new(NAME, bpy.data.cameras.new(NAME))
        self._target: Any = None
        self._names = ("", "")
        scene.collection.objects.link(self._rig)
        scene.camera = self._rig

    def stand_for(self, camera: Any) -> bool:
        """Take the camera's place; tell whether the rig is now exactly the same."""
        for attribute in PLACE:
            _put(self._rig, camera, attribute)
        _match(self._rig.data, camera.data)
        if not self._is_same(camera):
            return False
        self._target, self._names = camera, (camera.name, self._rig.name)
        camera.name = ASIDE
        self._rig.name = self._names[0]
        return bool(self._rig.name == self._names[0])

    def step_aside(self) -> bool:
        """Give the camera its name back; tell whether both are called as before."""
        if self._target is None:
            return True
        camera, self._target = self._target, None
        self._rig.name = self._names[1]
        camera.name = self._names[0]
        return bool((camera.name, self._rig.name) == self._names)

    def _is_same(self, camera: Any) -> bool:
        place = all(same(plain(getattr(self._rig, each)), plain(getattr(camera, each))) for each in PLACE)
        return place and all(same(plain(getattr(mine, name)), plain(getattr(theirs, name))) for mine, theirs, name in _settings(self._rig.data, camera.data))


def _match(mine: Any, theirs: Any) -> None:
    for owner, model, name in _settings(mine, theirs):
        _put(owner, model, name)


def _settings(mine: Any, theirs: Any) -> list[tuple[Any, Any, str]]:
    pairs = [(mine, theirs)]
    pairs += [(getattr(mine, part), getattr(theirs, part)) for part in PARTS if getattr(theirs, part, None) is not None]
    return [(one, other, name) for one, other in pairs for name in _values(other)]


def _values(struct: Any) -> list[str]:
    return [
        rule.identifier
        for rule in struct.bl_rna.properties
        if rule.type not in {"POINTER", "COLLECTION"} and not rule.is_readonly and rule.identifier not in DERIVED and not rule.identifier.startswith(WINDOWS)
    ]


def _put(owner: Any, model: Any, attribute: str) -> None:
    value = plain(getattr(model, attribute))
    if not same(plain(getattr(owner, attribute)), value):
        setattr(owner, attribute, value)
