#!/bin/sh
# tests/tools/abi_symbols.sh: what libgc exports, we export. SPDX-License-Identifier: MIT
#
# abi.list has a line for each symbol of libgc.so.1 8.2.2: its name, function or
# data, the size of data, the header.  Those that are not there yet are in
# abi-missing.list, each with its group: a symbol may be in neither by mistake.

. "$(dirname "$0")/lib.sh"

abi=$top_srcdir/tests/tools/abi.list
missing=$top_srcdir/tests/tools/abi-missing.list
symbols=$top_srcdir/src/libgc.sym

# absent SYMBOLS: the names that a library with these symbols still lacks and
# that the other list does not know, with their headers
absent() {
  sort -u "$1" >"$scratch/have"
  grep -v '^#' "$missing" | awk '{ print $1 }' | sort -u >"$scratch/known"
  grep -v '^#' "$abi" | sort | join -v 1 - "$scratch/have" |
    join -v 1 - "$scratch/known" | awk '{ print $1 ": missing, of " $4 }' \
    >"$scratch/absent"
  cat "$scratch/absent"
  ! [ -s "$scratch/absent" ] || return 1
}
passes "no symbol of libgc is missing unnoticed" absent "$symbols"
grep -v '^GC_malloc$' "$symbols" >"$scratch/fewer"
refuses "a missing symbol is found" "GC_malloc: missing, of gc.h" \
  absent "$scratch/fewer"

# listed SYMBOLS: the names that are said to be missing and are there
listed() {
  sort -u "$1" >"$scratch/have"
  grep -v '^#' "$missing" | awk '{ print $1 }' | sort -u |
    join - "$scratch/have" | sed 's/$/: exported, and listed as missing/' >"$scratch/stale"
  cat "$scratch/stale"
  ! [ -s "$scratch/stale" ] || return 1
}
passes "what is listed as missing is missing" listed "$symbols"
grep -v '^#' "$missing" | awk 'NR == 1 { print $1 }' >"$scratch/more"
if [ -s "$scratch/more" ]; then
  refuses "a stale line is found" "exported, and listed as missing" listed "$scratch/more"
fi

# unfounded SYMBOLS EXTRA: names of libgc's sort that it does not have and that the list
# of extra ones does not explain, or lists in vain
unfounded() {
  grep '^GC_' "$1" | sort -u >"$scratch/have"
  grep -v '^#' "$abi" | awk '{ print $1 }' | sort -u |
    comm -13 - "$scratch/have" >"$scratch/more"
  grep -v '^#' "$2" | awk 'NF > 1 { print $1 }' | sort -u >"$scratch/explained"
  comm -23 "$scratch/more" "$scratch/explained" | sed 's/$/: not of libgc, and no reason given/'
  comm -13 "$scratch/more" "$scratch/explained" | sed 's/$/: explained, and no extra name/'
  cmp -s "$scratch/more" "$scratch/explained"
}
extra=$top_srcdir/tests/tools/abi-extra.list
passes "names that libgc lacks have a reason" unfounded "$symbols" "$extra"
{ cat "$symbols"; echo GC_of_our_own; } >"$scratch/names"
refuses "one without is found" "GC_of_our_own: not of libgc" unfounded "$scratch/names" "$extra"
grep -v '^GC_wcsdup$' "$symbols" >"$scratch/names"
refuses "a stale reason is found" "GC_wcsdup: explained" unfounded "$scratch/names" "$extra"

# by_group: what is missing, a line for each group
by_group() {
  grep -v '^#' "$missing" | while read -r name group; do
    grep -qx "$name" "$symbols" || echo "$group $name"
  done | sort | awk '{ a[$1] = a[$1] " " $2; n[$1]++ }
    END { for (g in a) print "# missing, " g " (" n[g] "):" a[g] }'
}
by_group

# sizes LIBRARY LIST: data has the size that programs at fixed addresses copy
sizes() {
  nm -D -S --defined-only -P "$1" | awk '$2 ~ /^[BDRGS]$/ { print $1, $4 }' |
    sort >"$scratch/sizes"
  [ -s "$scratch/sizes" ] || return 2
  awk '$2 == "data" { print $1, $3 }' "$2" | sort | join - "$scratch/sizes" |
    while read -r name wanted hex; do
      [ "$wanted" -eq "$((0x$hex))" ] || echo "$name: $((0x$hex)) bytes, not $wanted"
    done >"$scratch/wrong"
  cat "$scratch/wrong"
  ! [ -s "$scratch/wrong" ] || return 1
}
library=$top_builddir/.libs/libgc.so.1
if [ -e "$library" ]; then
  passes "public data has libgc's size" sizes "$library" "$abi"
  sed 's/^GC_gc_no data 8/GC_gc_no data 4/' "$abi" >"$scratch/spoilt"
  refuses "another size is found" "GC_gc_no: 8 bytes, not 4" \
    sizes "$library" "$scratch/spoilt"
else
  skip "public data has libgc's size" "no shared library in this build"
  skip "another size is found" "no shared library in this build"
fi

finish
