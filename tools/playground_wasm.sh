#!/bin/sh
# The playground's WebAssembly module from its sources: the freestanding core, the room src/play/, what it tells its
# events with, and a libc of a page's length (web/wasm/). No emscripten: clang and lld alone.
#
# usage: playground_wasm.sh [--check] [OUT]      OUT: web/wasm/tern-play.wasm, which is committed
#
# The bytes hang on the compiler, so it is pinned: another one builds a module that works, but --check, which compares
# with the committed one, then says so and ends with 77.
set -eu

pinned='14.0.6'
cd "$(dirname "$0")/.."
committed=web/wasm/tern-play.wasm
check=0
if [ "${1:-}" = --check ]; then
	check=1
	shift
fi
out=${1:-$committed}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
[ "$check" = 0 ] || out=$work/tern-play.wasm

# pick NAME: as Debian names what is of one version, else whatever there is.
pick() { command -v "$1-${pinned%%.*}" 2>/dev/null || command -v "$1" 2>/dev/null || true; }
clang=$(pick clang)
linker=$(pick wasm-ld)
if [ -z "$clang" ] || [ -z "$linker" ]; then
	echo 'playground: clang and wasm-ld (Debian: clang lld) are needed to make the module' >&2
	exit 77
fi
version() { "$1" --version | sed -n '1s/.* \([0-9]*\.[0-9]*\.[0-9]*\).*/\1/p'; }
if [ "$check" = 1 ] && { [ "$(version "$clang")" != "$pinned" ] || [ "$(version "$linker")" != "$pinned" ]; }; then
	echo "playground: clang $(version "$clang"), wasm-ld $(version "$linker"); the module is made by $pinned" >&2
	exit 77
fi

flags='--target=wasm32-unknown-unknown -std=c17 -O2 -ffreestanding -fno-ident -mbulk-memory -Wall -Wextra -Werror
	-nostdlib -ffunction-sections -fdata-sections -Iinclude -Isrc -isystem web/wasm/include'
# Of the files of which each machine has its own (cmake/TernRooms.cmake) those for any machine.
base=$(find src/base -name '*.c' ! -name '*_avx2.c' | LC_ALL=C sort)
# shellcheck disable=SC2086
set -- $base src/wire/*.c src/tcp/*.c src/ip/*.c src/host/*.c src/play/*.c src/loop/allocator.c \
	src/link/fate.c src/watch/timeline.c src/watch/conns.c src/watch/role.c src/watch/jsonl.c src/watch/text.c

# Two at a time.
export clang flags work
printf '%s\n' "$@" | xargs -P 2 -n 24 sh -c '
	for source; do
		# shellcheck disable=SC2086 # a list of words
		"$clang" $flags -c -o "$work/$(echo "$source" | tr / _).o" "$source" || exit 255
	done' sh
# shellcheck disable=SC2086
"$clang" $flags -fno-builtin -c -o "$work/libc.o" web/wasm/libc.c

# 256 MiB at most: libc.c's PAGES. The stack stands first, so that running over its end traps.
"$linker" --no-entry --gc-sections --strip-all --stack-first -z stack-size=262144 --max-memory=268435456 \
	--export=door_room --export=door_start --export=door_wrong --export=door_run --export=door_now \
	--export=door_next --export=door_act --export=door_may --export=door_lines --export=door_status \
	--export=door_share -o "$out" "$work"/*.o

chmod 644 "$out"
if [ "$check" = 1 ]; then
	if ! cmp -s "$out" "$committed"; then
		echo "playground: $committed is not what the source gives: run tools/playground_wasm.sh (make wasm)" >&2
		exit 1
	fi
	echo "playground: $committed is what the source gives, $(wc -c <"$committed") bytes"
fi
