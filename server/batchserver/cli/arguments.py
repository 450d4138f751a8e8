# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of `python3 server`: those of Render+ 2.2 unchanged, ours beside them.

Runs without Blender.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from batchserver import __version__

DEFAULT_PORT = 7777
FARM_PORT = 7778


def make_parser() -> argparse.ArgumentParser:
    """Build the parser."""
    parser = argparse.ArgumentParser(
        prog="server", description="Render+ batch rendering server.", epilog="Exit codes and examples: docs/cli.md", allow_abbrev=False
    )
    what = parser.add_argument_group("render")
    what.add_argument("--recipe", type=Path, metavar="RECIPE", help="A JSON file containing a batch list; renders it and ends, unless --serve is given")
    what.add_argument("--dry", action="store_true", help="Dry run: only print statistics and commands")
    what.add_argument("--check", action="store_true", help="Check whether commands and files are all right, with the Blender at hand")
    what.add_argument("--missing", action="store_true", help="List the frames that have no whole picture on the disk; renders nothing")
    what.add_argument("--resume", "--only-missing", action="store_true", help="Go on: keep the pictures that are there, and render the missing frames")
    what.add_argument(
        "--render-again", type=Path, metavar="FILE", help="Render a job once more, from the .renderplus.json that says how its pictures were made"
    )
    what.add_argument("--anyway", action="store_true", help="With --render-again: also with another .blend or Blender than before")
    what.add_argument("--serve", action="store_true", help="Start the server; an unfinished batch goes on")
    what.add_argument("--list-gpus", metavar="BLENDER", help="List the GPUs that this Blender can render on, with their numbers")
    what.add_argument("--print-stats", action="store_true", help="Print the batch's statistics after finishing")

    ask = parser.add_argument_group("ask the running server")
    ask.add_argument("--poll", action="store_true", help="Show the batch that runs")
    ask.add_argument("--poll-job", type=int, metavar="ID", help="Show one job, counted from 0")
    ask.add_argument("--cancel", action="store_true", help="Cancel the running batch")
    ask.add_argument("--cancel-job", action="store_true", help="Cancel the job that renders now; the batch goes on")
    ask.add_argument("--cancel-batch", type=int, metavar="ID", help="Cancel a batch of the queue, also one that an earlier server left unfinished")
    ask.add_argument("--keep-on", action="store_true", help="Stop the countdown that puts the computer to sleep or switches it off")
    ask.add_argument("--stop", action="store_true", help="Stop the server; a running batch stays resumable")

    farm = parser.add_argument_group("other machines render, too (docs/farm.md)")
    farm.add_argument("--farm", action="store_true", help="With --serve or --recipe: hand frames to SheepIt, BOINC and Flamenco clients")
    farm.add_argument("--farm-port", type=_port, default=FARM_PORT, metavar=">1024", help=f"Port of the farm (default {FARM_PORT}; 0: a free one)")
    farm.add_argument("--farm-host", action="append", default=[], metavar="ADDRESS", help="The farm listens here instead of loopback")
    farm.add_argument(
        "--farm-blender", action="append", default=[], metavar="PLATFORM=FOLDER",
        help="Blender folder for clients that bring none; PLATFORM is linux, windows or mac",
    )  # fmt: skip
    farm.add_argument(
        "--flamenco-blender", action="append", default=[], metavar="PLATFORM=PROGRAM",
        help="Blender as Flamenco workers have it (default on linux: blender); PLATFORM is linux, windows or mac",
    )  # fmt: skip
    farm.add_argument("--flamenco-server", default="", metavar="URL", help="A Flamenco server of 2015 that may send us tasks, such as http://HOST:9999")
    farm.add_argument("--add-worker", metavar="NAME", help="Let somebody join; prints the secret, once")
    farm.add_argument("--address", action="append", default=[], metavar="IP", help="With --add-worker: believed from here without a login (Flamenco has none)")
    farm.add_argument("--list-workers", action="store_true", help="List who may join, and the machines that did")
    farm.add_argument("--remove-worker", metavar="NAME", help="Let somebody join no more")

    how = parser.add_argument_group("how")
    how.add_argument("--port", type=_port, default=DEFAULT_PORT, metavar=">1024", help=f"Port of the server (default {DEFAULT_PORT})")
    how.add_argument("--host", action="append", default=[], metavar="ADDRESS", help="Listen here instead of loopback; asks for the owner's token then")
    how.add_argument("--require-token", action="store_true", help="Ask for the owner's token on loopback too (behind a proxy or a tunnel)")
    how.add_argument(
        "--token-file", type=Path, metavar="FILE", help="File of the owner's token, made when it is not there (default: 'token' in the data folder)"
    )
    how.add_argument(
        "--mail-password-file", type=Path, metavar="FILE", help="File of the mail account's password, readable by you alone (docs/notifications.md)"
    )
    how.add_argument("--blender", default="", metavar="PROGRAM", help="Blender to use: a path, a name on PATH, a Python that has bpy, or the word bpy")
    how.add_argument(
        "--slots", type=_slots, default=1, metavar="N", help="Frames that render side by side (default 1); 'auto' finds the best number while it renders"
    )
    how.add_argument("--most-slots", type=_most_slots, default=0, metavar="N", help="With --slots auto: never more than so many (default: one for each core)")
    how.add_argument(
        "--frame-timeout", type=_seconds, default=0.0, metavar="SECONDS", help="End a frame that takes longer, and try it again (default 0: no limit)"
    )
    how.add_argument("--renew-after", type=_frames, default=0, metavar="FRAMES", help="Start a fresh Blender after so many frames (default 0: never)")
    how.add_argument(
        "--renew-above", type=_percent, default=70, metavar="PERCENT",
        help="Start a fresh Blender when one grew above this part of the memory (default 70; 0: never)",
    )  # fmt: skip
    how.add_argument("--low-priority", action="store_true", help="Leave the machine's power to other programs when they want it")
    how.add_argument("--data-dir", type=Path, metavar="DIR", help="Folder of the ledger, logs and uploads (default: the user's own data folder)")
    how.add_argument(
        "--keep-uploads", type=_days, default=30, metavar="DAYS", help="Remove uploaded files that no batch needs after so many days (default 30; 0: never)"
    )
    how.add_argument("--keep-logs", type=_days, default=30, metavar="DAYS", help="Remove logs that nothing needs after so many days (default 30; 0: never)")
    how.add_argument("--json", action="store_true", help="Print poll, stats, check and dry as JSON")
    how.add_argument("--no-cleanup", action="store_true", help="Keep temporary folders")
    how.add_argument("--write-log", "--write-logs", action="store_true", help="Write a log in the logs folder")
    how.add_argument("--print-debug", action="store_true", help="Print debug logs")
    how.add_argument("--version", action="version", version=f"Render+ server {__version__}")
    return parser


def _port(text: str) -> int:
    port = int(text) if text.isascii() and text.isdigit() else -1
    if port != 0 and not 1024 < port < 65536:
        raise argparse.ArgumentTypeError(f"{text!r} is no port between 1025 and 65535")
    return port


AUTO_SLOTS = 0
"""What `--slots auto` becomes."""


def _slots(text: str) -> int:
    if text == "auto":
        return AUTO_SLOTS
    count = int(text) if text.isascii() and text.isdigit() else 0
    if not 1 <= count <= 64:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 to 64, nor the word auto")
    return count


def _most_slots(text: str) -> int:
    count = int(text) if text.isascii() and text.isdigit() else 0
    if not 1 <= count <= 64:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 to 64")
    return count


def _days(text: str) -> int:
    days = int(text) if text.isascii() and text.isdigit() else -1
    if not 0 <= days <= 36500:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of days (0: for ever)")
    return days


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 10_000_000:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds (0: no limit)")
    return seconds


def _frames(text: str) -> int:
    count = int(text) if text.isascii() and text.isdigit() else -1
    if not 0 <= count <= 1_000_000:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of frames (0: never)")
    return count


def _percent(text: str) -> int:
    percent = int(text) if text.isascii() and text.isdigit() else -1
    if not 0 <= percent <= 100:
        raise argparse.ArgumentTypeError(f"{text!r} is no percentage from 0 to 100 (0: never)")
    return percent
