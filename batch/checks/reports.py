# SPDX-License-Identifier: GPL-3.0-or-later
"""Check: can the feed be written, is the sound there, and is there somebody to send messages to? None of it stops a render. Runs inside Blender."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from .. import jobs as job_facts
from ..sayings import say
from .case import Case
from .finding import Finding, Severity
from .on_disk import IsFolder, IsThere, OutputFolder, Trouble

if TYPE_CHECKING:
    from ..properties import RenderPlusBatch


def find(case: Case) -> Iterator[Finding]:
    """Find what is written or played when the batch is over, and cannot be."""
    if case.batch is None or not case.entries:
        return
    if case.batch.use_feed:
        yield from _feed(case, case.batch)
    if case.batch.use_sound and case.batch.sound_file:
        yield from _sound(case, case.batch)


def _feed(case: Case, batch: RenderPlusBatch) -> Iterator[Finding]:
    if not batch.feed_path.strip():
        message = say("The feed is on and has no file; choose one, or switch the feed off (Batch Settings, Reports)")
        yield Finding(Severity.WARNING, "no_feed_file", message)
        return
    if not job_facts.is_anchored(batch.feed_path):
        message = say("The feed, {path}, begins at the folder of the .blend; save the file, or choose a full path", path=batch.feed_path)
        yield Finding(Severity.ERROR, "feed_unsaved", message, fix="wm.save_as_mainfile", fix_label=say("Save As…"))
        return
    path = job_facts.absolute(batch.feed_path)
    if case.facts.get(IsFolder(path)):
        yield Finding(Severity.WARNING, "feed_is_folder", say("The file of the feed is a folder: {path}; add a name such as feed.rss", path=path))
        return
    room = case.facts.get(OutputFolder(os.path.dirname(path)))
    if room is not None and room.trouble is not Trouble.NONE:
        message = say("The feed cannot be written: {folder} does not let it; choose another file", folder=room.where)
        yield Finding(Severity.WARNING, "feed_unwritable", message)


def _sound(case: Case, batch: RenderPlusBatch) -> Iterator[Finding]:
    path = job_facts.absolute(batch.sound_file)
    if job_facts.is_anchored(batch.sound_file) and case.facts.get(IsThere(path)) is False:
        message = say("The sound is not there: {path}; that of Render+ will be played", path=path)
        yield Finding(Severity.INFO, "sound_missing", message)
