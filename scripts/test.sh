#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Run the tests: scripts/test.sh [--list] [quick | STAGE...]. Without arguments it runs all of them, as CI does. `quick`
# takes less than five minutes on two cores. The stages are in test.py.
source "$(dirname "$(realpath "${BASH_SOURCE[0]}")")/lib.sh"

case ${1:-} in
-*) exec /usr/bin/python3 -B scripts/test.py "$@" ;;
esac
become_root "creating network namespaces and loading BPF programs" "$@"

scripts/deps.sh test check
trap give_back EXIT
/usr/bin/python3 -B scripts/test.py "$@" &
child=$!
# A signal to this shell alone must end the whole run, and its end must be awaited.
trap 'kill -TERM "$child" 2>/dev/null || true' INT TERM HUP
status=0
wait "$child" || status=$?
while kill -0 "$child" 2>/dev/null; do
	wait "$child" || status=$?
done
exit "$status"
