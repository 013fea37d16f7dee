#!/usr/bin/env bash
# The fuzzers for as long as one likes: `make fuzz`, and by `make proof`.
#
#	FUZZ_SECONDS=60          for each target
#	FUZZ_TARGETS='peer pack' these alone
#	AFL=1                    by AFL++ (afl-clang-fast, afl-fuzz) instead of libFuzzer
#	FUZZ_KEEP=DIRECTORY      where inputs that found something new are kept (build/fuzz-corpus), so that the next run
#	                         goes on from them
#
# Each begins with its corpus in tests/fuzz/corpus. What fails is left in FUZZ_KEEP/TARGET.failed/ and named; the
# exit code is 1 then.
set -u
cd "$(dirname "$0")/.." || exit 2
export PYTHONDONTWRITEBYTECODE=1 AFL_QUIET=1
seconds=${FUZZ_SECONDS:-60}
keep=${FUZZ_KEEP:-build/fuzz-corpus}
failed=0
passed=0

names=${FUZZ_TARGETS:-$(basename -s _fuzz.c -a tests/fuzz/*_fuzz.c)}
targets=()
for name in $names; do
	[ -e "tests/fuzz/${name}_fuzz.c" ] || { echo "fuzz: there is no target $name" >&2; exit 2; }
	targets+=("tests/fuzz/${name}_fuzz")
done

build() { # DIRECTORY [MORE...]
	local directory=$1
	shift
	cmake --preset fuzz --log-level=NOTICE -DTERN_BENCH=OFF -DTERN_EXAMPLES=OFF -B "$directory" "$@" || exit 2
	cmake --build "$directory" --target "${targets[@]}" || exit 2
}

by_libfuzzer() { # NAME
	local log="$keep/$1.log"
	timeout $((seconds + 120)) "build/fuzz/tests/fuzz/$1_fuzz" -max_total_time="$seconds" -timeout=20 \
		-rss_limit_mb=3000 -max_len=4096 -print_final_stats=1 -artifact_prefix="$keep/$1.failed/" \
		"$keep/$1" "tests/fuzz/corpus/$1" >"$log" 2>&1
	local code=$?
	awk -v name="$1" '/stat::number_of_executed_units/ { runs = $2 } /stat::average_exec_per_sec/ { speed = $2 }
		/cov: / { for (i = 1; i < NF; i++) if ($i == "cov:") edges = $(i + 1) }
		END { printf "%-12s %12d inputs  %8d a second  %6d edges", name, runs, speed, edges }' "$log"
	[ $code -eq 0 ] || sed -n '/ERROR:\|fuzz:\|runtime error:/p' "$log" | head -n 3 | sed 's/^/  /'
	return $code
}

# AFL++ goes on from what it found before (AFL_AUTORESUME), and puts the failures of then aside. It mutates bytes: the
# mutators of the targets (LLVMFuzzerCustomMutator) are libFuzzer's and driver.c's.
by_afl() { # NAME
	local log="$keep/$1.log" out="$keep/$1.afl" found
	AFL_SKIP_CPUFREQ=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_NO_UI=1 AFL_NO_AFFINITY=1 AFL_AUTORESUME=1 \
		timeout $((seconds + 120)) afl-fuzz -V "$seconds" -m none -t 20000 -i "tests/fuzz/corpus/$1" -o "$out" \
		"build/fuzz-afl/tests/fuzz/$1_fuzz" >"$log" 2>&1
	local code=$?
	awk -v name="$1" -F: '/execs_done/ { runs = $2 } /execs_per_sec/ { speed = $2 } /edges_found/ { edges = $2 }
		END { printf "%-12s %12d inputs  %8d a second  %6d edges", name, runs, speed, edges }' \
		"$out/default/fuzzer_stats" 2>/dev/null
	found=$(find "$out/default/crashes" "$out/default/hangs" -name 'id*' 2>/dev/null | wc -l)
	[ "$found" -eq 0 ] || find "$out/default/crashes" "$out/default/hangs" -name 'id*' -exec cp -t "$keep/$1.failed" {} +
	[ $code -eq 0 ] || sed -n '/PROGRAM ABORT/p' "$log" | head -n 1 | sed 's/^/  /'
	[ $code -eq 0 ] && [ "$found" -eq 0 ]
}

if [ "${AFL:-0}" = 1 ]; then
	command -v afl-clang-fast >/dev/null || { echo 'fuzz: there is no afl-clang-fast (apt-get install afl++)' >&2; exit 77; }
	# Its own counters take the place of libFuzzer's: it drops -fsanitize=fuzzer-... with all that stands behind it.
	build build/fuzz-afl -DCMAKE_C_COMPILER="$(command -v afl-clang-fast)" -DTERN_SANITIZE=address,undefined
	run=by_afl
else
	command -v clang >/dev/null || { echo 'fuzz: there is no clang (apt-get install clang)' >&2; exit 77; }
	build build/fuzz
	run=by_libfuzzer
fi

for target in $names; do
	mkdir -p "$keep/$target" "$keep/$target.failed"
	if $run "$target"; then
		passed=$((passed + 1))
		echo
	else
		failed=$((failed + 1))
		echo "  FAILED: $keep/$target.failed"
	fi
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
