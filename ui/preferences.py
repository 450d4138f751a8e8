# SPDX-License-Identifier: GPL-3.0-or-later
"""The add-on's preferences: which Blender renders, the server, the mail account, what a new list starts with.

The names of the properties are those that `connection/settings.py` reads. The password of the mail account is none of them: Blender
writes preferences into a file that is copied around, so it is asked for by an operator. Runs inside Blender.
"""

import os

import bpy
from bpy.props import BoolProperty, CollectionProperty, EnumProperty, FloatProperty, IntProperty, StringProperty

from ..batch import addon
from ..batch.connection import settings
from ..batch.sayings import say
from . import channels, mail_password, texts
from .panels_end import draw_offline

SECURITIES = (
    ("AUTO", "By Provider", "As the provider of the address has it, else TLS"),
    ("SSL", "SSL/TLS", "Encrypted from the start, usually on port 465"),
    ("STARTTLS", "STARTTLS", "Encrypted after a word in the clear, usually on port 587; a server that offers none gets nothing"),
    ("PLAIN", "None", "Everything in the clear, the password as well; only for a server on this computer or in a network that you trust"),
)


class RenderPlusPreferences(bpy.types.AddonPreferences):
    """What holds for all files of this user."""

    bl_idname = addon.package()

    blender_program: StringProperty(
        name="Blender", description="The Blender that renders: a program, or empty for the one that the batch is started from", subtype="FILE_PATH"
    )

    port: IntProperty(
        name="Port",
        description="Port of this computer that the render server listens on; another server needs another port",
        default=settings.DEFAULT_PORT,
        min=1024,
        max=65535,
    )
    data_folder: StringProperty(
        name="Data Folder",
        description="Folder of the render server for its ledger, logs and copies of files; empty for the user's own. Choose a disk of this computer",
        subtype="DIR_PATH",
    )
    token_file: StringProperty(
        name="Token File",
        description="File of the server's token, when it is not the one in the data folder: that of a server which was started with --token-file",
        subtype="FILE_PATH",
    )
    poll_interval: FloatProperty(
        name="Poll Interval",
        description="Time between two looks at the running batch",
        default=settings.DEFAULT_POLL_SECONDS,
        min=0.1,
        soft_max=10.0,
        max=600.0,
        subtype="TIME_ABSOLUTE",
        precision=1,
    )
    keep_server: BoolProperty(
        name="Keep the Server Running",
        description="Leave the render server running when Blender is closed and nothing renders, so that the next batch starts at once",
        default=True,
    )

    mail_user: StringProperty(name="User", description="Name of your mail account, for most providers your address; empty for a server without login")
    mail_server: StringProperty(
        name="Server", description="Mail server that takes mails from you; empty where the address says it, as that of a known provider"
    )
    mail_port: IntProperty(name="Port", description="Port of the mail server; 0 takes the usual one", default=0, min=0, max=65535)
    mail_security: EnumProperty(name="Encryption", description="How the way to the mail server is encrypted", items=SECURITIES, default="AUTO")
    mail_from: StringProperty(name="From", description="Address that mails come from, where the user is none")

    channels: CollectionProperty(name="Channels", description="Telephones and chats that get messages", type=channels.RenderPlusChannel)
    active_channel: IntProperty(name="Active Channel", description="Channel that is selected", default=0, min=0)

    desktop_notice: BoolProperty(name="Notice on the Desktop", description="New lists show a notice on the desktop when their batch is over")
    use_sound: BoolProperty(name="Sound", description="New lists play a sound when their batch is over")
    use_mail: BoolProperty(name="Mail", description="New lists send a mail when their batch is over")
    use_channels: BoolProperty(name="Messages", description="New lists send messages to the channels when their batch is over")
    mail_to: StringProperty(name="Mail To", description="Address that the mails of new lists go to")

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the preferences in groups."""
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        here = settings.blender_program(None)
        own_folder = str(settings.data_folder(None))
        group = _group(layout, say("Render Server"))
        group.prop(self, "blender_program", placeholder=here)
        group.prop(self, "port")
        group.prop(self, "data_folder", placeholder=own_folder)
        group.prop(self, "token_file", placeholder=os.path.join(str(settings.data_folder(self)), "token"))
        group.prop(self, "poll_interval")
        group.prop(self, "keep_server")
        texts.labelled(group, "").operator("renderplus.stop_server", icon="CANCEL")
        if not bpy.app.online_access:
            draw_offline(_group(layout, ""), context)
        self._draw_mail(_group(layout, say("Mail Account")))
        channels.draw(_group(layout, say("Channels for Messages")), self)
        self._draw_new_lists(_group(layout, say("New Lists")))

    def _draw_mail(self, group: bpy.types.UILayout) -> None:
        fields = group.column()
        fields.active = bpy.app.online_access
        fields.prop(self, "mail_user", placeholder="me@example.org")
        fields.prop(self, "mail_server", placeholder=say("by the provider, or smtp.example.org"))
        fields.prop(self, "mail_port")
        fields.prop(self, "mail_security")
        if self.mail_security == "PLAIN":
            texts.note(fields, say("The password goes through the network in the clear"), bpy.context, icon="ERROR")
        fields.prop(self, "mail_from", placeholder=self.mail_user)
        row = texts.labelled(fields, say("Password"))
        if mail_password.is_stored(settings.data_folder(self)):
            row.operator("renderplus.set_mail_password", text="Change…", icon="LOCKED")
            row.operator("renderplus.forget_mail_password", text="", icon="X")
        else:
            row.operator("renderplus.set_mail_password", text="Enter…", icon="UNLOCKED")

    def _draw_new_lists(self, group: bpy.types.UILayout) -> None:
        column = group.column(heading=say("When It Is Over"))
        column.prop(self, "desktop_notice")
        column.prop(self, "use_sound")
        column.prop(self, "use_channels")
        column.prop(self, "use_mail")
        if self.use_mail:
            group.prop(self, "mail_to")


def _group(layout: bpy.types.UILayout, title: str) -> bpy.types.UILayout:
    """Draw the title of a group, and give the place for what is in it."""
    layout.separator(factor=0.5)
    layout.label(text=title, translate=False)
    return layout.column()


CLASSES = (*mail_password.CLASSES, *channels.CLASSES, RenderPlusPreferences)


def register() -> None:
    """Tell Blender of the preferences; what the user chose is in them at once."""
    for cls in CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    """Take the preferences back; Blender keeps what the user chose."""
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
    mail_password.is_stored.cache_clear()
    channels.kept.cache_clear()
