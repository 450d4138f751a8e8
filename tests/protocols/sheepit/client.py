# SPDX-License-Identifier: GPL-3.0-or-later
"""A SheepIt client, replayed from the contract: logs in, asks, downloads, renders, sends, in the manner of its generation. Runs without Blender."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote_plus, urlencode
from xml.etree.ElementTree import Element

from .generations import Generation
from .renderer import Job, JobFailed, Rendered, check_md5, render, unpack
from .wire import Answer, BadAnswer, Wire

UPLOAD_TYPES = {".png": "image/png", ".jpg": "image/jpeg", ".exr": "image/x-exr"}


class Refused(Exception):
    """The server said no, by its number."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class SheepItClient:
    """One client on one machine. `server` is what its user typed after `-server`."""

    def __init__(
        self, generation: Generation, server: str, login: str, password: str, folder: Path, *, host: str = "", timeout: float = 60.0, **fields: str
    ) -> None:
        self.generation, self.folder = generation, folder
        self.wire = Wire(server, generation, timeout)
        self.requests: dict[str, str] = {}
        self.max_period = 0
        self.stats: dict[str, int] = {}
        self.held: list[str] = []
        self._login = {
            "login": login, "password": password, "cpu_family": "6", "cpu_model": "167", "cpu_model_name": "Intel(R) Xeon(R)", "cpu_cores": "2",
            "os": "linux", "ram": "24683656", "bits": "64bit", "version": generation.version, "hostname": host or generation.name, "extras": "",
            **dict(generation.login_fields), **fields,
        }  # fmt: skip
        folder.mkdir(parents=True, exist_ok=True)

    # --- the session --------------------------------------------------------------------------------

    def log_in(self) -> None:
        """Begin a session. Raises `Refused`."""
        fields = urlencode(self._login)
        path = "/server/config.php"
        by_get = self.generation.login_by_get
        url = self.wire.server + path
        answer = self.wire.get(f"{path}?{fields}") if by_get else self.wire.post(url, fields.encode(), "application/x-www-form-urlencoded")
        root = answer.root("config")
        if self.generation.needs_publickey and root.get("publickey") is None:
            raise BadAnswer("no publickey: the client ends")
        if status := int(root.get("status", "-1")):
            raise Refused(status)
        self.requests = {request.get("type", ""): request.get("path", "") for request in root.iter("request")}
        if missing := self.generation.needs_requests - set(self.requests):
            raise BadAnswer(f"no {missing}")
        self.max_period = next(int(request.get("max-period", "0")) for request in root.iter("request") if request.get("type") == "keepmealive")
        if self.generation.sends_log_at_login:
            self.send_error("", log="settings", type="0")
        if self.generation.beats_at_login:
            self.beat()

    def log_out(self) -> None:
        """End the session."""
        self.wire.get(self.requests["logout"])

    def beat(self, job: Job | None = None, spent: int = 0, remaining: int = 0, **more: str) -> int:
        """Give a sign of life; returns the answer's number."""
        said = {**more}
        if job is not None:
            said |= {"frame": job.frame, "job": job.id, "rendertime": str(spent), "remainingtime": str(remaining)}
            if not self.generation.validates_by_url and job.extras:
                said["extras"] = job.extras
        answer = self.wire.get(self.requests["keepmealive"] + (f"?{urlencode(said)}" if said else ""))
        return int(answer.root("keepmealive").get("status", "-1"))

    # --- jobs ---------------------------------------------------------------------------------------

    def request_job(self, **more: str) -> Job:
        """Ask for a job, and wait for it. Raises `Refused`."""
        said = {"computemethod": "1", "cpu_cores": "2", "ram_max": "-1", "rendertime_max": "-1", **dict(self.generation.job_fields), **more}
        url = f"{self.wire.server}{self.requests['request-job']}?{urlencode(said)}"
        answer = self.wire.post(url, self._cache(), self._cache_type())
        root = answer.root("jobrequest")
        if status := int(root.get("status", "-1")):
            raise Refused(status)
        self._take_stats(root)
        for file in root.iter("file"):
            if file.get("action") == "delete":
                self._delete(file.get("md5", ""))
        return self._job(root)

    def _cache(self) -> bytes:
        if not self.generation.sends_cache:
            return b""
        files = "".join(f'<file md5="{md5}"/>' for md5 in self.held)
        begin = '<?xml version="1.0" encoding="UTF-8" standalone="no"?>' if self.generation.xml_as_form else ""
        return f"{begin}<cache>{files}</cache>".encode() if files else f"{begin}<cache/>".encode()

    def _cache_type(self) -> str:
        if not self.generation.sends_cache:
            return ""
        return "application/x-www-form-urlencoded" if self.generation.xml_as_form else "application/xml; charset=utf-8"

    def _take_stats(self, root: Element) -> None:
        stats = root.find("stats")
        if stats is None and self.generation.needs_stats:
            raise BadAnswer("no stats")
        self.stats = {name: _java_int(value) for name, value in (stats.attrib if stats is not None else {}).items()}
        if missing := self.generation.needs_stats - set(self.stats):
            raise BadAnswer(f"stats without {missing}")

    def _job(self, root: Element) -> Job:
        job, renderer = root.find("job"), root.find("job/renderer")
        if job is None or renderer is None:
            raise BadAnswer("no job, or no renderer in it")
        if missing := (self.generation.needs_job - set(job.attrib)) | (self.generation.needs_renderer - set(renderer.attrib)):
            raise BadAnswer(f"a job without {missing}")
        script = job.findtext("script") or ""
        if self.generation.needs_script and not script.strip():
            raise BadAnswer("no script")
        if _java_int(job.attrib["id"]) < 20:
            raise BadAnswer("a number for tests")
        chunks = tuple((chunk.attrib["id"], chunk.attrib["md5"]) for chunk in job.iterfind("chunks/chunk"))
        url = unquote_plus(job.get("validation_url", ""))
        if self.generation.validates_by_url and "?" not in url:
            raise BadAnswer("no '?' in the validation_url")
        return Job(
            job.attrib["id"], job.attrib["frame"], job.attrib["path"], job.attrib["archive_md5"], renderer.attrib["md5"], renderer.attrib["commandline"],
            script, job.attrib["name"], job.attrib["password"], url, job.get("extras", ""), job.get("synchronous_upload", ""), chunks,
        )  # fmt: skip

    # --- files --------------------------------------------------------------------------------------

    def download(self, job: Job) -> None:
        """Fetch what is not held, and unpack it."""
        renderers = self.folder / "renderer"
        renderers.mkdir(exist_ok=True)
        if not (renderers / f"{job.renderer}.zip").exists():
            data = self._fetch(f"{self.requests['download-binary']}?job={job.id}" if self.generation.chunks else self._archive(job, "binary"))
            (renderers / f"{job.renderer}.zip").write_bytes(check_md5(data, job.renderer))
            unpack(renderers / f"{job.renderer}.zip", renderers / job.renderer)
            self.held.append(job.renderer)
        scene = self.folder / f"{job.archive}.zip"
        if not scene.exists():
            scene.write_bytes(check_md5(self._chunked(job) if self.generation.chunks else self._fetch(self._archive(job, "job")), job.archive))
            self.held.append(job.archive)
        unpack(scene, self.folder / job.archive)

    def _archive(self, job: Job, kind: str) -> str:
        return f"{self.requests['download-archive']}?type={kind}&job={job.id}"

    def _chunked(self, job: Job) -> bytes:
        pieces = []
        for number, md5 in job.chunks:
            piece = self.folder / f"{number}.wool"
            if not piece.exists():
                piece.write_bytes(check_md5(self._fetch(f"{self.requests['download-chunk']}?chunk={number}"), md5))
            pieces.append(piece.read_bytes())
        return b"".join(pieces)

    def _fetch(self, path: str) -> bytes:
        answer = self.wire.get(path)
        if answer.status != 200:
            raise JobFailed(9, f"HTTP {answer.status}")
        return answer.body

    def _delete(self, md5: str) -> None:
        (self.folder / f"{md5}.zip").unlink(missing_ok=True)
        if md5 in self.held:
            self.held.remove(md5)

    # --- a frame ------------------------------------------------------------------------------------

    def render(self, job: Job, told: Callable[[subprocess.Popen[str]], None] = lambda _: None) -> Rendered:
        """Render a job that was downloaded. Raises `JobFailed`."""
        return render(self.generation, job, self.folder, told)

    def send(self, job: Job, name: str, data: bytes, seconds: int = 2) -> Answer:
        """Send a frame."""
        said = {"rendertime": str(seconds), "memoryused": "41000"}
        if self.generation.validates_by_url:
            url = f"{job.validation_url}&{urlencode(said)}"
        else:
            said = {"job": job.id, "frame": job.frame, **said, "extras": job.extras, "cores": "2"}
            url = f"{self.wire.server}{self.requests['validate-job']}?{urlencode(said)}"
        return self.wire.send_file(url, name, data, UPLOAD_TYPES.get(Path(name).suffix, "application/octet-stream"))

    def send_status(self, job: Job, data: bytes, name: str = "picture.png") -> int:
        """Send a frame; returns the answer's number."""
        return int(self.send(job, name, data).root("jobvalidate").get("status", "-1"))

    def send_error(self, frame: str, job: str = "", log: str = "", **said: str) -> int:
        """Send an error; returns the answer's number."""
        query = urlencode({**said, **({"frame": frame, "job": job, "render_time": "-1", "memoryused": "0"} if job else {})})
        url = f"{self.wire.server}{self.requests['error']}?{query}"
        name = "farm_1" + (".txt" if self.generation.part_has_type else "")
        return int(self.wire.send_file(url, name, log.encode(), "text/plain").root().get("status", "-1"))

    def work(self, job: Job) -> int:
        """Do a job from the download to the upload, and send an error when it fails; returns the upload's number."""
        try:
            self.download(job)
            done = self.render(job)
        except JobFailed as error:
            self.send_error(job.frame, job.id, error.log, type=str(error.kind))
            raise
        status = int(self.send(job, done.file.name, done.file.read_bytes(), done.seconds).root("jobvalidate").get("status", "-1"))
        done.file.unlink()
        return status


def _java_int(text: str) -> int:
    number = int(text)
    if not -(2**31) <= number < 2**31:
        raise BadAnswer(f"{text} is no int of Java's")
    return number
