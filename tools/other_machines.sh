#!/bin/sh
# The unit tests and the packet scripts on machines of another kind, by cross compilers and qemu-user: s390x is
# big-endian, armhf has 32 bits. A machine whose compiler or emulator is missing is named, and skipped.
#
# usage: other_machines.sh [JOBS]
# TERN_MACHINES_WITHOUT: labels to leave out, for those in a hurry (the gate: attack, minutes of each machine).
set -eu
cd "$(dirname "$0")/.."

jobs=${1:-2}
code=77
for machine in s390x:s390x-linux-gnu-gcc:qemu-s390x armhf:arm-linux-gnueabihf-gcc:qemu-arm; do
	name=${machine%%:*} programs=${machine#*:}
	missing=''
	for program in "${programs%:*}" "${programs#*:}"; do
		command -v "$program" >/dev/null 2>&1 || missing="$missing $program"
	done
	if [ -n "$missing" ]; then
		echo "skipped: $name, for there is no$missing"
		continue
	fi
	[ "$code" -ne 77 ] || code=0
	cmake --preset "machine-$name" --log-level=NOTICE
	cmake --build "build/machine-$name" --parallel "$jobs"
	echo "== $name"
	python3 tools/run_tests.py --jobs "$jobs" --label machines \
		${TERN_MACHINES_WITHOUT:+--exclude-label "$TERN_MACHINES_WITHOUT"} "build/machine-$name" || code=1
done
exit "$code"
