# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens around a render, as the artist sets it: it comes into the recipe, no secret goes anywhere else, and the real server does it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from addon.installed import Installed
from addon.test_ui_panels import inside

from blenders import RealBlender

SET = """
from renderplus.batch import addon, copying, difference, presets, recipe
from renderplus.batch.connection import secrets, settings
from renderplus.batch.checks.find import find_all
found["refused"] = refused(bpy.ops.renderplus.mute_channel, key="x")
bpy.ops.wm.save_as_mainfile(filepath=os.path.join(folder, "x.blend"), compress=False)
batch = store.ensure()
chosen = addon.preferences()
chosen.data_folder = os.path.join(folder, "data")
chosen.mail_user, chosen.mail_port, chosen.mail_security, chosen.mail_from = "me", 2525, "STARTTLS", "me@example.org"
do = bpy.ops.renderplus
job = add_job(batch, bpy.context.scene, name="One", output="//out_####", file_format="PNG")
WORDS = ("planted-topic", "planted-token", "planted-hook")
found["told"] = [
    refused(do.set_channel, fresh=True, kind="NTFY", title="Phone", url="https://ntfy.example.org/planted-topic"),
    refused(do.set_channel, fresh=True, kind="GOTIFY", url="https://push.example.org"),
    refused(do.set_channel, fresh=True, kind="WEBHOOK", title="Site", url="https://example.org/planted-hook", token="planted-token"),
]
found["listed"] = [(each.name, each.kind, each.host) for each in chosen.channels]
def sent():
    return settings.channels(chosen, settings.data_folder(chosen), batch.muted_channels.keys())
found["complete"] = [(each["kind"], each["enabled"], each["url"], each["token"]) for each in sent()]
chosen.active_channel = 1
do.set_channel(kind="GOTIFY", title="Notices", url="https://push.example.org", token="planted-token")
do.set_channel(kind="GOTIFY", title="Notices", url="https://push.example.org")
found["token is kept"] = [each["token"] for each in sent() if each["kind"] == "gotify"]
found["muting without"] = refused(do.mute_channel, key=chosen.channels[0].key)
batch.use_channels = True
do.mute_channel(key=chosen.channels[0].key)
found["muted"] = [each["enabled"] for each in sent()]
made = recipe.make_recipe(batch, blend_file="/copy.blend", mail=settings.mail_account(chosen, settings.data_folder(chosen)), channels=sent())
found["recipe"] = made
batch.use_channels = False
found["off"] = recipe.make_recipe(batch, blend_file="/copy.blend", channels=sent())["notifications"]["channels"]
batch.use_channels = True
do.mute_channel(key=chosen.channels[0].key)
found["heard again"] = [each["enabled"] for each in sent()]
bpy.ops.wm.save_mainfile()
try:
    bpy.ops.wm.save_userpref()
except RuntimeError:
    pass
config = bpy.utils.user_resource("CONFIG") or folder
files = [os.path.join(folder, "x.blend"), *(os.path.join(at, name) for at, _, names in os.walk(config) for name in names)]
found["leaks"] = [path for path in files for word in WORDS if word.encode() in open(path, "rb").read()]
last = bpy.context.window_manager.operator_properties_last("renderplus.set_channel")
found["remembered"] = [last.url, last.token] if last else ["", ""]

for when in ("PRE", "PRE_FRAME", "POST_FRAME", "POST", "FAILURE"):
    do.add_hook(when=when)
found["of the batch"] = refused(do.add_hook, of_batch=True, when="PRE_FRAME")
do.add_hook(of_batch=True, when="FAILURE")
job = batch.jobs[0]
found["hooks"] = [len(each) for each in (job.pre_hooks, job.pre_frame_hooks, job.post_frame_hooks, job.post_hooks, job.failure_hooks, batch.failure_hooks)]
job.pre_frame_hooks[0].cmd, job.pre_frame_hooks[0].timeout, job.pre_frame_hooks[0].ignore_failure = "true", 5.5, True
job.use_suspect, job.suspect_nan, job.frame_limit = True, True, 90
do.duplicate_job()
copy = batch.jobs[1]
hook = copy.pre_frame_hooks[0]
found["copy"] = [hook.cmd, hook.timeout, hook.ignore_failure, copy.use_suspect, copy.suspect_nan, copy.suspect_black, copy.frame_limit]
found["difference"] = [(row.label, row.scene_value, row.job_value) for row in difference.rows(copy, batch)]

os.mkdir(os.path.join(folder, "a folder"))
open(os.path.join(folder, "a file"), "w").close()
batch.use_feed = batch.use_sound = True
found["feed"] = {}
for path in ("", "//a folder", "//a file/feed.rss", "//feed.rss"):
    batch.feed_path = path
    found["feed"][path] = [(str(each.severity), each.code) for each in find_all(bpy.context, batch) if each.code.startswith(("feed", "no_feed"))]
batch.sound_file = "//no.wav"
found["sound"] = [each.message for each in find_all(bpy.context, batch) if each.code == "sound_missing"]
chosen.active_channel = 0
for _ in range(3):
    do.remove_channel()
found["removed"] = [len(chosen.channels), os.path.exists(os.path.join(folder, "data", "channel_secrets")), do.remove_channel.poll()]
found["stale"] = sent()
"""


def test_all_of_it_is_set_copied_checked_and_no_secret_goes_where_it_must_not(addon_blender: RealBlender, tmp_path: Path) -> None:
    found = inside(addon_blender, tmp_path, SET)
    assert "no job yet" in found["refused"]
    assert found["told"] == ["{'FINISHED'}"] * 3
    assert found["listed"] == [
        ["Phone", "NTFY", "ntfy.example.org"], ["Gotify", "GOTIFY", "push.example.org"], ["Site", "WEBHOOK", "example.org"],
    ]  # fmt: skip
    phone, site = ["ntfy", True, "https://ntfy.example.org/planted-topic", ""], ["webhook", True, "https://example.org/planted-hook", "planted-token"]
    assert found["complete"] == [phone, site], "a channel that lacks its token is left out"
    assert found["token is kept"] == ["planted-token"]
    assert "switch them on first" in found["muting without"]
    assert found["muted"] == [False, True, True]
    assert found["heard again"] == [True, True, True]
    mail = found["recipe"]["notifications"]["mail"]
    assert (mail["user"], mail["port"], mail["security"], mail["from"]) == ("me", 2525, "starttls", "me@example.org")
    sent = [(each["kind"], each["enabled"]) for each in found["recipe"]["notifications"]["channels"]]
    assert sent == [("ntfy", False), ("gotify", True), ("webhook", True)]
    assert found["off"] == []
    assert found["leaks"] == []
    assert found["remembered"] == ["", ""]

    assert "the batch has none" in found["of the batch"]
    assert found["hooks"] == [1, 1, 1, 1, 1, 1]
    assert found["copy"] == ["true", 5.5, True, True, True, False, 90]
    rows = {label: (scene, own) for label, scene, own in found["difference"]}
    assert rows["Picture Checks"] == ("none", "Broken Pixels")
    assert rows["Time Limit"] == ("none", "90 s per frame")

    assert found["feed"] == {
        "": [["WARNING", "no_feed_file"]], "//a folder": [["WARNING", "feed_is_folder"]], "//a file/feed.rss": [["WARNING", "feed_unwritable"]],
        "//feed.rss": [],
    }  # fmt: skip
    assert len(found["sound"]) == 1
    assert found["removed"] == [0, False, False]
    assert found["stale"] == []


@contextmanager
def receiver() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Listen on loopback, and keep what is posted."""
    posted: list[dict[str, Any]] = []

    class Taken(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            posted.append({"path": self.path, "authorization": self.headers.get("Authorization"), "event": body.get("event"), "jobs": body.get("jobs")})
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    listening = HTTPServer(("127.0.0.1", 0), Taken)
    thread = threading.Thread(target=listening.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.server_port}", posted
    finally:
        listening.shutdown()
        listening.server_close()
        thread.join(5)


RENDERED = """
bpy.context.preferences.system.use_online_access = True
small_scene(frames=2)
bpy.ops.wm.save_as_mainfile(filepath=os.path.join(folder, "shot.blend"))
batch = store.get()
job = batch.jobs[0]
note = os.path.join(folder, "notes")
moments = (job.pre_hooks, "pre"), (job.pre_frame_hooks, "before"), (job.post_frame_hooks, "after"), (job.post_hooks, "post"), (batch.post_hooks, "end")
for hooks, word in moments:
    frame = " {frame}" if word in ("before", "after") else ""
    hooks.add().cmd = f"echo {word}{frame} >> {note}"
failing = job.pre_hooks.add()
failing.cmd, failing.timeout, failing.ignore_failure = "sleep 30", 1.0, True
job.use_suspect, job.suspect_transparent = True, True
batch.use_feed, batch.feed_path = True, "//feed.rss"
batch.statistics_csv = batch.provenance = batch.write_log = batch.use_channels = True
bpy.ops.renderplus.set_channel(fresh=True, kind="WEBHOOK", title="Site", url=os.environ["RECEIVER"] + "/hook", token="planted-token")
bpy.ops.renderplus.start_batch()
who, end = set(), time.monotonic() + 60
while running.state().phase in ("STARTING", "RUNNING") and time.monotonic() < end:
    running.pump()
    who |= {(worker["name"], worker["kind"]) for worker in running.state().workers}
    time.sleep(0.02)
found["workers"] = sorted(who)
state = pumped("FINISHED")
found["status"] = [job["status"] for job in state.jobs]
end = time.monotonic() + 20
wanted = [os.path.join(folder, "feed.rss"), note]
while time.monotonic() < end and not all(map(os.path.exists, wanted)):
    time.sleep(0.1)
time.sleep(1.0)
found["messages"] = state.snapshot["messages"]
found["notes"] = open(note).read().split("\\n")
found["files"] = sorted(os.path.relpath(os.path.join(at, name), folder) for at, _, names in os.walk(folder) for name in names)
data = settings.data_folder(None)
log = os.path.join(data, "log", f"batch-{state.batch}.log")
found["log"] = open(log).read() if os.path.exists(log) else ""
"""


def test_the_server_does_what_was_set(installed: Installed, monkeypatch: pytest.MonkeyPatch) -> None:
    if installed.blender.is_wheel or installed.blender.version < (5, 0, 0):
        pytest.skip("one Blender is enough: the recipe is the same")
    with receiver() as (address, posted):
        monkeypatch.setenv("RECEIVER", address)
        found = installed.run(RENDERED)
    assert found["status"] == ["FINISHED"], found
    assert found["workers"] == [["slot-1", "slot"]]
    assert [line.strip() for line in found["notes"] if line.strip()] == ["pre", "before 1", "after 1", "before 2", "after 2", "post", "end"]
    assert any("took longer than 1 s" in message for message in found["messages"])
    assert "feed.rss" in found["files"]
    assert [name for name in found["files"] if name.endswith(".csv")]
    assert [name for name in found["files"] if name.endswith(".renderplus.json")]
    assert "batch_finished: batch 1" in found["log"]
    assert "planted-token" not in found["log"]
    assert [(each["path"], each["authorization"], each["event"]) for each in posted] == [("/hook", "Bearer planted-token", "finished")]
