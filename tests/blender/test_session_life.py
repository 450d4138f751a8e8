# SPDX-License-Identifier: GPL-3.0-or-later
"""A session's life: it answers what it cannot read, and never outlives its stdin or its server."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from blender.scenes import PLAIN
from blender.session_driver import Session, command, job, of

from blenders import RealBlender

LONG = """
scene = bpy.context.scene
scene.render.engine = "CYCLES"
scene.render.resolution_x, scene.render.resolution_y = 640, 360
scene.cycles.samples = 100000
scene.cycles.use_adaptive_sampling = False
"""

SCRIPTED = """
scene = bpy.context.scene
scene.render.engine = "BLENDER_WORKBENCH"
scene.render.resolution_x, scene.render.resolution_y = 32, 18
text = bpy.data.texts.new("rig.py")
text.write("import bpy\\nbpy.context.scene['ran'] = 1\\nbpy.context.scene.render.resolution_x = 40\\n")
text.use_module = True
"""

AUTO_RUN = """
import bpy
bpy.context.preferences.filepaths.use_scripts_auto_execute = True
bpy.context.preferences.autoexec_paths.new().path = {never!r}
pattern = bpy.context.preferences.autoexec_paths.new()
pattern.path, pattern.use_glob = "*/downloads-[0-9]/*", True
bpy.ops.wm.save_userpref()
"""

HOSTILE = (
    b"{", b"[]", b"null", b"\xff\xfe\x00", b'{"order": "dance", "id": 7}', b'{"order": "render", "id": "x"}', b'{"order": "render", "id": 3}',
    b'{"order": "render", "id": 3, "job": {"blend": ""}, "frames": [[1,1,1]], "attempt": "a"}',
    b'{"order": "render", "id": 3, "job": {"blend": "/x.blend"}, "frames": [[9,1,1]], "attempt": "a"}',
    b'{"order": "render", "id": 3, "job": {"blend": "/x.blend"}, "frames": [[1,99999999999,1]], "attempt": "a"}',
    b'{"order": "render", "id": 3, "job": {"blend": "/x.blend"}, "frames": [[1,1,1]], "attempt": "../../etc"}',
    b'{"order": "render", "id": 3, "job": {"blend": "/x.blend", "size": ["a", 1]}, "frames": [[1,1,1]], "attempt": "a"}',
    b'{"order": "inspect", "id": 3, "blend": "/nothing.blend", "jobs": 4}', b'{"order":"encode","id":3,"job":{"blend":"/x"},"attempt":"a","files":[]}',
    b"[" * 100000,
)  # fmt: skip


def test_hostile_orders_fail_and_the_session_lives_on(session: Session, real_blender: RealBlender, make_blend: Callable[..., Path], tmp_path: Path) -> None:
    for line in HOSTILE:
        session.send_line(line)
        answer = session.until("failed")[-1]
        assert answer["code"] == "bad_order", (line[:80], answer)
        assert answer["message"]
    events = session.render(job(make_blend(real_blender, "plain", PLAIN), tmp_path / "p_"), [[1, 1, 1]])
    assert events[-1]["event"] == "done"


def test_ready_tells_the_version_and_the_engines(session: Session, real_blender: RealBlender) -> None:
    assert tuple(session.ready["version"]) == real_blender.version
    assert {"CYCLES", "BLENDER_WORKBENCH"} < set(session.ready["engines"])
    assert session.ready["module"] is real_blender.is_wheel


def test_the_end_of_stdin_ends_the_middle_of_a_render(real_blender: RealBlender, make_blend: Callable[..., Path], tmp_path: Path) -> None:
    blend = make_blend(real_blender, "long", LONG)
    with Session(str(real_blender.program), tmp_path) as session:
        session.send(order="render", job=job(blend, tmp_path / "p_"), frames=[[1, 1, 1]], attempt="1-1")
        session.until("frame_started")
        time.sleep(0.7)
        assert session.process.stdin is not None
        session.process.stdin.close()
        began = time.monotonic()
        session.process.wait(5)
        assert time.monotonic() - began < 2


SERVER = """
import json, os, subprocess, sys
read, write = os.pipe()
process = subprocess.Popen(json.loads(sys.argv[1]), stdin=read, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, pass_fds=(write,))
os.write(write, sys.argv[2].encode() + b"\\n")
for line in process.stdout:
    if b"frame_started" in line:
        print(process.pid, flush=True)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux kills a process with its parent")
def test_a_killed_server_takes_its_rendering_session_along(real_blender: RealBlender, make_blend: Callable[..., Path], tmp_path: Path) -> None:
    """The session itself holds the writing end of its stdin, so that only the death of its parent can end it."""
    blend = make_blend(real_blender, "long", LONG)
    order = json.dumps({"order": "render", "id": 1, "job": job(blend, tmp_path / "p_"), "frames": [[1, 1, 1]], "attempt": "1-1"})
    said = json.dumps({"token": "t", "temp": str(tmp_path), "server_pid": 0})
    environment = real_blender.environment(RENDERPLUS_SESSION=said)
    arguments = [sys.executable, "-c", SERVER, json.dumps(command(str(real_blender.program))), order]
    server = subprocess.Popen(arguments, stdout=subprocess.PIPE, env=environment, text=True)
    assert server.stdout is not None
    pid = int(server.stdout.readline())
    assert _alive(pid)
    server.send_signal(signal.SIGKILL)
    server.wait(5)
    end = time.monotonic() + 2
    while _alive(pid) and time.monotonic() < end:
        time.sleep(0.02)
    assert not _alive(pid)


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_the_secret_is_not_in_the_environment_of_scripts(real_blender: RealBlender, make_blend: Callable[..., Path], tmp_path: Path) -> None:
    """Proved on a process that the session could start: /proc keeps the first environment, os.environ does not."""
    source = SCRIPTED.replace("import bpy\\n", "import bpy, os\\nbpy.context.scene.render.resolution_y = 20 if 'RENDERPLUS_SESSION' in os.environ else 22\\n")
    if real_blender.is_wheel:
        pytest.skip("the wheel starts with factory preferences: it runs no scripts of files")
    blend = make_blend(real_blender, "curious", source)
    user = _user_with_auto_run(real_blender, tmp_path)
    with Session(str(real_blender.program), tmp_path, user) as session:
        events = session.render(job(blend, tmp_path / "p_"), [[1, 1, 1]])
    assert of(events, "frame_started")[0]["size"] == [40, 22]


def test_scripts_run_or_are_refused_as_the_user_prefers_and_it_is_said(real_blender: RealBlender, make_blend: Callable[..., Path], tmp_path: Path) -> None:
    scripted, plain = make_blend(real_blender, "scripted", SCRIPTED), make_blend(real_blender, "plain", PLAIN)
    with Session(str(real_blender.program), tmp_path) as session:
        events = session.render(job(scripted, tmp_path / "p_"), [[1, 1, 1]])
        (opened,) = of(events, "opened")
        assert opened["scripts_refused"]
        assert opened["ran_scripts"] is False
        assert any("auto-run" in note["message"] for note in of(events, "note"))
        assert of(events, "frame_started")[0]["size"] == [32, 18]
        (opened,) = of(session.render(job(plain, tmp_path / "q_"), [[1, 1, 1]]), "opened")
        assert opened["scripts_refused"] == ""
    if real_blender.is_wheel:
        return  # the wheel starts with factory preferences: nobody can allow scripts
    with Session(str(real_blender.program), tmp_path, _user_with_auto_run(real_blender, tmp_path)) as session:
        events = session.render(job(scripted, tmp_path / "r_"), [[1, 1, 1]])
        (opened,) = of(events, "opened")
        assert (opened["scripts_refused"], opened["ran_scripts"]) == ("", True)
        assert of(events, "frame_started")[0]["size"] == [40, 18]
        # The same file, were it a stranger's: whatever the user lets files do.
        events = session.render(job(scripted, tmp_path / "s_", scripts=False), [[1, 1, 1]])
        (opened,) = of(events, "opened")
        assert opened["scripts_refused"]
        assert opened["ran_scripts"] is False
        assert any("came from elsewhere" in note["message"] for note in of(events, "note"))
        assert of(events, "frame_started")[0]["size"] == [32, 18]
        inspected = session.inspect(scripted, job(scripted, tmp_path / "t_", scripts=False))
        assert inspected["scripts_refused"]
        assert any("came from elsewhere" in note for note in inspected["jobs"][0]["notes"])
        events = session.render(job(scripted, tmp_path / "u_"), [[1, 1, 1]])  # and nothing of it lasts
        assert of(events, "frame_started")[0]["size"] == [40, 18]
        for folder in ("never", "downloads-7"):  # folders that the user excluded
            (tmp_path / folder).mkdir()
            excluded = shutil.copy(scripted, tmp_path / folder)
            events = session.render(job(excluded, tmp_path / "v_"), [[1, 1, 1]])
            assert of(events, "opened")[0]["ran_scripts"] is False
            assert of(events, "frame_started")[0]["size"] == [32, 18]


def _user_with_auto_run(blender: RealBlender, folder: Path) -> dict[str, str]:
    user = folder / "user"
    user.mkdir(exist_ok=True)
    blender.run(AUTO_RUN.format(never=str(folder / "never") + os.sep), BLENDER_USER_RESOURCES=str(user))
    return {"BLENDER_USER_RESOURCES": str(user)}


def test_quit_ends_it_with_success(real_blender: RealBlender, tmp_path: Path) -> None:
    with Session(str(real_blender.program), tmp_path) as session:
        session.send(order="quit")
        assert session.process.wait(5) == 0


def test_nothing_is_written_beside_the_code(session: Session) -> None:
    folder = Path(__file__).resolve().parents[2] / "server" / "inside_blender"
    assert session.ready["pid"]
    assert not list(folder.rglob("*.pyc"))
    assert os.path.isdir(folder)
