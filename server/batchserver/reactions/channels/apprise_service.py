# SPDX-License-Identifier: GPL-3.0-or-later
"""A hundred services more, by addresses of Apprise, where that is installed (the extra `notify`). Runs without Blender."""

from __future__ import annotations

import logging

from batchserver.reactions.facts import ReactionProblem
from batchserver.reactions.report import Report
from batchserver.reactions.small_pictures import SmallPicture

from .services import Channel


def send_by_apprise(channel: Channel, report: Report, picture: SmallPicture | None) -> None:
    """Send by Apprise. Raises `ReactionProblem`."""
    try:
        import apprise
    except ImportError:
        raise ReactionProblem("apprise is not installed beside the server; run: pip install apprise") from None
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)  # its lines may hold parts of addresses
    sender = apprise.Apprise()
    try:
        if not channel.url or not sender.add(channel.url):
            raise ReactionProblem("the channel's url is none that apprise understands")
        kind = apprise.NotifyType.SUCCESS if report.well else apprise.NotifyType.FAILURE
        attach = str(picture.path) if picture and sender[0].attachment_support else None
        sent = sender.notify(title=report.headline, body=report.text(), notify_type=kind, body_format=apprise.NotifyFormat.TEXT, attach=attach)
    except ReactionProblem:
        raise
    except Exception as error:  # its services raise what they like, with the address in it
        raise ReactionProblem(f"apprise failed ({type(error).__name__})") from None
    if not sent:
        raise ReactionProblem("apprise could not send it; check the channel's url and the network")
