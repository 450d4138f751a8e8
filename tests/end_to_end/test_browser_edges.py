# SPDX-License-Identifier: GPL-3.0-or-later
"""A page of another site in a real Chromium makes the server do nothing; our own page and the address bar do. Runs without Blender.

The same page against a server without its guard does get through: so the requests are real ones, and this test can fail.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from end_to_end.browsing import SECONDS, browser, other_site, soon
from unit.web.fake_service import Running, running

from batchserver.model.errors import RenderPlusError
from batchserver.web.asked import Asked
from batchserver.web.guard import Guard
from batchserver.web.reply import Reply
from batchserver.web.routing import Route

ATTACK = """<!doctype html><meta charset="utf-8"><title>another site</title><body><script>
const target = TARGET, settle = work => Promise.race([work.then(a => "answered " + a.type, e => "failed"), new Promise(r => setTimeout(r, 4000, "silent"))]);
const element = (name, attributes) => new Promise(done => {
  const made = Object.assign(document.createElement(name), attributes);
  made.onload = () => done("load"); made.onerror = () => done("error"); setTimeout(done, 4000, "silent");
  document.body.append(made);
});
const form = (path, enctype, field, input = "") => new Promise(done => {
  const frame = Object.assign(document.createElement("iframe"), {name: "f" + Math.random()});
  const made = Object.assign(document.createElement("form"), {method: "post", action: target + path, enctype, target: frame.name});
  made.append(Object.assign(document.createElement("textarea"), {name: field[0], value: field[1]}), input);
  document.body.append(frame); document.body.append(made);
  frame.onload = () => done("load"); setTimeout(done, 4000, "silent");
  made.submit();
});
const post = {method: "POST", mode: "no-cors"}, json = '{"name": "/evil.blend"}';
const attacks = {
  img: () => element("img", {src: target + "/batch/start?img"}),
  imgWithoutReferrer: () => element("img", {referrerPolicy: "no-referrer", src: target + "/batch/start?quiet"}),
  script: () => element("script", {src: target + "/batch/start?script"}),
  frame: () => element("iframe", {src: target + "/batch/start?frame"}),
  popup: () => { open(target + "/batch/start?popup"); return new Promise(r => setTimeout(r, 500, "opened")); },
  prefetch: () => element("link", {rel: "prefetch", href: target + "/batch/start?prefetch"}),
  formStart: () => form("/batch/start", "application/x-www-form-urlencoded", ["a", "b"]),
  formRecipe: () => form("/batch", "text/plain", ['{"name": "/evil.blend", "x', '": 1}']),
  formUpload: () => form("/batch/file", "multipart/form-data", ["file", "BLENDER-v300"]),
  formFile: () => {
    const held = new DataTransfer(), input = Object.assign(document.createElement("input"), {type: "file", name: "file"});
    held.items.add(new File(["BLENDER-v300"], "evil.blend"));
    input.files = held.files;
    return form("/batch/file", "multipart/form-data", ["a", "b"], input);
  },
  fetchStart: () => settle(fetch(target + "/batch/start", {mode: "no-cors"})),
  fetchPost: () => settle(fetch(target + "/batch/start", post)),
  fetchRecipe: () => settle(fetch(target + "/batch", {...post, body: json})),
  fetchJson: () => settle(fetch(target + "/batch", {method: "POST", headers: {"Content-Type": "application/json"}, body: json})),
  fetchDelete: () => settle(fetch(target + "/batch", {method: "DELETE"})),
  fetchServer: () => settle(fetch(target + "/server", {method: "DELETE"})),
  fetchPatch: () => settle(fetch(target + "/api/v1/batches/7", {method: "PATCH", headers: {"Content-Type": "application/json"}, body: '{"paused": true}'})),
  beacon: () => { const sent = navigator.sendBeacon(target + "/batch/start", json); return new Promise(r => setTimeout(r, 500, "sent " + sent)); },
  beaconJson: () => {
    try { navigator.sendBeacon(target + "/batch", new Blob([json], {type: "application/json"})); } catch (e) {}
    return new Promise(r => setTimeout(r, 500, "tried"));
  },
};
(async () => {
  const said = new URLSearchParams();
  for (const [name, attack] of Object.entries(attacks)) said.set(name, await attack());
  await new Promise(r => setTimeout(r, 300));
  fetch("/done", {method: "POST", body: said});
})();
</script>"""

OWN_PAGE = b"""<!doctype html><title>ours</title><script>
(async () => {
  const json = {"Content-Type": "application/json"};
  await fetch("/batch", {method: "POST", headers: json, body: '{"name": "/ours.blend"}'});
  await fetch("/batch/start");
  await fetch("/batch", {method: "DELETE"});
  await fetch("/api/v1/batches/7", {method: "PATCH", headers: json, body: '{"paused": true}'});
  await fetch("/server", {method: "DELETE"});
})();
</script>"""


def attack_on(target: str) -> str:
    return ATTACK.replace("TARGET", repr(target))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Running]:
    with running(tmp_path) as server:
        yield server


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, str | None]]:
    """Method, path and Host of every request that came as far as the guard, and no further."""
    seen: list[tuple[str, str, str | None]] = []
    check = Guard.check

    def watched(guard: Guard, asked: Asked) -> bool:
        try:
            return check(guard, asked)
        except RenderPlusError:
            seen.append((asked.method, asked.path, asked.header("Host")))
            raise

    monkeypatch.setattr(Guard, "check", watched)
    return seen


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "[::1]"])
def test_a_page_of_another_site_makes_the_server_do_nothing(chromium: str, server: Running, name: str, refused: list[tuple[str, str, str | None]]) -> None:
    if name == "[::1]" and "::1" not in server.serving.hosts:
        pytest.skip("this machine has no IPv6")
    with other_site(attack_on(f"http://{name}:{server.port}")) as (address, said, done), browser(chromium, address):
        assert done.wait(SECONDS)
    assert len(said) == 19  # every attack was tried
    assert said["img"] == said["imgWithoutReferrer"] == "error"
    assert {said[attack] for attack in said if attack.startswith("fetch")} == {"failed"}
    arrived = [(method, path) for method, path, _ in refused]
    assert arrived.count(("GET", "/batch/start")) >= 5  # pictures, script, frame, popup, prefetch, fetch
    assert arrived.count(("POST", "/batch/start")) >= 3  # form, fetch, beacon
    assert {("POST", "/batch"), ("POST", "/batch/file")} <= set(arrived)
    assert server.service.calls == []
    assert list((server.data / "uploads").iterdir()) == []
    assert not server.stopped.is_set()


def test_without_its_guard_the_same_page_gets_through(chromium: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Guard, "check", lambda guard, asked: True)
    with running(tmp_path) as server, other_site(attack_on(f"http://127.0.0.1:{server.port}")) as (address, said, done), browser(chromium, address):
        assert done.wait(SECONDS)
        assert len(said) == 19
        assert server.service.names().count("start") >= 8
        assert len(list(tmp_path.glob("uploads/*/evil.blend"))) == 1


def test_our_own_page_may_do_everything(chromium: str, tmp_path: Path) -> None:
    page = Reply(200, OWN_PAGE, (("Content-Type", "text/html"), ("Content-Security-Policy", "default-src 'self' 'unsafe-inline'")))
    with running(tmp_path, extra=(Route("GET", "/page", lambda asked: page),)) as server:
        with browser(chromium, f"http://localhost:{server.port}/page"):
            assert soon(server.stopped.is_set)
        assert server.service.calls == [("submit", "/ours.blend", True), ("start",), ("start",), ("cancel",), ("pause", 7)]


def test_the_address_bar_may_start_a_batch_but_not_by_a_rebound_name(chromium: str, server: Running, refused: list[tuple[str, str, str | None]]) -> None:
    with browser(chromium, f"http://localhost:{server.port}/batch/start"):
        assert soon(lambda: server.service.names() == ["start"])
    server.service.calls.clear()
    with browser(chromium, f"http://rebound.example:{server.port}/batch/start"):
        assert soon(lambda: ("GET", "/batch/start", f"rebound.example:{server.port}") in refused)
    assert server.service.calls == []
