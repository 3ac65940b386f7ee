#!/bin/bash
# during COMMAND ARGS...: keeps this folder's Windows up while the command runs: else each program that finds none boots
# one, which takes longer than most of them, and with it what they start.
here=$(dirname "$(readlink -f "$0")")

coproc WINDOWS { exec "$here/run" "$here/home/python.exe" -ISc 'print(flush=True); input()' 2>/dev/null; }
read -r -u "${WINDOWS[0]}" -t 300 || { echo "windows: it does not start" >&2; exit 1; }
"$@"
status=$?
exec {WINDOWS[1]}>&- # that is its end, as it is when this shell is killed
wait
exit $status
