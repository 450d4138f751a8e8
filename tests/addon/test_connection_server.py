# SPDX-License-Identifier: GPL-3.0-or-later
"""How the add-on finds the user's server, starts one, and tells it from strangers. The servers are real, without a Blender."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import stat
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from addon import far_side

from blenders import ROOT

remote_module = far_side.load("remote")
process_module = far_side.load("server_process")
copy_module = far_side.load("server_copy")
watch_module = far_side.load("watch")
starts_module = far_side.load("starts")
client_module = far_side.load("client")
data_module = far_side.load("data_folder")

VERSION = "3.0.0"


def alive(pid: int) -> bool:
    """Tell whether a process runs; one that only waits to be collected does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_until(ready: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


class Household:
    """Remotes of one data folder, whose servers end with the test."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self.stopping = threading.Event()
        self.pids: set[int] = set()

    def house(self, **changes: Any) -> Any:
        facts = {"data": self.data, "port": 0, "blender": str(self.data / "no_blender"), "code": ROOT / "server", "version": VERSION}
        return remote_module.House(**facts | changes)

    def patient_blender(self) -> str:
        """Make a program in Blender's place that never gets ready, and ends with its server."""
        self.data.mkdir(exist_ok=True)
        program = self.data / "patient"
        program.write_text("#!/bin/sh\nexec cat > /dev/null\n")
        program.chmod(0o755)
        return str(program)

    def remote(self, **changes: Any) -> Any:
        return remote_module.Remote(self.house(**changes), self.stopping)

    def reach(self, **changes: Any) -> Any:
        client = self.remote(**changes).reach()
        self.note()
        return client

    def note(self) -> Any:
        address = data_module.read_address(self.data)
        if address is not None:
            self.pids.add(address.pid)
        return address

    def end(self) -> None:
        self.note()
        for pid in self.pids:
            if alive(pid):
                os.kill(pid, signal.SIGTERM)
        wait_until(lambda: not any(map(alive, self.pids)))


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Household]:
    made = Household(tmp_path)
    yield made
    made.end()


def test_a_server_is_started_from_its_own_copy_with_its_own_packages(home: Household) -> None:
    client = home.reach()
    assert client.ask("GET", "/test").document["version"] == VERSION
    told = Path(f"/proc/{home.note().pid}/cmdline").read_bytes().decode().split("\0")
    environ = dict(line.split("=", 1) for line in Path(f"/proc/{home.note().pid}/environ").read_bytes().decode().split("\0") if "=" in line)
    copies = list((home.data / "server").iterdir())
    assert len(copies) == 1
    assert copies[0].name.startswith(VERSION + "-")
    assert told[1] == str(copies[0] / "server")
    assert environ["PYTHONPATH"] == str(copies[0] / "packages")
    assert {path.name for path in (copies[0] / "packages").iterdir()} == {"bottle.py", "fastjsonschema", "feedgenerator", "psutil", "waitress"}
    assert stat.S_IMODE((home.data / "server").stat().st_mode) == 0o700


def test_the_copy_holds_every_file_of_the_server(tmp_path: Path) -> None:
    made = copy_module.make_copy(ROOT / "server", tmp_path, VERSION, {})
    tools = {"__pycache__", "build", "log"}
    of = lambda root: {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file() and not tools & set(path.relative_to(root).parts)}  # noqa: E731
    assert of(made.server) == of(ROOT / "server")
    assert of(made.folder / "assets" / "sounds") == {"finished.wav", "failed.wav"}, "what it plays, where the server looks for it"
    assert not any(path.name in tools for path in made.server.rglob("*"))


def test_the_packages_are_those_that_the_server_asks_for() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert sorted(copy_module.PACKAGES) == sorted(entry.split(">")[0].split("=")[0].split("<")[0] for entry in project["dependencies"])


def test_a_running_server_is_found_again_not_started_again(home: Household) -> None:
    home.reach()
    first = home.note()
    home.reach()
    assert home.note() == first


def test_the_server_outlives_the_code_that_it_was_copied_from(home: Household, tmp_path: Path) -> None:
    installed = tmp_path / "extension" / "server"
    shutil.copytree(ROOT / "server", installed, ignore=shutil.ignore_patterns("__pycache__", "build", "log"))
    client = home.reach(code=installed)
    shutil.rmtree(installed.parent)
    assert client.ask("GET", "/api/v1/batches").document == {"batches": []}
    assert client.ask("GET", "/recipe.schema.json").document["$schema"]  # read from the disk


def test_the_same_code_is_copied_once_and_other_code_again(tmp_path: Path) -> None:
    code = tmp_path / "server"
    code.mkdir()
    (code / "__main__.py").write_text("1")
    first = copy_module.make_copy(code, tmp_path / "data", VERSION, {})
    stamp = (first.server / "__main__.py").stat().st_mtime_ns
    assert copy_module.make_copy(code, tmp_path / "data", VERSION, {}) == first
    assert (first.server / "__main__.py").stat().st_mtime_ns == stamp
    (code / "__main__.py").write_text("2")
    second = copy_module.make_copy(code, tmp_path / "data", VERSION, {})
    assert second != first
    assert [path for path in (tmp_path / "data" / "server").iterdir() if path.name.startswith("new-")] == []


def test_unused_copies_go_but_not_young_ones_nor_the_used_one(tmp_path: Path) -> None:
    folders = [tmp_path / "server" / name for name in ("2.9.0-a", "3.0.0-b", "3.0.0-c")]
    for folder, age in zip(folders, (7200, 7200, 10), strict=True):
        folder.mkdir(parents=True)
        os.utime(folder, (1_000_000 - age, 1_000_000 - age))
    copy_module.remove_unused(tmp_path, copy_module.ServerCopy(folders[1]), now=1_000_000)
    assert [folder.exists() for folder in folders] == [False, True, True]


def test_a_missing_package_is_named(home: Household) -> None:
    with pytest.raises(client_module.ConnectionProblem, match="its package no_such_package is missing"):
        copy_module.find_packages(["no_such_package"])


def test_the_environment_keeps_displays_and_colours_and_drops_pythons_own_and_secrets() -> None:
    kept = {"DISPLAY": ":1", "OCIO": "/c.ocio", "BLENDER_USER_RESOURCES": "/u", "PATH": "/bin", "PASSENGER": "1"}
    dropped = {"PYTHONHOME": "/p", "PYTHONPATH": "/q", "PYTHONSTARTUP": "/s", "VIRTUAL_ENV": "/v", "MAIL_PASSWORD": "x", "GITHUB_TOKEN": "x", "api_key": "x"}
    made = process_module.server_environment(kept | dropped, Path("/packages"))
    assert made == kept | {"PYTHONPATH": str(Path("/packages")), "PYTHONNOUSERSITE": "1", "PYTHONUTF8": "1"}


def test_the_command_has_no_arguments_of_blenders_python() -> None:
    launch = process_module.Launch(Path("/data"), 7788, "/bin/blender")
    made = process_module.server_command("/bin/python3", copy_module.ServerCopy(Path("/copy")), launch)
    assert made[1] == str(Path("/copy/server"))
    assert made[2:] == ["--serve", "--port", "7788", "--data-dir", str(Path("/data")), "--blender", "/bin/blender", "--low-priority"]


def test_the_python_of_this_process_is_found_also_when_another_stands_in_its_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "python3"
    broken.write_text("#!/bin/sh\nexit 127\n")
    broken.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(broken))
    monkeypatch.setattr(sys, "_base_executable", str(broken), raising=False)
    found = process_module.find_python(dict(os.environ), sys.version_info[:2])
    assert found != str(broken)
    with pytest.raises(client_module.ConnectionProblem, match=r"Python 3\.1 of this Blender was not found"):
        process_module.find_python(dict(os.environ), (3, 1))


def test_another_program_on_the_port_gets_a_sentence_and_no_token(home: Household) -> None:
    heard = []
    with socket.create_server(("127.0.0.1", 0)) as stranger:

        def answer() -> None:
            for _ in range(2):
                connection, _ = stranger.accept()
                with connection:
                    connection.settimeout(5)
                    asked = connection.recv(4096)
                    heard.append(asked)
                    if asked:
                        connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n<html>")

        threading.Thread(target=answer, daemon=True).start()
        port = stranger.getsockname()[1]
        home.data.mkdir()
        (home.data / "token").write_text("s3cret")
        with pytest.raises(client_module.Stranger, match=f"Another program uses port {port}; choose another port in the preferences"):
            home.remote(port=port).reach()
    assert not any(b"s3cret" in asked for asked in heard)
    assert not (home.data / "server").exists()


def test_the_server_of_another_data_folder_on_the_port_gets_a_sentence(home: Household, tmp_path: Path) -> None:
    port = home.reach().port
    with pytest.raises(client_module.Stranger, match="A Render\\+ server of another user or data folder uses port"):
        home.remote(data=tmp_path / "other", port=port).reach()


def test_an_address_file_that_a_crash_left_is_not_believed(home: Household) -> None:
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        port = stranger.getsockname()[1]
    home.data.mkdir()
    (home.data / "server.json").write_text(json.dumps({"port": port, "instance": "dead", "pid": 1, "version": VERSION}))
    assert home.remote().connected() is None
    assert home.reach().ask("GET", "/test").document["name"] == "Render+ server"


def test_an_older_server_that_has_nothing_to_do_makes_room(home: Household) -> None:
    home.reach()
    old = home.note()
    home.reach(version="3.0.1")
    new = home.note()
    assert new.pid != old.pid
    assert not alive(old.pid)
    assert any(path.name.startswith("3.0.1-") for path in (home.data / "server").iterdir())


def test_a_newer_server_is_used_as_it_is(home: Household) -> None:
    home.reach()
    first = home.note()
    home.reach(version="2.9.9")
    assert home.note() == first


def test_a_server_that_ends_at_once_says_why(home: Household, tmp_path: Path) -> None:
    code = tmp_path / "server"
    code.mkdir()
    (code / "__main__.py").write_text("import sys\nsys.exit('The disk is full of cats')")
    with pytest.raises(client_module.ConnectionProblem, match="The disk is full of cats"):
        home.remote(code=code).reach()


def test_stopping_waits_until_the_server_is_gone(home: Household) -> None:
    remote = home.remote()
    remote.reach()
    pid = home.note().pid
    assert remote.stop_server()
    assert data_module.read_address(home.data) is None
    assert not alive(pid)
    assert not remote.stop_server()


# --- one batch -------------------------------------------------------------------------------------------


def post(home: Household, key: str = "k1", source: str = "/shots/shot.blend") -> Any:
    folder = home.data / "starts" / key
    folder.mkdir(parents=True)
    blend = folder / "shot.blend"
    blend.write_bytes(b"BLENDER-v405")
    job = {"name": "one", "blend_file": str(blend), "output": str(folder / "out_####")}
    start = starts_module.Start(key, source, str(blend), time.time(), name="shot.blend", outputs=(job["output"],))
    return watch_module.Post(start, {"version": 2.2, "jobs": [job]})


def test_a_batch_is_started_followed_and_found_by_another_blender(home: Household) -> None:
    watch = watch_module.Watch(home.house(), home.stopping)
    started = watch.start(post(home))
    home.note()
    assert started.batch == 1
    assert started.snapshot["name"] == "shot.blend"
    other = watch_module.Watch(home.house(), home.stopping)
    found = other.find("/shots/shot.blend")
    assert (found.batch, found.key, found.source) == (1, "k1", "/shots/shot.blend")


def test_a_refused_recipe_leaves_no_copy_behind(home: Household) -> None:
    watch = watch_module.Watch(home.house(), home.stopping)
    wanted = post(home)
    with pytest.raises(client_module.Refusal, match="version"):
        watch.start(watch_module.Post(wanted.start, {"jobs": []}))
    home.note()
    assert list((home.data / "starts").iterdir()) == []


def test_a_finished_batch_is_shown_until_it_is_closed_even_without_a_server(home: Household) -> None:
    watch = watch_module.Watch(home.house(), home.stopping)
    watch.start(post(home))
    home.note()
    wait_until(lambda: watch.poll().phase == "FINISHED")  # there is no Blender: its job fails
    watch.stop_server()
    other = watch_module.Watch(home.house(), home.stopping)
    found = other.find("/shots/shot.blend")
    assert found.phase == "FINISHED"
    assert found.snapshot["jobs"][0]["status"] == "FAILED"
    other.close(keep_server=True)
    assert other.find("/shots/shot.blend").phase == "IDLE"


def test_a_server_that_was_killed_is_started_again_and_goes_on(home: Household) -> None:
    watch = watch_module.Watch(home.house(blender=home.patient_blender()), home.stopping)
    watch.start(post(home))
    first = home.note()
    os.kill(first.pid, signal.SIGKILL)
    wait_until(lambda: not alive(first.pid))
    phases = [str(watch.poll().phase) for _ in range(4)]
    second = home.note()
    assert second.pid != first.pid
    assert phases[-1] == "RUNNING"
    assert watch.state.batch == 1
    assert watch.state.snapshot["status"] in ("WAITING", "RUNNING")


def test_a_server_that_the_artist_stopped_is_not_started_again_by_itself(home: Household) -> None:
    watch = watch_module.Watch(home.house(blender=home.patient_blender()), home.stopping)
    watch.start(post(home))
    assert watch.stop_server().phase == "LOST"
    for _ in range(5):
        watch.poll()
    assert watch.state.phase == "LOST"
    assert "goes on when it is started again" in watch.state.message
    assert data_module.read_address(home.data) is None
    assert watch.resume().phase == "RUNNING"
    home.note()


def test_cancelling_a_batch_whose_server_is_gone_keeps_it_from_going_on_some_day(home: Household) -> None:
    watch = watch_module.Watch(home.house(blender=home.patient_blender()), home.stopping)
    watch.start(post(home))
    watch.stop_server()
    assert watch.cancel().snapshot["status"] == "CANCELLED"
    home.note()
    assert watch.state.phase == "FINISHED"


def test_without_keep_server_a_server_ends_with_its_last_batch(home: Household) -> None:
    watch = watch_module.Watch(home.house(), home.stopping)
    watch.start(post(home))
    pid = home.note().pid
    wait_until(lambda: watch.poll().phase == "FINISHED")
    watch.close(keep_server=False)
    wait_until(lambda: not alive(pid))


def test_a_ledger_that_is_gone_ends_the_search(home: Household) -> None:
    watch = watch_module.Watch(home.house(), home.stopping)
    watch.start(post(home))
    watch.stop_server()
    for path in home.data.glob("ledger.sqlite*"):
        path.unlink()
    home.reach()
    assert watch_module.Watch(home.house(), home.stopping).find("/shots/shot.blend").phase == "IDLE"
