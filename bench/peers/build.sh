#!/bin/sh
# Builds the peers that tern-bench measures beside tern, as far as this machine has what they need. What is missing is
# named, and is no error: tern-bench leaves such a peer out.
#
# usage: build.sh DIR [lwip | gvisor | linux]...
#
#	DIR   where the programs go (`make bench`: build/lto/peers, where tern-bench looks for them)
#
# lwIP's source comes by `apt-get source`, with lists of its own in DIR, so that the machine's stay as they are;
# LWIP_SOURCE=directory takes one that is there. gVisor comes from Debian's golang-gvisor-gvisor-dev
# (tools/bootstrap.sh bench).
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
cc=${CC:-cc}
gopath=/usr/share/gocode

missing() { echo "bench/peers: $1 is left out: $2" >&2; }

# The directory of lwIP's source; fails with nothing said.
lwip_fetch() {
	apt=$to/apt
	mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
	release=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
	key=/usr/share/keyrings/debian-archive-keyring.gpg
	mirror=$(sed -n 's/^URIs: *\(http[^ ]*\).*/\1/p; s/^deb .*\(http[^ ]*\) .*/\1/p' \
		/etc/apt/sources.list.d/debian.sources /etc/apt/sources.list 2>/dev/null | head -n 1)
	echo "deb-src [signed-by=$key] ${mirror:-http://deb.debian.org/debian} $release main" >"$apt/sources"
	set -- -q -o Dir::Etc::SourceList="$apt/sources" -o Dir::Etc::SourceParts=/dev/null \
		-o Dir::State::Lists="$apt/lists" -o Dir::Cache="$apt/cache" -o APT::Sandbox::User=root
	timeout 120 apt-get "$@" update >"$to/apt.log" 2>&1 &&
		(cd "$to" && timeout 120 apt-get "$@" source lwip >>"$to/apt.log" 2>&1)
}

# lwip_program NAME WINDOW MSL OFFLOAD
lwip_program() {
	[ ! -x "$to/$1" ] || [ -n "$(find "$here/lwip" "$0" -newer "$to/$1" -type f)" ] || return 0
	# shellcheck disable=SC2086 # a list of files without spaces
	$cc -O2 -flto=auto -w -DPEER_WINDOW="$2" -DPEER_MSL="$3" -DPEER_OFFLOAD="$4" -I "$here/lwip" -I "$root/src" \
		-I "$lwip/src/include" -o "$to/$1.new" "$here"/lwip/*.c $sums \
		"$lwip"/src/core/*.c "$lwip"/src/core/ipv4/*.c &&
		mv "$to/$1.new" "$to/$1"
}

build_lwip() {
	lwip=${LWIP_SOURCE:-}
	[ -n "$lwip" ] || lwip=$(find "$to" -maxdepth 1 -type d -name 'lwip-*' | head -n 1)
	if [ -z "$lwip" ]; then
		command -v dpkg-source >/dev/null || { missing lwIP 'dpkg-dev is not here'; return; }
		lwip_fetch || { missing lwIP "apt-get source could not fetch it ($to/apt.log)"; return; }
		lwip=$(find "$to" -maxdepth 1 -type d -name 'lwip-*' | head -n 1)
	fi
	sums="$to/sum.o $to/sum_unit.o"
	$cc -O3 -c -I "$root/src" -o "$to/sum.o" "$root/src/base/sum.c"
	case $(uname -m) in
	x86_64) $cc -O3 -mavx2 -c -I "$root/src" -o "$to/sum_unit.o" "$root/src/base/sum_avx2.c" ;;
	*) $cc -O3 -c -I "$root/src" -o "$to/sum_unit.o" "$root/src/base/sum_narrow.c" ;;
	esac
	lwip_program lwip-64k 65535 30000 0
	lwip_program lwip-256k 262144 30000 0
	lwip_program lwip-offload-64k 65535 30000 1
	lwip_program lwip-offload-256k 262144 30000 1
	lwip_program lwip-msl 65535 100 0
}

build_linux() {
	$cc -O2 -flto -o "$to/linux.new" "$here/linux/peer.c" && mv "$to/linux.new" "$to/linux"
}

build_gvisor() {
	command -v go >/dev/null || { missing gVisor 'Go is not here (tools/bootstrap.sh bench)'; return; }
	[ -d "$gopath/src/gvisor.dev/gvisor" ] ||
		{ missing gVisor 'golang-gvisor-gvisor-dev is not here (tools/bootstrap.sh bench)'; return; }
	[ ! -x "$to/gvisor" ] || [ "$here/gvisor/peer.go" -nt "$to/gvisor" ] || return 0
	GO111MODULE=off GOPATH=$gopath GOCACHE=$to/go-cache GOFLAGS=-p=2 go build -o "$to/gvisor" "$here/gvisor/peer.go"
}

[ $# -ge 1 ] || { sed -n '2,12s/^# \{0,1\}//p' "$0" >&2; exit 2; }
mkdir -p "$1"
to=$(cd "$1" && pwd)
shift
[ $# -gt 0 ] || set -- lwip gvisor linux
for peer; do
	case $peer in
	lwip) build_lwip ;;
	gvisor) build_gvisor ;;
	linux) build_linux ;;
	*) echo "build.sh: there is no peer '$peer'" >&2; exit 2 ;;
	esac
done
