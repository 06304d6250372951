#!/bin/sh
# tests/bdw-readme.sh: what the adapter's README shows can be copied and pasted. SPDX-License-Identifier: MIT
#
# usage: bdw-readme.sh SRCDIR
#
# Runs the README's first sh block in a copy of the sources, and compares what it prints
# with the text block behind it; then installs and links a program with the archives.

set -u

[ $# -eq 1 ] || exit 2
src=$1
scratch=$(mktemp -d) || exit 2
trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 2
mkdir -p extra include
cp -r "$src/bdwgc-patch" . && cp -r "$src/include/gcx" include/ &&
  cp -r "$src/extra/hcons" extra/ || exit 2
rm -rf bdwgc-patch/build

# block LANGUAGE: the first such one.
block() {
  sed -n "/^\`\`\`$1\$/,/^\`\`\`\$/p" bdwgc-patch/README.md | sed '1d;/^```$/,$d'
}

fail() {
  echo "bdw-readme: $*" >&2
  exit 1
}

block sh >commands
block text >expected
[ -s commands ] && [ -s expected ] || fail "the README has no example"
sh -e commands >printed 2>errors || fail "the commands fail: $(cat errors)"
cmp -s expected printed || fail "other output than promised: $(diff expected printed)"

sh bdwgc-patch/build.sh --prefix="$scratch/installed" || fail "no installation"
PKG_CONFIG_PATH=$scratch/installed/lib/pkgconfig
export PKG_CONFIG_PATH
cc deaths.c $(pkg-config --cflags hcons-bdw) -pthread -o static \
  installed/lib/libhcons_bdw.a -Wl,-u,gcx_kind_new installed/lib/libgcx_bdw.a \
  -lgc -ldl || fail "the archives can not be linked"
./static | cmp -s expected - || fail "other output with the archives"
rm -rf bdwgc-patch include extra
cc deaths.c $(pkg-config --cflags --libs hcons-bdw) -o shared &&
  LD_LIBRARY_PATH=$scratch/installed/lib ./shared | cmp -s expected - ||
  fail "the installed library does not work"
echo "the README's example works"
