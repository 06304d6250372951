#!/bin/sh
# tests/tools/abidiff.sh: the libraries against those of the system's libgc. SPDX-License-Identifier: MIT
#
# abidiff of abigail-tools tells what a program linked with the system's would miss in
# ours: names, their kinds and, where both have debugging information, types. Only names
# of abi-missing.list may be missing.

. "$(dirname "$0")/lib.sh"

command -v abidiff >/dev/null || skip_all "abigail-tools is not installed"
[ -e "$top_builddir/.libs/libgc.so.1" ] || skip_all "no shared library in this build"
case ${CFLAGS-} in *-fsanitize=*) skip_all "this build is sanitised" ;; esac

missing=$top_srcdir/tests/tools/abi-missing.list

# known: the names that may be missing, as abidiff writes them
known() {
  grep -v '^#' "$missing" | awk 'NF { print "  [D] " $1 }' | sort -u
}
# changes THEIRS OURS: what else is not as it was; silence means that all of it is there
changes() {
  # The status is a set of bits: 1 and 2 are faults of the call, the others differences.
  abidiff --no-added-syms "$1" "$2" >"$scratch/diff" 2>&1
  [ $(($? & 3)) -eq 0 ] || { cat "$scratch/diff"; return 2; }
  known >"$scratch/known"
  grep -E '^ *\[[DC]\]' "$scratch/diff" | sed "s/\(\[D\] \)'[^']*'  *{\(.*\)}/\1\2/" |
    sort -u | comm -23 - "$scratch/known" >"$scratch/changes"
  cat "$scratch/changes"
  ! [ -s "$scratch/changes" ]
}

for name in libgc libgccpp libgctba; do
  what="$name has what the system's has"
  theirs=$(${CC} -print-file-name="$name.so.1")
  ours=$top_builddir/.libs/$name.so.1
  if ! [ -e "$theirs" ]; then skip "$what" "the system has no libgc"
  elif ! [ -e "$ours" ]; then skip "$what" "this build is without C++"
  elif [ "$(readlink -f "$theirs")" = "$(readlink -f "$ours")" ]; then
    skip "$what" "the system's is ours"
  else passes "$what" changes "$theirs" "$ours"; fi
done

# ---- Planted faults ----

# library NAME: from standard input
library() { ${CC} -shared -fPIC -g -x c -o "$scratch/$1" -; }
printf 'int GC_old(int a) { return a; }\nint GC_x(void) { return 0; }\n' | library whole.so
printf 'int GC_x(void) { return 0; }\n' | library less.so
printf 'long GC_old(long a, int *b) { return a + *b; }\nint GC_x(void) { return 0; }\n' |
  library other.so
passes "a library has what it has itself" changes "$scratch/whole.so" "$scratch/whole.so"
refuses "a function that is missing is found" GC_old \
  changes "$scratch/whole.so" "$scratch/less.so"
refuses "so is one of another type" GC_old changes "$scratch/whole.so" "$scratch/other.so"

finish
