# SPDX-License-Identifier: GPL-3.0-or-later
"""`python3 server`: what is asked, who does it, and how it ended.

Runs without Blender.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from batchserver.model.errors import BadInput, RecipeFaults, RenderPlusError
from batchserver.model.recipe import Recipe
from batchserver.web.token import read_token
from batchserver.workers.gpus import list_gpus
from batchserver.workers.programs import find_program

from . import ask, cancelling, checking, dry, logs, missing, render, rendering_again
from .arguments import make_parser
from .client import Client
from .data_folder import DataFolder, default_data_folder
from .exit_codes import ExitCode, code_of
from .farming import FarmSettings
from .wiring import Settings, read_recipe, session_limits


def main(arguments: Sequence[str]) -> int:
    """Do what the arguments ask; returns the exit code."""
    options = make_parser().parse_args(arguments)
    try:
        return run(options)
    except RecipeFaults as faults:
        for fault in faults.faults:
            print(f"{fault.path}: {fault.message}" if fault.path else fault.message, file=sys.stderr)
        return ExitCode.USAGE
    except RenderPlusError as error:
        print(error, file=sys.stderr)
        return code_of(error)
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever read us is gone
        return ExitCode.OK


def run(options: argparse.Namespace) -> int:
    """Find out which of its tasks the program was called for, and do it."""
    data = DataFolder(options.data_dir or default_data_folder(os.environ, Path.home()))
    _set_up_logs(options, data)
    client = Client(options.port, host=_host_to_ask(options), token=read_token(data.path, options.token_file))
    if options.list_gpus:
        program = find_program(options.list_gpus, path=os.environ.get("PATH"), environ=os.environ, data_folder=data.path)
        return list_gpus(program, as_json=options.json)
    if any((options.poll, options.poll_job is not None, options.cancel, options.cancel_job, options.keep_on, options.stop)):
        return ask.ask(options, client)
    if options.cancel_batch is not None:
        return cancelling.cancel(options.cancel_batch, client, _settings(options, data))
    if options.add_worker or options.remove_worker or options.list_workers:
        from . import joining  # the farm's room is not imported otherwise

        return joining.join(options, data)
    if options.render_again is not None:
        return _render_again(options, _settings(options, data), client)
    if options.recipe is None and not options.serve:
        raise BadInput("Nothing to do: give --recipe FILE to render, or --serve to start the server (--help lists all options)")
    settings = _settings(options, data)
    if options.recipe is not None and (options.dry or options.check or options.missing):
        return _look_at(read_recipe(_existing(options.recipe)), options, settings)
    if options.recipe is None and (options.dry or options.check or options.missing or options.resume):
        raise BadInput("--dry, --check, --missing and --resume need --recipe FILE")
    batch = read_recipe(_existing(options.recipe)) if options.recipe else None
    if batch is not None and options.resume:
        batch = missing.only_missing(batch)
    return render.render(batch, settings, client, serve=options.serve, print_stats=options.print_stats, as_json=options.json)


def _render_again(options: argparse.Namespace, settings: Settings, client: Client) -> int:
    if options.recipe is not None or options.serve or options.resume or options.missing:
        raise BadInput("--render-again renders what its file says; leave out --recipe, --serve, --resume and --missing")
    recipe = rendering_again.prepared(options.render_again, settings, anyway=options.anyway)
    if recipe is None:
        return ExitCode.CHECK_FAILED
    if options.dry or options.check:
        return _look_at(recipe, options, settings)
    return render.render(recipe, settings, client, serve=False, print_stats=options.print_stats, as_json=options.json)


def _look_at(recipe: Recipe, options: argparse.Namespace, settings: Settings) -> int:
    if options.missing:
        return missing.show(recipe, as_json=options.json)
    shown = dry.show(recipe, settings, as_json=options.json) if options.dry else ExitCode.OK
    return checking.check(recipe, settings, as_json=options.json) if options.check else shown


def _farm_settings(options: argparse.Namespace) -> FarmSettings:
    return FarmSettings(
        options.farm_port, tuple(options.farm_host), tuple(options.farm_blender), options.flamenco_server, tuple(options.flamenco_blender)
    )  # fmt: skip


def _set_up_logs(options: argparse.Namespace, data: DataFolder) -> None:
    file = logs.log_file(data.logs, time.localtime()) if options.write_log else None
    logs.set_up(file=file, debug=options.print_debug)
    if file is not None:
        print(f"Log: {file}", file=sys.stderr)
    logging.captureWarnings(True)


def _settings(options: argparse.Namespace, data: DataFolder) -> Settings:
    return Settings(
        data, options.port, dict(os.environ), tuple(options.host), options.require_token, options.blender, options.slots, options.low_priority,
        not options.no_cleanup, keep_ready=options.serve, token_file=options.token_file and options.token_file.absolute(), keep_uploads=options.keep_uploads,
        keep_logs=options.keep_logs, most_slots=options.most_slots,
        mail_password=options.mail_password_file and options.mail_password_file.absolute(),
        farm=_farm_settings(options) if options.farm else None,
        limits=session_limits(frame=options.frame_timeout, frames=options.renew_after, percent=options.renew_above),
    )  # fmt: skip


def _host_to_ask(options: argparse.Namespace) -> str:
    anywhere = {"0.0.0.0", "::", ""}
    return next((host for host in options.host if host not in anywhere), "127.0.0.1")


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise BadInput(f"There is no recipe {path}")
    return path
