#!/bin/sh
# require.sh PACKAGE...: installs the Debian packages that are missing, or says which they are.
# Says nothing and takes no time when all are there.
set -eu

if ! command -v dpkg-query >/dev/null; then
	echo "linsang: not a Debian machine; you need what Debian calls: $*" >&2
	exit 0
fi
missing=
for package in "$@"; do
	[ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ]; then
	echo "linsang: missing packages; as root: apt-get install$missing" >&2
	exit 1
fi
echo "  APT    $missing"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# shellcheck disable=SC2086 # a list of names, split on purpose
if ! { apt-get update && apt-get install --yes --no-install-recommends $missing; } >"$log" 2>&1; then
	cat "$log" >&2
	echo "linsang: apt-get could not install$missing" >&2
	exit 1
fi
