#!/bin/sh
# Installs into a directory of its own, then builds examples/echo.c against it as a stranger would: once with
# pkg-config and once through find_package, and looks at what was put where.
#
# usage: install_test.sh BUILD SOURCE CMAKE CC
set -eu

[ $# -eq 4 ] || { echo "usage: $0 BUILD SOURCE CMAKE CC" >&2; exit 2; }
build=$1 source=$2 cmake=$3 cc=$4
example=$source/examples/echo.c
[ -f "$example" ] || { echo "no examples/echo.c yet"; exit 77; }
command -v pkg-config >/dev/null || { echo "no pkg-config here"; exit 77; }

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
DESTDIR=$root "$cmake" --install "$build" --prefix /opt/tern >/dev/null
prefix=$root/opt/tern
libdir=$(dirname "$(find "$prefix" -name libtern.a)")

fail() { echo "install: $1" >&2; exit 1; }
[ -x "$prefix/bin/tern" ] || fail "no bin/tern"
[ -f "$prefix/include/tern/socket.h" ] || fail "no include/tern/socket.h"
[ -L "$libdir/libtern.so" ] || fail "libtern.so is not a link"
if command -v scdoc >/dev/null; then
	[ -f "$prefix/share/man/man1/tern.1" ] || fail "no man page"
fi
for completion in bash-completion/completions/tern zsh/site-functions/_tern fish/vendor_completions.d/tern.fish; do
	[ -f "$prefix/share/$completion" ] || fail "no share/$completion"
done
if [ -n "$(find "$prefix/include" -name '*.h' -path '*src*')" ]; then
	fail "an inner header was installed"
fi

# A stranger's compiler flags are not ours: each public header must stand alone, in C11 and in pedantic mode.
export PKG_CONFIG_PATH="$libdir/pkgconfig"
for header in "$prefix"/include/tern/*.h; do
	echo "#include <tern/$(basename "$header")>" |
		"$cc" -std=c11 -Wall -Wextra -Wpedantic -Werror $(pkg-config --cflags tern) -fsyntax-only -x c - ||
		fail "<tern/$(basename "$header")> does not compile by itself"
done

"$cc" -std=c17 -Wall -Wextra -Werror $(pkg-config --cflags tern) "$example" -o "$root/echo" $(pkg-config --libs tern) ||
	fail "examples/echo.c does not build with pkg-config"
LD_LIBRARY_PATH=$libdir ldd "$root/echo" | grep -q "libtern.so.[0-9]* => $libdir" ||
	fail "the program does not find libtern.so by its soname"
"$cc" -std=c17 $(pkg-config --cflags tern) "$example" -o "$root/echo-static" "$libdir/libtern.a" -pthread ||
	fail "examples/echo.c does not build with libtern.a"

mkdir "$root/project"
cat >"$root/project/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.21)
project(stranger C)
find_package(tern REQUIRED)
add_executable(shared "$example")
target_link_libraries(shared PRIVATE tern::tern)
add_executable(static "$example")
target_link_libraries(static PRIVATE tern::tern_static)
END
"$cmake" -S "$root/project" -B "$root/project/build" -DCMAKE_C_COMPILER="$cc" -DCMAKE_PREFIX_PATH="$prefix" \
	>"$root/log" 2>&1 && "$cmake" --build "$root/project/build" >>"$root/log" 2>&1 || {
	cat "$root/log" >&2
	fail "examples/echo.c does not build through find_package(tern)"
}
echo "install: ok"
