# SPDX-License-Identifier: GPL-3.0-or-later
"""Hooks are run in order, told the truth, ended in time, and nothing that they are told is ever run as code. Runs without Blender."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath

import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from unit.reactions.batch_facts import batch_facts, job_facts

from batchserver.model.events import Event, EventKind
from batchserver.model.hooks import OF_JOB, When, faults, for_posix, for_windows, variable, words
from batchserver.model.recipe import Hook
from batchserver.model.status import JobStatus
from batchserver.reactions import shell
from batchserver.reactions.facts import BatchFacts, ReactionProblem
from batchserver.reactions.hook_values import values, variables
from batchserver.reactions.hooks import HookReaction, HookRunner

NASTY = [
    "a b",
    "it's",
    '"',
    "$(touch owned)",
    "`touch owned`",
    "; touch owned",
    "x\ntouch owned\n",
    "${HOME}",
    "--help",
    "*",
    "\\",
    "|touch owned",
    "{job}",
    "ü\u202e",
    "-n",
]
posix = pytest.mark.skipif(os.name == "nt", reason="for sh")


@dataclass
class Known:
    """Facts and files that a test tells."""

    batch: BatchFacts
    paths: tuple[Path, ...] = ()
    asked: list[tuple[int, int, int | None]] = field(default_factory=list)

    def __call__(self, batch_id: int) -> BatchFacts | None:
        return self.batch

    def files(self, batch_id: int, index: int, frame: int | None = None) -> tuple[Path, ...]:
        self.asked.append((batch_id, index, frame))
        return self.paths


def runner(known: Known, folder: Path, said: list[str], **environ: str) -> HookRunner:
    return HookRunner(known, environ={"PATH": os.environ["PATH"], **environ}, logs=folder / "log", say=lambda _, sentence: said.append(sentence), windows=False)


def run(known: Known, folder: Path, *cmds: str | Hook, when: When = When.POST_JOB, frame: int | None = None, **environ: str) -> list[str]:
    hooks = tuple(cmd if isinstance(cmd, Hook) else Hook(True, cmd) for cmd in cmds)
    job = known.batch.jobs[0] if when in OF_JOB else None
    return [sentence for _, sentence in runner(known, folder, [], **environ).run(when, hooks, known.batch, job, frame)]


# --- tokens -------------------------------------------------------------------------------------------


@posix
@given(value=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30) | st.sampled_from(NASTY))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_a_name_is_the_shell_hands_it_on_whole_and_runs_none_of_it(value: str, tmp_path: Path) -> None:
    found = {"job_name": value, "batch_name": "b"}
    cmd = for_posix('printf "%s\\0" {job_name} "<{job_name}>" x{job_name}y "$(printf %s {job_name}; echo .)"')
    done = subprocess.run(shell.shell(cmd, windows=False), env=variables(found), cwd=tmp_path, capture_output=True, check=True)
    assert done.stdout.decode().split("\0")[:-1] == [value, f"<{value}>", f"x{value}y", f"{value}."]
    assert done.stderr == b""
    assert not list(tmp_path.iterdir())


@posix
def test_files_are_one_argument_each(tmp_path: Path) -> None:
    names = [tmp_path / name for name in ("a b.png", "it's $(x).png", "-n.png", "new\nline.png")]
    known = Known(batch_facts(job_facts(0)), tuple(names))
    assert run(known, tmp_path, f"cd {tmp_path} && printf '%s|' {{files}} > out && printf %s {{file}} > last") == []
    assert (tmp_path / "out").read_text() == "".join(f"{name}|" for name in names)
    assert (tmp_path / "last").read_text() == str(names[-1])


def test_braces_of_the_shell_stay_and_doubled_ones_are_a_word_in_braces() -> None:
    cmd = "echo ${HOME} {a,b} {1..3} { x; } {{job}} {} awk '{print $1}' a{{b}}"
    assert for_posix(cmd) == cmd.replace("{{job}}", "{job}").replace("{{b}}", "{b}")
    assert list(faults(cmd, When.PRE_JOB, windows=False)) == []


@pytest.mark.parametrize(
    ("cmd", "when", "expected"),
    [
        ("echo {jobname}", When.PRE_JOB, "{jobname} is no token; PRE_JOB has {event}"),
        ("echo {frame}", When.PRE_JOB, "{frame} is no token at this moment; PRE_JOB has"),
        ("echo {job}", When.PRE_BATCH, "{job} is no token at this moment"),
        ("echo '{job_name}'", When.PRE_JOB, "stands in single quotes"),
        ("echo \"$(echo '{job_name}')\"", When.PRE_JOB, "stands in single quotes"),
        ("cat <<EOF\n{job_name}\nEOF", When.PRE_JOB, "take it out of the here-document"),
        ('echo "{files}"', When.POST_JOB, "take it out of the quotes"),
        ("echo \0", When.PRE_JOB, "NUL"),
    ],
)
def test_a_token_that_could_not_be_filled_in_is_refused_with_a_sentence(cmd: str, when: When, expected: str) -> None:
    (sentence,) = faults(cmd, when, windows=False)
    assert expected in sentence


@pytest.mark.parametrize(
    "cmd",
    ["echo it\\'s {job}", "echo 'a' {job} \"it's\" {job}", "# it's a note\necho {job}", 'echo "`echo {job}`" $(echo ")" {job})', "echo {{job}} '{{job}}'"],
)
def test_a_token_outside_of_single_quotes_is_taken(cmd: str) -> None:
    assert list(faults(cmd, When.PRE_JOB, windows=False)) == []


def test_on_windows_values_stand_in_quotes_and_hold_nothing_that_cmd_would_read() -> None:
    found = {"job_name": 'a" & del /q * & "%PATH%\r\n', "blend": "C:\\films\\"}
    assert for_windows('echo {job_name} "{job_name}" {blend} {{job_name}}', found) == (
        'echo "a_ & del /q * & __PATH___" "a_ & del /q * & __PATH___" "C:\\films\\\\" {job_name}'
    )
    assert for_windows("copy {files}", found, ("C:\\a b.png", "C:\\c%d.png")) == 'copy "C:\\a b.png" "C:\\c_d.png"'
    assert list(faults("echo '{job_name}'", When.PRE_JOB, windows=True)) == []


@pytest.mark.parametrize("when", When)
def test_every_token_of_a_moment_has_a_value_and_a_variable(when: When, tmp_path: Path) -> None:
    failed = job_facts(0, 'the "job"\0', JobStatus.FAILED, failure="It broke", code="crashed", way_out="Mend it.")
    job = failed if when in OF_JOB else None
    found = values(when, batch_facts(), job, frame=7, files=(tmp_path / "a.png", tmp_path / "b.png"), log=tmp_path / "l")
    assert tuple(found) == words(when)
    assert set(variables(found)) == {variable(word) for word in words(when)}
    assert found["event"] == when.value
    assert found.get("job_name", 'the "job"') == 'the "job"'
    if "files" in found:
        assert found["files"] == f"{tmp_path / 'a.png'}\n{tmp_path / 'b.png'}"


def test_the_docs_name_every_token_and_moment() -> None:
    docs = (Path(__file__).parents[3] / "docs" / "hooks.md").read_text("utf-8")
    for when in When:
        assert f"`{when}`" in docs
        assert not [word for word in words(when) if f"`{{{word}}}`" not in docs]


# --- running ------------------------------------------------------------------------------------------


@posix
def test_hooks_run_in_the_order_listed_in_the_blends_folder_without_the_servers_secrets(tmp_path: Path) -> None:
    facts = job_facts(0)
    facts = replace(facts, job=replace(facts.job, blend=PurePath(tmp_path / "scene.blend")))
    known = Known(batch_facts(facts))
    failed = run(known, tmp_path, "pwd > order; echo one >> order", "false", "echo two >> order; env > env; echo said; echo said too >&2",
                 MY_PASSWORD="hidden", PYTHONPATH="/server", LANG="C", PROXY="http://me:secret@x/")  # fmt: skip
    assert (tmp_path / "order").read_text() == f"{tmp_path}\none\ntwo\n"
    (sentence,) = failed
    assert sentence.startswith("The POST_JOB hook 2 of job 0 (Gold) failed: its exit code is 1 (log: ")
    environ = dict(line.split("=", 1) for line in (tmp_path / "env").read_text().splitlines() if "=" in line)
    assert environ["RENDERPLUS_JOB_NAME"] == "Gold"
    assert environ["LANG"] == "C"
    assert not {"MY_PASSWORD", "PYTHONPATH", "PROXY"} & environ.keys()
    log = (tmp_path / "log" / "hooks-7-0.log").read_text()
    assert "said\nsaid too\n" in log
    assert "exit code 1 after" in log


@posix
def test_a_hanging_hook_is_ended_with_its_children_also_such_as_left_its_group(tmp_path: Path) -> None:
    known = Known(batch_facts(job_facts(0)))
    here = shutil.which("setsid")
    away = f"{here} sleep 60 & echo $! >> pids; " if here else ""
    began = time.monotonic()
    (sentence,) = run(known, tmp_path, Hook(True, f"cd {tmp_path}; {away} sleep 60 & echo $! >> pids; echo waiting for the drive; wait", 0.7))
    assert time.monotonic() - began < 15
    assert 'it took longer than 0.7 s and was ended; the last it said: "waiting for the drive"' in sentence
    pids = [int(line) for line in (tmp_path / "pids").read_text().split()]
    assert len(pids) == (2 if here else 1)
    assert not [pid for pid in pids if psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE]


@posix
def test_what_a_hook_leaves_running_is_not_waited_for_and_much_output_is_cut(tmp_path: Path) -> None:
    known = Known(batch_facts(job_facts(0)))
    began = time.monotonic()
    assert run(known, tmp_path, "sleep 3 & head -c 3000000 /dev/zero | tr '\\0' x", "exit 3") == [
        f"The POST_JOB hook 2 of job 0 (Gold) failed: its exit code is 3 (log: {tmp_path / 'log' / 'hooks-7-0.log'})"
    ]
    assert time.monotonic() - began < 2.9
    log = (tmp_path / "log" / "hooks-7-0.log").read_text()
    assert shell.OUTPUT_KEPT < len(log) < shell.OUTPUT_KEPT + 2000
    assert "(the rest is not kept)" in log


# --- reactions ----------------------------------------------------------------------------------------


def after(tmp_path: Path, batch: BatchFacts, event: Event) -> Iterator[str]:
    said: list[str] = []
    reaction = HookReaction(runner(Known(batch), tmp_path, said), lambda _, sentence: said.append(sentence))
    if reaction.wants(event, batch):
        try:
            reaction.react(event, batch)
        except ReactionProblem as problem:
            said.append(str(problem))
    order = tmp_path / "order"
    yield from order.read_text().split() if order.exists() else ()
    yield from said
    order.unlink(missing_ok=True)


@posix
def test_a_failed_job_runs_its_own_hooks_and_the_batchs_and_a_stranger_none(tmp_path: Path) -> None:
    def echo(word: str) -> tuple[Hook, ...]:
        return (Hook(True, f"echo {word} >> {tmp_path / 'order'}"), Hook(False, f"echo off >> {tmp_path / 'order'}"))

    job = job_facts(0, "Gold", JobStatus.FAILED, failure="It broke")
    hooked = replace(job.job, post_hooks=echo("post"), failure_hooks=echo("failed"), post_frame_hooks=echo("frame"))
    raw = {"POST_BATCH": [{"enabled": True, "cmd": f"echo batch >> {tmp_path / 'order'}; exit 4"}],
           "ON_FAILURE": [{"enabled": True, "cmd": f"echo {{code}} {{job}} >> {tmp_path / 'order'}"}]}  # fmt: skip
    batch = batch_facts(replace(job, job=hooked, code="crashed"), reactions={"hooks": raw})
    failed = Event(EventKind.JOB_FAILED, 1.0, 7, 0)
    assert list(after(tmp_path, batch, failed)) == ["post", "failed", "crashed", "0"]
    assert list(after(tmp_path, batch, Event(EventKind.FRAME_DONE, 1.0, 7, 0, 3))) == ["frame"]
    ended, sentence = after(tmp_path, batch, Event(EventKind.BATCH_FINISHED, 1.0, 7))
    assert ended == "batch"
    assert "The POST_BATCH hook 1 failed: its exit code is 4" in sentence
    assert list(after(tmp_path, replace(batch, trusted=False), failed)) == []
    never = replace(batch, jobs=(replace(batch.jobs[0], times=type(job.times)()),))
    assert list(after(tmp_path, never, failed)) == ["failed", "crashed", "0"], "a job that never began has nothing to clean up"
