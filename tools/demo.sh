#!/bin/sh
# One real connection, from its first SYN to the last acknowledged FIN: an unmodified curl in a network of its
# own, whose TCP ends in tern, fetches a page from a web server on this machine's loopback. Where the system
# gives no namespaces or no /dev/net/tun it says so and shows a connection in the lab instead.
# usage: tools/demo.sh TERN
set -u
tern=$1
here=$(mktemp -d) || exit 1
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; rm -rf "$here"' EXIT

lab() {
	echo "$1"
	echo 'So here is a connection between two hosts in one process:'
	echo
	"$tern" lab connection --explain
}

for need in curl python3; do
	command -v "$need" >/dev/null || { lab "$need is not installed, and the demo on a real network needs it."; exit; }
done
if ! why=$(timeout 10 "$tern" gateway -- true 2>&1); then
	lab "This system does not let tern gateway run: $why"
	exit
fi

echo '<h1>hello from the host</h1>' >"$here/index.html"
cat >"$here/serve.py" <<'PYTHON'
import functools, http.server, sys
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=sys.argv[1])
handler.log_message = lambda *ignored: None
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
with open(sys.argv[1] + "/port", "w") as port:
    print(server.server_address[1], file=port)
server.serve_forever()
PYTHON
timeout 50 python3 "$here/serve.py" "$here" >/dev/null 2>&1 &
server=$!
tries=0
until [ -s "$here/port" ]; do
	tries=$((tries + 1))
	[ "$tries" -lt 50 ] || { lab 'The demo web server did not start.'; exit; }
	sleep 0.1
done
url="http://10.0.2.2:$(cat "$here/port")/"

echo "\$ tern gateway --watch -- curl $url"
timeout 30 "$tern" gateway --watch -- curl -sS --max-time 20 "$url"
