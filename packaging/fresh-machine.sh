#!/bin/bash
# Proof that `make run` and `make test` need nothing but a minimal Debian 12: debootstrap into a temporary folder, the
# tree cloned into it, both commands run in it. Needs root, debootstrap and git.
#   fresh-machine.sh [run|test|build]...      default: run test
# What a second machine on the same network would have is taken from this one: the mirror of its apt sources, its CA
# certificates, the settings of apt and pip. The committed state of the tree is what is tested.
set -euo pipefail

tree=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
suite=bookworm
steps=("$@")
[[ ${#steps[@]} -gt 0 ]] || steps=(run test)
for step in "${steps[@]}"; do
	[[ $step =~ ^(run|test|build)$ ]] || { echo "usage: fresh-machine.sh [run|test|build]..." >&2; exit 2; }
done
[[ $(id -u) = 0 ]] || { echo "fresh-machine.sh: needs root" >&2; exit 1; }
for tool in debootstrap git; do
	command -v "$tool" >/dev/null || { echo "fresh-machine.sh: apt-get install $tool" >&2; exit 1; }
done

root=$(mktemp -d "${TMPDIR:-/tmp}/linsang-fresh.XXXXXX")
chmod 755 "$root" # it is a root folder: other users pass through it
daemon=
stop() { # make hands the signal on to the sensor and waits for it
	[[ -n $daemon ]] || return 0
	kill -TERM "$(cat "$root/run/make.pid")" 2>/dev/null || true
	wait "$daemon" || true
	daemon=
}
end() {
	trap - EXIT
	stop
	# deepest first; a mount that stays would make the removal below reach into this machine
	awk -v root="$root/" 'index($2, root) == 1 { print $2 }' /proc/self/mounts | sort -r | while read -r point; do
		umount "$point" || umount --lazy "$point"
	done
	if grep -q " $root/" /proc/self/mounts; then
		echo "fresh-machine.sh: $root is still mounted and is left as it is" >&2
	else
		rm -rf --one-file-system "$root"
	fi
}
trap end EXIT
trap 'exit 130' INT TERM

# ---- the machine ----
mirror() { # of this machine's own sources for Debian, in either format
	find /etc/apt -name '*.sources' -exec awk '$1 == "URIs:" { print $2 }' {} + \
		-o -name '*.list' -exec awk '$1 == "deb" { sub(/\[[^]]*\] */, ""); print $2 }' {} + |
		awk '/\/debian\/?$/ && !seen++'
}

settings() { # what lets this machine's package clients reach their registries
	local path
	for path in /etc/ssl/certs /usr/local/share/ca-certificates /etc/apt/apt.conf.d /etc/apt/auth.conf.d \
		/etc/apt/apt.conf /etc/pip.conf /etc/hosts /etc/resolv.conf; do
		[[ -e $path ]] || continue
		mkdir -p "$root$(dirname "$path")"
		cp -aL "$path" "$root$(dirname "$path")/" 2>/dev/null || true
	done
	for path in "${PIP_CONFIG_FILE:-}" ~/.config/pip/pip.conf ~/.pip/pip.conf; do
		[[ -f $path ]] && cp "$path" "$root/etc/pip.conf"
	done
	env | grep -iE '^(pip_[a-z_]*|[a-z]*_proxy|ssl_cert_(file|dir)|requests_ca_bundle|curl_ca_bundle)=' >"$root/settings" || true
}

make_machine() {
	local uri
	uri=$(mirror)
	[[ -n $uri ]] || { echo "fresh-machine.sh: no Debian mirror in this machine's apt sources" >&2; exit 1; }
	debootstrap --variant=minbase --include=make,ca-certificates "$suite" "$root" "$uri" >"$root.log" 2>&1 ||
		{ tail -n 20 "$root.log" >&2; rm -f "$root.log"; exit 1; }
	rm -f "$root.log"
	settings
	mount -t proc proc "$root/proc"
	mount -t sysfs sysfs "$root/sys"
	mount --bind /dev "$root/dev"
	mount -t devpts devpts "$root/dev/pts" -o newinstance,ptmxmode=0666 2>/dev/null || mount --bind /dev/pts "$root/dev/pts"
	mount -t tmpfs tmpfs "$root/tmp"
	mount -t tmpfs tmpfs "$root/run"
	mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup" 2>/dev/null || true
	git clone --quiet --no-hardlinks "$tree" "$root/root/linsang"
}

inside() { # COMMAND: in the machine, with the package clients' settings and nothing else of this environment
	local -a given
	mapfile -t given <"$root/settings"
	env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb LANG=C.UTF-8 "${given[@]}" \
		chroot "$root" /bin/bash -c "cd /root/linsang && $1"
}

# ---- the steps: each prints one line of result and returns 1 when it failed ----
result() { printf '%-6s %-5s %4d s  %s\n' "$1" "$2" "$3" "$4"; }

step_build() {
	local start=$SECONDS
	if inside 'make build' && inside '.venv/bin/linsang --version'; then
		result build ok $((SECONDS - start)) ''
	else
		result build FAIL $((SECONDS - start)) ''
		return 1
	fi
}

await() { # SECONDS FILE PATTERN: until FILE has a line with PATTERN; fails when the sensor ended before
	local until=$((SECONDS + $1))
	until grep -q -- "$3" "$2"; do
		((SECONDS < until)) && kill -0 "$daemon" 2>/dev/null || return 1
		sleep 0.1
	done
}

step_run() {
	local start=$SECONDS log=$root/sensor.log ready alerted lost
	inside 'echo $$ >/run/make.pid; exec make run ARGS="--output stdout:?format=pretty"' >"$log" 2>&1 &
	daemon=$!
	if ! await 1800 "$log" ready; then
		tail -n 30 "$log"
		result run FAIL $((SECONDS - start)) 'the sensor did not get ready'
		return 1
	fi
	ready=$((SECONDS - start))
	echo "env nice timeout 5 bash -c 'id | tee /tmp/x'" >"$root/root/attack" # off our own command line
	inside 'bash /root/attack' >/dev/null
	alerted=$(date +%s%N)
	if ! await 60 "$log" ' env nice timeout 5 bash'; then
		tail -n 30 "$log"
		result run FAIL $ready 'no alert'
		return 1
	fi
	alerted=$((($(date +%s%N) - alerted) / 1000000))
	stop
	sed -n '/ready/,$p' "$log"
	# the kernel is not the chroot's own: what others of this machine make it lose is no fault of the sensor's
	lost=$(sed -n 's/^linsang: stopped; \([0-9]*\) events lost.*/\1/p' "$log")
	if [[ -z $lost ]] || grep -q 'does not hold' "$log"; then
		result run FAIL $ready 'SIGTERM to make did not end the sensor in order'
		return 1
	fi
	if ! inside '.venv/bin/linsang doctor' >"$log" 2>&1; then
		cat "$log"
		result run FAIL $ready 'the doctor found a fault'
		return 1
	fi
	result run ok $ready "ready from nothing; alert seen $alerted ms after the command; $lost events lost; the doctor finds nothing"
}

step_test() {
	local start=$SECONDS log=$root/test.log outcome=ok
	inside 'make test' >"$log" 2>&1 || outcome=FAIL
	[[ $outcome = ok ]] || grep -vE '^tests/.*%\]$' "$log"
	result test $outcome $((SECONDS - start)) "$(grep -E '^=+ .* in [0-9.]+s' "$log" | tail -n 1 | tr -d =)"
	[[ $outcome = ok ]]
}

start=$SECONDS
make_machine
result setup ok $((SECONDS - start)) "debootstrap $suite, minbase with make"
failed=0
for step in "${steps[@]}"; do
	"step_$step" || failed=1
done
exit $failed
