#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Everything that can be tested here: two compilers, unit tests and packet vectors under sanitizers, the verifier,
# the installed library, and the relay in network namespaces. The last line counts it all.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if [[ $EUID -ne 0 ]]; then
	echo "test.sh: run me as root, because network namespaces and BPF programs need it." >&2
	exit 1
fi

# A stage that is stopped cleans up by itself, given the time; then we do.
scratch=$(mktemp -d)
running=
stop() {
	trap '' INT TERM HUP
	if [[ -n $running ]]; then
		kill -TERM -- "-$running" 2>/dev/null || true
		while kill -0 -- "-$running" 2>/dev/null; do sleep 0.1; done # the whole group, not only its leader
	fi
	exit 130
}
trap 'rm -rf "$scratch"' EXIT
trap stop INT TERM HUP

passed=0 failed=0 skipped=0 ok="" summary=() failures=()

# stage quiet|shown NAME COMMAND...: one line in the summary; $ok says how it ended. What the stage itself has counted
# is added up; a stage that counts nothing is one test. A quiet stage is shown only when it fails. Lines of a stage that
# begin with SKIPPED say what could not be run here and why: they stand in the summary. Status 77: that was all of it.
stage() {
	local show=$1 name=$2 log=$scratch/log status=0 start=$SECONDS p f skips wrong
	shift 2
	echo "== $name"
	: >"$log"
	set -m # a process group of its own, so that stop() reaches all of it
	"$@" >"$log" 2>&1 </dev/null &
	running=$!
	set +m
	[[ $show == quiet ]] || tail -n +1 -s 0.2 -f --pid="$running" "$log" &
	wait "$running" || status=$?
	running=
	wait # for the last lines of the log
	[[ $status -eq 0 || $show == shown ]] || cat "$log"

	read -r p f < <(count "$log")
	if [[ $status -eq 77 ]] && grep -q '^SKIPPED' "$log"; then
		status=0
	elif [[ $status -ne 0 && $f -eq 0 ]]; then
		f=1
	elif [[ $((p + f)) -eq 0 ]]; then
		p=1
	fi
	passed=$((passed + p)) failed=$((failed + f))
	summary+=("$(printf '%-34s %5d passed %4d failed %5d s' "$name" "$p" "$f" $((SECONDS - start)))")
	mapfile -t skips < <(grep '^SKIPPED' "$log")
	summary+=("${skips[@]}") skipped=$((skipped + ${#skips[@]}))
	if [[ $status -eq 0 ]]; then ok=yes; else ok=""; fi
	[[ $f -eq 0 ]] || { mapfile -t wrong < <(what_failed "$log") && failures+=("== $name" "${wrong[@]}"); }
}

# The tests that failed, with what they complain of, or else the end of the log: said again where everybody looks.
what_failed() { # LOG
	awk '/^(\[ *[0-9]+\/[0-9]+\] +)?FAIL/ || /\*\*\*(Failed|Timeout|Exception)/ { shown = 12 }
	     shown-- > 0 && (/FAIL|\*\*\*/ || /^[[:space:]]/) { print; found = 1; next }
	     { shown = 0 }
	     END { exit !found }' "$1" || tail -n 12 "$1"
}

# Prints "PASSED FAILED" as our own tests or ctest have said it.
count() {
	awk '/^[0-9]+ passed, [0-9]+ failed$/ { p += $1; f += $3 }
	     /tests passed, [0-9]+ tests failed out of [0-9]+/ { f = $4; p = $NF - f }
	     END { print p + 0, f + 0 }' "$1"
}

build() { # PRESET
	cmake --preset "$1" && cmake --build --preset "$1"
}

# CTest counts what was skipped as passed, and says so in the midst of its lines only.
unit_tests() {
	local status=0
	ctest --preset dev >"$scratch/ctest" || status=$?
	cat "$scratch/ctest"
	awk '/\*\*\*Skipped/ { print "SKIPPED: " $4 " cannot be run by this kernel or user" }' "$scratch/ctest"
	return "$status"
}

# Someone else's program, built against what `cmake --install` leaves in an empty root.
use_installed_library() {
	local root=$scratch/root pc
	DESTDIR=$root cmake --install build/release
	pc=$(find "$root" -name '*turnpike.pc' -print -quit)
	[[ -n $pc ]] || { echo "no turnpike.pc was installed"; return 1; }
	cat >"$scratch/tiny.c" <<-'EOF'
		#include <turnpike/turnpike.h>
		#include <errno.h>
		#include <stdio.h>

		int main(void)
		{
			TURNPIKE_OPTS(turnpike_open_opts, opts, .max_flows = 16);
			struct turnpike *tp;

			if (turnpike_open(&opts, &tp)) {
				puts(turnpike_error(NULL));
				return 1;
			}
			if (turnpike_attach(tp, "nonesuch", NULL) != -ENODEV)
				return 1;
			turnpike_close(tp);
			return 0;
		}
	EOF
	local -a flags
	read -ra flags < <(PKG_CONFIG_PATH=$(dirname "$pc") PKG_CONFIG_SYSROOT_DIR=$root \
		pkg-config --cflags --libs "$(basename "$pc" .pc)")
	"${CC:-cc}" -Wall -Wextra -Werror "$scratch/tiny.c" -o "$scratch/tiny" -Wl,--no-as-needed "${flags[@]}"
	LD_LIBRARY_PATH=$(dirname "$(find "$root" -name 'libturnpike.*' -print -quit)") "$scratch/tiny"
}

# Every program in every configuration, within the budget and as documented.
verifier() {
	build/release/userspace/turnpike verify -j >"$scratch/verified" || { cat "$scratch/verified"; return 1; }
	tests/verifier_table.py <"$scratch/verified"
}

netns() { # PRESET TEST [OPTION...]
	TURNPIKE=build/$1/userspace/turnpike /usr/bin/python3 "netns-tests/$2.py" "${@:3}"
}

# Tests that wait more than they work, side by side; what they say comes one after the other.
together() { # "PRESET/TEST [OPTION...]"...
	local test status=0
	local -a words
	local -A running
	for test; do
		read -ra words <<<"${test#*/}"
		netns "${test%%/*}" "${words[@]}" >"$scratch/${test//\//-}" 2>&1 &
		running[$test]=$!
	done
	for test; do
		wait "${running[$test]}" || status=1
		echo "-- $test"
		cat "$scratch/${test//\//-}"
	done
	return "$status"
}

scripts/deps.sh
stage quiet "build with gcc, sanitizers" build dev
[[ -z $ok ]] || stage quiet "unit tests and packet vectors" unit_tests
stage quiet "build with clang" build clang
[[ -z $ok ]] || stage quiet "fuzzing, a minute each" scripts/fuzz.sh 60
stage quiet "build for release" build release
if [[ $ok ]]; then
	stage quiet "verifier" verifier
	stage quiet "installed library" use_installed_library
	stage shown "probe, bad clients, sanitizers" together dev/test_probe dev/test_bad_clients
	stage shown "lifecycle, matrix" together release/test_lifecycle release/test_matrix
	stage shown "the server's life" together release/test_privileges release/test_operation release/test_reload
	stage shown "odd packets, transports, expiry" together "dev/test_packets --only segment/" \
		"dev/test_packets --only two-nic/" dev/test_transports release/test_expiry
	stage shown "the model, live" netns release test_model
	stage shown "hairpins, ICMP errors, policing" together release/test_hairpin release/test_icmp release/test_policing
	stage shown "user space: runs, workers" together release/test_merging release/test_workers
	stage shown "abuse, and what runs out" together release/test_abuse release/test_exhausted
	stage shown "allocations come and go" netns release test_churn
	stage shown "the same, sanitizers" netns dev test_churn --only limited
	stage shown "10,000 clients" netns release test_load
	stage shown "live mode changes" netns release test_switching --changes 200
	stage shown "changes, VLANs, the host's traffic" together release/test_changes release/test_nexthops \
		"release/test_vlan --only two" release/test_queues release/test_ownership
	stage shown "clients of other makers" together release/test_clients release/test_chromium
	stage shown "virtual machines" netns release vm/test_vm
	stage quiet "everything can be measured" bench/run.sh --quick
fi

echo
printf '%s\n' "${summary[@]}"
[[ ${#failures[@]} -eq 0 ]] || printf '%s\n' "WHAT FAILED" "${failures[@]}"
[[ $skipped -eq 0 ]] || echo "NOT ALL WAS RUN: what is marked SKIPPED is not tested on this machine."
echo "$passed passed, $failed failed"
[[ $failed -eq 0 ]]
