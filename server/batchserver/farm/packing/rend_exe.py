# SPDX-License-Identifier: GPL-3.0-or-later
"""The program `rend.exe` of a renderer's archive on Linux: a small script that starts the Blender beside it. Runs without Blender.

* Some clients delete the .blend as soon as Blender prints its first line, which may be before it opens the file: a link to the file, in the
  same folder, is opened instead. Our text removes the link.
* What old clients write before our text fails in Blender 2.80 and later, and nothing of ours would run: a copy of the script, from our first
  line on, is run instead. So our text applies the job exactly once, in every client.
* Some clients make nothing executable but `rend.exe`.
* `exec`: a client's SIGTERM reaches Blender itself.
"""

from __future__ import annotations

from .scripts import FIRST_LINE

REND_EXE = """\
#!/bin/sh
# Starts the Blender beside this file for a client of a Render+ farm.
case $0 in
    */*) here=${0%/*} ;;
    *) here=. ;;
esac
left=$#
before=
while [ "$left" -gt 0 ]; do
    word=$1
    shift
    left=$((left - 1))
    instead=$word
    case $before in
        -b | --background)
            case $word in
                */*) linked="${word%/*}/renderplus-$$-${word##*/}" ;;
                *) linked="./renderplus-$$-$word" ;;
            esac
            if [ -f "$word" ] && { ln -f "$word" "$linked" 2>/dev/null || cp "$word" "$linked" 2>/dev/null; }; then
                instead=$linked
            fi
            ;;
        -P | --python)
            if grep -q "^@first@" "$word" 2>/dev/null && sed -n "/^@first@/,\\$p" "$word" > "$word.renderplus.py" 2>/dev/null; then
                instead="$word.renderplus.py"
            fi
            ;;
    esac
    set -- "$@" "$instead"
    before=$word
done
[ -x "$here/blender" ] || chmod +x "$here/blender"
exec "$here/blender" "$@"
""".replace("@first@", FIRST_LINE)
