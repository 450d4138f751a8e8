# SPDX-License-Identifier: GPL-3.0-or-later
"""The buttons that start a batch and deal with it while it runs. None of them waits for the server. Runs inside Blender."""

from __future__ import annotations

import os
import secrets as random_words
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import bpy

from .. import recipe, store
from ..addon import preferences
from ..checks.before_start import ChecksFirst
from ..sayings import heard, say
from . import running, settings
from .client import ConnectionProblem
from .data_folder import read_address
from .pictures import frames_done
from .running_state import Phase
from .saved_copy import save_copy
from .starts import Start
from .watch import Post, Watch


class RENDERPLUS_OT_start_batch(ChecksFirst, bpy.types.Operator):
    """Save a copy of this file and render the list from it, while you go on working"""

    bl_idname = "renderplus.start_batch"
    bl_label = "Render Batch"

    only: bpy.props.StringProperty(
        name="Only", description="Places of the jobs to render, with commas; empty for all that are switched on", options={"SKIP_SAVE"}
    )
    missing_only: bpy.props.BoolProperty(
        name="Missing Frames Only", description="Keep pictures that are there and whole, whatever the jobs say", options={"SKIP_SAVE"}
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Say why there is nothing to start."""
        why = why_not_start()
        if why:
            cls.poll_message_set(why)
        return not why

    def to_check(self) -> list[int] | None:
        """Check what would start."""
        return _places(self.only)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Save the copy, make the recipe, and leave the rest to the worker's thread."""
        try:
            start_batch(context, only=_places(self.only), missing_only=self.missing_only)
        except (ConnectionProblem, recipe.CannotMake) as problem:
            self.report({"ERROR"}, heard(str(problem)))
            return {"CANCELLED"}
        return {"FINISHED"}


class RENDERPLUS_OT_cancel_batch(bpy.types.Operator):
    """Cancel the batch; pictures that are finished stay"""

    bl_idname = "renderplus.cancel_batch"
    bl_label = "Cancel Batch"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Only a batch that is not over can be cancelled."""
        return needs(cls, Phase.RUNNING, Phase.LOST)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Ask first."""
        message = say("Pictures that are finished stay")
        return context.window_manager.invoke_confirm(self, event, title=say("Cancel the batch?"), message=message, confirm_text=say("Cancel Batch"))

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Ask the server."""
        running.desk().ask(Watch.cancel)
        return {"FINISHED"}


class RENDERPLUS_OT_cancel_job(bpy.types.Operator):
    """Cancel this job; the batch goes on with the next one"""

    bl_idname = "renderplus.cancel_job"
    bl_label = "Cancel Job"

    index: bpy.props.IntProperty(name="Job", description="Place of the job in the list; -1 is the one that renders", default=-1, min=-1)

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Only a job of a running batch can be cancelled."""
        return needs(cls, Phase.RUNNING)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Ask first, and name the job."""
        now = running.state()
        job = now.job(now.current_job if self.index < 0 and now.current_job is not None else self.index)
        title = say('Cancel the job "{name}"?', name=job.get("name")) if job else say("Cancel the job?")
        message = say("Pictures that are finished stay; the batch goes on with the next job")
        return context.window_manager.invoke_confirm(self, event, title=title, message=message, confirm_text=say("Cancel Job"))

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Ask the server."""
        index = self.index if self.index >= 0 else running.state().current_job
        if index is None:
            self.report({"WARNING"}, "No job renders at the moment")
            return {"CANCELLED"}
        running.desk().ask(lambda watch: watch.cancel_job(index))
        return {"FINISHED"}


class RENDERPLUS_OT_retry_failed(bpy.types.Operator):
    """Render the frames again that failed, from the same saved copy"""

    bl_idname = "renderplus.retry_failed"
    bl_label = "Render Failed Again"

    index: bpy.props.IntProperty(name="Job", description="Place of the job in the list; -1 is all of them", default=-1, min=-1)

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Something must have failed."""
        if not needs(cls, Phase.RUNNING, Phase.FINISHED):
            return False
        if not running.state().failed_frames:
            cls.poll_message_set(say("No frame failed"))
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Ask the server."""
        index = None if self.index < 0 else self.index
        running.desk().ask(lambda watch: watch.retry(index))
        return {"FINISHED"}


class RENDERPLUS_OT_resume_batch(bpy.types.Operator):
    """Start the render server again; it goes on with the batch where it was"""

    bl_idname = "renderplus.resume_batch"
    bl_label = "Go On"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Only a batch whose server is gone needs it."""
        return needs(cls, Phase.LOST)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Have the server started."""
        running.desk().ask(Watch.resume)
        return {"FINISHED"}


class RENDERPLUS_OT_close_batch(bpy.types.Operator):
    """Put the result away and go back to the list"""

    bl_idname = "renderplus.close_batch"
    bl_label = "Close"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """A batch that runs cannot be put away."""
        return needs(cls, Phase.FINISHED)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Forget the batch."""
        keep = settings.read(context).keep_server
        running.desk().ask(lambda watch: watch.close(keep_server=keep))
        return {"FINISHED"}


class RENDERPLUS_OT_open_log(bpy.types.Operator):
    """Open what Blender said while it rendered this job"""

    bl_idname = "renderplus.open_log"
    bl_label = "Open Log"

    index: bpy.props.IntProperty(name="Job", description="Place of the job in the list; -1 is the one that renders", default=-1, min=-1)

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """There is a log once something rendered."""
        return needs(cls, Phase.RUNNING, Phase.FINISHED)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Have the log fetched; it opens when it is there."""
        index = self.index if self.index >= 0 else running.state().current_job or 0
        running.desk().ask(lambda watch: watch.fetch_log(index), then=_open)
        return {"FINISHED"}


class RENDERPLUS_OT_open_folder(bpy.types.Operator):
    """Show the folder with the pictures"""

    bl_idname = "renderplus.open_folder"
    bl_label = "Show in Folder"

    index: bpy.props.IntProperty(name="Job", description="Place of the job in the list; -1 is that of the newest picture", default=-1, min=-1)

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """There must be a folder."""
        if not needs(cls, Phase.RUNNING, Phase.FINISHED, Phase.LOST):
            return False
        now = running.state()  # asked while drawing, so not the disk
        if not now.picture and not frames_done(now.snapshot):
            cls.poll_message_set(say("There is no picture yet"))
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Open the first folder that is there."""
        folder = next(iter(_folders(self.index)), None)
        if folder is None:
            self.report({"WARNING"}, "There is no picture of this job yet")
            return {"CANCELLED"}
        _open(folder)
        return {"FINISHED"}


class RENDERPLUS_OT_stop_server(bpy.types.Operator):
    """End the render server; a running batch goes on at its next start"""

    bl_idname = "renderplus.stop_server"
    bl_label = "Stop Server"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """There must be a server; its address file says so."""
        if read_address(settings.data_folder(preferences(context))) is None:
            cls.poll_message_set(say("No render server is running"))
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Ask the server."""
        running.desk().ask(Watch.stop_server)
        return {"FINISHED"}


CLASSES = (
    RENDERPLUS_OT_start_batch,
    RENDERPLUS_OT_cancel_batch,
    RENDERPLUS_OT_cancel_job,
    RENDERPLUS_OT_retry_failed,
    RENDERPLUS_OT_resume_batch,
    RENDERPLUS_OT_close_batch,
    RENDERPLUS_OT_open_log,
    RENDERPLUS_OT_open_folder,
    RENDERPLUS_OT_stop_server,
)


def why_not_start() -> str:
    """Say why no batch can be started now, "" when one can."""
    now = running.state()
    if now.phase is Phase.STARTING:
        return say("The batch is being started")
    if now.is_active and now.source == bpy.data.filepath:
        if now.phase is Phase.RUNNING:
            return say("The batch of this file is not over yet; cancel it to start another")
        return say("The batch waits for its server: Go On")
    batch = store.get()
    if batch is None or not len(batch.jobs):
        return say("The list is empty; add a job first")
    if not any(job.enabled for job in batch.jobs):
        return say("Every job is switched off; switch one on")
    return ""


def start_batch(context: bpy.types.Context, *, only: Iterable[int] | None = None, missing_only: bool = False) -> str:
    """Save the copy and post the batch; gives the key of the start. Raises `ConnectionProblem` or `recipe.CannotMake`."""
    batch = store.get()
    if batch is None:
        raise recipe.CannotMake(say("The list is empty; add a job first"))
    wanted = settings.read(context)
    data = wanted.house.data
    mail = settings.mail_account(preferences(context), data) if batch.use_mail else None
    key = f"{time.strftime('%Y%m%d-%H%M%S')}-{random_words.token_hex(4)}"
    place = data / "starts" / key
    recipe.make_recipe(batch, blend_file=str(place / "x.blend"), only=only)  # what cannot be a recipe needs no copy
    batch.last_instance = key
    copy = save_copy(place, context)
    channels = settings.channels(preferences(context), data, batch.muted_channels.keys()) if batch.use_channels else []
    made = recipe.make_recipe(batch, blend_file=str(copy), only=only, mail=mail, channels=channels, missing_only=missing_only)
    if not bpy.app.online_access:  # who gets mail and messages is not on this computer
        made["notifications"]["mail"]["enabled"] = False
        made["notifications"]["channels"] = []
    running.start(Post(_start_of(key, copy, made), made))
    return key


def _start_of(key: str, copy: Path, made: dict[str, Any]) -> Start:
    source = bpy.data.filepath
    return Start(
        key, source, str(copy), time.time(), name=os.path.basename(source) or copy.name, outputs=tuple(str(job["output"]) for job in made["jobs"])
    )  # fmt: skip


def needs(cls: type[bpy.types.Operator], *phases: Phase) -> bool:
    """Tell whether the batch is in one of the phases; if not, say so to whoever points at the button."""
    now = running.state().phase
    if now in phases:
        return True
    sentences = {
        Phase.IDLE: "No batch is running",
        Phase.STARTING: "The batch is being started",
        Phase.RUNNING: "The batch is not over yet",
        Phase.FINISHED: "The batch is over",
        Phase.LOST: "The render server is gone; Go On starts it again",
    }
    cls.poll_message_set(say(sentences[now]))
    return False


def _places(text: str) -> list[int] | None:
    return [int(part) for part in text.split(",") if part.strip().isdigit()] or None


def _folders(index: int) -> list[Path]:
    """List the folders of a job's pictures that are there, the likeliest first; -1 is the newest picture's."""
    now = running.state()
    named = [now.picture] if now.picture and index < 0 else []
    outputs = now.outputs if index < 0 else now.outputs[index : index + 1]
    folders = [Path(path).parent if not path.endswith(("/", "\\")) else Path(path) for path in (*named, *outputs) if path]
    return [folder for folder in dict.fromkeys(folders) if folder.is_dir()]


def _open(path: Path) -> None:
    """Open a file or folder with the system's own program; a Blender without a window only names it."""
    if bpy.app.background:
        print(f"Render+: {path}")
    else:
        bpy.ops.wm.path_open(filepath=str(path))
