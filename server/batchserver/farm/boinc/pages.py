# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages that a client or BOINC's Manager reads to attach: where the scheduler is, what the project is, and the key for a name and a password.

Runs without Blender.
"""

from __future__ import annotations

import re
from html import escape

from batchserver.farm.seams import Desk
from batchserver.model.errors import RenderPlusError

from .application import PLATFORMS
from .naming import account_key
from .replies import Project, block, element

BAD_PASSWORD = -206
CREATION_DISABLED = -208
NOT_NOW = -183
"""BOINC's own error numbers."""

_DIGEST = re.compile(r"[0-9a-f]{32}", re.ASCII)


def master_page(project: Project) -> str:
    """Write the page that clients are attached to. They search it line by line: both marks stand at the beginning of a line of their own."""
    url = escape(project.url("cgi/scheduler"), quote=True)
    key = "the key that its owner gave you (<code>--add-worker</code>)"
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{escape(project.name)}</title>
<link rel="boinc_scheduler" href="{url}">
</head><body>
<!--
<scheduler>{url}</scheduler>
-->
<h1>{escape(project.name)}</h1>
<p>A render farm. Add this project to your BOINC client with {key}:</p>
<pre>boinccmd --project_attach {escape(project.base)} KEY</pre>
</body></html>
"""


def project_config(project: Project) -> str:
    """Write what BOINC's Manager wants to know before it asks for a password."""
    platforms = "".join(block("platform", element("platform_name", name), element("user_friendly_name", name)) for name in PLATFORMS)
    return block(
        "project_config",
        element("name", project.name),
        element("master_url", project.base),
        element("web_rpc_url_base", project.base),
        element("min_passwd_length", 1),
        "<uses_username/>\n",
        "<account_creation_disabled/>\n",
        "<client_account_creation_disabled/>\n",
        element("web_stopped", 0),
        element("sched_stopped", 0),
        block("platforms", platforms),
    )


def lookup_account(desk: Desk, name: str, digest: str, address: str, secret: bytes) -> str:
    """Give the key for an account's name and the digest of its token. Which of the two was wrong is not told."""
    try:
        account = desk.account_by_digest(name, digest, address) if 0 < len(name) <= 80 and _DIGEST.fullmatch(digest) else None
    except RenderPlusError as problem:
        return _error(NOT_NOW, str(problem))
    if account is None:
        return _error(BAD_PASSWORD, "There is no such account, or this is not its token")
    return block("account_out", element("authenticator", account_key(account, secret)))


def create_account() -> str:
    """Say that nobody can make himself an account."""
    return _error(CREATION_DISABLED, "The owner of the farm makes the accounts: python3 server --add-worker NAME")


def _error(number: int, sentence: str) -> str:
    return block("error", element("error_num", number), element("error_msg", sentence))
