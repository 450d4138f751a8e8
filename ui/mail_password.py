# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks for the password of the mail account, and keeps it in the data folder: it is in no preference, .blend, recipe file or log.

The operators are not registered for redo, so Blender neither remembers their values nor writes them into its Info editor. Runs inside Blender.
"""

from functools import cache
from pathlib import Path
from typing import ClassVar

import bpy
from bpy.props import StringProperty

from ..batch import addon
from ..batch.connection import secrets, settings
from ..batch.sayings import say


@cache
def is_stored(folder: Path) -> bool:
    """Tell whether there is a password; looked up once, because drawing asks."""
    return secrets.has_mail_password(folder)


class RENDERPLUS_OT_set_mail_password(bpy.types.Operator):
    """Enter the password of the mail account; only you can read the file that it is kept in, and no .blend has it"""

    bl_idname = "renderplus.set_mail_password"
    bl_label = "Password of the Mail Account"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    password: StringProperty(
        name="Password",
        description="Password of the account, better one that your mail provider made for this program alone",
        subtype="PASSWORD",
        options={"SKIP_SAVE", "HIDDEN"},
    )

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Ask for it."""
        return context.window_manager.invoke_props_dialog(self, confirm_text="Keep")

    def draw(self, _context: bpy.types.Context) -> None:
        """Draw the field, ready to type in."""
        self.layout.activate_init = True
        self.layout.prop(self, "password", text="")

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Keep it; an empty one is forgotten."""
        word, self.password = self.password, ""
        return _done(self, context, word)


class RENDERPLUS_OT_forget_mail_password(bpy.types.Operator):
    """Remove the password of the mail account from this computer"""

    bl_idname = "renderplus.forget_mail_password"
    bl_label = "Forget Password"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Remove it."""
        return _done(self, context, "")


def _done(operator: bpy.types.Operator, context: bpy.types.Context, password: str) -> set[str]:
    folder = settings.data_folder(addon.preferences(context))
    try:
        secrets.save_mail_password(folder, password)
    except OSError as error:
        operator.report({"ERROR"}, say("The password cannot be kept in {folder}: {why}", folder=folder, why=error.strerror or error))
        return {"CANCELLED"}
    finally:
        is_stored.cache_clear()
        if context.area is not None:  # the button that opened the dialog says something else now
            context.area.tag_redraw()
    operator.report({"INFO"}, say("The password is kept in {folder}", folder=folder) if password else say("The password is removed"))
    return {"FINISHED"}


CLASSES = (RENDERPLUS_OT_set_mail_password, RENDERPLUS_OT_forget_mail_password)
