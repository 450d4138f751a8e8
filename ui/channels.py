# SPDX-License-Identifier: GPL-3.0-or-later
"""The channels of the preferences: a list of where messages go, and the dialog that asks for one.

Addresses and tokens are kept in the data folder, as the mail password is: no preference, .blend, recipe file or log has them. The
operators are not registered for redo, so Blender neither remembers their values nor writes them into its Info editor. Runs inside Blender.
"""

import secrets as random_words
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import bpy
from bpy.app.translations import pgettext_iface
from bpy.props import BoolProperty, EnumProperty, StringProperty

from ..batch import addon
from ..batch import channels as rules
from ..batch.channels import Secrets
from ..batch.connection import secrets, settings
from ..batch.quick_dialog import fitting
from ..batch.sayings import heard, say

KINDS = (
    ("NTFY", "ntfy", "Notices on telephones by ntfy.sh or a server of your own"),
    ("GOTIFY", "Gotify", "Notices on telephones by a Gotify server"),
    ("TELEGRAM", "Telegram", "Messages of a bot to a chat"),
    ("DISCORD", "Discord", "Messages in a channel of Discord"),
    ("SLACK", "Slack", "Messages in a channel of Slack"),
    ("WEBHOOK", "Webhook", "A JSON document that is posted to an address"),
    ("APPRISE", "Apprise", "An address of Apprise, for a hundred other services, where it is installed beside the server"),
)


class RenderPlusChannel(bpy.types.PropertyGroup):
    """Where messages go; what nobody may know of it stands in the data folder, under the key."""

    name: StringProperty(name="Name", description="What the channel is called in the panels")
    kind: EnumProperty(name="Service", description="What takes the messages", items=KINDS, default="NTFY", options=set())
    to: StringProperty(name="Chat", description="Number of the chat at Telegram", options=set())
    host: StringProperty(name="Server", description="Server of the address", options={"HIDDEN"})
    key: StringProperty(name="Key", description="Name under which address and token are kept", options={"HIDDEN"})


@cache
def kept(folder: Path) -> dict[str, Secrets]:
    """Give what is kept of the channels; looked up once, because drawing asks."""
    return secrets.read_channels(folder)


def fault(channel: RenderPlusChannel, chosen: Any | None) -> str:
    """Say what a channel lacks, "" when it is complete."""
    return rules.fault(channel.kind, channel.to, kept(settings.data_folder(chosen)).get(channel.key))


def title(channel: RenderPlusChannel) -> str:
    """Name a channel with its service."""
    service = pgettext_iface(channel.bl_rna.properties["kind"].enum_items[channel.kind].name)
    return channel.name if channel.name == service or not channel.name else f"{channel.name} ({service})"


class RENDERPLUS_UL_channels(bpy.types.UIList):
    """The channels: name, service and server, and whether something is missing."""

    def draw_item(
        self,
        _context: bpy.types.Context,
        layout: bpy.types.UILayout,
        preferences: Any,
        channel: RenderPlusChannel,
        _icon: int,
        _active_data: Any,
        _active_property: str,
        _index: int,
        _flag: int,
    ) -> None:
        """Draw one channel."""
        row = layout.row()
        row.prop(channel, "name", text="", emboss=False, icon="ERROR" if fault(channel, preferences) else "OUTLINER_OB_SPEAKER")
        aside = row.row()
        aside.active = False
        aside.alignment = "RIGHT"
        aside.label(text=_aside(channel), translate=False)


def _aside(channel: RenderPlusChannel) -> str:
    service = pgettext_iface(channel.bl_rna.properties["kind"].enum_items[channel.kind].name)
    return f"{service}, {channel.host}" if channel.host else service


class RENDERPLUS_OT_set_channel(bpy.types.Operator):
    """Enter where messages go; only you can read the file that address and token are kept in, and no .blend has them"""

    bl_idname = "renderplus.set_channel"
    bl_label = "Channel for Messages"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    fresh: BoolProperty(name="New", description="Add a channel, in place of changing the selected one", options={"SKIP_SAVE", "HIDDEN"})
    kind: EnumProperty(name="Service", description="What takes the messages", items=KINDS, default="NTFY", options={"SKIP_SAVE"})
    title: StringProperty(name="Name", description="What the channel is called in the panels", options={"SKIP_SAVE"})
    url: StringProperty(
        name="Address", description="Where the messages are sent; with many services whoever knows it can write there", options={"SKIP_SAVE", "HIDDEN"}
    )
    token: StringProperty(
        name="Token", description="What the service asks for to let you write; empty keeps the one that is there", subtype="PASSWORD",
        options={"SKIP_SAVE", "HIDDEN"},
    )  # fmt: skip
    to: StringProperty(name="Chat", description="Number of the chat at Telegram", options={"SKIP_SAVE"})

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Need the preferences."""
        return addon.preferences(context) is not None

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Ask, beginning with what the selected channel has."""
        chosen = addon.preferences(context)
        channel = None if self.fresh else _active(chosen)
        if channel is not None:
            self.kind, self.title, self.to = channel.kind, channel.name, channel.to
            known = secrets.read_channels(settings.data_folder(chosen)).get(channel.key)
            self.url = known.url if known else ""
        return context.window_manager.invoke_props_dialog(self, width=fitting(context, 420), confirm_text=say("Keep"))

    def check(self, _context: bpy.types.Context) -> bool:
        """Draw anew: another service has other fields."""
        return True

    def draw(self, _context: bpy.types.Context) -> None:
        """Draw the fields of the service."""
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        needs = rules.KINDS[self.kind]
        layout.prop(self, "kind")
        layout.prop(self, "title")
        if needs.has("url"):
            layout.prop(self, "url", placeholder=needs.example)
        if needs.has("token"):
            layout.prop(self, "token", placeholder="" if "token" in needs.needs else say("only where the service asks for one"))
        if needs.has("to"):
            layout.prop(self, "to", placeholder="4711")

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Keep it."""
        chosen = addon.preferences(context)
        channel = None if self.fresh else _active(chosen)
        if channel is None and len(chosen.channels) >= rules.MOST:
            self.report({"ERROR"}, say("There are {count} channels already, and a batch has no more", count=rules.MOST))
            return {"CANCELLED"}
        folder, key = settings.data_folder(chosen), channel.key if channel is not None else random_words.token_hex(8)
        url, token, self.url, self.token = self.url.strip(), self.token.strip(), "", ""
        before = secrets.read_channels(folder).get(key, Secrets())
        needs = rules.KINDS[self.kind]
        found = Secrets(url if needs.has("url") else "", (token or before.token) if needs.has("token") else "")
        try:
            secrets.save_channel(folder, key, found)
        except OSError as error:
            self.report({"ERROR"}, say("Address and token cannot be kept in {folder}: {why}", folder=folder, why=error.strerror or error))
            return {"CANCELLED"}
        if channel is None:
            channel = chosen.channels.add()
            chosen.active_channel = len(chosen.channels) - 1
        channel.key, channel.kind, channel.to, channel.host = key, self.kind, self.to.strip(), rules.host(found.url)
        channel.name = self.title.strip() or pgettext_iface(channel.bl_rna.properties["kind"].enum_items[self.kind].name)
        _changed(context)
        wrong = rules.fault(channel.kind, channel.to, found)
        if wrong:
            self.report({"WARNING"}, heard(wrong))
        return {"FINISHED"}


class RENDERPLUS_OT_remove_channel(bpy.types.Operator):
    """Remove the selected channel, with its address and token"""

    bl_idname = "renderplus.remove_channel"
    bl_label = "Remove Channel"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Need a channel."""
        if _active(addon.preferences(context)) is None:
            cls.poll_message_set(say("There is no channel"))
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Remove it."""
        chosen = addon.preferences(context)
        folder = settings.data_folder(chosen)
        try:
            secrets.forget_channel(folder, _active(chosen).key)
        except OSError as error:
            self.report({"ERROR"}, say("Address and token cannot be removed from {folder}: {why}", folder=folder, why=error.strerror or error))
            return {"CANCELLED"}
        chosen.channels.remove(chosen.active_channel)
        chosen.active_channel = max(0, min(chosen.active_channel, len(chosen.channels) - 1))
        _changed(context)
        return {"FINISHED"}


def draw(layout: bpy.types.UILayout, preferences: Any) -> None:
    """Draw the list with its buttons."""
    row = layout.row()
    row.template_list("RENDERPLUS_UL_channels", "", preferences, "channels", preferences, "active_channel", rows=3)
    side = row.column(align=True)
    side.operator("renderplus.set_channel", text="", icon="ADD").fresh = True
    side.operator("renderplus.remove_channel", text="", icon="REMOVE")
    if len(preferences.channels):
        side.separator()
        side.operator("renderplus.set_channel", text="", icon="GREASEPENCIL").fresh = False


def _active(chosen: Any | None) -> RenderPlusChannel | None:
    if chosen is None or not 0 <= chosen.active_channel < len(chosen.channels):
        return None
    return chosen.channels[chosen.active_channel]


def _changed(context: bpy.types.Context) -> None:
    kept.cache_clear()
    context.preferences.is_dirty = True
    for window in context.window_manager.windows if context.window_manager else ():
        for area in window.screen.areas:
            if area.type in ("PREFERENCES", "PROPERTIES"):
                area.tag_redraw()


CLASSES = (RenderPlusChannel, RENDERPLUS_UL_channels, RENDERPLUS_OT_set_channel, RENDERPLUS_OT_remove_channel)
