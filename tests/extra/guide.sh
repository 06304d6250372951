#!/bin/sh
# tests/extra/guide.sh: the programs of the guide to hash-consing run and print what it says. SPDX-License-Identifier: MIT
#
# A block of C without a main is the body of one. A block of text behind a block of
# C is what that prints.

. "$(dirname "$0")/../tools/lib.sh"

library=$top_builddir/.libs
[ -e "$library/libhexpr.so" ] || skip_all "no shared library in this build"
case ${CFLAGS-} in *-fsanitize=*) skip_all "this build is sanitised" ;; esac

guide=$top_srcdir/docs/guide/hash-consing.md
# program NUMBER: the whole program of a block
program() {
  if grep -q '^int main' "$scratch/blocks/$1.code"; then
    cat "$scratch/blocks/$1.code"
    return
  fi
  echo '#include <gc/gc.h>'
  echo '#include <hexpr/hexpr.h>'
  echo '#include <stdlib.h>'
  echo '#include <string.h>'
  echo 'int main(void) {'
  cat "$scratch/blocks/$1.code"
  echo 'return 0; }'
}

# prints NUMBER: compiles and runs it, and compares
prints() {
  program "$1" >"$scratch/p.c"
  # shellcheck disable=SC2086 # CC and CFLAGS are lists of words.
  ${CC} ${CFLAGS-} -std=gnu11 -Wall -Wextra -Werror -I"$top_srcdir/include" \
    -I"$top_srcdir/extra" -o "$scratch/p" "$scratch/p.c" -L"$library" \
    -Wl,-rpath-link,"$library" -lhexpr -lhcons -lgc -lgmp -lpthread -lm || return 1
  LD_LIBRARY_PATH=$library timeout 60 "$scratch/p" >"$scratch/printed" || return 1
  [ -e "$scratch/blocks/$1.text" ] || return 0
  # A last line need not end.
  [ -z "$(tail -c 1 "$scratch/printed")" ] || echo >>"$scratch/printed"
  diff "$scratch/blocks/$1.text" "$scratch/printed"
}

check_blocks "$guide" c 12
finish
