# SPDX-License-Identifier: GPL-3.0-or-later
"""The elements of a scheduler reply, as the client reads them: line by line, keys and signatures raw. Runs without Blender."""

from __future__ import annotations

from dataclasses import dataclass, field
from xml.sax.saxutils import escape

from batchserver.farm.seams import PICTURE_LIMIT, Archive, Package, Task

from .application import APP, AppFile, Application
from .naming import as_word, frame_of, output_name, result_name, upload_token, workunit_name
from .signing import md5_of

FLOPS = 1e9
"""What every machine is said to do in a second: times of tasks are seconds times this."""

EXPECTED_SECONDS = 300.0
"""How long a frame is said to take, until a machine rendered one."""

LONGEST_SECONDS = 30 * 86_400.0
"""After so long a client ends a task by itself; the desk's own deadline comes long before."""

REPORT_SECONDS = 7 * 86_400.0
"""The deadline that a client is told. It throws away tasks that did not begin by then, so it is generous; the desk counts silence."""

_DISK_BOUND = 200e9
_MEMORY_BOUND = 500e6


@dataclass(frozen=True, slots=True)
class Project:
    """Where the project is, as the client that asks sees it; `base` ends in '/'."""

    base: str
    name: str = "Render+"

    def url(self, path: str) -> str:
        """Give the absolute URL of a path below the project's."""
        return self.base + path


@dataclass(slots=True)
class Reply:
    """A reply that is being written. `delay`: the seconds without any request; `again`: after so long the client asks by itself."""

    project: Project
    delay: float
    again: float
    parts: list[str] = field(default_factory=list)

    def add(self, name: str, value: object) -> None:
        """Add an element with a text."""
        self.parts.append(element(name, value))

    def say(self, text: str, priority: str = "low") -> None:
        """Add a message to the user: `low` goes to the log of events, `notice` is shown."""
        self.parts.append(f'<message priority="{priority}">{escape(text)}</message>\n')

    def text(self) -> str:
        """Write the reply."""
        head = [
            element("scheduler_version", 720),
            "<dont_use_dcf/>\n",
            element("project_name", self.project.name),
            element("request_delay", f"{self.delay:.6f}"),
            element("next_rpc_delay", f"{self.again:.6f}"),
        ]
        return "".join(["<scheduler_reply>\n", *head, *self.parts, "</scheduler_reply>\n"])


def element(name: str, value: object) -> str:
    """Write an element with a text on a line of its own."""
    return f"<{name}>{escape(str(value))}</{name}>\n"


def block(name: str, *parts: str) -> str:
    """Write an element with others in it."""
    return f"<{name}>\n{''.join(parts)}</{name}>\n"


def raw(name: str, text: str) -> str:
    """Write an element whose text the client takes as it stands."""
    return f"<{name}>\n{text.strip()}\n</{name}>\n"


def app_parts(project: Project, app: Application, processors: int) -> list[str]:
    """Write the app, and its version unless the client's user made it."""
    known = block("app", element("name", APP), element("user_friendly_name", "Render+ with Blender"), element("non_cpu_intensive", 0))
    if not app.files:
        return [known]
    version = block(
        "app_version",
        element("app_name", APP),
        element("version_num", app.number),
        element("api_version", "7.20.5"),  # from 6.0 on: the control channel is the file boinc_mmap_file
        *(_app_file_ref(file) for file in app.files),
        element("platform", app.platform),
        element("avg_ncpus", processors),  # Blender uses them all: one frame after the other
        element("flops", f"{FLOPS:.0f}"),
    )
    return [known, *(_app_file(project, file) for file in app.files), version]


def _app_file(project: Project, file: AppFile) -> str:
    kind = [] if file.opened else ["<executable/>\n"]
    url = element("url", project.url(f"download/app/{file.name}"))
    signature = raw("file_signature", file.signature)
    return block("file_info", element("name", file.name), url, *kind, signature, element("nbytes", file.size), element("md5_cksum", file.md5))


def _app_file_ref(file: AppFile) -> str:
    return block("file_ref", element("file_name", file.name), element("open_name", file.opened) if file.opened else "<main_program/>\n")


def task_parts(project: Project, task: Task, app: Application, processors: int, seconds: float, secret: bytes) -> list[str]:
    """Write what a client needs for a task: its input files, the workunit, the output file and the result."""
    package = task.package
    job_md5 = md5_of(package.job)
    inputs = {"scene.zip": scene_name(package.scene), "job.json": f"job_{job_md5[:16]}.json"}
    place = f"download/task/{task.id}/{task.token}"
    output = output_name(task, secret)
    name = workunit_name(task)
    return [
        _input(inputs["scene.zip"], project.url(f"{place}/scene.zip"), package.scene.size, package.scene.md5),
        _input(inputs["job.json"], project.url(f"{place}/job.json"), len(package.job), job_md5),
        block(
            "workunit",
            element("name", name),
            element("app_name", APP),
            element("rsc_fpops_est", f"{seconds * FLOPS:.0f}"),
            element("rsc_fpops_bound", f"{LONGEST_SECONDS * FLOPS:.0f}"),
            element("rsc_memory_bound", f"{_MEMORY_BOUND:.0f}"),
            element("rsc_disk_bound", f"{_DISK_BOUND:.0f}"),
            element("command_line", command_line(task, processors)),
            *(_file_ref(file, opened, copy=opened == "job.json") for opened, file in inputs.items()),
        ),
        block(
            "file_info",
            element("name", output),
            element("max_nbytes", PICTURE_LIMIT),
            element("url", project.url("cgi/file_upload_handler")),
            raw("xml_signature", upload_token(output, PICTURE_LIMIT, secret)),
        ),
        block(
            "result",
            element("name", result_name(task)),
            element("wu_name", name),
            element("report_deadline", int(task.granted + REPORT_SECONDS)),
            "<report_immediately/>\n",
            _file_ref(output, picture_name(package), copy=True),
            element("platform", app.platform),
            element("version_num", app.number),
            *([element("plan_class", app.plan_class)] if app.plan_class else []),
        ),
    ]


def command_line(task: Task, processors: int) -> str:
    """Write what the app is started with; each word is free of blanks and quotes."""
    package = task.package
    return f"--frame {frame_of(task)} --threads {processors} --blend {as_word(package.blend)} --output {picture_name(package)}"


def picture_name(package: Package) -> str:
    """Name the picture in the folder that the app runs in."""
    return f"frame{package.suffix}"


def scene_name(scene: Archive) -> str:
    """Name a scene's archive by its content: a client fetches it once for all frames of all jobs."""
    return f"scene_{scene.sha256[:24]}.zip"


def _input(name: str, url: str, size: int, md5: str) -> str:
    return block("file_info", element("name", name), element("url", url), element("nbytes", size), element("md5_cksum", md5))


def _file_ref(name: str, opened: str, *, copy: bool) -> str:
    return block("file_ref", element("file_name", name), element("open_name", opened), *(["<copy_file/>\n"] if copy else []))
