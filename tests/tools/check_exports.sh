#!/bin/sh
# tests/tools/check_exports.sh: the export check, and the exports. SPDX-License-Identifier: MIT

. "$(dirname "$0")/lib.sh"

exports() { "$top_srcdir/tools/check-exports" "$@"; }

library=$top_builddir/.libs/libgc.so.1
if [ -e "$library" ]; then
  passes "libgc exports its list" exports "$library" "$top_srcdir/src/libgc.sym"
else
  skip "libgc exports its list" "no shared library in this build"
fi
archive=$top_builddir/.libs/libgccore.a
if [ -e "$archive" ]; then
  passes "internal names have their prefix" exports --prefix gc_ "$archive"
else
  skip "internal names have their prefix" "no libgccore.a in this build"
fi

# shellcheck disable=SC2086 # CC and CFLAGS are lists of words.
compile() { ${CC} -fPIC "$@"; }
cat >"$scratch/a.c" <<'END'
int GC_one(void) { return 1; }
int GC_two(void) { return 2; }
__attribute__((visibility("hidden"))) int gc_inner(void) { return 3; }
END
run compile -shared -o "$scratch/liba.so" "$scratch/a.c"
if [ "$status" -ne 0 ]; then
  not_ok "a sample library compiles"
  finish; exit 0
fi
printf 'GC_one\nGC_two\n' >"$scratch/list"
passes "equal sets pass" exports "$scratch/liba.so" "$scratch/list"
printf 'GC_one\n' >"$scratch/list"
refuses "an export too many is found" 'GC_two: exported and not listed' \
  exports "$scratch/liba.so" "$scratch/list"
printf 'GC_one\nGC_two\nGC_three\n' >"$scratch/list"
refuses "an export too few is found" 'GC_three: listed and not exported' \
  exports "$scratch/liba.so" "$scratch/list"
printf 'GC_one\nGC_two\nGC_one\n' >"$scratch/list"
refuses "a name listed twice is found" 'GC_one: listed twice' \
  exports "$scratch/liba.so" "$scratch/list"
: >"$scratch/list"
refuses "an empty list is no success" 'names nothing' \
  exports "$scratch/liba.so" "$scratch/list"

compile -c -o "$scratch/a.o" "$scratch/a.c"
ar rc "$scratch/liba.a" "$scratch/a.o"
refuses "a name without prefix is found" 'GC_one: does not start with gc_' \
  exports --prefix gc_ "$scratch/liba.a"
run exports "$scratch/nothing.so" "$scratch/list"
if [ "$status" -eq 2 ]; then ok "a missing library is an error"
else not_ok "a missing library is an error"; fi

finish
