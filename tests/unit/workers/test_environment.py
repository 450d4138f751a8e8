# SPDX-License-Identifier: GPL-3.0-or-later
"""What a session's environment keeps, and what it must never see. Runs without Blender."""

from __future__ import annotations

import json

import pytest

from batchserver.workers.environment import session_environment


def made(**environ: str) -> dict[str, str]:
    return session_environment(environ, token="t0ken", temp="/tmp/x", server_pid=42)


@pytest.mark.parametrize("name", ["PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP", "PYTHONUSERBASE", "VIRTUAL_ENV", "VIRTUAL_ENV_PROMPT", "__PYVENV_LAUNCHER__"])
def test_what_belongs_to_the_server_s_python_is_dropped(name: str) -> None:
    assert name not in made(**{name: "/x"})


@pytest.mark.parametrize(
    "name",
    ["SMTP_PASSWORD", "MAIL_PASS", "DB_PASSWD", "SSH_PASSPHRASE", "GITHUB_TOKEN", "NPM_TOKEN", "AWS_SECRET_ACCESS_KEY", "OPENAI_API_KEY", "MY_APIKEY",
     "GOOGLE_APPLICATION_CREDENTIALS", "token", "ACCESS_TOKEN_FILE"],
)  # fmt: skip
def test_secrets_are_dropped(name: str) -> None:
    assert name not in made(**{name: "hush"})


@pytest.mark.parametrize(
    "name",
    ["PATH", "HOME", "LANG", "OCIO", "DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS", "CUDA_VISIBLE_DEVICES",
     "LD_LIBRARY_PATH", "BLENDER_USER_RESOURCES", "BLENDER_USER_CONFIG", "BLENDER_SYSTEM_SCRIPTS", "CYCLES_OPTIX_TEST", "COMPASS", "KEYBOARD",
     "BYPASS_X", "PYTHONDONTWRITEBYTECODE"],
)  # fmt: skip
def test_what_rendering_needs_is_kept(name: str) -> None:
    assert made(**{name: "/value"})[name] == "/value"


@pytest.mark.parametrize("value", ["http://me:hush@proxy:3128", "socks5://me:hush@[::1]:1", "postgres://u:p%20w@db/x"])
def test_an_address_with_a_password_in_it_is_dropped_whatever_its_name(value: str) -> None:
    assert "https_proxy" not in made(https_proxy=value)


@pytest.mark.parametrize("value", ["http://proxy:3128", "http://me@proxy:3128", "a:b@c", "https://host/path:x@y", "/a/b:c@d"])
def test_an_address_without_one_is_kept(value: str) -> None:
    assert made(https_proxy=value)["https_proxy"] == value


def test_the_session_is_told_its_token_its_folder_and_its_server() -> None:
    environment = made(RENDERPLUS_SESSION="forged", RENDERPLUS_INSIDE_SESSION="0")
    assert json.loads(environment["RENDERPLUS_SESSION"]) == {"token": "t0ken", "temp": "/tmp/x", "server_pid": 42}
    assert environment["RENDERPLUS_INSIDE_SESSION"] == "1"


@pytest.mark.parametrize("name", ["TMPDIR", "TEMP", "TMP"])
def test_what_blender_keeps_for_a_moment_goes_into_the_session_s_folder(name: str) -> None:
    assert made(**{name: "/elsewhere"})[name] == "/tmp/x"


def test_each_slot_has_a_shader_cache_of_its_own_and_without_one_the_user_s_stays() -> None:
    own = session_environment({"MESA_SHADER_CACHE_DIR": "/home/me/shaders"}, token="t", temp="/tmp/x", server_pid=1, shaders="/data/shaders/slot-1")
    assert own["MESA_SHADER_CACHE_DIR"] == "/data/shaders/slot-1"
    kept = session_environment({"MESA_SHADER_CACHE_DIR": "/home/me/shaders"}, token="t", temp="/tmp/x", server_pid=1)
    assert kept["MESA_SHADER_CACHE_DIR"] == "/home/me/shaders"
