#!/bin/sh
# Can the live sensor work here? One line for what is missing, and the way around it.
set -eu

refuse() {
	echo "linsang: $1; 'make demo' shows the sensor on a shipped recording, without root or BPF" >&2
	exit 1
}
[ "$(uname -s)" = Linux ] || refuse "the live sensor needs Linux"
[ "$(id -u)" = 0 ] || refuse "the live sensor needs root (sudo make run)"
[ -r /sys/kernel/btf/vmlinux ] || refuse "this kernel has no BTF (/sys/kernel/btf/vmlinux)"
