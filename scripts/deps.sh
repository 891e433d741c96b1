#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Install the Debian 12 packages that a purpose needs: scripts/deps.sh [SET...]. Sets are build, demo, test, bench, check
# and all; build is the default, and part of the others.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

build=(
	build-essential cmake ninja-build pkg-config clang bpftool scdoc
	libbpf-dev libelf-dev zlib1g-dev libnl-3-dev libnl-genl-3-dev libnl-route-3-dev
	libevent-dev libssl-dev uthash-dev libjansson-dev libcap-ng-dev libunistring-dev libcmocka-dev
)
lab=(python3 iproute2 ethtool util-linux kmod procps) # network namespaces, and what runs in them
bench=(coturn)                                       # its server and its load generator
test=(
	coturn # the server that ours is compared to, and its clients
	python3-pytest python3-pytest-xdist python3-pytest-timeout
	libclang-rt-dev # libFuzzer and the sanitizers of clang
	openssl python3-aioice python3-scapy python3-seccomp systemd jq nftables
	golang-go golang-github-pion-turn.v2-dev golang-github-pion-dtls.v2-dev libnice-dev # clients of other makers
	chromium libnss3-tools            # and the one that most people use
	qemu-system-x86 busybox-static # other kernels, in virtual machines
)
check=(
	git clang-format clang-tidy libclang-rt-dev cppcheck shellcheck codespell python3
	nodejs npm # of which ruff is, since Debian 12 does not have it
)

packages_of() { # SET
	case $1 in
	build) echo "${build[@]}" ;;
	demo | bench) echo "${build[@]}" "${lab[@]}" "${bench[@]}" ;;
	test) echo "${build[@]}" "${lab[@]}" "${test[@]}" ;;
	check) echo "${build[@]}" "${check[@]}" ;;
	all) echo "${build[@]}" "${lab[@]}" "${bench[@]}" "${test[@]}" "${check[@]}" ;;
	*) die "there is no set '$1'; the sets are build, demo, test, bench, check and all" ;;
	esac
}

# Debian splits Node.js and npm; other makers' packages of Node.js bring npm along.
installed() { # PACKAGE
	[[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]] ||
		[[ $1 == npm && -n $(command -v npm) ]]
}

missing=()
for set in "${@:-build}"; do
	packages=$(packages_of "$set")
	for package in $packages; do
		installed "$package" || [[ " ${missing[*]} " == *" $package "* ]] || missing+=("$package")
	done
done
[[ ${#missing[@]} -gt 0 ]] || exit 0
become_root "installing packages" "$@"

# coturn is here for its programs; its package must not start a server on this machine, now or at the next boot.
# policy-rc.d(8) is how Debian's packages are told.
policy=/usr/sbin/policy-rc.d
if [[ ! -e $policy ]]; then
	trap 'rm -f "$policy"' EXIT
	trap 'exit 130' INT TERM HUP
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod 755 "$policy"
fi

export DEBIAN_FRONTEND=noninteractive
apt() {
	# Its status goes to a descriptor of its own, which apt closes for the programs that it starts.
	apt-get -q --no-install-recommends -o APT::Status-Fd=3 -o Dpkg::Use-Pty=0 "$@" 3>&1
}
with_progress "Reading the package lists" apt update
echo "Installing for ${*:-build}: ${missing[*]}"
plan=$(apt --assume-no install "${missing[@]}" 2>&1) || true # it says what it would do, and that is all
grep -E 'newly installed|^(Need to get|After this operation)' <<<"$plan" || die "apt says: $plan"
with_progress "Installing" apt --yes install "${missing[@]}"
if [[ " ${missing[*]} " == *" coturn "* && -d /run/systemd/system ]]; then
	systemctl --quiet disable coturn
fi
