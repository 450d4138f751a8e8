# SPDX-License-Identifier: GPL-3.0-or-later
"""The generations of the SheepIt client: what each sends, needs, and puts into its script. Runs without Blender."""

from __future__ import annotations

from dataclasses import dataclass

_OLD_BEGIN = """import bpy
bpy.context.user_preferences.filepaths.temporary_directory = "{folder}"
"""
_BEGIN = """import bpy
try:
    bpy.context.preferences.filepaths.temporary_directory = "{folder}"
except AttributeError:
    bpy.context.user_preferences.filepaths.temporary_directory = "{folder}"
"""
_DEVICE = '\nsheepit_set_compute_device("NONE", "CPU", "CPU")\n'
_TILES = "\nfor scene in bpy.data.scenes:\n    scene.render.tile_x = 32\n    scene.render.tile_y = 32\n"
_SIGNALS = "\nimport signal\ndef hndl(signum, frame):\n    pass\nsignal.signal(signal.SIGINT, hndl)\n"

_STATS = frozenset({"credits_session", "credits_total", "frame_remaining", "waiting_project", "connected_machine"})
_JOB = frozenset({"id", "use_gpu", "archive_md5", "path", "frame", "name", "password"})


@dataclass(frozen=True, slots=True)
class Generation:
    """How a generation behaves, where they differ."""

    name: str
    version: str
    agent: str
    begin: str
    """The lines that it puts before the server's script, and after it."""
    end: str
    needs_stats: frozenset[str] = frozenset()
    needs_job: frozenset[str] = _JOB
    needs_renderer: frozenset[str] = frozenset({"md5", "commandline", "update_method"})
    needs_requests: frozenset[str] = frozenset({"request-job", "download-archive", "error", "keepmealive", "logout"})
    needs_script: bool = True
    login_by_get: bool = False
    returns_whole_cookie: bool = False
    needs_publickey: bool = True
    xml_as_form: bool = False
    sends_cache: bool = True
    validates_by_url: bool = True
    part_has_type: bool = True
    sends_log_at_login: bool = False
    beats_at_login: bool = False
    deletes_early: bool = False
    chunks: bool = False
    uploads_first: str = "1"
    """The word of `synchronous_upload` at which it sends a frame before it asks for the next."""
    login_fields: tuple[tuple[str, str], ...] = ()
    job_fields: tuple[tuple[str, str], ...] = ()


G1 = Generation(
    "G1", "5.1678.2500", "Java/1.8.0_292", _OLD_BEGIN, _DEVICE, needs_stats=_STATS, needs_job=_JOB | {"extras"},
    needs_renderer=frozenset({"md5", "commandline"}),
    needs_requests=frozenset({"validate-job", "request-job", "download-archive", "error", "keepmealive", "logout"}), needs_script=False,
    returns_whole_cookie=True, needs_publickey=False, xml_as_form=True, validates_by_url=False, part_has_type=False, uploads_first="0",
)  # fmt: skip
G1_BY_GET = Generation(**{**{name: getattr(G1, name) for name in G1.__slots__}, "name": "G1 of spring 2017", "login_by_get": True})
G1B = Generation(
    "G1b", "5.1678.3038", "Java/11.0.20", _BEGIN, _DEVICE + _TILES, needs_job=_JOB | {"extras", "synchronous_upload"},
    needs_requests=G1.needs_requests, xml_as_form=True, validates_by_url=False, part_has_type=False, uploads_first="0",
    login_fields=(("ui", "GuiText"),),
)  # fmt: skip
G2A = Generation(
    "G2a", "6.20300.0", "Java/11.0.20", _BEGIN, _DEVICE + _TILES + _SIGNALS, needs_job=_JOB | {"extras", "synchronous_upload", "validation_url"},
    login_fields=(("ui", "GuiText"), ("headless", "1")),
)  # fmt: skip
G2B = Generation(
    "G2b", "6.22306.0", "Java/17.0.8", _BEGIN, _DEVICE + _SIGNALS, needs_job=_JOB | {"synchronous_upload", "validation_url"}, sends_log_at_login=True,
    deletes_early=True, login_fields=(("os_version", "linux 12 (bookworm) build 6.18"), ("ui", "GuiText"), ("headless", "1"), ("hwid", "b1f5c5b7caf866bd")),
    job_fields=(("network_dl", "0"), ("network_up", "272571")),
)  # fmt: skip
G3 = Generation(
    "G3", "7.24086.0", "Rust/1.76", _BEGIN, _DEVICE + _SIGNALS, needs_job=_JOB | {"synchronous_upload", "validation_url"}, sends_cache=False,
    needs_requests=frozenset({"request-job", "download-binary", "download-chunk", "error", "keepmealive", "logout", "speedtest-answer"}),
    beats_at_login=True, chunks=True, login_fields=(("os_version", "linux 12"), ("ui", "GuiText"), ("headless", "true"), ("hwid", "unknown")),
    job_fields=(("network_dl", "0"), ("network_up", "0")),
)  # fmt: skip

ALL = (G1, G1_BY_GET, G1B, G2A, G2B, G3)
