#!/bin/sh
# tests/stress/run.sh: the long forms of tests, one after the other. SPDX-License-Identifier: MIT
#
# usage: run.sh PROGRAM...
#
# Everything that a program says is shown as it comes, with the seed and the time
# that it took; the last lines name what failed and how to run it again.
# STRESS_SEED=N takes that seed instead of a new one, STRESS_ONLY=PATTERN those
# programs whose name matches it.

set -u

seed=${STRESS_SEED:-$(date +%s)}
only=${STRESS_ONLY:-.}
TAP_LONG=1 TAP_SEED=$seed
export TAP_LONG TAP_SEED

failed=
n=0
for program; do
  printf '%s\n' "$program" | grep -qE -e "$only" || continue
  n=$((n + 1))
  echo "== $program, seed $seed"
  start=$(date +%s)
  case $program in
  *.sh) sh "$program" ;;
  *) "./$program" ;;
  esac || failed="$failed $program"
  echo "== $program took $(($(date +%s) - start)) s"
done

if [ "$n" -eq 0 ]; then
  echo "no program's name matches $only" >&2
  exit 2
fi
echo "== $n programs, seed $seed:${failed:- all well}"
for program in $failed; do
  echo "failed: make check-stress STRESS_SEED=$seed STRESS_ONLY='$program'"
done
[ -z "$failed" ]
