# SPDX-License-Identifier: GPL-3.0-or-later
"""Every option of `python server`, as a real process: what it prints, and the exit code that says how it ended.

Runs without Blender itself.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from end_to_end.scenes import HEAVY, LIGHT, job, recipe
from end_to_end.server_under_test import ServerUnderTest, server_command, server_environment, until

from batchserver import __version__
from batchserver.cli.exit_codes import ExitCode
from blenders import ROOT, RealBlender

Maker = Callable[..., Path]
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")


@pytest.fixture
def call(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """`call(*options)`: run the command line to its end, and see that what it says in a pipe is plain text."""

    def run(*options: str | Path, timeout: float = 60, **environ: str) -> subprocess.CompletedProcess[str]:
        command, environment = server_command(*options), server_environment(tmp_path, **environ)
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, timeout=timeout, env=environment, cwd=tmp_path, stdin=subprocess.DEVNULL
        )  # fmt: skip
        assert not CONTROL.search(done.stdout + done.stderr), "control characters in a pipe"
        assert "Traceback" not in done.stderr, done.stderr
        return done

    return run


Call = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Path]:
    """`written(recipe)`: a recipe as a file."""

    def write(document: object, name: str = "recipe.json") -> Path:
        path = tmp_path / name
        path.write_text(document if isinstance(document, str) else json.dumps(document))
        return path

    return write


@pytest.fixture
def closed_port() -> int:
    """A port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


@pytest.fixture
def idle(tmp_path: Path) -> Iterator[ServerUnderTest]:
    """A server without a batch; its Blender is never started."""
    with ServerUnderTest(tmp_path, "no-such-blender") as server:
        yield server


# --- without anything running ------------------------------------------------------------------------------


def test_the_version_is_the_server_s(call: Call) -> None:
    done = call("--version")
    assert (done.returncode, done.stdout) == (0, f"Render+ server {__version__}\n")


def test_help_names_every_option_of_the_contract(call: Call) -> None:
    done = call("--help")
    assert done.returncode == 0
    for option in (
        "--recipe", "--dry", "--check", "--serve", "--port", "--poll", "--list-gpus", "--poll-job", "--cancel", "--cancel-job", "--stop", "--print-stats",
        "--no-cleanup", "--write-log", "--write-logs", "--print-debug", "--version", "-h", "--blender", "--data-dir", "--host", "--json",
    ):  # fmt: skip
        assert re.search(rf"(?<![\w-]){option}(?![\w-])", done.stdout), option


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ((), "Nothing to do"),
        (("--port", "80", "--serve"), "'80' is no port between 1025 and 65535"),
        (("--port", "1024", "--serve"), "'1024' is no port"),
        (("--port", "65536", "--serve"), "'65536' is no port"),
        (("--port", "seven", "--serve"), "'seven' is no port"),
        (("--poll-job", "x"), "invalid int value"),
        (("--slots", "0", "--serve"), "'0' is no number from 1 to 64"),
        (("--recipe", "not-there.json"), "There is no recipe not-there.json"),
        (("--dry",), "Nothing to do"),
        (("--serve", "--dry"), "--dry, --check, --missing and --resume need --recipe FILE"),
        (("--rec", "x.json"), "unrecognized arguments"),
    ],
)
def test_what_makes_no_sense_is_a_usage_error(options: tuple[str, ...], says: str, call: Call) -> None:
    done = call(*options)
    assert done.returncode == ExitCode.USAGE, done.stderr
    assert says in done.stderr
    assert done.stdout == ""


def test_a_recipe_that_is_no_json_is_refused_with_line_and_column(call: Call, written: Callable[..., Path]) -> None:
    done = call("--recipe", written('{"version": 2.2,\n "jobs": [{},]}'))
    assert done.returncode == ExitCode.USAGE
    assert "line 2" in done.stderr
    assert "column" in done.stderr


def test_a_recipe_s_faults_are_named_by_their_paths_one_a_line(call: Call, written: Callable[..., Path], tmp_path: Path) -> None:
    bad = recipe(job(tmp_path / "a.blend", tmp_path / "x", threads="many"), job(tmp_path / "a.blend", tmp_path / "y", frames="3-"))
    done = call("--recipe", written(bad))
    assert done.returncode == ExitCode.USAGE
    assert re.search(r"^jobs\[0\]\.threads: ", done.stderr, re.MULTILINE)
    assert re.search(r"^jobs\[1\]\.frames: ", done.stderr, re.MULTILINE)


def test_a_recipe_without_an_enabled_job_is_refused_at_its_start(call: Call, written: Callable[..., Path], tmp_path: Path) -> None:
    done = call("--recipe", written(recipe(job(tmp_path / "a.blend", tmp_path / "x", enabled=False))))
    assert done.returncode == ExitCode.USAGE
    assert "no job of the recipe is enabled" in done.stderr


@pytest.mark.parametrize("options", [("--poll",), ("--poll-job", "0"), ("--cancel",), ("--cancel-job",), ("--stop",)])
def test_questions_without_a_server_say_how_to_start_one(options: tuple[str, ...], call: Call, closed_port: int) -> None:
    done = call(*options, "--port", str(closed_port))
    assert done.returncode == ExitCode.SERVER
    assert f"No Render+ server answers on port {closed_port}" in done.stderr
    assert "--serve" in done.stderr


def test_a_stranger_on_the_port_is_no_server(call: Call) -> None:
    with subprocess.Popen(["python3", "-m", "http.server", "0", "--bind", "127.0.0.1"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                          env={**os.environ, "PYTHONUNBUFFERED": "1"}) as stranger:  # fmt: skip
        try:
            assert stranger.stdout is not None
            port = re.search(r"port (\d+)", stranger.stdout.readline())
            assert port
            polled = call("--poll", "--port", port[1])
            served = call("--serve", "--port", port[1])
        finally:
            stranger.kill()
    assert polled.returncode == ExitCode.SERVER
    assert "Another program answers" in polled.stderr
    assert served.returncode == ExitCode.SERVER
    assert "port" in served.stderr


def test_a_program_that_answers_no_http_is_told_apart_within_the_time_of_a_question(call: Call) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        done = call("--poll", "--port", str(silent.getsockname()[1]), timeout=30)
    assert done.returncode == ExitCode.SERVER


def test_a_data_folder_that_cannot_be_made_is_a_server_fault(call: Call, written: Callable[..., Path], tmp_path: Path) -> None:
    in_the_way = written("a file")
    done = call("--serve", "--port", "0", "--data-dir", in_the_way / "data")
    assert done.returncode == ExitCode.SERVER
    assert "--data-dir" in done.stderr


# --- --dry --------------------------------------------------------------------------------------------------


def test_a_dry_run_prints_statistics_and_commands_and_writes_nothing(call: Call, written: Callable[..., Path], tmp_path: Path) -> None:
    document = recipe(
        job(tmp_path / "a b.blend", tmp_path / "out" / "x_", engine="CYCLES", scene="My scene", frames="1-10x2,20", animated=True, name="first"),
        job(tmp_path / "c.blend", tmp_path / "out" / "y_", frame_still=7, name="second"),
        job(tmp_path / "c.blend", tmp_path / "out" / "z_", enabled=False),
    )
    done = call("--recipe", written(document), "--dry", "--data-dir", tmp_path / "data", PATH="/nowhere")
    assert done.returncode == 0, done.stderr
    assert "2 of 3 jobs enabled, 7 frames" in done.stdout
    assert f"'{tmp_path}/a b.blend'" in done.stdout
    assert "-S 'My scene' -E CYCLES" in done.stdout
    assert "-s 1 -e 9 -j 2 -a" in done.stdout
    assert "-f 7" in done.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["recipe.json", "user"]


def test_a_dry_run_as_json_is_json(call: Call, written: Callable[..., Path], tmp_path: Path) -> None:
    done = call("--recipe", written(recipe(job(tmp_path / "a.blend", "//out/x_", frames="1-3"))), "--dry", "--json")
    facts = json.loads(done.stdout)
    assert (facts["jobs_total"], facts["enabled"], facts["frames"]) == (1, 1, 3)
    assert facts["jobs"][0]["output"] == str(tmp_path / "out" / "x_")


# --- a server that runs ------------------------------------------------------------------------------------


def test_a_recipe_with_a_server_on_the_port_says_so_and_offers_poll(idle: ServerUnderTest, call: Call, written: Callable[..., Path], tmp_path: Path) -> None:
    done = call("--recipe", written(recipe(job(tmp_path / "a.blend", tmp_path / "x"))), "--port", str(idle.port), "--data-dir", tmp_path / "other")
    assert done.returncode == ExitCode.SERVER
    assert f"A Render+ server runs on port {idle.port} already" in done.stderr
    assert "--poll" in done.stderr
    assert not (tmp_path / "other").exists()


def test_a_second_server_on_a_data_folder_is_refused_and_the_first_stays(idle: ServerUnderTest, call: Call) -> None:
    done = call("--serve", "--port", "0", "--data-dir", idle.data)
    assert done.returncode == ExitCode.SERVER
    assert f"Another Render+ server uses the data folder {idle.data}" in done.stderr
    assert idle.good("GET", "/test")["name"].startswith("Render+")
    assert int(json.loads((idle.data / "server.json").read_text())["port"]) == idle.port


def test_polling_before_any_batch_says_so(idle: ServerUnderTest, call: Call) -> None:
    for options in (("--poll",), ("--poll-job", "0"), ("--cancel",), ("--cancel-job",)):
        done = call(*options, "--port", str(idle.port))
        assert done.returncode == ExitCode.SERVER
        assert "batch" in done.stderr


def test_stop_ends_the_server(idle: ServerUnderTest, call: Call) -> None:
    done = call("--stop", "--port", str(idle.port))
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    assert idle.process is not None
    assert idle.process.wait(10) == 0
    assert not (idle.data / "server.json").exists()


def test_a_server_stopped_by_ctrl_c_ends_well(idle: ServerUnderTest) -> None:
    assert idle.process is not None
    idle.process.send_signal(2)
    assert idle.process.wait(10) == 0
    assert "Traceback" not in idle.said()


def test_polls_and_cancels_tell_of_the_running_batch(any_blender: RealBlender, make_blend: Maker, call: Call, tmp_path: Path) -> None:
    heavy = make_blend(any_blender, "heavy", HEAVY)
    jobs = [job(heavy, tmp_path / f"{name}_", name=f"shot {name}") for name in ("a", "b")]
    with ServerUnderTest(tmp_path, any_blender.program) as server:
        port = ("--port", str(server.port))
        server.run(recipe(*jobs))
        server.wait_for_rendering()
        polled = call("--poll", *port)
        assert polled.returncode == 0
        assert "shot a" in polled.stdout
        assert json.loads(call("--poll", "--json", *port).stdout)["status"] == "RUNNING"
        assert "not over yet" in call("--poll", "--print-stats", *port).stdout
        assert json.loads(call("--poll-job", "1", *port).stdout)["status"] == "QUEUED"
        for nothing in ("2", "-1"):
            refused = call(f"--poll-job={nothing}", *port)
            assert refused.returncode == ExitCode.USAGE, refused
            assert refused.stderr.strip()
        assert call("--cancel-job", *port).returncode == 0
        answer = server.wait_for_rendering(job=1)
        assert answer["jobs"][0]["status"] == "CANCELLED"
        done = call("--cancel", "--json", *port)
        assert done.returncode == 0
        assert json.loads(done.stdout)["status"]
        assert server.poll()["status"] == "CANCELLED"
        assert call("--cancel", *port).returncode == ExitCode.SERVER
        assert "cancelled" in call("--poll", *port).stdout.lower()


# --- with a real Blender ------------------------------------------------------------------------------------


def test_the_gpus_of_a_machine_without_any_are_none(real_blender: RealBlender, call: Call) -> None:
    done = call("--list-gpus", real_blender.program)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "GPUS AVAILABLE FOR RENDERING\nNone. Cycles renders on the CPU.\n"
    assert json.loads(call("--list-gpus", real_blender.program, "--json").stdout) == {"gpus": []}


def test_gpus_of_what_is_no_blender_are_a_blender_fault(call: Call) -> None:
    assert call("--list-gpus", "not-there").returncode == ExitCode.BLENDER
    done = call("--list-gpus", "/bin/false")
    assert done.returncode == ExitCode.BLENDER
    assert "did not list its GPUs" in done.stderr


@pytest.fixture
def options(any_blender: RealBlender, tmp_path: Path) -> tuple[str, ...]:
    return ("--port", "0", "--data-dir", str(tmp_path / "data"), "--blender", str(any_blender.program))


def test_check_finds_nothing_in_a_good_recipe(any_blender: RealBlender, make_blend: Maker, call: Call, written: Callable[..., Path],
                                              options: tuple[str, ...], tmp_path: Path) -> None:  # fmt: skip
    good = job(make_blend(any_blender, "light", LIGHT), tmp_path / "out" / "x_", scene="Scene", camera="Camera", world="World", engine="CYCLES")
    path = written(recipe(good))
    done = call("--recipe", path, "--check", *options)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Everything is all right" in done.stdout
    facts = json.loads(call("--recipe", path, "--check", "--json", *options).stdout)
    assert facts["errors"] == []
    assert facts["jobs"][0]["outputs"] == [str(tmp_path / "out" / "x_0001.png")]
    assert not list(tmp_path.glob("out/*"))


def test_check_names_everything_that_would_spoil_the_night(
    any_blender: RealBlender, make_blend: Maker, call: Call, written: Callable[..., Path], options: tuple[str, ...], tmp_path: Path
) -> None:
    blend, out = make_blend(any_blender, "light", LIGHT), tmp_path / "out"
    in_the_way = written("a file", "in-the-way")
    wrong: dict[str, dict[str, Any]] = {
        "scene": {"scene": "No scene"}, "camera": {"camera": "No camera"}, "world": {"world": "No world"}, "layer": {"layer": "No layer"},
        "engine": {"engine": "NO_ENGINE"},
    }  # fmt: skip
    jobs = [job(blend, out / f"{key}_", **more) for key, more in wrong.items()]
    jobs += [job(tmp_path / "missing.blend", out / "missing_"), job(blend, in_the_way / "x_"), job(blend, out / "good_")]
    done = call("--recipe", written(recipe(*jobs)), "--check", "--json", *options)
    assert done.returncode == ExitCode.CHECK_FAILED, done.stdout + done.stderr
    errors = json.loads(done.stdout)["errors"]
    for index, (key, more) in enumerate(wrong.items()):
        own = [error for error in errors if error["path"].startswith(f"jobs[{index}]")]
        assert len(own) == 1, (key, own)
        assert str(next(iter(more.values()))) in own[0]["message"], own
    assert [error["path"] for error in errors if error["path"].startswith("jobs[5]")] == ["jobs[5].blend_file"]
    assert any(error["path"] == "jobs[6].output" for error in errors), errors
    assert not any(error["path"].startswith("jobs[7]") for error in errors)

    text = call("--recipe", written(recipe(*jobs)), "--check", *options)
    assert text.returncode == ExitCode.CHECK_FAILED
    assert "No camera" in text.stdout
    assert f"{len(errors)} faults found" in text.stdout + text.stderr


WITHOUT_TEXTURE = (
    LIGHT
    + """
image = bpy.data.images.new("gone", 4, 4)
image.source, image.filepath, image.use_fake_user = "FILE", "//gone.png", True
"""
)


def test_check_for_the_farm_says_what_could_not_be_packed(
    any_blender: RealBlender, make_blend: Maker, call: Call, written: Callable[..., Path], options: tuple[str, ...], tmp_path: Path
) -> None:
    path = written(recipe(job(make_blend(any_blender, "without_texture", WITHOUT_TEXTURE), tmp_path / "out" / "x_")))
    done = call("--recipe", path, "--check", "--farm", *options)
    assert done.returncode == 0, done.stdout + done.stderr
    assert 'Not packed for the farm, because there is no such file: "gone.png"' in done.stdout
    assert "Not packed" not in call("--recipe", path, "--check", *options).stdout


def test_check_without_a_blender_is_a_blender_fault(call: Call, written: Callable[..., Path], tmp_path: Path) -> None:
    blend = tmp_path / "a.blend"
    blend.write_bytes(b"BLENDER-v404" + bytes(64))
    path = written(recipe(job(blend, tmp_path / "x_")))
    done = call("--recipe", path, "--check", "--blender", "no-such-blender", "--data-dir", tmp_path / "data")
    assert done.returncode == ExitCode.BLENDER
    assert "no-such-blender" in done.stderr
    assert call("--recipe", path, "--check", "--blender", "/bin/false", "--data-dir", tmp_path / "data").returncode == ExitCode.BLENDER


def test_a_recipe_whose_job_fails_ends_with_its_own_code_and_renders_the_others(
    any_blender: RealBlender, make_blend: Maker, call: Call, written: Callable[..., Path], options: tuple[str, ...], tmp_path: Path
) -> None:
    blend = make_blend(any_blender, "light", LIGHT)
    jobs = [job(blend, tmp_path / "out" / "bad_", camera="No camera", name="bad"), job(blend, tmp_path / "out" / "good_", frames="1-5", name="good")]
    done = call("--recipe", written(recipe(*jobs)), *options, "--json")
    assert done.returncode == ExitCode.JOB_FAILED, done.stderr
    answer = json.loads(done.stdout)
    assert [facts["status"] for facts in answer["jobs"]] == ["FAILED", "FINISHED"]
    assert "No camera" in " ".join(answer["jobs"][0]["messages"])
    again = call("--recipe", written(recipe(*jobs)), *options)
    assert again.returncode == ExitCode.JOB_FAILED
    assert "FAILED" in again.stdout
    assert "good_0001.png" in again.stdout
    assert len(list((tmp_path / "out").iterdir())) == 5


def test_a_recipe_without_a_blender_fails_its_jobs_with_the_reason(call: Call, written: Callable[..., Path], tmp_path: Path) -> None:
    blend = tmp_path / "a.blend"
    blend.write_bytes(b"BLENDER-v404" + bytes(64))
    done = call("--recipe", written(recipe(job(blend, tmp_path / "x_"))), "--blender", "no-such-blender", "--port", "0", "--data-dir", tmp_path / "data")
    assert done.returncode in (ExitCode.JOB_FAILED, ExitCode.BLENDER)
    assert "no-such-blender" in done.stdout + done.stderr


def test_a_batch_that_is_cancelled_from_outside_ends_the_recipe_s_command(
    any_blender: RealBlender, make_blend: Maker, call: Call, written: Callable[..., Path], options: tuple[str, ...], tmp_path: Path
) -> None:
    path = written(recipe(job(make_blend(any_blender, "heavy", HEAVY), tmp_path / "x_")))
    command = server_command("--recipe", path, *options)
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=server_environment(tmp_path), cwd=tmp_path)
    try:
        address = tmp_path / "data" / "server.json"
        until(address.exists, 30, "the address file")
        port = str(json.loads(address.read_text())["port"])
        until(lambda: json.loads(call("--poll-job", "0", "--port", port).stdout)["status"] == "RUNNING", 30, "the job runs")
        assert call("--cancel", "--port", port).returncode == 0
        said, complained = process.communicate(timeout=10)
    finally:
        process.kill()
    assert process.returncode == ExitCode.CANCELLED, said + complained
    assert "cancelled" in said


def test_logs_and_temporary_folders_are_kept_when_asked(
    any_blender: RealBlender, make_blend: Maker, call: Call, written: Callable[..., Path], options: tuple[str, ...], tmp_path: Path
) -> None:
    path = written(recipe(job(make_blend(any_blender, "light", LIGHT), tmp_path / "out" / "x_")))
    (tmp_path / "tmp").mkdir()
    before = set((ROOT / "server" / "log").glob("*"))
    kept = call("--recipe", path, *options, "--no-cleanup", "--write-log", "--print-debug", TMPDIR=str(tmp_path / "tmp"))
    assert kept.returncode == 0, kept.stderr
    named = re.search(r"^Log: (.+)$", kept.stderr, re.MULTILINE)
    assert named, kept.stderr
    log = Path(named[1])
    try:
        assert re.fullmatch(r"renderplus_\d\d-\d\d-\d{4}-\d\d-\d\d-\d\d(-\d+)?", log.name)
        assert log.parent in (ROOT / "server" / "log", tmp_path / "data" / "log")
        assert "BATCH_FINISHED" in log.read_text().upper()
    finally:
        log.unlink()
    assert "DEBUG" in kept.stderr or "INFO" in kept.stderr
    assert list((tmp_path / "data" / "temp").glob("session-*"))
    assert (tmp_path / "out" / ".renderplus").is_dir()

    (tmp_path / "clean").mkdir()
    clean = call("--recipe", path, *options, "--write-logs", TMPDIR=str(tmp_path / "clean"))
    assert clean.returncode == 0
    second = re.search(r"^Log: (.+)$", clean.stderr, re.MULTILINE)
    assert second
    Path(second[1]).unlink()
    assert not [entry for entry in (tmp_path / "clean").iterdir() if entry.name.startswith("renderplus")]
    assert set((ROOT / "server" / "log").glob("*")) == before
