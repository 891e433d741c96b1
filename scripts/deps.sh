#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Install Debian 12 packages: scripts/deps.sh [SET...]. The sets are build, demo, test, bench, check and all. The default
# is build, which all sets include.
source "$(dirname "$(realpath "${BASH_SOURCE[0]}")")/lib.sh"

build=(
	build-essential cmake ninja-build pkg-config clang bpftool scdoc
	libbpf-dev libxdp-dev libelf-dev zlib1g-dev libnl-3-dev libnl-genl-3-dev libnl-route-3-dev
	libevent-dev libssl-dev uthash-dev libjansson-dev libcap-ng-dev libseccomp-dev libunistring-dev libcmocka-dev
)
lab=(python3 iproute2 ethtool util-linux kmod procps) # network namespaces
bench=(coturn)                                       # server and load generator
test=(
	coturn # reference server, and clients
	python3-pytest python3-pytest-xdist python3-pytest-timeout
	libclang-rt-dev # libFuzzer and the sanitizers of clang
	openssl python3-aioice python3-jsonschema python3-scapy python3-seccomp systemd jq nftables tmux
	erlang-p1-stun # the TURN server of ejabberd
	golang-go golang-github-pion-turn.v2-dev golang-github-pion-dtls.v2-dev libnice-dev # third-party clients
	chromium libnss3-tools firefox-esr
	xdp-tools # another owner of XDP
	prometheus # with promtool: reads the metrics
	qemu-system-x86 busybox-static # virtual machines with other kernels
)
check=(
	git clang-format clang-tidy libclang-rt-dev cppcheck shellcheck codespell python3
	nodejs npm # for ruff from npm, since Debian 12 has no package of it
)

packages_of() { # SET
	case $1 in
	build) echo "${build[@]}" ;;
	demo | bench) echo "${build[@]}" "${lab[@]}" "${bench[@]}" ;;
	test) echo "${build[@]}" "${lab[@]}" "${test[@]}" ;;
	check) echo "${build[@]}" "${check[@]}" ;;
	all) echo "${build[@]}" "${lab[@]}" "${bench[@]}" "${test[@]}" "${check[@]}" ;;
	*) die "unknown set '$1': the sets are build, demo, test, bench, check and all" ;;
	esac
}

# Debian has npm in a package of its own; third-party packages of Node.js contain it.
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

# Only the programs of coturn and prometheus are needed: keep their packages from starting a server, now or at the next
# boot. Debian's packages consult policy-rc.d(8).
policy=/usr/sbin/policy-rc.d
if [[ ! -e $policy ]]; then
	trap 'rm -f "$policy"' EXIT
	trap 'exit 130' INT TERM HUP
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod 755 "$policy"
fi

export DEBIAN_FRONTEND=noninteractive
apt() {
	# apt writes its status to descriptor 3, and closes that for the programs it starts.
	apt-get -q --no-install-recommends -o APT::Status-Fd=3 -o Dpkg::Use-Pty=0 "$@" 3>&1
}
with_progress "Reading the package lists" apt update
echo "Installing for ${*:-build}: ${missing[*]}"
plan=$(apt --assume-no install "${missing[@]}" 2>&1) || true # prints the plan, then fails
grep -E 'newly installed|^(Need to get|After this operation)' <<<"$plan" || die "apt-get failed: $plan"
with_progress "Installing" apt --yes install "${missing[@]}"
for service in coturn prometheus; do
	if [[ " ${missing[*]} " == *" $service "* && -d /run/systemd/system ]]; then
		systemctl --quiet disable "$service"
	fi
done
