#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The main program of the Render+ app for BOINC clients on Linux and macOS: renders one frame with Blender.
# It runs in the slot's folder. scene.zip and renderer.zip are BOINC's links to files of the project's folder, job.json is a copy.
#
# Which Blender: $RENDERPLUS_BLENDER; else the first line of a file renderplus_blender in the project's or in BOINC's data folder;
# else the one that the server sent (renderer.zip); else `blender` on PATH or in a usual place.
#
# Exit codes: 90 no Blender, 91 the scene cannot be unpacked (a full disk, or neither python3 nor unzip), 92 neither the server's Blender starts nor another, 93 no picture; else Blender's own.

set -u
umask 022
frame='' threads='' blend='' output=''
while [ $# -ge 2 ]; do
    case $1 in
        --frame) frame=$2 ;;
        --threads) threads=$2 ;;
        --blend) blend=$2 ;;
        --output) output=$2 ;;
    esac
    shift 2
done

say() { printf 'Render+: %s\n' "$*" >&2; }
fail() { code=$1; shift; say "$*"; exit "$code"; }

# --- BOINC's control channel: the file boinc_mmap_file, of eight parts of 1024 bytes. The first byte of a part says that a text waits in it.

channel=boinc_mmap_file
pending=$(printf '\001')
stopped='' running='' code=0 progress=progress.txt log=blender.log

put_byte() { printf "$2" | dd of=$channel bs=1 seek="$1" conv=notrunc 2>/dev/null; }

obey() {
    [ -f $channel ] || return 0
    text=$(dd if=$channel bs=1024 count=1 2>/dev/null | tr -d '\000')
    case $text in
        "$pending"*) put_byte 0 '\000' ;;
        *) return 0 ;;
    esac
    case $text in
        *'<abort/>'*) end_child; say 'the project wants this frame no longer'; exit 1 ;;
        *'<quit/>'*) end_child; exit 0 ;;
        *'<suspend/>'*) signal_child STOP; stopped=yes ;;
        *'<resume/>'*) signal_child CONT; stopped='' ;;
    esac
}

# The process that runs now, and whatever it started.
family() {
    [ -n "$running" ] && [ -s child.pid ] || return 0
    ps -A -o pid= -o ppid= 2>/dev/null | awk -v root="$(cat child.pid)" '
        { parent[$1] = $2 }
        END {
            kin[root] = 1
            do { more = 0; for (i in parent) if (!(i in kin) && (parent[i] in kin)) { kin[i] = 1; more = 1 } } while (more)
            for (i in kin) print i
        }'
}

signal_child() {
    for pid in $(family); do kill -s "$1" "$pid" 2>/dev/null; done
}

end_child() {
    [ -n "$running" ] || return 0
    while [ ! -s child.pid ] && [ ! -e child.code ]; do sleep 0.1; done
    signal_child KILL
    wait "$running" 2>/dev/null
    running=''
}

# Blender's own word on how far it is: from our script inside it, else the last figure of its output.
fraction() {
    part=$(cat "$progress" 2>/dev/null)
    [ -n "$part" ] || part=$(tail -c 4000 "$log" 2>/dev/null | awk '
        { while (match($0, /(Sample|Rendered|Rendering) +[0-9]+ *\/ *[0-9]+/)) { last = substr($0, RSTART, RLENGTH); $0 = substr($0, RSTART + RLENGTH) } }
        END { sub(/^[A-Za-z]+ +/, "", last); split(last, f, / *\/ */); if (f[2] > 0) { p = f[1] / f[2]; print (p > 1) ? 1 : p } }')
    printf '%s' "${part:-0}"
}

# ps writes [[days-]hours:]minutes:seconds.
cpu_seconds() {
    pids=$(family | tr '\n' ',')
    [ -n "$pids" ] && ps -o time= -p "${pids%,}" 2>/dev/null | tr '-' ':' |
        awk -F: '{ t = 0; for (i = 1; i <= NF; i++) t = t * (NF == 4 && i == 2 ? 24 : 60) + $i; all += t } END { print int(all) }'
}

tell() {
    [ -f $channel ] || return 0
    waiting=$(dd if=$channel bs=1 skip=5120 count=1 2>/dev/null | tr -d '\000')
    [ -z "$waiting" ] || return 0
    cpu=$(cpu_seconds)
    printf '<current_cpu_time>%s</current_cpu_time>\n<checkpoint_cpu_time>0</checkpoint_cpu_time>\n<fraction_done>%s</fraction_done>\n\000' \
        "${cpu:-0}" "$(fraction)" | dd of=$channel bs=1 seek=5121 conv=notrunc 2>/dev/null
    put_byte 5120 '\001'
}

# When the client was killed, this goes too: a client that is started again finds its folder free.
client=$PPID
check_client() {
    now=$(ps -o ppid= -p $$ 2>/dev/null | tr -d ' ')
    case $now in
        '' | "$client") return 0 ;;
        *) end_child; exit 1 ;;
    esac
}

# supervise LOG COMMAND...: runs a command, obeying the control channel all the while; its exit code is in $code.
supervise() {
    rm -f child.pid child.code
    (
        sh -c 'echo $$ >child.pid; exec "$@" >>"$0" 2>&1 </dev/null' "$@"
        echo $? >child.code.new
        mv child.code.new child.code
    ) &
    running=$!
    turn=0
    while [ ! -e child.code ]; do
        obey
        if [ -n "$stopped" ]; then signal_child STOP; fi
        turn=$((turn + 1))
        if [ $((turn % 8)) -eq 0 ]; then check_client; fi
        if [ $((turn % 4)) -eq 0 ] && [ -z "$stopped" ]; then tell; fi
        if [ $turn -lt 8 ]; then sleep 0.05; else sleep 0.25; fi
    done
    wait "$running"
    running=''
    code=$(cat child.code)
}

# --- files

# BOINC gives large inputs as a text file that names the real one.
real() {
    if head -c 12 "$1" | grep -q '^<soft_link>'; then
        sed -n 's/.*<soft_link>\(.*\)<\/soft_link>.*/\1/p' "$1"
    else
        printf '%s\n' "$1"
    fi
}

unzip_python='
import os, sys, zipfile
with zipfile.ZipFile(sys.argv[-2]) as archive:
    for info in archive.infolist():
        path = archive.extract(info, sys.argv[-1])
        mode = (info.external_attr >> 16) & 0o777
        if mode and not info.is_dir():
            os.chmod(path, mode | 0o600)
'

# unpack ARCHIVE FOLDER [BLENDER]: with what the machine has; a Blender can do it too.
unpack() {
    for way in python3 unzip blender; do
        rm -rf "$2"
        mkdir -p "$2" || return 1
        case $way in
            blender) [ -n "${3:-}" ] || continue
                supervise unpack.log "$3" --factory-startup -b --python-exit-code 7 --python-expr "$unzip_python" -- "$1" "$2" ;;
            *) command -v $way >/dev/null 2>&1 || continue ;;
        esac
        case $way in
            python3) supervise unpack.log python3 -c "$unzip_python" "$1" "$2" ;;
            unzip) supervise unpack.log unzip -q -o "$1" -d "$2" ;;
        esac
        [ "$code" -ne 0 ] || return 0
    done
    return 1
}

# --- which Blender

starts() { [ -n "$1" ] && "$1" --version </dev/null 2>/dev/null | grep -q '^Blender '; }

told_by_user() {
    if [ -n "${RENDERPLUS_BLENDER:-}" ]; then printf '%s\n' "$RENDERPLUS_BLENDER"; return; fi
    for told in "$project/renderplus_blender" ../../renderplus_blender; do
        if [ -s "$told" ]; then head -n 1 "$told"; return; fi
    done
}

# The server's Blender is unpacked once, beside BOINC's files of the project, and moved into place whole.
from_server() {
    [ -e renderer.zip ] || return 1
    archive=$(real renderer.zip)
    place="$project/$(basename "$archive" .zip)"
    if [ ! -d "$place" ]; then
        for old in "$project"/renderer_*; do
            if [ -d "$old" ] && [ ! -e "$old.zip" ]; then rm -rf "$old"; fi  # of an earlier version, or half unpacked
        done
        unpack "$archive" "$place.new" && [ ! -d "$place" ] && mv "$place.new" "$place"
        rm -rf "$place.new"
    fi
    for found in "$place"/blender "$place"/rend.exe "$place"/*.app/Contents/MacOS/[Bb]lender; do
        if [ -f "$found" ]; then chmod +x "$found" 2>/dev/null; if starts "$found"; then blender=$found; return 0; fi; fi
    done
    return 1
}

installed() {
    for found in "$(command -v blender 2>/dev/null)" /usr/local/bin/blender /usr/bin/blender /opt/blender*/blender /snap/bin/blender \
        /Applications/Blender.app/Contents/MacOS/Blender; do
        if [ -x "$found" ] && starts "$found"; then blender=$found; return 0; fi
    done
    return 1
}

choose_blender() {
    asked=$(told_by_user)
    if [ -n "$asked" ]; then
        starts "$asked" || fail 90 "$asked, which this computer's owner named, is no Blender that starts"
        blender=$asked
    elif ! from_server && ! installed; then
        [ -e renderer.zip ] && fail 92 'the Blender of the server does not start here, and this computer has none of its own'
        fail 90 'this computer has no Blender: install one, or write its path into the file renderplus_blender of the BOINC data folder'
    fi
}

# --- the frame

case ${LD_LIBRARY_PATH:-} in
    *:.:../..:*) LD_LIBRARY_PATH=${LD_LIBRARY_PATH#*:.:../..:}; export LD_LIBRARY_PATH ;;
    *:.:../..) unset LD_LIBRARY_PATH ;;  # BOINC's own; Blender brings its libraries
esac
[ -n "$frame" ] && [ -n "$blend" ] && [ -n "$output" ] || fail 93 'the command line names no frame, file or output'
blend=$(printf '%b' "$(printf '%s' "$blend" | sed 's/+/\\0/g')x")
blend=${blend%x}
case /$blend/ in */../*) fail 91 'the .blend is outside of the scene' ;; esac

rm -rf scene boinc_finish_called "$output" "partial_$output" "$log" "$progress" unpack.log child.pid child.code
scene=$(real scene.zip)
project=$(dirname "$scene")
blender=''
choose_blender
unpack "$scene" scene "$blender" || { tail -n 5 unpack.log >&2; fail 91 'the scene cannot be unpacked'; }
say "frame $frame with $("$blender" --version 2>/dev/null | head -n 1) at $blender"

supervise "$log" "$blender" --factory-startup --disable-autoexec --python-exit-code 7 -t "${threads:-0}" -b "scene/$blend" \
    -P scene/renderplus/farm_frame.py -- --job job.json --frame "$frame" --output "partial_$output" --progress "$progress"
tail -c 20000 "$log" >&2
[ "$code" -eq 0 ] || exit "$code"
[ -s "partial_$output" ] || fail 93 'Blender ended without an error and without a picture'
mv "partial_$output" "$output" || fail 93 'the picture cannot be moved into place'
rm -rf scene
printf '0\n' >boinc_finish_called
exit 0
