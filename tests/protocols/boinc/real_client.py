# SPDX-License-Identifier: GPL-3.0-or-later
"""The real BOINC client of this machine, attached to a project on loopback, with a folder of its own; ended with all that it started.

Runs without Blender.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import psutil
from end_to_end.server_under_test import until

PROGRAM = shutil.which("boinc")
NO_CACHE = {"MESA_SHADER_CACHE_DISABLE": "true"}
"""Blenders of several releases share the drivers' cache otherwise, which may end one of them with SIGBUS."""

Found = TypeVar("Found")

_CONFIGURATION = """<cc_config>
  <log_flags><sched_op_debug>1</sched_op_debug><file_xfer_debug>1</file_xfer_debug><task_debug>1</task_debug><unparsed_xml>1</unparsed_xml></log_flags>
  <options>
    <dont_contact_ref_site>1</dont_contact_ref_site>
    <no_info_fetch>1</no_info_fetch>
    <skip_cpu_benchmarks>1</skip_cpu_benchmarks>
    <allow_multiple_clients>{several}</allow_multiple_clients>
    <no_gpus>1</no_gpus>
  </options>
</cc_config>
"""
_PREFERENCES = """<global_preferences>
  <run_on_batteries>1</run_on_batteries>
  <run_if_user_active>1</run_if_user_active>
  <suspend_cpu_usage>0</suspend_cpu_usage>
  <work_buf_min_days>0</work_buf_min_days>
  <work_buf_additional_days>0</work_buf_additional_days>
</global_preferences>
"""


class RealClient:
    """A client that runs; use it as a context. In a folder that was one's before it goes on as that one after a restart.

    `several`: it says that there are others on this computer.
    """

    def __init__(self, folder: Path, project: str, key: str, *, blender: Path, several: bool = False) -> None:
        assert PROGRAM is not None
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "cc_config.xml").write_text(_CONFIGURATION.format(several=int(several)))
        (folder / "global_prefs_override.xml").write_text(_PREFERENCES)
        self._command = [
            PROGRAM, "--dir", str(folder), "--no_gui_rpc", "--attach_project", project, key,
            "--sched_retry_delay_min", "2", "--sched_retry_delay_max", "5", "--pers_retry_delay_min", "2", "--pers_retry_delay_max", "4",
        ]  # fmt: skip
        own = {"RENDERPLUS_BLENDER": str(blender), **NO_CACHE}
        self._environment = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()} | own
        self.process: subprocess.Popen[bytes] | None = None
        self._known: dict[int, psutil.Process] = {}

    def __enter__(self) -> RealClient:
        with open(self.folder / "client.log", "ab") as log:
            self.process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self._environment, cwd=self.folder, start_new_session=True
            )  # fmt: skip
        return self

    def __exit__(self, *_: object) -> None:
        left = self.programs()
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(10)
        for process in left:
            with contextlib.suppress(psutil.Error):
                process.kill()

    @property
    def log(self) -> str:
        """Give what the client said."""
        return (self.folder / "client.log").read_text(errors="replace")

    def wait_for(self, look: Callable[[RealClient], Found], seconds: float, what: str) -> Found:
        """Look again and again until something true is found."""

        def once() -> Found:
            assert self.process is not None
            assert self.process.poll() is None, f"the client ended: {self.log[-2000:]}"
            self.programs()
            return look(self)

        try:
            return until(once, seconds, what, pause=0.1)
        except AssertionError as late:
            raise AssertionError(f"{late}; the client said: {self.log[-3000:]}") from None

    def kill(self) -> None:
        """Kill the client itself, as a crash does; its programs find out by themselves."""
        assert self.process is not None
        self.programs()
        self.process.kill()
        self.process.wait(10)

    def programs(self) -> list[psutil.Process]:
        """Find what the client runs and ever ran, as far as it is alive."""
        if self.process is not None:
            with contextlib.suppress(psutil.Error):
                for child in psutil.Process(self.process.pid).children(recursive=True):
                    self._known.setdefault(child.pid, child)
        return [process for process in self._known.values() if _lives(process)]


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False
