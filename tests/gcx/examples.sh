#!/bin/sh
# tests/gcx/examples.sh: the examples show what the guide says. SPDX-License-Identifier: MIT
#
# How many objects died may differ by a few, since a forgotten word can keep one;
# so a number that depends on it is judged by the example itself, whose status is
# 0 only then, and the text has its form checked.

. "$(dirname "$0")/../tools/lib.sh"

programs=$top_builddir/examples

# shows NAME FORM...: the example succeeds, and each line has its form
shows() {
  example=$1; shift
  run timeout 60 "$programs/$example"
  good=$status
  [ "$(wc -l <"$scratch/out")" -eq $# ] || good=1
  line=0
  for form in "$@"; do
    line=$((line + 1))
    sed -n "${line}p" "$scratch/out" | grep -qxE -e "$form" || good=1
  done
  if [ "$good" -eq 0 ]; then ok "$example"; else not_ok "$example"; fi
}

shows alloc_profile 'up to bytes +made +dead +live' \
  ' +32 +16000 +1[56][0-9]{3} +[1-9][0-9]{1,2}' \
  ' +64 +32000 +3[12][0-9]{3} +[1-9][0-9]{1,2}' \
  ' +128 +64000 +6[34][0-9]{3} +[1-9][0-9]{1,2}' \
  ' +256 +88000 +8[78][0-9]{3} +[1-9][0-9]{1,2}' \
  ' +8192 +2000 +1[78][0-9]{2} +[1-9][0-9]{2}' \
  '[12][0-9]{5} objects of [0-9]{5} KB found dead, 0 not told'
shows fd_owner '2000 files opened, never more than [1-9][0-9]{1,2} at once' \
  '500 closed by hand, 1[34][0-9]{2} by their notifier'
shows foreign_buffer '250 MB of pixels, at most ([1-9]|1[0-6]) MB at once' \
  '9[0-9]{2} images told by their notifier, the last one cleared by hand'
shows weak_cache '200000 look-ups, [0-9]{4,5} entries made, 0 wrong' \
  '(6[4-9]|[7-9][0-9]|100) of 1000 entries left, 64 of them in use'
shows weak_notes '20000 areas computed, 0 wrong' \
  '([5-9][0-9]{2}|1000) of 20000 notes left, 500 of them of shapes in use'
shows destructors '(1000|9[0-9]{2}) groups, [45][0-9]{3} circles, [45][0-9]{3} shapes died' \
  '[45][0-9]{3} members found intact by their group'
shows find_mistake \
  'object 0x[0-9a-f]+ of kind "session" \(16 bytes, made at .*find_mistake.c:.* is dead, but .*' \
  '  The word at 0x[0-9a-f]+, in static data or a registered root, refers to offset 0 of it' \
  '  Its notifier returned GCX_DONE, and .*' \
  'the last user was -555819298'

# A program of the user's own is compiled like this.
if [ -e "$top_builddir/.libs/libgc.so" ]; then
  # shellcheck disable=SC2086 # CC and CFLAGS are lists of words.
  passes "an example compiles with the line of the guide" ${CC} ${CFLAGS-} \
    -Wall -Wextra -Werror -I"$top_srcdir/include" -o "$scratch/p" \
    "$top_srcdir/examples/fd_owner.c" -L"$top_builddir/.libs" -lgc -pthread
else
  skip "an example compiles with the line of the guide" \
    "no shared library in this build"
fi

finish
