#!/bin/sh
# bdwgc-patch/build.sh: builds the adapter on the system's libgc. SPDX-License-Identifier: MIT
#
# usage: build.sh [--prefix=DIR] [CC [SRCDIR [BUILDDIR]]]
#
# Leaves in BUILDDIR (default: the folder `build` beside this file): libgcx_bdw.so and
# libgcx_bdw.a; the same of hcons on it, libhcons_bdw; and include/ with the headers that
# it honours. With --prefix all of that is copied to DIR/lib and DIR/include, and the
# pkg-config files gcx-bdw and hcons-bdw to DIR/lib/pkgconfig; without, these two speak of
# BUILDDIR. libgc is the system's (Debian: libgc-dev): the project's own headers of it
# stay out of the way.

set -u

prefix=
case ${1-} in
--prefix=?*)
  prefix=${1#--prefix=}
  shift
  ;;
-*)
  sed -n 's/^# \(usage: .*\)/\1/p' "$0" >&2
  exit 2
  ;;
esac
here=$(cd "$(dirname "$0")" && pwd) || exit 2
cc=${1:-${CC:-cc}} src=${2:-$here/..} build=${3:-$here/build}
flags="-std=gnu11 -O2 -g -pthread -fPIC -Wall -Wextra -Wshadow"

die() {
  echo "bdwgc-patch/build.sh: $*" >&2
  exit 1
}

mkdir -p "$build/include/gcx" "$build/include/hcons" "$build/objects" || exit 2
build=$(cd "$build" && pwd) || exit 2
# shellcheck disable=SC2086 # a compiler may come with options
echo '#include <gc/gc.h>' | $cc -E -x c - >/dev/null 2>&1 ||
  die "the system has no gc/gc.h; on Debian: apt-get install libgc-dev"
# libgc's gc_config_macros.h is empty unless gc.h comes before it.
for header in backend reclaim weak_map; do
  sed 's,"\.\./gc/gc_config_macros\.h",<gc/gc.h>,' "$src/include/gcx/$header.h" \
    >"$build/include/gcx/$header.h" || exit 2
done
cp "$src/extra/hcons/hcons.h" "$build/include/hcons/" || exit 2

# library NAME FOLDER LIBRARIES: all of the folder's sources, shared and as an archive.
library() {
  rm -f "$build"/objects/*.o "$build/lib$1.a"
  for file in "$src/$2"/*.c; do
    # shellcheck disable=SC2086
    $cc $flags -I"$build/include" -I"$src/extra" -c "$file" \
      -o "$build/objects/$(basename "$file" .c).o" || die "$file does not compile"
  done
  # shellcheck disable=SC2086
  $cc -shared -pthread -o "$build/lib$1.so" -Wl,-soname,"lib$1.so" \
    "$build"/objects/*.o -L"$build" -Wl,--no-as-needed $3 ||
    die "lib$1.so can not be linked"
  ar rcs "$build/lib$1.a" "$build"/objects/*.o || exit 1
}

library gcx_bdw bdwgc-patch "-lgc -ldl"
library hcons_bdw extra/hcons "-lgcx_bdw -lgc"

# ---- Where it stays ----

# pc NAME LIBDIR INCLUDEDIR WHAT REQUIRES LIBS
pc() {
  printf 'Name: %s\nDescription: %s\nVersion: 0\nRequires: %s\nLibs: -L%s %s\nCflags: -I%s\n' \
    "$1" "$4" "$5" "$2" "$6" "$3" >"$2/pkgconfig/$1.pc" || exit 2
}

# The adapter's library stands before libgc, and is needed although a program may only
# have weak references to it.
pc_files() {
  mkdir -p "$1/pkgconfig" || exit 2
  pc gcx-bdw "$1" "$2" "gcx/reclaim.h on the system's libgc" "" \
    "-Wl,--no-as-needed -lgcx_bdw -lgc -pthread"
  pc hcons-bdw "$1" "$2" "hash-consing on the system's libgc" gcx-bdw -lhcons_bdw
}

if [ -z "$prefix" ]; then
  pc_files "$build" "$build/include"
else
  mkdir -p "$prefix/lib" "$prefix/include/gcx" "$prefix/include/hcons" || exit 2
  prefix=$(cd "$prefix" && pwd) || exit 2
  cp "$build"/lib*_bdw.so "$build"/lib*_bdw.a "$prefix/lib/" || exit 2
  cp "$build"/include/gcx/*.h "$prefix/include/gcx/" || exit 2
  cp "$build"/include/hcons/*.h "$prefix/include/hcons/" || exit 2
  pc_files "$prefix/lib" "$prefix/include"
fi
