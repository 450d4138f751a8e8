# SPDX-License-Identifier: GPL-3.0-or-later
"""Every code of a failure, what it means, and the way out: the one list, which docs/troubleshooting.md has as a table.

Sentences name the thing (the file, the camera); they are made where the failure is found. Runs without Blender.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Code:
    """What a code means, and the way out. `note`: the picture is rendered all the same, and something may be wrong with it."""

    means: str
    way_out: str
    note: bool = False


OUT_OF_MEMORY = frozenset({"out_of_memory", "gpu_out_of_memory"})
"""One more attempt is made in a Blender that is started afresh, and no third."""

CODES: Mapping[str, Code] = MappingProxyType({
    # --- the .blend ---
    "file_missing": Code("The .blend is not there.", "Check the path, and whether its drive is connected."),
    "not_readable": Code("The .blend may not be read.", "Let the user who runs the server read the file."),
    "not_a_blend": Code("The file is no Blender file.", "Name the right file in the job."),
    "damaged_blend": Code("The .blend is damaged or not whole.", "Copy it again, or open Blender's backup of it (.blend1)."),
    "newer_blend": Code("The .blend was saved by a newer Blender, which this one cannot read.", "Choose the newer Blender for the batch."),
    "cannot_open": Code("The .blend cannot be opened for another reason.", "Open it in Blender itself, and see what that says."),
    "missing_library": Code(
        "A linked .blend is missing; what was linked from it is not in the picture.",
        "Put the linked file back, or correct its path (File > External Data > Find Missing Files).", note=True,
    ),
    "missing_file": Code(
        "A texture, sound, font, volume or cache is missing; materials show pink or black.",
        "Put the file back, or correct its path (File > External Data > Find Missing Files).", note=True,
    ),
    "saved_by_newer": Code("The .blend was saved by a newer Blender, and some of it may be lost.", "Choose the newer Blender for the batch.", note=True),
    "scripts_refused": Code(
        "The file has scripts or drivers of its own, and auto-run is off: they did not run.",
        "Switch on Auto Run Python Scripts in Blender's preferences (Save & Load), if you trust the file.", note=True,
    ),
    # --- what the job asks for ---
    "unknown_scene": Code("The file has no scene of that name.", "Choose the scene in the job again."),
    "unknown_camera": Code("The scene has no camera of that name.", "Choose the camera in the job again."),
    "unknown_world": Code("The file has no world of that name.", "Choose the world in the job again."),
    "unknown_layer": Code("The scene has no view layer of that name.", "Choose the view layers in the job again."),
    "unknown_engine": Code("This Blender does not have the render engine.", "Enable the add-on that brings the engine, or choose another engine."),
    "unknown_format": Code("This Blender does not write the format.", "Choose another format for the job."),
    "no_camera": Code("The scene has no camera.", "Add a camera to the scene and make it the active one, or choose one in the job."),
    "section": Code("The part of the picture to render is empty or outside of it.", "Correct the section in the job."),
    "setting": Code("A setting of the job does not stay: something in the file changes it.", "Take the driver or animation off it, or leave it to the file."),
    "override": Code("An override cannot be set.", "Correct the override's path or value in the job."),
    "sequence": Code("The movie cannot be made from its frames.", "Render the job again; all of its frames have to be there."),
    "tiles": Code(
        "The pictures of the tiles do not make a whole one: one is not there, or of another size or kind than the job says.",
        "Render the tile that is named again, or correct its section; all tiles need one size, percentage, format and depth.",
    ),
    "tile_failed": Code("A tile failed or was cancelled, so its whole picture was not made.", "Render the failed tile again; the whole picture follows."),
    "bad_order": Code("The session did not understand what it was told.", "Report this as a fault of Render+, with the log."),
    "hook_failed": Code(
        "A command that comes before the batch, job or frame failed or took too long.",
        "Correct the hook (its log has what it said), or let it be ignored when it fails, and render the failed job again.",
    ),
    # --- what this Blender or computer does not have ---
    "no_blender": Code(
        "Blender was not found, or does not start.", "Name a Blender that starts: in the batch, by --blender, or on PATH.",
    ),
    "no_denoiser": Code(
        "This Blender was built without a denoiser (Debian's builds).",
        "Switch denoising off (an override of cycles.use_denoising does it too), or use the Blender of blender.org.",
    ),
    "not_denoised": Code("This Blender was built without a denoiser; the picture is noisy.", "Use the Blender of blender.org, or more samples.", note=True),
    "no_gpu": Code(
        "The graphics card that the job asks for is not there; the CPU rendered.",
        "Install its driver and enable it in Blender's preferences (System), or choose the CPU.", note=True,
    ),
    "gpu_failed": Code("The graphics card or its driver failed.", "Update the driver, or render the job on the CPU."),
    "no_graphics": Code(
        "There is no OpenGL or Vulkan to draw with, which EEVEE and Workbench need.",
        "Install the graphics driver (on a server without one: Mesa with EGL), or render with Cycles.",
    ),
    "no_codec": Code(
        "This Blender does not have the movie's codec, or its container does not take it.", "Choose another container, or other codecs, in the scene.",
    ),
    # --- Python ---
    "python_error": Code(
        "A script in the file failed.", "Correct the script, or switch off Auto Run Python Scripts in Blender's preferences (Save & Load).", note=True
    ),
    "driver_error": Code("The expression of a driver failed; its property keeps its value.", "Correct the driver's expression in the file.", note=True),
    "addon_error": Code("An add-on failed.", "Update the add-on, or disable it in Blender's preferences (Add-ons).", note=True),
    # --- Blender ends, or does nothing ---
    "out_of_memory": Code(
        "The computer's memory was not enough, twice: the second time in a Blender that was started afresh.",
        "Use smaller textures, less geometry or subdivision, or a smaller picture; close other programs, and use one slot.",
    ),
    "gpu_out_of_memory": Code(
        "The graphics card's memory was not enough, twice: the second time in a Blender that was started afresh.",
        "Use smaller textures or less geometry, or render the job on the CPU.",
    ),
    "crashed": Code("Blender crashed.", "Try another Blender version, or without add-ons; the log has the crash report."),
    "killed": Code(
        "Something ended Blender: a person, the system, or too little memory.", "Render the frame again; if it is ended again, look at the computer's memory.",
    ),
    "ended": Code("Blender ended by itself in the middle of the work.", "Look at the end of the log; a script or an add-on may have ended it."),
    "hung": Code("Blender neither computed nor said anything, and was ended.", "Render the frame in Blender itself, and see where it stands still."),
    "render_error": Code("Blender could not render, and gave the reason that the sentence has.", "Render the frame in Blender itself, and see what that says."),
    "internal": Code("Render+ met an error of its own.", "Report this as a fault of Render+, with the log."),
    # --- the pictures ---
    "disk_full": Code("The disk that the pictures go to is full.", "Make room on it or choose another output folder, and render the missing frames again."),
    "not_writable": Code("The output folder may not be written.", "Make the folder writable for the user who runs the server, or choose another one."),
    "output": Code("The output folder or a file in it cannot be made.", "Choose another output folder or file name."),
    "not_whole": Code(
        "A file is not a whole picture: cut off, empty or of another format.", "See that the disk has room and stays connected, and render the frame again.",
    ),
    "file_not_written": Code("A file that the frame must write is not there.", "Look at the scene's File Output nodes, and at what else removes files."),
    "wrong_size": Code("A picture has other pixels than the job asks for.", "Look for a script or a driver that changes the size while it renders."),
    "black": Code(
        "A picture is black all over, every time it is rendered (the job asks for this check).",
        "Look at the scene's lights, world and camera at this frame; if it is meant to be black, take black out of the job's suspect.",
    ),
    "transparent": Code(
        "There is nothing in a picture, every time it is rendered (the job asks for this check).",
        "Look what the camera sees at this frame; if it is meant to be empty, take transparent out of the job's suspect.",
    ),
    "not_a_number": Code(
        "A picture has pixels whose colour is no number, every time it is rendered (the job asks for this check).",
        "Look for a material, a light or a compositor node that divides by zero there, or take nan out of the job's suspect.",
    ),
    "outlier": Code(
        "A picture is unlike the frames around it, and came out otherwise each time (the job asks for this check).",
        "Compare the picture that was kept with its neighbours; look for what changes from render to render.",
    ),
    "not_looked_at": Code(
        "Pictures that were to be looked at could not be; they are whole, and were accepted.", "Look at them yourself, or mend the reason.", note=True,
    ),
    "movie": Code(
        "The movie could not be made; its frames are kept.", "Correct the scene's movie settings, and render the failed job again: only the movie is made.",
    ),
})  # fmt: skip
