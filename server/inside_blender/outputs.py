# SPDX-License-Identifier: GPL-3.0-or-later
"""Every file that a frame writes: known before the render, redirected together into the attempt's folders.

The main output with its views, and what the compositor's File Output nodes write. Runs inside Blender.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import bpy

from . import output_nodes, paths, words
from .attempts import Attempt
from .failures import Failure
from .orders import Job

LEAST_COMPRESSION = 15
"""PNG compression (percent) of a sequence that a movie is made from: Blender's own default, quick and small enough."""


@dataclass
class Outputs:
    """Where everything goes: `expect` names the files of a frame, `movie` the final path of a movie."""

    scene: Any
    attempt: Attempt
    writes_main: bool = True
    direct_movie: bool = False
    target: str | None = None
    pattern: str = ""
    nodes: list[Callable[[int], list[str]]] = field(default_factory=list)

    def main_path(self, frame: int, view: str = "") -> str:
        """The path of the main output at `frame`, as Blender names it; `view` as in the scene's views."""
        render = self.scene.render
        before = render.filepath
        paths.put(render, "filepath", self.pattern)
        try:
            return str(render.frame_path(frame=frame, view=view) if view else render.frame_path(frame=frame))
        finally:
            paths.put(render, "filepath", before)

    def expect(self, frame: int) -> list[str]:
        """Every file that `frame` must write, as absolute paths in the attempt's folders."""
        found = []
        if self.writes_main and not self.direct_movie:
            names = paths.individual_views(self.scene, self.scene.render.image_settings)
            found = [self.main_path(frame, view) for view in names] or [self.main_path(frame)]
        for node in self.nodes:
            found.extend(node(frame))
        return list(dict.fromkeys(os.path.normpath(path) for path in found))


def final_path(job: Job, scene: bpy.types.Scene) -> str:
    """The job's output path as Blender would take it, absolute; the file's own one if the job has none."""
    if not job.output:
        return paths.absolute(scene.render.filepath)
    if not (os.path.isabs(job.output) or job.output.startswith("//")):
        raise Failure("output", f'The output path "{job.output}" has to be absolute.')
    path = bpy.path.abspath(job.output)
    return os.path.join(os.path.normpath(os.path.dirname(path)), os.path.basename(path))


def redirect(job: Job, scene: bpy.types.Scene, attempt: Attempt, span: tuple[int, int]) -> Outputs:
    """Send everything that `scene` writes to the attempt's folders, and tell what that will be; raise Failure.

    `span` is the first and the last frame, which Blender puts into a movie's name.
    """
    render = scene.render
    final = final_path(job, scene)
    outputs = Outputs(scene, attempt)
    folder = attempt.folder(os.path.dirname(final))
    if render.image_settings.file_format in words.MOVIES:
        outputs.target = movie_path(scene, final, span)
        if job.movie == "direct":
            outputs.direct_movie = True
        else:
            lossless(render)
    outputs.nodes = output_nodes.redirect(scene, attempt)
    _keep_main(outputs)
    outputs.pattern = paths.literal(os.path.join(folder, os.path.basename(final)))
    paths.put(render, "filepath", outputs.pattern)
    _check_name(outputs, span[0])
    return outputs


def movie_path(scene: bpy.types.Scene, path: str, span: tuple[int, int]) -> str:
    """The path that Blender gives to the movie of the frames `span` (it is the only one who knows)."""
    render = scene.render
    before = (scene.frame_start, scene.frame_end, render.filepath)
    set_span(scene, max(span[0], 0), max(span[1], 0))
    render.filepath = paths.literal(path)
    try:
        return os.path.normpath(bpy.path.abspath(render.frame_path(frame=span[0])))
    finally:
        set_span(scene, before[0], before[1])
        render.filepath = before[2]


def set_span(scene: bpy.types.Scene, start: int, end: int, step: int | None = None) -> None:
    """Set the scene's frame range, only where it differs (Blender moves the end along with the start)."""
    if scene.frame_start != start:
        scene.frame_start = start
    if scene.frame_end != end:
        scene.frame_end = end
    if step is not None and scene.frame_step != step:
        scene.frame_step = step


def lossless(render: Any) -> None:
    """Make a movie's scene write a lossless sequence instead: PNG of 8 bits, or 16 if the movie has more than 8."""
    settings = render.image_settings
    deep = settings.color_depth != "8" or _deep_codec(render.ffmpeg)
    mode = settings.color_mode
    words.put_format("PNG", settings)
    for attribute, value in (("color_depth", "16" if deep else "8"), ("color_mode", mode), ("compression", LEAST_COMPRESSION)):
        paths.put(settings, attribute, value)
    paths.put(render, "use_file_extension", True)


def _deep_codec(ffmpeg: Any) -> bool:
    """Codecs that keep more than 8 bits whatever the picture's depth says (Blender 4.5 and later)."""
    return str(ffmpeg.codec) == "PRORES"


def _keep_main(outputs: Outputs) -> None:
    """From 5.2 on a scene can leave its main output out; that holds as long as something else is written."""
    render = outputs.scene.render
    if not getattr(render, "save_output", True):
        if any(node(1) for node in outputs.nodes):
            outputs.writes_main = False
        else:
            render.save_output = True


def _check_name(outputs: Outputs, frame: int) -> None:
    try:
        outputs.main_path(frame)
    except RuntimeError as error:
        raise Failure("output", f"Blender cannot read the output path: {error}") from None
