#!/bin/bash
# run PROGRAM ARGS...: a Windows program in this folder's Windows. wine does not know a file or terminal that it is
# handed as a standard stream, so those become pipes.
here=$(dirname "$(readlink -f "$0")")
export WINEPREFIX=$here/.prefix WINEDEBUG=-all WINEDLLOVERRIDES='mscoree,mshtml,winemenubuilder.exe='

strange() { ! [[ -p /dev/fd/$1 || /dev/fd/$1 -ef /dev/null ]]; }
pipes=()
if strange 0; then exec < <(exec cat) && input=$!; fi
if strange 1; then exec > >(exec cat) && pipes+=($!); fi
if strange 2; then exec 2> >(exec cat >&2) && pipes+=($!); fi
[[ ${#pipes[@]} -gt 0 || -n ${input:-} ]] || exec wine "$@"

wine "$@"
status=$?
exec >&- 2>&-
[[ -z ${input:-} ]] || kill "$input" 2>/dev/null # it may wait for a terminal
wait "${pipes[@]}"
exit $status
