# SPDX-License-Identifier: GPL-3.0-or-later
"""What a gateway meets: accounts, workers, tasks with their packages, and the desk that hands them out. Runs without Blender.

A gateway keeps no queue and no SQL: what its protocol needs beyond this (sessions, host numbers, names given out) goes into its `Store`.
Every method here may wait for a lock or the disk: from a coroutine, call it in a thread. `Desk.work_may_have_come` alone is a coroutine.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from batchserver.model.diagnosis import Diagnosis
from batchserver.model.errors import Conflict, Refused
from batchserver.model.frames import FrameList
from batchserver.model.records import BatchRecord, JobRecord

PICTURE_LIMIT = 1 << 30
"""The most bytes of a picture that a worker sends."""

LOG_LIMIT = 8 << 20
"""The most bytes of a log that a worker sends."""


class SlowDown(Refused):
    """Wrong secrets came from an address just now: the next one is looked at after `wait` seconds."""

    def __init__(self, wait: float) -> None:
        self.wait = wait
        super().__init__(f"Too many wrong secrets came from there; try again in {max(1, round(wait))} s")


class TooMany(Conflict):
    """An account has as many machines as it may have."""


class Speech(StrEnum):
    """The protocols that workers speak."""

    SHEEPIT = "sheepit"
    BOINC = "boinc"
    FLAMENCO = "flamenco"


class Standing(StrEnum):
    """Whether a worker gets work: it does, the owner paused it, or it delivered bad frames and was put aside."""

    ACTIVE = "active"
    PAUSED = "paused"
    ASIDE = "aside"


class Platform(StrEnum):
    """What a worker's Blender must be built for."""

    LINUX = "linux"
    WINDOWS = "windows"
    MAC = "mac"


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who may join, made by `--add-worker`. `addresses`: from where a protocol without login (Flamenco's) is believed."""

    id: int
    name: str
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HostFacts:
    """What a worker says of its machine; 0 and "" where it says nothing. Memory in bytes."""

    name: str = ""
    platform: Platform = Platform.LINUX
    system: str = ""
    cpu: str = ""
    cores: int = 0
    memory: int = 0
    client: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class Worker:
    """A machine that joined. `name` is how leases and lists call it, `key` what its protocol knows it by within its account."""

    id: int
    account: Account
    speech: Speech
    key: str
    name: str
    facts: HostFacts
    joined: float
    seen: float
    standing: Standing = Standing.ACTIVE
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Archive:
    """A file to be downloaded, made once per content. `md5` and `sha256` are of the whole file, lower-case hex; `size` in bytes."""

    path: Path
    md5: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class FrameNames:
    """How a local session would name each frame's picture: folder, then `before`, the number with at least `digits` digits, and `after`.

    `folder` is the final folder. A movie's frames have names like any others; into which folder of the server's own they go is the dispatcher's.
    """

    folder: Path
    before: str
    digits: int
    after: str

    def name(self, frame: int) -> str:
        """Give the file name of a frame's picture."""
        return f"{self.before}{'-' if frame < 0 else ''}{abs(frame):0{self.digits}d}{self.after}"

    def path(self, frame: int) -> Path:
        """Give the final path of a frame's picture."""
        return self.folder / self.name(frame)


@dataclass(frozen=True, slots=True)
class Package:
    """All that a job's frames need elsewhere, and what has to come back.

    `scene` is a ZIP with the .blend (`blend`: its place inside, '/' between folders), whatever it links to, and our scripts in `renderplus/`.
    It is the same for all jobs of one file. `job` is the job's settings as JSON for `renderplus/farm_frame.py`. One picture comes back for
    a frame: `width` x `height` pixels, ending in `suffix` (".png"), in the format of Blender's word `word`. `script` is the Python that puts the
    job on the opened file, for clients that take a text (SheepIt); it finds our scripts beside the .blend. A client's command line needs
    `--factory-startup --disable-autoexec --python-exit-code 7` before the .blend, so that no picture is written where the script could not run,
    and no `--engine`, `-S`, `-F`: the script has set them. Other clients run
    `blender --factory-startup --disable-autoexec -b BLEND -P renderplus/farm_frame.py -- --job JOB.json --frame N --output FILE [--progress FILE]`.

    `names` says where the pictures belong, `movie` that they are frames of a movie (PNG) that is encoded afterwards; `notes` is what the artist
    should know before frames are handed out: above all what could not be packed.
    """

    scene: Archive
    blend: str
    job: bytes
    width: int
    height: int
    suffix: str
    word: str
    engine: str
    script: str
    names: FrameNames
    movie: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unfit:
    """A job that stays with this computer, and the sentence that says why."""

    sentence: str


class Preparer(Protocol):
    """Makes packages; called by one thread of the desk's."""

    def prepare(self, batch: BatchRecord, job: JobRecord) -> Package | Unfit:
        """Make the job's package, or say why it cannot leave; a scene that was packed before is taken from the cache. May take minutes.

        The package's files are kept until `release`. Raises `BlenderProblem` when no Blender could be asked: try again later.
        """
        ...

    def warm_up(self) -> None:
        """Have ready what the next package needs, since somebody waits for it. Raises `BlenderProblem` when there is no Blender."""
        ...

    def release(self, package: Package) -> None:
        """Say that a package is needed no longer: its files may be removed when the cache is too old or too large."""
        ...

    def what_is_missing(self, blend: Path) -> list[str]:
        """Say what of a .blend could not be packed, as sentences; nothing is written. For `--check`."""
        ...

    def rest(self) -> None:
        """End the Blender that was kept for the next question; call it when nothing is left to prepare."""
        ...

    def close(self) -> None:
        """Give up what is under way (`prepare` answers Unfit or raises), and end."""
        ...


@dataclass(frozen=True, slots=True)
class Task:
    """Frames of one job that a remote worker has: a lease. `id` is the lease's, never used twice; `token` is an unguessable word for URLs.

    `deadline` is Unix time: not heard of until then, the frames are queued again.
    """

    id: int
    worker_id: int
    batch: int
    job: int
    job_id: int
    name: str
    frames: FrameList
    package: Package
    token: str
    granted: float
    deadline: float
    over: bool = False


@dataclass(frozen=True, slots=True)
class Wants:
    """What a worker can take: the most frames at once, the seconds of silence after which the task is lost, its memory in bytes (0: not said)."""

    frames: int = 1
    patience: float = 1440.0
    memory: int = 0


class Verdict(StrEnum):
    """What became of a delivered frame: sealed, not needed any more (late, or twice: acknowledge it, it changes nothing), or not believed."""

    ACCEPTED = "accepted"
    NOT_NEEDED = "not_needed"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Delivered:
    """The verdict on a delivered frame, with a sentence and a code (`model/codes.py`) when it was rejected."""

    verdict: Verdict
    sentence: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True)
class FarmCounts:
    """Figures that clients like to show."""

    frames_left: int = 0
    frames_done: int = 0
    batches: int = 0
    workers: int = 0


class Store(Protocol):
    """A gateway's own small memory, kept in the ledger: JSON values by key, under the gateway's name."""

    def get(self, key: str) -> Any | None: ...
    def put(self, key: str, value: Any) -> None: ...
    def remove(self, key: str) -> None: ...
    def items(self, prefix: str = "") -> Iterator[tuple[str, Any]]: ...


class Renderers(Protocol):
    """Blenders of the owner's choice as archives for clients that bring none (`--farm-blender linux=FOLDER`)."""

    def archive(self, platform: Platform) -> Archive | None:
        """Give the ZIP for SheepIt clients (`rend.exe` at its root, on the Mac the .app), None when the owner named no folder. May take minutes once."""
        ...

    def version(self, platform: Platform) -> str: ...


class Running(Protocol):
    """What a gateway does by itself, until it is closed."""

    def close(self) -> None: ...


class Desk(Protocol):
    """The one core that all gateways share."""

    renderers: Renderers

    # who -------------------------------------------------------------------------------------------------
    def log_in(self, name: str, secret: str, address: str) -> Account | None:
        """Check a name and its secret in constant time; failures from an address are slowed (`SlowDown` is raised while it has to wait)."""
        ...

    def account_by_key(self, key: str, address: str) -> Account | None:
        """Find the account whose secret this is, where a protocol sends no name (BOINC's authenticator)."""
        ...

    def account_by_digest(self, name: str, digest: str, address: str) -> Account | None:
        """Check md5(secret + lower-case name), as BOINC's `lookup_account` sends it.

        The secret itself is known to nobody here: a gateway gives such an account a key of its own, and keeps that (hashed) in its store.
        """
        ...

    def account_at(self, address: str) -> Account | None:
        """Find the account that is believed from an address, where a protocol has no login (Flamenco's)."""
        ...

    def account(self, account_id: int) -> Account | None:
        """Give an account by its number, None when it was removed."""
        ...

    def join(self, speech: Speech, account: Account, key: str, facts: HostFacts) -> Worker:
        """Make a worker known, or know it again by speech, account and key. Raises `TooMany` when the account has its most workers."""
        ...

    def worker(self, worker_id: int) -> Worker | None: ...
    def heard_of(self, worker_id: int) -> None: ...
    def leave(self, worker_id: int) -> None:
        """Note that a worker logged out; what it still has is queued again."""
        ...

    # work ------------------------------------------------------------------------------------------------
    def lease(self, worker_id: int, wants: Wants) -> Task | None:
        """Hand out frames; None when there are none for this worker now, also when it is paused or put aside."""
        ...

    async def work_may_have_come(self, seconds: float) -> bool:
        """Wait until there may be something to lease, at most so long; False when the time passed in vain."""
        ...

    def task(self, task_id: int) -> Task | None:
        """Give a task of any time whose job is still in the ledger; `over` when its lease ended."""
        ...

    def tasks_of(self, worker_id: int) -> list[Task]: ...
    def progress(self, task_id: int, frame: int, fraction: float | None = None, remaining: float | None = None) -> bool:
        """Note how far a frame is, which also puts its deadline off; tells whether the worker is to go on (False: cancelled, or lost before)."""
        ...

    def incoming(self, task_id: int) -> Path:
        """Give a folder of the task's own, on the disk of its outputs, to receive files into; it goes with the task."""
        ...

    def deliver(self, task_id: int, frame: int, file: Path, *, seconds: float | None = None) -> Delivered:
        """Have a received picture looked at and sealed. Three rejected in a row put the worker aside."""
        ...

    def give_back(self, task_id: int, why: Diagnosis | None = None, *, frame: int | None = None, blame: bool = True) -> None:
        """End a task before its frames are done. With a reason its frame counts as tried (`blame`), without one it is merely queued again."""
        ...

    def keep_log(self, task_id: int, text: bytes) -> None:
        """Keep what a client's Blender said, as the log of the task's job."""
        ...

    def counts(self) -> FarmCounts: ...
    def store(self, speech: Speech) -> Store: ...
    def clock(self) -> float: ...
