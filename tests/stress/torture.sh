#!/bin/sh
# tests/stress/torture.sh: runs the API tests under the library's torture switches. SPDX-License-Identifier: MIT
#
# One TAP case for each pair of a switch and a program. The heap verifier is on
# throughout. Left out are the cases that count collections or ask how much
# memory is used, where a switch changes the answer by design. The short form
# takes the programs that work the heap hardest, TAP_LONG=1 all of them.

set -u

here=${top_builddir:-.}/tests/api
programs="alloc base_size collect disclaim free_realloc marking roots threads"
if [ "${TAP_LONG:-0}" = 1 ]; then
  programs="$programs fork init registers stats thread_signals dlrace"
fi
unset TAP_LONG # each program in its short form, but many times
TAP_TIMEOUT_SCALE=${TAP_TIMEOUT_SCALE:-4}
export TAP_TIMEOUT_SCALE

# One line a run: a name, and the settings.
runs="verifier:GCX_VERIFY=1
collections:GCX_VERIFY=1 GCX_TORTURE_ALLOC=100
mark_stack:GCX_VERIFY=1 GCX_TORTURE_MARK_STACK=4
claims:GCX_VERIFY=1 GCX_TORTURE_CLAIM=1
together:GCX_VERIFY=1 GCX_TORTURE_ALLOC=300 GCX_TORTURE_MARK_STACK=16 GCX_TORTURE_CLAIM=1"

# Cases that a run changes by design, as RUN:PROGRAM:CASE.
exceptions="
collections:collect:automatic_collection_can_be_switched_off
collections:collect:allocation_collects_by_itself
collections:collect:bigger_divisor_collects_not_less
collections:stats:bytes_since_the_collection_start_anew
collections:stats:non_gc_bytes_delay_collections
together:collect:automatic_collection_can_be_switched_off
together:collect:allocation_collects_by_itself
together:collect:bigger_divisor_collects_not_less
together:stats:bytes_since_the_collection_start_anew
together:stats:non_gc_bytes_delay_collections
"

n=0
failed=0
scratch=$(mktemp) || exit 2
trap 'rm -f "$scratch"' EXIT

excepted() {
  printf '%s\n' "$exceptions" | sed -n "s/^$1:$2:\(.*\)/--except \1/p"
}

one_run() {
  run=$1 program=$2
  shift 2
  n=$((n + 1))
  # shellcheck disable=SC2046
  if env "$@" "$here/$program" $(excepted "$run" "$program") \
    >"$scratch" 2>&1; then
    echo "ok $n - $run of $program"
  else
    failed=$((failed + 1))
    sed 's/^/# /' "$scratch" | grep -v '^# ok ' | head -40
    echo "not ok $n - $run of $program"
  fi
}

echo "1..$(($(echo "$runs" | wc -l) * $(echo "$programs" | wc -w)))"
old_ifs=$IFS
IFS='
'
for line in $runs; do
  IFS=$old_ifs
  for program in $programs; do
    # shellcheck disable=SC2086
    one_run "${line%%:*}" "$program" ${line#*:}
  done
done
[ $failed -eq 0 ]
