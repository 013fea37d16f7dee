#!/bin/sh
# Fails where the freestanding core needs more than it may, or keeps mutable global state.
#
# usage: freestanding_check.sh CC NM ARCHIVE
#
# Allowed from outside: memcpy memmove memset memcmp, and the compiler's own run-time (64-bit division on
# 32-bit machines and its kin). Everything else, the stack protector's symbols too, is a C library's.
set -eu

[ $# -eq 3 ] || { echo "usage: $0 CC NM ARCHIVE" >&2; exit 2; }
cc=$1 nm=$2 archive=$3
joined=$(mktemp)
trap 'rm -f "$joined"' EXIT

# One relocatable object: what stays undefined in it, the core does not have.
"$cc" -r -nostdlib -o "$joined" -Wl,--whole-archive "$archive" -Wl,--no-whole-archive

libc='mem(cpy|move|set|cmp)'
aeabi='__aeabi_[a-z0-9_]+'
division='__u?(div|mod|divmod)(s|d|t)i[34]'
bits='__(ashl|ashr|lshr|neg|mul)(s|d|t)i[23]|__u?cmpdi2|__(clz|ctz|ffs|parity|popcount|bswap)(s|d|t)i2'
allowed="^($libc|$aeabi|$division|$bits)\$"

failed=0
symbols=$("$nm" -u "$joined" | awk '{ print $NF }' | sort -u)
for symbol in $symbols; do
	if ! echo "$symbol" | grep -Eq "$allowed"; then
		echo "$symbol: the core needs it, and no freestanding machine has it; used by:"
		"$nm" -A -u "$archive" 2>/dev/null | grep -E "[ :]$symbol\$" | sed 's/^/  /' || true
		failed=1
	fi
done

# Initialised data (D, d), zeroed data (B, b), commons (C): state that two hosts would share.
state=$("$nm" "$joined" | awk '$2 ~ /^[BbDdC]$/ { print $3 }')
for symbol in $state; do
	echo "$symbol: mutable global state in the core; make it const, or a field of the host"
	failed=1
done

[ "$failed" -eq 0 ] || exit 1
echo "freestanding: ok; from outside: $(echo $symbols | tr '\n' ' ')"
