# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths as Blender reads them: `//`, frame digits, `{tokens}` from 4.5 on, view suffixes. Runs inside Blender."""

from __future__ import annotations

import os
from typing import Any

import bpy

from .failures import Failure

TEMPLATES_SINCE = (4, 5)
"""From this version on Blender reads `{name}` in output paths, and refuses the ones it does not know."""

DEFAULT_DIGITS = 4


def has_templates() -> bool:
    """Tell whether this Blender reads `{tokens}` in paths."""
    return tuple(bpy.app.version)[:2] >= TEMPLATES_SINCE


def literal(path: str) -> str:
    """Write `path` so that Blender takes its braces as they are."""
    return path.replace("{", "{{").replace("}", "}}") if has_templates() else path


def expand(scene: bpy.types.Scene, text: str, node: str = "") -> str:
    """Return `text` with Blender's own `{tokens}` expanded; raise Failure("output") if one is unknown.

    Blender has no function for it; but it expands the folder of `frame_path`, and leaves the rest of a folder alone.
    """
    if not has_templates() or not set("{}") & set(text):
        return text
    text = text.replace("{node_name}", literal(node))
    render = scene.render
    before, render.filepath = render.filepath, f"/{text}/x"
    try:
        path = render.frame_path(frame=1)
    except RuntimeError as error:
        raise Failure("output", f'Blender cannot read the path "{text}": {str(error).strip()}') from None
    finally:
        render.filepath = before
    return str(os.path.dirname(path))[1:]


def absolute(path: str, library: Any = None) -> str:
    """Return `path` absolute, `//` taken from the .blend's folder (or the library's)."""
    full = bpy.path.abspath(path, library=library)
    return os.path.abspath(full) + (os.sep if full.endswith(("/", "\\")) else "")


def put(owner: Any, attribute: str, value: Any) -> None:
    """Set an attribute only where it differs."""
    if getattr(owner, attribute) != value:
        setattr(owner, attribute, value)


def with_frame(path: str, frame: int) -> str:
    """Put the frame number in the place of the name's last `#`s, or four digits at its end (BLI_path_frame)."""
    folder, name = os.path.split(path)
    end = name.rfind("#")
    if end < 0:
        return os.path.join(folder, name + digits(frame, DEFAULT_DIGITS))
    start = end
    while start > 0 and name[start - 1] == "#":
        start -= 1
    return os.path.join(folder, name[:start] + digits(frame, end + 1 - start) + name[end + 1 :])


def digits(frame: int, count: int) -> str:
    """Write a frame number as Blender does: a minus sign comes on top of the digits."""
    return f"-{-frame:0{count}d}" if frame < 0 else f"{frame:0{count}d}"


def individual_views(scene: bpy.types.Scene, settings: Any) -> list[str]:
    """Name the views that go into files of their own with the image settings `settings`; none if there is one file."""
    if not scene.render.use_multiview or settings.views_format != "INDIVIDUAL":
        return []
    return [view.name for view in views(scene)]


def views(scene: bpy.types.Scene) -> list[Any]:
    """The views that a multi-view scene renders: left and right, or all that are switched on."""
    render = scene.render
    used = [view for view in render.views if view.use]
    return [view for view in used if view.name in {"left", "right"}] if render.views_format == "STEREO_3D" else used


EXTENSIONS = {
    "BMP": ".bmp", "IRIS": ".rgb", "PNG": ".png", "JPEG": ".jpg", "TARGA": ".tga", "TARGA_RAW": ".tga", "CINEON": ".cin", "DPX": ".dpx",
    "OPEN_EXR": ".exr", "OPEN_EXR_MULTILAYER": ".exr", "HDR": ".hdr", "TIFF": ".tif", "WEBP": ".webp", "AVIF": ".avif",
}  # fmt: skip
SAME = {".jpg": (".jpg", ".jpeg"), ".tif": (".tif", ".tiff")}


def with_extension(path: str, settings: Any) -> str:
    """Add the extension of an image format unless it stands there, as Blender does (BKE_image_path_ext_from_imformat)."""
    wanted = EXTENSIONS.get(settings.file_format) or (".jp2" if settings.jpeg2k_codec == "JP2" else ".j2c")
    if path.lower().endswith(SAME.get(wanted, (wanted,))):
        return path
    return _without_image_extension(path) + wanted


def _without_image_extension(path: str) -> str:
    """Blender takes another picture's extension off before it adds its own (BKE_image_path_ext_ensure)."""
    root, extension = os.path.splitext(path)
    known = {*EXTENSIONS.values(), ".jpeg", ".tiff", ".jp2", ".j2c", ".j2k", ".sgi", ".rgba", ".png", ".psd", ".dds", ".tx", ".tpic"}
    return root if extension.lower() in known else path


def with_suffix(path: str, suffix: str) -> str:
    """Put a view's suffix before the extension (BLI_path_suffix: the first point after the last slash of the name's end)."""
    root, extension = os.path.splitext(path)
    return root + suffix + extension
