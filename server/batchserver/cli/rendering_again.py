# SPDX-License-Identifier: GPL-3.0-or-later
"""`--render-again`: a job once more, from the file that says how its pictures were made, into a new version beside them.

What would make other pictures is said first: another .blend, another Blender. Runs without Blender.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from batchserver.model.errors import BadInput, BlenderProblem
from batchserver.model.recipe import Existing, Recipe
from batchserver.reactions.provenance_document import FORM, KIND, LARGEST
from batchserver.recipe import load_recipe
from batchserver.workers.programs import Program, about, find_program

from .wiring import Settings

WAY_OUT = "Nothing was rendered. Mend that, or render all the same with --anyway"


def prepared(path: Path, settings: Settings, *, anyway: bool) -> Recipe | None:
    """Give the recipe to render; None, and sentences on stderr, when the pictures would be others and nobody said `anyway`. Raises `BadInput`."""
    found = _read(path)
    recipe = _with_its_blender(_recipe(path, found, settings), _makers(found), settings)
    concerns = [*_blend_concerns(found), *_blender_concerns(_makers(found), recipe, settings)]
    for sentence in concerns:
        print(sentence, file=sys.stderr)
    if concerns and not anyway:
        print(WAY_OUT, file=sys.stderr)
        return None
    return recipe


def _read(path: Path) -> Mapping[str, Any]:
    if not path.is_file():
        raise BadInput(f"There is no file {path}")
    if path.stat().st_size > LARGEST:
        raise BadInput(f"{path} is larger than any file that says how pictures were made")
    try:
        found = json.loads(path.read_bytes())
    except ValueError as error:
        raise BadInput(f"{path} is no JSON: {error}") from None
    if not isinstance(found, dict) or found.get("renderplus") != KIND or not isinstance(found.get("recipe"), dict):
        raise BadInput(f'{path} does not say how pictures were made; name a file that a job with "provenance" wrote, such as shot.renderplus.json')
    if found.get("form") != FORM:
        raise BadInput(f"{path} was written by another Render+ (form {found.get('form')}, this one knows {FORM}); use that version")
    return found


def _recipe(path: Path, found: Mapping[str, Any], settings: Settings) -> Recipe:
    """Read the recipe; a Blender that was named on the command line comes before the recipe's own."""
    document = {**found["recipe"], **({"blender_bin": ""} if settings.blender else {})}
    recipe = load_recipe(json.dumps(document), here=path.absolute().parent)
    return replace(recipe, jobs=tuple(replace(job, existing=Existing.VERSION) for job in recipe.jobs))


def _blend_concerns(found: Mapping[str, Any]) -> list[str]:
    blend = _part(found, "blend")
    path, noted = Path(str(blend.get("path"))), blend.get("sha256")
    try:
        with open(path, "rb") as file:
            same = not noted or hashlib.file_digest(file, "sha256").hexdigest() == noted
    except OSError as error:
        raise BadInput(f"The .blend {path} cannot be read ({error.strerror or error}); put it back, and try again") from None
    if not noted:
        return [f"Nobody knows whether {path} is the file that was rendered: its contents were not noted"]
    return [] if same else [f"{path} is not the file that was rendered: it was saved again since"]


def _makers(found: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [maker for maker in found.get("made_with") or () if isinstance(maker, dict) and maker.get("blender")]


def _programs(makers: list[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(str(maker["program"]) for maker in makers if maker.get("program")))


def _with_its_blender(recipe: Recipe, makers: list[Mapping[str, Any]], settings: Settings) -> Recipe:
    """Name the Blender that rendered the pictures, if it is still there and the one at hand is another version."""
    versions = {str(maker["blender"]) for maker in makers}
    if settings.blender or not versions or _version(recipe.blender_bin, settings) in versions:
        return recipe
    same = next((program for program in _programs(makers) if _version(program, settings) in versions), "")
    return replace(recipe, blender_bin=same, document={**recipe.document, "blender_bin": same}) if same else recipe


def _version(word: str, settings: Settings) -> str:
    try:
        return about(_program(word, settings))[0]
    except BlenderProblem:
        return ""


def _program(word: str, settings: Settings) -> Program:
    return find_program(word or settings.blender, path=settings.environ.get("PATH"), environ=settings.environ, data_folder=settings.data.path)


def _blender_concerns(makers: list[Mapping[str, Any]], recipe: Recipe, settings: Settings) -> list[str]:
    versions = dict.fromkeys(str(maker["blender"]) for maker in makers)
    program = _program(recipe.blender_bin, settings)
    version, build = about(program)
    if not versions:
        return [f"Nobody knows which Blender rendered the pictures; {program.path} is {version}"]
    if version not in versions:
        programs = ", ".join(_programs(makers))
        return [
            f"The pictures were rendered with Blender {' and '.join(versions)}, and {program.path} is {version};"
            f" name the other one with --blender{f' (it was {programs})' if programs else ''}"
        ]
    several = [f"The pictures were rendered with Blender {' and '.join(versions)}; now all will be with {version}"] if len(versions) > 1 else []
    builds = {str(maker["build"]) for maker in makers if maker.get("build")}
    other = build and builds and build not in builds
    return several + ([f"{program.path} is another build of Blender {version} ({build}, not {', '.join(sorted(builds))})"] if other else [])


def _part(found: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    part = found.get(key)
    if not isinstance(part, dict):
        raise BadInput(f"The file does not say which {key} was rendered")
    return part
