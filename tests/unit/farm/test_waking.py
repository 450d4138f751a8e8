# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients that wait are woken from any thread, no more of them than there is work, and all of them at the end. Runs without Blender."""

from __future__ import annotations

import asyncio
import threading
import time

from unit.dispatch.house import make_job
from unit.farm.farm_house import FarmHouse

from batchserver.farm.keeper import SPARE
from batchserver.farm.waking import Waking


def test_who_waits_in_vain_is_told_so_in_time() -> None:
    waking, began = Waking(), time.monotonic()
    assert not asyncio.run(waking.wait(0.05))
    assert 0.05 <= time.monotonic() - began < 5
    assert len(waking) == 0


def test_a_thread_wakes_those_who_waited_longest() -> None:
    waking = Waking()

    async def scene() -> tuple[list[bool], int]:
        waits = [asyncio.create_task(waking.wait(0.5)) for _ in range(5)]
        await asyncio.sleep(0)
        threading.Thread(target=waking.wake, args=(2,)).start()
        done, _ = await asyncio.wait(waits, timeout=0.3, return_when=asyncio.ALL_COMPLETED)
        early = len(done)
        return [await wait for wait in waits], early

    assert asyncio.run(scene()) == ([True, True, False, False, False], 2)
    assert len(waking) == 0


def test_a_client_that_goes_away_waits_no_more() -> None:
    waking = Waking()

    async def scene() -> None:
        wait = asyncio.create_task(waking.wait(60))
        await asyncio.sleep(0)
        assert len(waking) == 1
        wait.cancel()
        await asyncio.gather(wait, return_exceptions=True)

    asyncio.run(scene())
    assert len(waking) == 0
    waking.wake(5)  # nobody is there, and the loop is closed


def test_at_the_end_nobody_waits() -> None:
    waking = Waking()

    async def scene() -> list[bool]:
        waits = [asyncio.create_task(waking.wait(60)) for _ in range(3)]
        await asyncio.sleep(0)
        threading.Thread(target=waking.close).start()
        return [*await asyncio.gather(*waits), await waking.wait(60)]

    assert asyncio.run(asyncio.wait_for(scene(), 10)) == [False] * 4


def test_no_more_clients_are_woken_than_there_are_frames(farm: FarmHouse) -> None:
    async def scene(frames: int) -> int:
        waits = [asyncio.create_task(farm.desk.work_may_have_come(0.3)) for _ in range(20)]
        await asyncio.sleep(0)
        if frames:
            farm.run(make_job(farm.folder, 0, tuple(range(1, frames + 1))))
        farm.settle()
        return sum(await asyncio.gather(*waits))

    assert asyncio.run(scene(0)) == 0
    assert asyncio.run(scene(3)) == 3 + SPARE


def test_a_new_batch_reaches_a_waiting_client_within_two_seconds(farm: FarmHouse) -> None:
    farm.desk.start()
    try:

        async def scene() -> float:
            wait = asyncio.create_task(farm.desk.work_may_have_come(30))
            await asyncio.sleep(0.1)
            began = time.monotonic()
            await asyncio.to_thread(farm.run, make_job(farm.folder))
            assert await wait
            return time.monotonic() - began

        assert asyncio.run(scene()) < 2
        assert farm.task()
    finally:
        farm.desk.close()


def test_the_desks_threads_end_a_task_that_nobody_hears_of(farm: FarmHouse) -> None:
    farm.run_frames(1)
    task = farm.task(patience=100)
    farm.desk.start()
    try:
        farm.now += 200
        until = time.monotonic() + 10
        while farm.counts_locked() != (1, 0, 0) and time.monotonic() < until:
            time.sleep(0.02)
        assert farm.counts_locked() == (1, 0, 0)
        assert not farm.desk.progress(task.id, 1)
    finally:
        farm.desk.close()


def test_the_preparer_is_kept_ready_as_long_as_somebody_waits(farm: FarmHouse) -> None:
    async def wait() -> None:
        waiting = asyncio.create_task(farm.desk.work_may_have_come(30))
        for _ in range(500):
            if farm.preparer.warmed:
                break
            await asyncio.sleep(0.01)
        waiting.cancel()

    farm.desk.preparing.start()
    try:
        assert farm.preparer.warmed == 0
        asyncio.run(wait())
        assert farm.preparer.warmed == 1, "and not at every look"
    finally:
        farm.desk.preparing.close()
