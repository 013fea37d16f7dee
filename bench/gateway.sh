#!/bin/bash
# iperf3 from a guest to the host's loopback and back, through tern gateway and through slirp4netns, in turn.
# usage: bench/gateway.sh [TERN] [ROUNDS] [SECONDS]. Needs iperf3, slirp4netns and user namespaces.
# Prints medians in Gbit/s and their ratio. Everything stays on loopback and in namespaces made here.
set -u
tern=${1:-build/release/tern}
rounds=${2:-3}
seconds=${3:-2}
port=5399
for need in "$tern" iperf3 slirp4netns unshare nsenter python3; do
	command -v "$need" >/dev/null || { echo "bench/gateway.sh: $need is missing" >&2; exit 77; }
done
here=$(mktemp -d) || exit 1
iperf3 -s -B 127.0.0.1 -p $port >/dev/null 2>&1 &
server=$!
trap 'kill $server 2>/dev/null; rm -rf "$here"' EXIT
sleep 0.5

through_slirp() { # MTU COMMAND...
	local mtu=$1 guest slirp
	shift
	unshare -Urn sleep $((seconds + 20)) &
	guest=$!
	sleep 0.5
	slirp4netns --configure --mtu="$mtu" $guest tap0 >/dev/null 2>&1 &
	slirp=$!
	sleep 1
	nsenter --preserve-credentials -U -n -t $guest "$@"
	kill $guest $slirp
	wait $guest $slirp 2>/dev/null
}
through_tern() { # MTU COMMAND...
	local mtu=$1
	shift
	"$tern" gateway --mtu "$mtu" -- "$@"
}

for _ in $(seq "$rounds"); do
	for mtu in 65520 1500; do
		for way in from to; do
			reverse=()
			[ $way = from ] || reverse=(-R)
			for by in tern slirp; do
				through_$by $mtu iperf3 -J "${reverse[@]}" -c 10.0.2.2 -p $port -t "$seconds" \
					>"$here/out" 2>/dev/null
				echo "$mtu $way $by $(python3 -c 'import json,sys
print(json.load(open(sys.argv[1]))["end"]["sum_received"]["bits_per_second"] / 1e9)' "$here/out" 2>/dev/null)" >>"$here/all"
			done
		done
	done
done
python3 - "$here/all" <<'PYTHON'
import statistics, sys
runs = {}
for line in open(sys.argv[1]):
    mtu, way, by, *figure = line.split()
    runs.setdefault((mtu, way), {}).setdefault(by, []).extend(float(f) for f in figure)
print("MTU    way             tern   slirp4netns   ratio   (Gbit/s, medians)")
for (mtu, way), by in runs.items():
    t, s = (statistics.median(by.get(k) or [float("nan")]) for k in ("tern", "slirp"))
    print(f"{mtu:<6} {way} the guest  {t:7.1f} {s:13.1f} {t / s:7.1f}")
PYTHON
