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
export DEBIAN_FRONTEND=noninteractive LC_ALL=C
log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt() {
	apt-get -o DPkg::Lock::Timeout=300 -o Acquire::http::Timeout=30 -o Acquire::https::Timeout=30 "$@" >>"$log" 2>&1
}
# a network that is away for a minute is waited for
for wait in 15 30 45 0; do
	: >"$log"
	# shellcheck disable=SC2086 # a list of names, split on purpose
	if apt update && apt install --yes --no-install-recommends $missing; then
		exit 0
	fi
	if [ "$wait" = 0 ] || ! grep -q 'Failed to fetch' "$log"; then
		break
	fi
	echo "  APT     cannot fetch; once more in $wait s" >&2
	sleep "$wait"
done
cat "$log" >&2
echo "linsang: apt-get could not install$missing" >&2
exit 1
