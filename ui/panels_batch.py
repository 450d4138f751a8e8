# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for the whole batch: one size for all, notices, what the computer does in the end, feed and log, commands. Runs inside Blender."""

import bpy

from ..batch import addon, store
from ..batch.sayings import CONTEXT, say
from . import texts
from .panels_hooks import draw_hooks
from .places import EditPanel

SETTINGS = "RENDERPLUS_PT_settings"


class RENDERPLUS_PT_settings(EditPanel, bpy.types.Panel):
    """What holds for all jobs of the list"""

    bl_idname = SETTINGS
    bl_label = "Batch Settings"

    def draw(self, _context: bpy.types.Context) -> None:
        """Draw what overrules the jobs, and what is written beside the pictures."""
        batch = store.get()
        layout = self.split_layout()
        switched(layout, batch, "use_global_size", say("Size for All"), "global_size")
        switched(layout, batch, "use_global_percentage", say("% for All"), "global_percentage")
        layout.column(heading=say("Render Regions")).prop(batch, "ignore_border", text="Ignore")
        switched(layout, batch, "use_feed", say("Feed"), "feed_path")
        layout.column(heading=say("Log")).prop(batch, "write_log", text="Write")


class RENDERPLUS_PT_end(EditPanel, bpy.types.Panel):
    """What happens when the batch is over"""

    bl_label = "When It Is Over"
    bl_parent_id = SETTINGS

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the notices and the power."""
        batch = store.get()
        layout = self.split_layout()
        layout.column(heading=say("Notice")).prop(batch, "desktop_notice", text="Desktop")
        switched(layout, batch, "use_sound", say("Sound"), "sound_file")
        if batch.use_sound:
            layout.prop(batch, "sound_volume", slider=True)
        switched(layout, batch, "use_mail", say("Mail"), "mail_to")
        if batch.use_mail:
            draw_mail(layout, context)
        switched(layout, batch, "use_poweroff", say("Computer"), "poweroff_action")
        if batch.use_poweroff:
            layout.prop(batch, "poweroff_if_well")


def draw_mail(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """Say what a mail still needs, with the button that leads there."""
    chosen = addon.preferences(context)
    if not bpy.app.online_access:
        texts.note(layout, say("No mail is sent while Blender's preferences allow no online access"), context, icon="ERROR")
        texts.labelled(layout, "").operator("extensions.userpref_allow_online", text="Allow Online Access", icon="INTERNET")
    elif chosen is not None and not (chosen.mail_server and chosen.mail_user):
        texts.note(layout, say("The account is missing; it stands in the add-on's preferences"), context, icon="ERROR")
        shown = texts.labelled(layout, "").operator("preferences.addon_show", text="Preferences", icon="PREFERENCES")
        shown.module = addon.package()


class RENDERPLUS_PT_batch_hooks(EditPanel, bpy.types.Panel):
    """Commands of the shell that run before and after the batch"""

    bl_label = "Hooks"
    bl_translation_context = CONTEXT  # to Blender itself a hook is a modifier
    bl_parent_id = SETTINGS

    def draw(self, _context: bpy.types.Context) -> None:
        """Draw the commands."""
        batch = store.get()
        draw_hooks(self.layout, (("PRE", "Before the Batch", batch.pre_hooks), ("POST", "After the Batch", batch.post_hooks)), of_batch=True)


def switched(layout: bpy.types.UILayout, owner: bpy.types.PropertyGroup, switch: str, heading: str, value: str) -> None:
    """Draw a value behind its switch, on one line."""
    row = layout.row(align=True, heading=heading)
    row.prop(owner, switch, text="")
    field = row.row(align=True)
    field.active = getattr(owner, switch)
    field.prop(owner, value, text="")


CLASSES = (RENDERPLUS_PT_settings, RENDERPLUS_PT_end, RENDERPLUS_PT_batch_hooks)


def register() -> None:
    """Tell Blender of the panels."""
    for cls in CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    """Take the panels back."""
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
