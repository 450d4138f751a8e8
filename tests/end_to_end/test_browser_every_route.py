# SPDX-License-Identifier: GPL-3.0-or-later
"""A page of another site tries every route of openapi.json in every way that a page has: nothing happens, and it reads nothing.

The same page against a server without its guard does get through, so the requests are real ones. Runs without Blender.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from end_to_end.browsing import SECONDS, browser, other_site
from unit.web.every_route import every_route
from unit.web.fake_service import Running, running

from batchserver.web.guard import Guard

READS = {
    "about",
    "power",
    "snapshot",
    "ready",
    "current_name",
    "job_answer",
    "list_batches",
    "batch",
    "batch_job",
    "missing",
    "frames",
    "log_path",
    "last_picture",
    "workers",
}
"""What the service is asked by GETs that change nothing: a page may send them, but never sees the answer."""

SIMPLE = ("img", "blind", "form", "formFile", "beacon")
"""Ways that a browser sends without asking the server first."""

PAGE = """<!doctype html><meta charset="utf-8"><title>another site</title><body><script>
const target = TARGET, routes = ROUTES, only = ONLY, wait = 1500;
const settle = work => Promise.race([work.then(a => "answered " + a.type + " " + a.status, e => "failed"), new Promise(r => setTimeout(r, wait, "silent"))]);
const element = (name, attributes) => new Promise(done => {
  const made = Object.assign(document.createElement(name), attributes);
  made.onload = () => done("load"); made.onerror = () => done("error"); setTimeout(done, wait, "silent");
  document.body.append(made);
});
const form = (path, enctype, body) => new Promise(done => {
  const frame = Object.assign(document.createElement("iframe"), {name: "f" + Math.random()});
  const made = Object.assign(document.createElement("form"), {method: "post", action: target + path, enctype, target: frame.name});
  const field = Object.assign(document.createElement("textarea"), {name: body.slice(0, -1) || "a", value: body.slice(-1)});
  made.append(field);
  if (enctype.startsWith("multipart")) {
    const held = new DataTransfer(), input = Object.assign(document.createElement("input"), {type: "file", name: "file"});
    held.items.add(new File(["BLENDER-v300"], "evil.blend")); input.files = held.files; made.append(input); field.remove();
  }
  document.body.append(frame, made);
  frame.onload = () => done("load"); setTimeout(done, wait, "silent");
  made.submit();
});
const socket = path => new Promise(done => {
  const made = new WebSocket(target.replace("http", "ws") + path);
  made.onopen = () => done("open"); made.onerror = () => done("error"); setTimeout(done, wait, "silent");
});
const source = path => new Promise(done => {
  const made = new EventSource(target + path);
  made.onopen = () => done("open"); made.onerror = () => { made.close(); done("error"); }; setTimeout(done, wait, "silent");
});
const ways = {
  img: r => element("img", {src: target + r.path}),
  imgQuiet: r => element("img", {referrerPolicy: "no-referrer", src: target + r.path}),
  script: r => element("script", {src: target + r.path}),
  module: r => element("script", {type: "module", src: target + r.path}),
  style: r => element("link", {rel: "stylesheet", href: target + r.path}),
  prefetch: r => element("link", {rel: "prefetch", href: target + r.path}),
  frame: r => element("iframe", {src: target + r.path}),
  object: r => element("object", {data: target + r.path}),
  video: r => new Promise(done => {
    const made = Object.assign(document.createElement("video"), {src: target + r.path, onloadeddata: () => done("load"), onerror: () => done("error")});
    setTimeout(done, wait, "silent"); made.load();
  }),
  socket: r => socket(r.path),
  source: r => source(r.path),
  blind: r => settle(fetch(target + r.path, {mode: "no-cors"})),
  open: r => settle(fetch(target + r.path)),
  withCookies: r => settle(fetch(target + r.path, {mode: "no-cors", credentials: "include", referrerPolicy: "no-referrer"})),
  blindPost: r => settle(fetch(target + r.path, {method: "POST", mode: "no-cors", body: r.body})),
  form: r => form(r.path, "application/x-www-form-urlencoded", r.body),
  formText: r => form(r.path, "text/plain", r.body),
  formFile: r => form(r.path, "multipart/form-data", r.body),
  asItIs: r => settle(fetch(target + r.path, {method: r.method, headers: r.headers, body: r.method === "GET" ? undefined : r.body})),
  withToken: r => settle(fetch(target + r.path, {method: r.method, headers: {...r.headers, Authorization: "Bearer guess"}})),
  beacon: async r => { navigator.sendBeacon(target + r.path, r.body); return "sent"; },
  beaconTyped: async r => { try { navigator.sendBeacon(target + r.path, new Blob([r.body], {type: "application/json"})); } catch (e) {} return "sent"; },
};
(async () => {
  const said = new URLSearchParams();
  for (const [name, way] of Object.entries(ways)) {
    if (only.length && !only.includes(name)) continue;
    const results = await Promise.all(routes.map(route => way(route).catch(e => "failed")));
    const counted = {};
    for (const result of results) counted[result] = (counted[result] || 0) + 1;
    said.set(name, JSON.stringify(counted));
  }
  await new Promise(r => setTimeout(r, 300));
  fetch("/done", {method: "POST", body: said});
})();
</script>"""


def page(target: str, *ways: str) -> str:
    """Make the page; it tries all of its ways, or these."""
    routes = [{"method": wish.method, "path": wish.path, "headers": wish.headers, "body": (wish.body or b"").decode("latin-1")} for wish in every_route()]
    routes.sort(key=lambda route: route["path"] == "/server")  # the end of the server comes last
    return PAGE.replace("TARGET", json.dumps(target)).replace("ROUTES", json.dumps(routes)).replace("ONLY", json.dumps(ways))


def outcomes(said: dict[str, str]) -> dict[str, dict[str, int]]:
    return {way: json.loads(counted) for way, counted in said.items()}


def prepared(server: Running, folder: Path) -> Running:
    """Give the routes of logs and pictures something that a page would want."""
    server.service.log, server.service.picture = folder / "private.log", folder / "private.png"
    server.service.log.write_text("private\n")
    server.service.picture.write_bytes(bytes.fromhex("89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489"))
    return server


@pytest.mark.timeout(400)
def test_no_route_does_or_tells_anything_for_a_page_of_another_site(chromium: str, tmp_path: Path) -> None:
    with running(tmp_path / "data") as server, other_site(page(f"http://127.0.0.1:{server.port}")) as (address, said, done):
        prepared(server, tmp_path)
        with browser(chromium, address):
            assert done.wait(5 * SECONDS)
        assert set(server.service.names()) <= READS
        assert list(server.uploads.folder.iterdir()) == server.left_behind() == []
        assert not server.stopped.is_set()
        found = outcomes(said)
        tried = sum(sum(counted.values()) for counted in found.values())
        assert tried == 22 * len(every_route())
        for way in ("img", "imgQuiet", "script", "module", "style", "video", "socket", "source", "blind", "open", "withCookies", "asItIs", "withToken"):
            assert set(found[way]) <= {"error", "failed", "silent"}, (way, found[way])


@pytest.mark.timeout(400)
def test_without_its_guard_the_same_page_starts_batches_and_feeds_files(chromium: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Guard, "check", lambda guard, asked: True)
    with running(tmp_path / "data") as server, other_site(page(f"http://127.0.0.1:{server.port}", *SIMPLE)) as (address, _, done):
        prepared(server, tmp_path)
        with browser(chromium, address):
            assert done.wait(5 * SECONDS)
        assert server.service.names().count("start") >= 5
        assert len(list(server.uploads.folder.glob("*/evil.blend"))) >= 1
