#!/bin/sh
# tests/tools/api_tested.sh: each function of libgc is called by a black-box test. SPDX-License-Identifier: MIT
#
# What counts is what the compiled tests of tests/api refer to: calls through macros
# are calls, and names in comments are none. Only what is exported can be called;
# abi_symbols.sh looks after the rest.

. "$(dirname "$0")/lib.sh"

NM=${NM:-nm}
objects=$top_builddir/tests/api
abi=$top_srcdir/tests/tools/abi.list

# untested FOLDER LIST SYMBOLS: the functions that no object of the folder calls
untested() {
  find "$1" -name '*.o' -exec "$NM" -u -P {} + | awk '{ print $1 }' | sort -u >"$scratch/called"
  [ -s "$scratch/called" ] || return 2
  awk '$2 == "function" && $4 != "private" { print $1 }' "$2" | sort |
    join - "$3" | comm -23 - "$scratch/called" |
    sed 's/$/: no test of tests\/api calls it/' >"$scratch/untested"
  cat "$scratch/untested"
  ! [ -s "$scratch/untested" ] || return 1
}

sort -u "$top_srcdir/src/libgc.sym" >"$scratch/symbols"
if [ -z "$(find "$objects" -name '*.o' 2>/dev/null | head -1)" ]; then
  skip "each function of libgc has a test" "the tests are not built here"
  skip "a function without one is found" "the tests are not built here"
else
  passes "each function of libgc has a test" untested "$objects" "$abi" "$scratch/symbols"
  { cat "$abi"; echo "GC_never_called function - gc.h"; } >"$scratch/more"
  { cat "$scratch/symbols"; echo GC_never_called; } | sort -u >"$scratch/exported"
  refuses "a function without one is found" "GC_never_called: no test of tests/api calls it" \
    untested "$objects" "$scratch/more" "$scratch/exported"
fi

finish
