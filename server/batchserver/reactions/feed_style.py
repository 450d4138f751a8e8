# SPDX-License-Identifier: GPL-3.0-or-later
"""How a feed looks in a browser: CSS that is part of the file, so that it looks the same wherever the file is; and what tells ours from others.

Runs without Blender.
"""

from __future__ import annotations

import base64

MARK = b"<?renderplus-feed"
"""What stands near the beginning of every feed of ours, and of no other file."""

CSS = """
@namespace h "http://www.w3.org/1999/xhtml";
:root { color-scheme: light dark; --back: #f4f4f6; --card: #fff; --text: #1d1d22; --dim: #66666f; --line: #dcdce2; }
:root { --good: #1a7f37; --bad: #b3261e; --run: #0b63c5; }
@media (prefers-color-scheme: dark) {
  :root { --back: #18181b; --card: #232328; --text: #ececf1; --dim: #a0a0ab; --line: #3a3a42; --good: #4ec26a; --bad: #ff8078; --run: #6db3ff; }
}
rss { display: block; background: var(--back); color: var(--text); font: 15px/1.45 system-ui, sans-serif; min-height: 100vh; }
channel { display: block; max-width: 60rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
channel > *, item > * { display: none; }
channel > h|div, item > h|div { display: block; }
h|h1 { font-size: 1.5rem; margin: 0 0 .2rem; overflow-wrap: anywhere; }
h|p { margin: 0 0 .3rem; overflow-wrap: anywhere; }
h|p.dim { color: var(--dim); font-size: .9rem; }
h|p.why { color: var(--bad); }
h|progress { width: 100%; height: .7rem; accent-color: var(--run); margin: .4rem 0 1rem; }
item { display: block; background: var(--card); border: 1px solid var(--line); border-radius: .5rem; margin: 0 0 .7rem; padding: .8rem; overflow: hidden; }
item > h|div { display: flex; gap: 1rem; align-items: flex-start; }
h|a.picture { flex: none; }
h|img { display: block; width: 10rem; max-height: 10rem; object-fit: contain; border-radius: .25rem; background: #0003; }
h|div.words { min-width: 0; flex: 1; }
h|h2 { font-size: 1.05rem; margin: 0 0 .2rem; overflow-wrap: anywhere; }
h|b { font-size: .75rem; letter-spacing: .04em; padding: .1rem .45rem; color: var(--dim); margin-right: .5rem; }
h|b { border: 1px solid currentColor; border-radius: 1rem; }
.RUNNING h|b { color: var(--run); }
.FINISHED h|b { color: var(--good); }
.FAILED h|b { color: var(--bad); }
.DISABLED { opacity: .6; }
item h|progress { margin: .2rem 0 0; height: .45rem; }
"""


def style_address() -> str:
    """Give the style sheet as an address that holds it."""
    return "data:text/css;base64," + base64.b64encode(CSS.encode()).decode("ascii")
