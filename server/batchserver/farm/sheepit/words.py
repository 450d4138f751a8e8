# SPDX-License-Identifier: GPL-3.0-or-later
"""The protocol's words: endpoints, status numbers, and the types of errors that clients send. Runs without Blender."""

from __future__ import annotations

from enum import IntEnum

CONFIG = "config.php"
"""The one path that clients know by themselves, below /server/."""

COOKIE = "PHPSESSID"

MAX_PERIOD = 1440
"""Seconds of silence after which clients of before 2019-09 say that they live (two minutes earlier); later ones do so after 15 to 16 minutes."""

FIRST_JOB = 1000
"""A job's number is its task's and this: clients take numbers below 20 for tests, which they neither count nor forgive."""

LARGEST = 2**31 - 1
"""The largest number that clients can read."""

ENDPOINTS = (
    ("validate-job", "send_frame.php"),
    ("request-job", "request_job.php"),
    ("download-archive", "archive.php"),
    ("download-binary", "download_binary.php"),
    ("download-chunk", "download_chunk.php"),
    ("error", "error.php"),
    ("keepmealive", "keepmealive.php"),
    ("logout", "logout.php"),
    ("last-render-frame", "last_frame.php"),
    ("credits-earned", "credits.php"),
    ("speedtest-answer", "speedtest.php"),
)
"""What `config` names, for the clients of all generations; none has a '?', which old clients append themselves."""


class ConfigStatus(IntEnum):
    """Answers to a login. 103 (the session of a browser is over) is never true here. What it has no number for is UNKNOWN to clients."""

    OK = 0
    NO_VERSION = 100
    TOO_OLD = 101
    WRONG_LOGIN = 102
    MISSING = 104
    UNKNOWN = 105


class JobStatus(IntEnum):
    """Answers to a request for a job. 208 (this machine cannot denoise) is not sent: packages do not say whether they denoise."""

    OK = 0
    NO_JOB = 200
    NO_RIGHT = 201
    NO_SESSION = 202
    DISABLED = 203
    INTERNAL = 204
    NO_RENDERER = 205
    MAINTENANCE = 206
    OVERLOADED = 207


class FrameStatus(IntEnum):
    """Answers to a frame. Only 302, 303 and those that clients do not know are tried again by them."""

    OK = 0
    MISSING = 300
    BROKEN = 301
    NO_IMAGE = 302
    NOT_RECEIVED = 303
    NO_SESSION = 304
    TOO_LARGE = 306
    WRONG_SIZE = 308


class BeatStatus(IntEnum):
    """Answers to a sign of life."""

    GO_ON = 0
    STOP = 400
