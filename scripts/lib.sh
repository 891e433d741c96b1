# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# Common functions of the scripts. Source this first: it sets shell options and changes to the top of the checkout.
set -euo pipefail
me=$(basename "$0")
self=$(realpath "$0")
cd "$(dirname "${BASH_SOURCE[0]}")/.."

die() {
	printf '%s: error: %s\n' "$me" "$*" >&2
	exit 1
}

# become_root WHY ARGUMENT...: rerun this script with these arguments by sudo, unless it runs as root.
become_root() {
	local why=$1
	shift
	[[ $EUID -ne 0 ]] || return 0
	command -v sudo >/dev/null || die "$why requires root, and sudo is not installed: run this as root"
	exec sudo -- "$self" "$@"
}

# as_owner COMMAND...: if root, run a command as the owner of the checkout, so that its files belong to that user. If the
# owner has no access, as below root's home, root runs it.
as_owner() {
	local -a owner
	owner_prefix
	"${owner[@]}" "$@"
}

# become_owner ARGUMENT...: if root, rerun this script with these arguments as the owner of the checkout.
become_owner() {
	local -a owner
	owner_prefix
	[[ ${#owner[@]} -eq 0 ]] || exec "${owner[@]}" "$self" "$@"
}

# Set $owner to a prefix that runs a command as the owner of the checkout, or to nothing if that is this user.
owner_prefix() {
	local uid gid home
	read -r uid gid < <(stat -c '%u %g' .)
	owner=()
	[[ $EUID -eq 0 && $uid -ne 0 ]] || return 0
	home=$(getent passwd "$uid" | cut -d: -f6) || true # the user may be unknown in a container
	owner=(setpriv "--reuid=$uid" "--regid=$gid" --clear-groups env "HOME=${home:-/nonexistent}")
	"${owner[@]}" test -w . || owner=()
}

# Give files of root in the build tree to the owner of the checkout.
give_back() {
	local made=(build bench/results)
	[[ $EUID -ne 0 ]] || chown --recursive --no-dereference --from=root "$(stat -c '%u:%g' .)" \
		"${made[@]}" 2>/dev/null || true
}

# with_progress WHAT COMMAND...: show the progress of a command from the percentages in its output: in one line on a
# terminal, otherwise in a line for every 10 %. Print all of its output if it fails.
with_progress() {
	local what=$1 log status=0
	shift
	log=$(mktemp)
	"$@" 2>&1 </dev/null | tee "$log" | percentages "$what" || status=$?
	[[ $status -eq 0 ]] || cat "$log" >&2
	rm -f "$log"
	return "$status"
}

# Ninja prints "[ 42%] ..." (see build.sh); apt's status lines are "pmstatus:PACKAGE:42.5:...".
percentages() { # WHAT
	local line percent shown=-1 step=10
	[[ ! -t 1 ]] || step=1
	while IFS= read -r line; do
		[[ $line =~ ^\[\ *([0-9]+)%|^(dl|pm)status:[^:]*:([0-9]+) ]] || continue
		percent=${BASH_REMATCH[1]:-${BASH_REMATCH[3]:-0}}
		[[ ${BASH_REMATCH[2]:-} != dl ]] || percent=$((percent / 2)) # downloading is the first half
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
