#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Test the bash completion: completion.sh PROGRAM COMPLETION
set -uo pipefail
export LC_ALL=C # for the order of completions
program=$(realpath "$1")
# shellcheck source=scripts/completion/turnpike
source "$2"
failures=0

# Complete the last word, as bash does: the line is split at spaces and at "=".
completions() { # WORD...
	COMP_WORDS=("$program" "$@")
	COMP_CWORD=$#
	COMPREPLY=()
	_turnpike "$program" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
	echo "${COMPREPLY[*]}"
}

expect() { # COMPLETIONS WORD...
	local wanted=$1 got
	shift
	got=$(completions "$@")
	if [[ $got != "$wanted" ]]; then
		echo "turnpike $*: '$got', not '$wanted'"
		failures=$((failures + 1))
	fi
}

commands=$("$program" help | sed -nE 's/^  ([a-z]+) .*/\1/p')
[[ $(completions '') == "help ${commands//$'\n'/ }" ]] || { echo "commands: $(completions '')"; failures=1; }
expect 'status stats' st
expect 'status' statu
expect '--moves' mode --m
expect '--control' status --con
expect '--config --coturn-config --confirm --control --control-group' serve --co
expect 'auto head tail' mode --moves ''
expect 'head' mode --moves = h
expect 'auto head tail' mode --moves =
expect 'xdp-generic xdp-native' mode xdp
expect 'dev' mode d
expect 'lo' probe dev lo
expect 'client id user' sessions ''
expect 'lo' pass dev l
cd "$(dirname "$2")" && expect 'turnpike' serve --config tur
# A name of a user is text, whatever it contains.
fake=$(mktemp -d)
trap 'rm -rf "$fake"' EXIT
cat >"$fake/turnpike" <<END
#!/bin/sh
[ "\$1" != users ] || { printf 'user  allocations\n%s  1\n%s  1\n' '\$(touch\${IFS}$fake/run)' 'a*;b'; exit; }
exec '$program' "\$@"
END
chmod +x "$fake/turnpike"
real=$program program=$fake/turnpike
expect "\\\$\\(touch\\\$\\{IFS\\}$fake/run\\) a\\*\\;b client id" kick ''
[[ ! -e $fake/run ]] || { echo "a user's name was run as a command"; failures=1; }
program=$real
# Every command offers its options.
for command in $commands; do
	[[ " $(completions "$command" --he) " == *" --help "* ]] || { echo "$command has no --help"; failures=1; }
done
exit $((failures > 0))
