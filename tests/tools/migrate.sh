#!/bin/sh
# tests/tools/migrate.sh: the commands of the guide for users of libgc work. SPDX-License-Identifier: MIT
#
# The blocks of shell are run in their order in one folder; a block of text behind one is
# what that prints. pkg-config finds the system's libgc, where there is one.

. "$(dirname "$0")/lib.sh"

[ -e "$top_builddir/.libs/libgc.so.1" ] || skip_all "no shared library in this build"
case ${CFLAGS-} in *-fsanitize=*) skip_all "this build is sanitised" ;; esac
command -v pkg-config >/dev/null || skip_all "pkg-config is not installed"

reclaim=$(cd "$top_builddir" && pwd)
export reclaim
if ! pkg-config --exists bdw-gc; then
  # The same lines of a build that is not installed.
  mkdir "$scratch/pc"
  printf 'Name: x\nDescription: x\nVersion: 8.2.2\nLibs: -L%s -lgc\nCflags: -I%s\n' \
    "$reclaim/.libs" "$top_srcdir/include" >"$scratch/pc/bdw-gc.pc"
  PKG_CONFIG_PATH=$scratch/pc
  export PKG_CONFIG_PATH
fi

guide=${GUIDE:-$top_srcdir/docs/guide/migrate.md}
mkdir "$scratch/work"

# prints NUMBER: the block runs without a fault and prints what stands behind it
prints() {
  (cd "$scratch/work" && timeout 120 sh -e "$scratch/blocks/$1.code") >"$scratch/printed" 2>&1 ||
    { cat "$scratch/printed"; return 1; }
  touch "$scratch/blocks/$1.text"
  diff "$scratch/blocks/$1.text" "$scratch/printed"
}

check_blocks "$guide" sh 5

# What the page says is not there.
answers_zero() {
  printf '%s\n' '#include <gc.h>' \
    'int main(void) { GC_INIT(); GC_enable_incremental(); return GC_is_incremental_mode(); }' \
    >"$scratch/i.c"
  ${CC} -I"$top_srcdir/include" -o "$scratch/i" "$scratch/i.c" -L"$reclaim/.libs" -lgc &&
    LD_LIBRARY_PATH=$reclaim/.libs "$scratch/i"
}
passes "incremental mode is refused" answers_zero
no_cords() { ! find "$top_srcdir/include" -name 'cord*' -o -name ec.h | grep .; }
passes "there are no cords" no_cords

finish
