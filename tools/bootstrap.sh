#!/bin/sh
# Sees to what building and testing tern needs. On Debian and Ubuntu what is missing is installed through apt;
# elsewhere it is named, and the build goes on where it can.
#
# usage: bootstrap.sh [ci | fuzz | coverage | bench]
#
#	ci        the cross compilers, their emulator, clang and clang-tidy too
#	fuzz      clang; where AFL=1, AFL++ too
#	coverage  clang and what reads its counters
#	bench     what the peers of tern-bench are built with, and those that Debian has ready
#
# Quick where nothing is missing: it asks the machine for the programs and headers themselves, not apt.
set -eu

required=''    # nothing can be built without these
optional=''    # the build leaves out a part without these, and says so
packages=''    # their Debian names

has_program() { command -v "$1" >/dev/null 2>&1; }
has_header() { printf '#include <%s>\n' "$1" | "${CC:-cc}" -E - >/dev/null 2>&1; }
has_clang_runtime() { ls "$(clang -print-resource-dir 2>/dev/null)"/lib/*/libclang_rt.profile*.a >/dev/null 2>&1; }

need() { required="$required $1"; packages="$packages $2"; }
want() { optional="$optional $1"; packages="$packages $2"; }

has_program "${CC:-cc}" || need 'a-C-compiler' 'gcc libc6-dev'
has_header stdio.h || need 'the-C-library-headers' 'libc6-dev'
has_program cmake || need 'cmake' 'cmake'
has_program ninja || need 'ninja' 'ninja-build'
has_program pkg-config || want 'pkg-config' 'pkg-config'
has_program python3 || need 'python3' 'python3'
has_program scdoc || want 'scdoc' 'scdoc'
has_header cmocka.h || want 'cmocka' 'libcmocka-dev'
has_header jansson.h || want 'jansson' 'libjansson-dev'
has_header zlib.h || want 'zlib' 'zlib1g-dev'
has_header pcap/pcap.h || want 'libpcap' 'libpcap-dev'
has_program valgrind || want 'valgrind' 'valgrind'
if [ "${1:-}" = ci ]; then
	has_program clang || want 'clang' 'clang'
	# The playground's module (tools/playground_wasm.sh), and what runs it for its tests.
	has_program wasm-ld || ls /usr/bin/wasm-ld-* >/dev/null 2>&1 || want 'wasm-ld' 'lld'
	has_program node || want 'node' 'nodejs'
	has_program clang-tidy || want 'clang-tidy' 'clang-tidy'
	has_program arm-linux-gnueabihf-gcc || want 'arm-linux-gnueabihf-gcc' \
		'gcc-arm-linux-gnueabihf libc6-dev-armhf-cross'
	has_program s390x-linux-gnu-gcc || want 's390x-linux-gnu-gcc' 'gcc-s390x-linux-gnu libc6-dev-s390x-cross'
	has_program qemu-s390x || want 'qemu-user' 'qemu-user'
	# Real programs that the gateway is tried with (tests/interop); each is skipped by name where it is missing.
	has_program curl || want 'curl' 'curl'
	has_program spin || want 'spin' 'spin'
	has_program ip || want 'ip' 'iproute2'
	has_program iperf3 || want 'iperf3' 'iperf3'
	has_program socat || want 'socat' 'socat'
	has_program tshark || want 'tshark' 'tshark'
	has_program tcpdump || want 'tcpdump' 'tcpdump'
	has_program ping || want 'ping' 'iputils-ping'
	has_program dig || want 'dig' 'bind9-dnsutils'
	has_program redis-benchmark || want 'redis' 'redis-server redis-tools'
	has_program nginx || [ -x /usr/sbin/nginx ] || want 'nginx' 'nginx'
	has_program sshd || [ -x /usr/sbin/sshd ] || want 'sshd' 'openssh-server openssh-client'
	has_program zsh || want 'zsh' 'zsh'
	has_program fish || want 'fish' 'fish'
	# The pages of tern report: built anew with the pinned tools, and tried in a browser (tests/web).
	has_program node || want 'node' 'nodejs'
	has_program npm || want 'npm' 'npm'
	has_program chromium || want 'chromium' 'chromium fonts-dejavu-core'
fi

if [ "${1:-}" = fuzz ] || [ "${1:-}" = coverage ]; then
	has_program clang || want 'clang' 'clang'
	has_clang_runtime || want 'clang-run-time' 'libclang-rt-dev' # Debian's clang only recommends it
fi
if [ "${1:-}" = fuzz ] && [ "${AFL:-0}" = 1 ]; then
	has_program afl-clang-fast || want 'AFL++' 'afl++'
fi
if [ "${1:-}" = coverage ]; then
	has_program llvm-cov || want 'llvm-cov' 'llvm'
fi

if [ "${1:-}" = bench ]; then
	has_program dpkg-source || want 'dpkg-source' 'dpkg-dev'
	has_program go || want 'go' 'golang-go'
	[ -d /usr/share/gocode/src/gvisor.dev/gvisor ] || want 'gVisor' 'golang-gvisor-gvisor-dev'
	has_program iperf3 || want 'iperf3' 'iperf3'
	has_program pasta || want 'pasta' 'passt'
	has_program slirp4netns || want 'slirp4netns' 'slirp4netns'
fi

say_missing() {
	echo "Missing:$required$optional" >&2
	[ -z "$required" ] || echo "Nothing can be built without:$required" >&2
	[ -z "$optional" ] || echo "Left out without them: what needs$optional" >&2
	echo "$1" >&2
	[ -z "$required" ] || exit 1
	exit 0
}

# No daemon that a package brings is to be started here (Debian policy 9.3.3): the tests start their own.
hold_daemons() {
	policy=/usr/sbin/policy-rc.d
	if [ -e "$policy" ]; then
		return
	fi
	# shellcheck disable=SC2086 # empty or one word
	if printf '#!/bin/sh\nexit 101\n' | $as_root tee "$policy" >/dev/null && $as_root chmod 755 "$policy"; then
		# shellcheck disable=SC2064 # as they are now
		trap "$as_root rm -f '$policy'" EXIT
	fi
}

install_missing() {
	has_program apt-get ||
		say_missing "There is no apt on this machine; please install them by its own means."
	as_root=''
	if [ "$(id -u)" -ne 0 ]; then
		has_program sudo || say_missing "As root: apt-get install$packages"
		as_root='sudo'
	fi
	echo "Installing:$packages"
	export DEBIAN_FRONTEND=noninteractive
	log=$(mktemp)
	hold_daemons
	# shellcheck disable=SC2086 # both are lists of words
	if ! { $as_root apt-get -q update && $as_root env DEBIAN_FRONTEND=noninteractive \
		apt-get -q install -y --no-install-recommends $packages; } </dev/null >"$log" 2>&1; then
		tail -n 5 "$log" >&2
		rm -f "$log"
		say_missing "apt-get could not install:$packages"
	fi
	rm -f "$log"
}

check_cmake() {
	version=$(cmake --version | sed -n '1s/.*version \([0-9]*\)\.\([0-9]*\).*/\1 \2/p')
	# shellcheck disable=SC2086 # two words
	set -- $version
	if [ "$1" -lt 3 ] || { [ "$1" -eq 3 ] && [ "$2" -lt 21 ]; }; then
		echo "cmake here is $1.$2; tern needs 3.21 or newer." >&2
		exit 1
	fi
}

# DPDK for the plug-in and its test: 160 MB in two hundred packages, so apart from what everything else needs.
want_dpdk() {
	if ! has_program apt-get || { has_program pkg-config && pkg-config --exists libdpdk; }; then
		return
	fi
	as_root=''
	[ "$(id -u)" -eq 0 ] || as_root='sudo'
	echo 'Installing: libdpdk-dev'
	$as_root env DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends libdpdk-dev \
		</dev/null >/dev/null 2>&1 || echo 'Left out: the plug-in for DPDK and its test' >&2
}

[ -z "$packages" ] || install_missing
[ "${1:-}" != ci ] || want_dpdk
check_cmake
