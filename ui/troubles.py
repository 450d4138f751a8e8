# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with a job, in sentences: cheap enough to be asked for every job that is in sight. Runs inside Blender."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import bpy

from ..batch import jobs as job_facts
from ..batch import outputs
from ..batch.sayings import say
from .overview import Overview

if TYPE_CHECKING:
    from ..batch.properties import RenderPlusBatch, RenderPlusJob


def first(job: RenderPlusJob, place: int, batch: RenderPlusBatch, known: Overview, context: bpy.types.Context) -> str:
    """Say the first thing that is wrong with a job; empty when nothing is."""
    return next((sentence for sentence in _all(job, place, batch, known, context) if sentence), "")


def _all(job: RenderPlusJob, place: int, batch: RenderPlusBatch, known: Overview, context: bpy.types.Context) -> Iterator[str]:
    yield scene(job)
    yield camera(job, context)
    yield world(job)
    yield job_facts.frames_fault(job)
    yield outputs.fault(job, batch)
    yield collision(place, batch, known)


def scene(job: RenderPlusJob) -> str:
    """Say what is wrong with the scene, or with the other .blend."""
    if job.use_external:
        return "" if job.external_file else say("No .blend file is chosen")
    return say('The scene "{name}" is deleted; choose another', name=job.scene_name) if job_facts.is_scene_deleted(job) else ""


def camera(job: RenderPlusJob, context: bpy.types.Context) -> str:
    """Say what is wrong with the camera; that of another .blend is not known here."""
    if job_facts.is_camera_deleted(job):
        return say('The camera "{name}" is deleted; choose another', name=job_facts.camera_name(job))
    found = job_facts.scene_of(job, context.scene)
    if found is None or job.camera or found.camera or any(marker.camera for marker in found.timeline_markers):
        return ""
    return say('The scene "{name}" has no camera', name=found.name)


def world(job: RenderPlusJob) -> str:
    """Say what is wrong with the world."""
    return say('The world "{name}" is deleted; choose another', name=job.world_name) if job_facts.is_world_deleted(job) else ""


def collision(place: int, batch: RenderPlusBatch, known: Overview) -> str:
    """Say which jobs write the same files as this one."""
    rivals = [index for index in known.rivals.get(place, ()) if index < len(batch.jobs)]
    if not rivals:
        return ""
    name, more = batch.jobs[rivals[0]].name, len(rivals) - 1
    if not more:
        return say('Writes the same files as the job "{name}"', name=name)
    return say('Writes the same files as the job "{name}" and {count} more', name=name, count=more)
