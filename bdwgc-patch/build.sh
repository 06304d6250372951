#!/bin/sh
# bdwgc-patch/build.sh: builds the adapter on the system's libgc. SPDX-License-Identifier: MIT
#
# usage: build.sh CC SRCDIR BUILDDIR
#
# Leaves in BUILDDIR: libgcx_bdw.so, libgcx_bdw.a, and include/gcx with the headers
# that the adapter honours. A program that wants them is compiled with
# -IBUILDDIR/include and linked with -lgcx_bdw -lgc -pthread. libgc is the
# system's (Debian: libgc-dev): the project's own headers of it stay out of the way.

set -u

if [ $# -ne 3 ]; then
  echo "usage: build.sh CC SRCDIR BUILDDIR" >&2
  exit 2
fi
cc=$1 src=$2 build=$3

die() {
  echo "bdwgc-patch/build.sh: $*" >&2
  exit 1
}

mkdir -p "$build/include/gcx" "$build/objects" || exit 2
# Where the system keeps gc/gc.h: gcx/reclaim.h looks for it beside itself.
gc_h=$(echo '#include <gc/gc.h>' | $cc -M -x c - |
  tr ' ' '\n' | grep '/gc/gc\.h$' | head -1)
[ -n "$gc_h" ] || die "the system has no gc/gc.h; on Debian: apt-get install libgc-dev"
rm -f "$build/include/gc"
ln -s "$(dirname "$gc_h")" "$build/include/gc" || exit 2
# libgc's gc_config_macros.h is empty unless gc.h comes before it.
for header in backend reclaim; do
  sed 's,gc/gc_config_macros\.h,gc/gc.h,' "$src/include/gcx/$header.h" \
    >"$build/include/gcx/$header.h" || exit 2
done

rm -f "$build"/objects/*.o
for file in "$src"/bdwgc-patch/*.c; do
  # shellcheck disable=SC2086 # a compiler may come with options
  $cc -std=gnu11 -O2 -g -pthread -fPIC -Wall -Wextra -Wshadow \
    -I"$build/include" -c "$file" \
    -o "$build/objects/$(basename "$file" .c).o" || die "$file does not compile"
done
$cc -shared -pthread -o "$build/libgcx_bdw.so" -Wl,-soname,libgcx_bdw.so \
  "$build"/objects/*.o -lgc || die "the library can not be linked"
rm -f "$build/libgcx_bdw.a"
ar rcs "$build/libgcx_bdw.a" "$build"/objects/*.o || exit 1
