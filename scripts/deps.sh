#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Installs what building, testing and the demo need on Debian 12, as far as it is missing.
set -euo pipefail

packages=(
	# to build
	build-essential cmake ninja-build pkg-config clang bpftool scdoc
	libbpf-dev libelf-dev zlib1g-dev libnl-3-dev libnl-genl-3-dev
	libevent-dev libssl-dev uthash-dev libjansson-dev libcap-ng-dev libunistring-dev libcmocka-dev
	# to test
	libclang-rt-dev # libFuzzer and sanitizers of clang
	python3-pytest python3-pytest-timeout python3-pytest-xdist
	coturn openssl python3-aioice python3-scapy python3-seccomp systemd ethtool iproute2 jq nftables
	golang-go golang-github-pion-turn.v2-dev golang-github-pion-dtls.v2-dev libnice-dev # clients of other makers
	chromium libnss3-tools # and the one that most people use
	qemu-system-x86 busybox-static kmod # other kernels, in virtual machines
)

installed() {
	[[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

missing=()
for package in "${packages[@]}"; do
	installed "$package" || missing+=("$package")
done
[[ ${#missing[@]} -gt 0 ]] || exit 0

if [[ $EUID -ne 0 ]]; then
	echo "deps.sh: these Debian packages are missing and only root can install them: ${missing[*]}" >&2
	exit 1
fi

# coturn is here for its test clients; its package must not start a TURN server of its own on this machine.
# That is how Debian's packages are told: policy-rc.d(8).
policy=/usr/sbin/policy-rc.d
log=$(mktemp)
clean_up() {
	rm -f "$log"
	[[ -z ${made_policy:-} ]] || rm -f "$policy"
}
trap clean_up EXIT
trap 'exit 130' INT TERM HUP
if [[ ! -e $policy ]]; then
	made_policy=yes
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod 755 "$policy"
fi

quietly() {
	"$@" >"$log" 2>&1 || { cat "$log" >&2; return 1; }
}
echo "Installing ${#missing[@]} packages: ${missing[*]} ..."
export DEBIAN_FRONTEND=noninteractive
quietly apt-get update
quietly apt-get install -y --no-install-recommends "${missing[@]}"
if [[ " ${missing[*]} " == *" coturn "* && -d /run/systemd/system ]]; then
	quietly systemctl disable coturn # nor at the next boot
fi
