# The front door. CMake does the work; see CONTRIBUTING.md for the presets behind it.

PREFIX ?= /usr/local
BUILD  := build/release
# What is measured: tern and its peers, all optimised across files (gcc -O2 -flto).
BENCH_BUILD ?= build/lto
# The rows of the README's table and what stands beside them; BENCH_ARGS= measures the congestion control too.
BENCH_ARGS ?= calibration bulk bulk-64k bulk-owned messages flatness open-close cores latency memory device gateway
JOBS   ?= $(shell nproc 2>/dev/null || echo 2)

.PHONY: help demo test proof fuzz coverage bench baseline tidy build setup install clean mutants other-machines memcheck analyze wasm

help:
	@echo 'make demo      build tern and show a real connection of curl, from its first SYN to its last ACK'
	@echo 'make test      build everything and run all tests'
	@echo 'make proof     the long forms of the tests, hours of them (tools/proof.py --list)'
	@echo 'make coverage  branches of the core that the tests take, by directory (clang)'
	@echo 'make fuzz      the fuzzers, FUZZ_SECONDS=60 for each (tools/fuzz.sh; AFL=1: by AFL++)'
	@echo 'make bench     measure, beside lwIP, gVisor and others (tools/bootstrap.sh bench); BENCH_ARGS=memory --full'
	@echo 'make baseline  count instructions anew into bench/baseline'
	@echo 'make mutants   put some two hundred faults into the code, one at a time: a test must find each'
	@echo 'make other-machines  unit tests and scripts on a big-endian and a 32-bit machine, by qemu-user'
	@echo 'make memcheck  unit tests and scripts under valgrind'
	@echo 'make analyze   gcc -fanalyzer and clang-tidy over src/: some minutes'
	@echo 'make wasm      the playground'"'"'s WebAssembly module from its sources (clang, lld); it is committed'
	@echo 'make build     build into $(BUILD)'
	@echo 'make tidy      check the house rules'
	@echo 'make install   into PREFIX ($(PREFIX)); DESTDIR is honoured'
	@echo 'make clean     remove build/'

demo: build
	@tools/demo.sh $(BUILD)/tern

test: build
	@python3 tools/run_tests.py --jobs $(JOBS) $(BUILD)

proof: build
	@python3 tools/proof.py $(BUILD)

fuzz:
	@tools/bootstrap.sh fuzz
	@tools/fuzz.sh

coverage:
	@tools/bootstrap.sh coverage
	@python3 tools/coverage.py

bench: setup
	@cmake --preset $(notdir $(BENCH_BUILD)) --log-level=NOTICE
	@cmake --build $(BENCH_BUILD) --target tern tern-bench
	@bench/peers/build.sh $(BENCH_BUILD)/peers
	@python3 bench/report.py --run $(BENCH_BUILD)/tern-bench $(BENCH_ARGS)

baseline: build
	@TERN_BENCH=$(BUILD)/tern-bench python3 bench/baseline_test.py --write

tidy: build
	@python3 tools/run_tests.py --label tidy $(BUILD)

mutants: build
	@python3 tools/mutants.py run $(BUILD)

memcheck: build
	@python3 tools/memcheck.py --jobs $(JOBS) $(BUILD)

analyze:
	@tools/bootstrap.sh ci
	@cmake --preset release --log-level=NOTICE
	@nice python3 tools/analyze.py --jobs $(JOBS) $(BUILD)

other-machines:
	@tools/bootstrap.sh ci
	@tools/other_machines.sh $(JOBS)

wasm:
	@tools/bootstrap.sh ci
	@tools/playground_wasm.sh

build: setup
	@cmake --preset release --log-level=NOTICE
	@cmake --build $(BUILD)

setup:
	@tools/bootstrap.sh

install: build
	@cmake --install $(BUILD) --prefix '$(PREFIX)'
	@if [ -z '$(DESTDIR)' ] && [ "$$(id -u)" -eq 0 ]; then ldconfig; fi

clean:
	rm -rf build
