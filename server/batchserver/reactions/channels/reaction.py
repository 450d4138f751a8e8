# SPDX-License-Identifier: GPL-3.0-or-later
"""The channels of a recipe: each gets one message at the batch's end, and one at its first failure.

All are tried once, then those again that may take the message later: one that is slow keeps nobody waiting long. Runs without Blender.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from batchserver.model.events import Event
from batchserver.reactions.facts import BatchFacts, ReactionProblem
from batchserver.reactions.once import KINDS, Once
from batchserver.reactions.report import Report, report
from batchserver.reactions.secret_keeper import LEFT_OUT, SecretKeeper
from batchserver.reactions.small_pictures import SmallPicture, small_pictures

from .apprise_service import send_by_apprise
from .services import Channel, request_for
from .transport import PictureRefused, Transport, TryLater

Apprise = Callable[[Channel, Report, SmallPicture | None], None]


@dataclass(frozen=True, slots=True)
class Post:
    """How messages go out. `pauses` are the seconds before each further round."""

    transport: Transport = field(default_factory=Transport)
    apprise: Apprise = send_by_apprise
    pauses: tuple[float, ...] = (2.0, 8.0)
    wait: Callable[[float], None] = time.sleep

    def send(self, channel: Channel, told: Report, picture: SmallPicture | None) -> None:
        """Send one message; a picture that is refused costs the picture, not the message. Raises `ReactionProblem`."""
        if channel.kind == "apprise":
            self.apprise(channel, told, picture)
            return
        try:
            self.transport.send(request_for(channel, told, picture))
        except PictureRefused:
            self.transport.send(request_for(channel, told, None))


class ChannelReaction:
    """Sends to the channels of recipes that the owner sent: a stranger's could reach what only this machine can."""

    name = "Channels"
    kinds = KINDS
    time_limit = 300.0

    def __init__(self, keeper: SecretKeeper, post: Post) -> None:
        self._keeper, self._post = keeper, post
        self._once = Once()

    def wants(self, event: Event, batch: BatchFacts) -> bool:
        """Tell whether to send messages."""
        return self._once.wants(event, batch, wished=batch.trusted and any(True for _ in _wishes(batch)))

    def react(self, event: Event, batch: BatchFacts) -> None:
        """Send them. Raises `ReactionProblem` that names every channel which got none."""
        if not self._once.claim(event, batch):
            return
        told = report(event, batch)
        picture = next(iter(small_pictures(told.pictures, 1)), None)
        problems: dict[int, str] = {}
        left: list[tuple[int, Channel]] = []
        for index, raw in _wishes(batch):
            if self._lost(batch, index):
                problems[index] = _named(index, raw, _LOST)
            else:
                left.append((index, self._channel(batch, index, raw)))
        for pause in (None, *self._post.pauses):
            if pause is not None and left:
                self._post.wait(pause)
            left = [(index, channel) for index, channel in left if self._again(channel, told, picture, problems)]
        if problems:
            raise ReactionProblem("; ".join(problems[index] for index in sorted(problems)))

    def off(self, batch: BatchFacts) -> list[str]:
        """Say which channels will get nothing because what they need went with an earlier server."""
        if not batch.trusted:
            return []
        return [f"Channel {index} ({raw.get('kind')}) is off: {_LOST}" for index, raw in _wishes(batch) if self._lost(batch, index)]

    def _again(self, channel: Channel, told: Report, picture: SmallPicture | None, problems: dict[int, str]) -> bool:
        """Send to one channel; tells whether it is worth another try."""
        problems.pop(channel.index, None)
        try:
            self._post.send(channel, told, picture)
        except ReactionProblem as problem:
            problems[channel.index] = _named(channel.index, {"kind": channel.kind}, str(problem))
            return isinstance(problem, TryLater)
        except Exception as error:  # one channel must not cost the others
            problems[channel.index] = _named(channel.index, {"kind": channel.kind}, f"an error of the server's own ({type(error).__name__})")
        return False

    def _channel(self, batch: BatchFacts, index: int, raw: Mapping[str, Any]) -> Channel:
        secret = self._keeper.secret
        return Channel(
            index, str(raw.get("kind") or ""), secret(batch.id, f"channels[{index}].url"), secret(batch.id, f"channels[{index}].token"),
            str(raw.get("to") or ""),
        )  # fmt: skip

    def _lost(self, batch: BatchFacts, index: int) -> bool:
        places = dict(batch.reactions.get("notifications") or {}).get(LEFT_OUT, ())
        return any(not self._keeper.secret(batch.id, place) for place in places if place.startswith(f"channels[{index}]."))


_LOST = "its address and token were only in the recipe, are never stored, and went with the server that took it; send the recipe again"


def _named(index: int, raw: Mapping[str, Any], why: str) -> str:
    return f"Channel {index} ({raw.get('kind')}) got no message: {why}"


def _wishes(batch: BatchFacts) -> Iterator[tuple[int, Mapping[str, Any]]]:
    channels = dict(batch.reactions.get("notifications") or {}).get("channels") or ()
    for index, raw in enumerate(channels):
        if isinstance(raw, Mapping) and raw.get("enabled", True):
            yield index, raw


def make_channel_reaction(keeper: SecretKeeper, *, post: Post | None = None) -> ChannelReaction:
    """Make the channels of a server."""
    return ChannelReaction(keeper, post or Post())
