# SPDX-License-Identifier: GPL-3.0-or-later
"""The Blenders that clients download: made in threads of their own, since a first one may take minutes. Runs without Blender."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass

from batchserver.farm.seams import Archive, Platform, Renderers

FRESH = 60.0
"""Seconds after which the desk is asked again, in case that the owner named another folder."""

PATIENCE = 0.5
"""Seconds that a request waits here; after that it is held like one for which there is no work."""


class NotYet(Exception):
    """The archive is being made."""


@dataclass(frozen=True, slots=True)
class _Asked:
    answer: Future[Archive | None]
    when: float
    before: Archive | None = None


class Blenders:
    """What there is for each platform."""

    def __init__(self, renderers: Renderers, clock: Callable[[], float]) -> None:
        self._renderers, self._clock = renderers, clock
        self._lock = threading.Lock()
        self._asked: dict[Platform, _Asked] = {}

    def archive(self, platform: Platform) -> Archive | None:
        """Give the archive, None when the owner named no folder. Raises `NotYet`, or what the making raised."""
        with self._lock:
            asked = self._asked.get(platform)
            if asked is None or (asked.answer.done() and self._clock() - asked.when > FRESH):
                asked = self._asked[platform] = _Asked(Future(), self._clock(), _good(asked))
                threading.Thread(target=self._make, args=(platform, asked.answer), name=f"farm-renderer-{platform}", daemon=True).start()
        try:
            return asked.answer.result(PATIENCE)
        except TimeoutError:
            if asked.answer.done():  # the making itself ran into a time limit
                raise
            if asked.before is not None:
                return asked.before
            raise NotYet from None

    def _make(self, platform: Platform, answer: Future[Archive | None]) -> None:
        try:
            answer.set_result(self._renderers.archive(platform))
        except Exception as error:
            answer.set_exception(error)


def _good(asked: _Asked | None) -> Archive | None:
    """Give what there was before, while it is asked again."""
    return asked.answer.result() if asked is not None and asked.answer.exception() is None else None
