# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens when the batch is over: notices, mail and messages, and what the computer does. Runs inside Blender."""

from typing import TYPE_CHECKING, Any

import bpy

from ..batch import addon, store
from ..batch.sayings import say
from . import channels, texts
from .panels_batch import SETTINGS, switched
from .places import EditPanel

if TYPE_CHECKING:
    from ..batch.properties import RenderPlusBatch


class RENDERPLUS_PT_end(EditPanel, bpy.types.Panel):
    """What happens when the batch is over"""

    bl_label = "When It Is Over"
    bl_order = 1
    bl_parent_id = SETTINGS

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the notices and the power."""
        batch = store.get()
        layout = self.split_layout()
        layout.column(heading=say("Notice")).prop(batch, "desktop_notice", text="Desktop")
        switched(layout, batch, "use_sound", say("Sound"), "sound_file", hint=say("Render+'s own"))
        if batch.use_sound:
            layout.prop(batch, "sound_volume", slider=True)
        switched(layout, batch, "use_mail", say("Mail"), "mail_to", hint="me@example.org")
        chosen = addon.preferences(context)
        lacking = draw_mail(layout, chosen, context) if batch.use_mail and bpy.app.online_access else False
        layout.column(heading=say("Messages")).prop(batch, "use_channels", text="Telephones and Chats")
        if batch.use_channels and bpy.app.online_access:
            lacking = draw_channels(layout, batch, chosen, context) or lacking
        if lacking:
            shown = texts.labelled(layout, "").operator("preferences.addon_show", text="Preferences", icon="PREFERENCES")
            shown.module = addon.package()
        if (batch.use_mail or batch.use_channels) and not bpy.app.online_access:
            draw_offline(layout, context)
        switched(layout, batch, "use_poweroff", say("Computer"), "poweroff_action")
        if batch.use_poweroff:
            layout.prop(batch, "poweroff_if_well")
            if batch.poweroff_action != "DISABLED":
                layout.prop(batch, "poweroff_countdown")


def draw_offline(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """Say why nothing is sent, with the button that mends it."""
    texts.note(layout, say("Nothing is sent while Blender's preferences allow no online access"), context, icon="ERROR")
    texts.labelled(layout, "").operator("extensions.userpref_allow_online", text="Allow Online Access", icon="INTERNET")


def draw_mail(layout: bpy.types.UILayout, chosen: Any | None, context: bpy.types.Context) -> bool:
    """Say what a mail still needs of the preferences; tells whether it does."""
    if chosen is None or "@" in chosen.mail_user or (chosen.mail_server and (chosen.mail_user or chosen.mail_from)):
        return False
    texts.note(layout, say("The account is missing; it stands in the add-on's preferences"), context, icon="ERROR")
    return True


def draw_channels(layout: bpy.types.UILayout, batch: "RenderPlusBatch", chosen: Any | None, context: bpy.types.Context) -> bool:
    """Draw the channels of the preferences, each with a switch for this batch; tells whether they lack something."""
    listed = chosen.channels if chosen is not None else ()
    if not listed:
        texts.note(layout, say("There is no channel yet; they stand in the add-on's preferences"), context, icon="ERROR")
    muted = set(batch.muted_channels.keys())
    for channel in listed:
        row = texts.labelled(layout, "")
        row.alignment = "LEFT"
        icon = "CHECKBOX_DEHLT" if channel.key in muted else "CHECKBOX_HLT"
        row.operator("renderplus.mute_channel", text=channels.title(channel), icon=icon, emboss=False, translate=False).key = channel.key
        if channels.fault(channel, chosen):
            row.label(text="", icon="ERROR")
    return not listed or any(channels.fault(channel, chosen) for channel in listed)


CLASSES = (RENDERPLUS_PT_end,)


def register() -> None:
    """Tell Blender of the panel."""
    for cls in CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    """Take the panel back."""
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
