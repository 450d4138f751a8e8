# SPDX-License-Identifier: GPL-3.0-or-later
"""The buttons of a check: check, mend, show the job, do not speak of it again. Runs inside Blender."""

import json
from typing import TYPE_CHECKING

import bpy
from bpy.props import BoolProperty, IntProperty, StringProperty

from .. import store
from ..sayings import say
from . import desk
from .properties import RenderPlusFinding

if TYPE_CHECKING:
    from .properties import RenderPlusCheck


class RENDERPLUS_OT_check(bpy.types.Operator):
    """Look for what would spoil the batch, without rendering anything"""

    bl_idname = "renderplus.check"
    bl_label = "Check"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Check; answers that take longer come by themselves."""
        desk.check(context, anew=True)
        refresh(context)
        return {"FINISHED"}


class FindingOperator:
    """What operators on one finding have in common."""

    index: IntProperty(name="Finding", description="Place of the finding, from 0", default=0, min=0, options={"SKIP_SAVE"})
    code: StringProperty(name="Code", description="What kind of finding is meant, where the list of findings may be another one by now", options={"SKIP_SAVE"})

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Need a finding."""
        if not len(context.window_manager.renderplus_check.findings):
            cls.poll_message_set(say("The check found nothing"))
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Find the finding, and let `run` do the rest."""
        check = context.window_manager.renderplus_check
        if self.index >= len(check.findings) or (self.code and self.code != check.findings[self.index].code):
            self.report({"INFO"}, "The check was made again meanwhile")
            refresh(context)
            return {"CANCELLED"}
        return self.run(context, check, check.findings[self.index])


class RENDERPLUS_OT_fix_finding(FindingOperator, bpy.types.Operator):
    """Mend what the check found"""

    bl_idname = "renderplus.fix_finding"
    bl_label = "Mend"

    @classmethod
    def description(cls, context: bpy.types.Context, properties: bpy.types.OperatorProperties) -> str:
        """Say what the operator behind the button does."""
        findings = context.window_manager.renderplus_check.findings
        if properties.index < len(findings) and (fix := findings[properties.index].fix):
            return say(_operator(fix).get_rna_type().description)
        return ""

    def run(self, context: bpy.types.Context, _check: "RenderPlusCheck", finding: RenderPlusFinding) -> set[str]:
        """Call the operator, and check again when it is done; one that asks for a file is done later."""
        if not finding.fix:
            self.report({"WARNING"}, "This cannot be mended by a button; the sentence says the way out")
            return {"CANCELLED"}
        fix = finding.fix
        arguments = json.loads(finding.fix_args or "{}")
        way = "EXEC_DEFAULT" if bpy.app.background else "INVOKE_DEFAULT"
        try:
            outcome = _operator(fix)(way, True, **arguments)
        except (RuntimeError, TypeError) as error:
            self.report({"ERROR"}, str(error).removeprefix("Error: ").strip())
            return {"CANCELLED"}
        if "FINISHED" in outcome:
            desk.check(context, desk.desk().only)
        elif "RUNNING_MODAL" in outcome:
            room, name = fix.split(".", 1)
            desk.check_after(f"{room.upper()}_OT_{name}")
        refresh(context)
        return {"FINISHED"}


class RENDERPLUS_OT_select_finding(FindingOperator, bpy.types.Operator):
    """Select the job that this is about in the list"""

    bl_idname = "renderplus.select_finding"
    bl_label = "Select Job"

    def run(self, context: bpy.types.Context, _check: "RenderPlusCheck", finding: RenderPlusFinding) -> set[str]:
        """Select the first of its jobs; when that is selected already, the next one."""
        batch = store.get()
        places = [int(place) for place in finding.jobs.split(",") if place and batch is not None and int(place) < len(batch.jobs)]
        if batch is None or not places:
            self.report({"WARNING"}, "This is about no single job")
            return {"CANCELLED"}
        batch.active = places[(places.index(batch.active) + 1) % len(places)] if batch.active in places else places[0]
        desk.redraw()
        return {"FINISHED"}


class RENDERPLUS_OT_ignore_finding(FindingOperator, bpy.types.Operator):
    """Do not speak of this again before a start, as long as nothing about it changes"""

    bl_idname = "renderplus.ignore_finding"
    bl_label = "Ignore"

    ignored: BoolProperty(name="Ignore", description="Ignore it, or speak of it again", default=True, options={"SKIP_SAVE"})

    @classmethod
    def description(cls, _context: bpy.types.Context, properties: bpy.types.OperatorProperties) -> str:
        """Say what the button does."""
        return "" if properties.ignored else say("Speak of this again before a start")

    def run(self, context: bpy.types.Context, _check: "RenderPlusCheck", finding: RenderPlusFinding) -> set[str]:
        """Note it."""
        finding.ignored = self.ignored
        refresh(context)
        return {"FINISHED"}


def refresh(context: bpy.types.Context) -> None:
    """Have the panels, and the dialog in which a button was pressed, drawn anew."""
    desk.redraw()
    popup = getattr(context, "region_popup", None)
    if popup is not None:
        popup.tag_redraw()
        popup.tag_refresh_ui()


def _operator(idname: str) -> "bpy.types.Operator":
    room, name = idname.split(".", 1)
    return getattr(getattr(bpy.ops, room), name)


CLASSES = (RENDERPLUS_OT_check, RENDERPLUS_OT_fix_finding, RENDERPLUS_OT_select_finding, RENDERPLUS_OT_ignore_finding)
