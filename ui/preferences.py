# SPDX-License-Identifier: GPL-3.0-or-later
"""The add-on's preferences: which Blender renders, the server, the mail account, what a new list starts with.

The names of the properties are those that `connection/settings.py` reads. The password of the mail account is none of them: Blender
writes preferences into a file that is copied around, so it is asked for by an operator. Runs inside Blender.
"""

import bpy
from bpy.props import BoolProperty, FloatProperty, IntProperty, StringProperty

from ..batch import addon
from ..batch.connection import settings
from ..batch.sayings import say
from . import mail_password, texts


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

    mail_server: StringProperty(name="Server", description="Mail server that takes mails from you, with its port if it is not the usual one: host or host:port")
    mail_user: StringProperty(name="User", description="Name of your account there, which is also where mails come from")
    mail_ssl: BoolProperty(name="Encrypt", description="Talk to the mail server through TLS", default=True)

    desktop_notice: BoolProperty(name="Notice on the Desktop", description="New lists show a notice on the desktop when their batch is over")
    use_sound: BoolProperty(name="Sound", description="New lists play a sound when their batch is over")
    use_mail: BoolProperty(name="Mail", description="New lists send a mail when their batch is over")
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
        group.prop(self, "poll_interval")
        group.prop(self, "keep_server")
        texts.labelled(group, "").operator("renderplus.stop_server", icon="CANCEL")
        self._draw_mail(_group(layout, say("Mail Account")), context)
        self._draw_new_lists(_group(layout, say("New Lists")))

    def _draw_mail(self, group: bpy.types.UILayout, context: bpy.types.Context) -> None:
        if not bpy.app.online_access:
            texts.note(group, say("No mail is sent while Blender's preferences allow no online access"), context, icon="ERROR")
            texts.labelled(group, "").operator("extensions.userpref_allow_online", text="Allow Online Access", icon="INTERNET")
        fields = group.column()
        fields.active = bpy.app.online_access
        fields.prop(self, "mail_server", placeholder="smtp.example.org:465")
        fields.prop(self, "mail_user", placeholder="me@example.org")
        fields.prop(self, "mail_ssl")
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
        column.prop(self, "use_mail")
        if self.use_mail:
            group.prop(self, "mail_to")


def _group(layout: bpy.types.UILayout, title: str) -> bpy.types.UILayout:
    """Draw the title of a group, and give the place for what is in it."""
    layout.separator(factor=0.5)
    layout.label(text=title, translate=False)
    return layout.column()


CLASSES = (*mail_password.CLASSES, RenderPlusPreferences)


def register() -> None:
    """Tell Blender of the preferences; what the user chose is in them at once."""
    for cls in CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    """Take the preferences back; Blender keeps what the user chose."""
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
    mail_password.is_stored.cache_clear()
