# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# What the scripts share. Source it first: it sets the shell's options and enters the top folder of the checkout.
set -euo pipefail
me=$(basename "$0")
self=$(realpath "$0")
cd "$(dirname "${BASH_SOURCE[0]}")/.."

die() {
	printf '%s: error: %s\n' "$me" "$*" >&2
	exit 1
}

# become_root WHY ARGUMENT...: run this script with these arguments as root, through sudo where that is needed.
become_root() {
	local why=$1
	shift
	[[ $EUID -ne 0 ]] || return 0
	command -v sudo >/dev/null || die "$why needs root, and this machine has no sudo: run it as root"
	exec sudo -- "$self" "$@"
}

# as_owner COMMAND...: root runs a command as the owner of the checkout, so that its files belong to that user. Where the
# owner cannot enter, as below root's own home, root runs it itself.
as_owner() {
	local -a owner
	owner_prefix
	"${owner[@]}" "$@"
}

# become_owner ARGUMENT...: run this script with these arguments as the owner of the checkout.
become_owner() {
	local -a owner
	owner_prefix
	[[ ${#owner[@]} -eq 0 ]] || exec "${owner[@]}" "$self" "$@"
}

# Set $owner to what makes a command run as the owner of the checkout; it stays empty where that is this user.
owner_prefix() {
	local uid gid home
	read -r uid gid < <(stat -c '%u %g' .)
	owner=()
	[[ $EUID -eq 0 && $uid -ne 0 ]] || return 0
	home=$(getent passwd "$uid" | cut -d: -f6) || true # a container may not know the user
	owner=(setpriv "--reuid=$uid" "--regid=$gid" --clear-groups env "HOME=${home:-/nonexistent}")
	"${owner[@]}" test -w . || owner=()
}

# Files that root has written to the build tree go to the owner of the checkout.
give_back() {
	local made=(build bench/results)
	[[ $EUID -ne 0 ]] || chown --recursive --no-dereference --from=root "$(stat -c '%u:%g' .)" \
		"${made[@]}" 2>/dev/null || true
}

# with_progress WHAT COMMAND...: show how far a command has come, by the percentages that it prints: one line that a
# terminal rewrites, or a line each tenth elsewhere. Show all of its output if it fails.
with_progress() {
	local what=$1 log status=0
	shift
	log=$(mktemp)
	"$@" 2>&1 </dev/null | tee "$log" | percentages "$what" || status=$?
	[[ $status -eq 0 ]] || cat "$log" >&2
	rm -f "$log"
	return "$status"
}

# Ninja prints "[ 42%] ..." (see build.sh), apt's status lines are "pmstatus:PACKAGE:42.5:...".
percentages() { # WHAT
	local line percent shown=-1 step=10
	[[ ! -t 1 ]] || step=1
	while IFS= read -r line; do
		[[ $line =~ ^\[\ *([0-9]+)%|^(dl|pm)status:[^:]*:([0-9]+) ]] || continue
		percent=${BASH_REMATCH[1]:-${BASH_REMATCH[3]:-0}}
		[[ ${BASH_REMATCH[2]:-} != dl ]] || percent=$((percent / 2)) # first it downloads, then it installs
		[[ ${BASH_REMATCH[2]:-} != pm ]] || percent=$((50 + percent / 2))
		((percent / step > shown)) || continue
		shown=$((percent / step))
		show_percentage "$1" "$percent"
	done
	[[ ! -t 1 || $shown -lt 0 ]] || echo
}

show_percentage() { # WHAT PERCENT
	if [[ -t 1 ]]; then
		printf '\r%s: %3d %%' "$1" "$2"
	else
		printf '%s: %3d %%\n' "$1" "$2"
	fi
}
