#!/bin/sh
# tests/api/run-bdw.sh: runs test programs, knowing which cases may fail. SPDX-License-Identifier: MIT
#
# usage: run-bdw.sh LIST PROGRAM...
#
# LIST names, one a line, the cases in which the library under test is known to
# differ, as program:case and a reason. Their failure is expected; that one of
# them passes is told, yet no error, since some fail by chance only. Any other
# failure, a program that can not run, and an entry that names no case at all
# make the exit status 1. The programs are built by somebody else.

set -u

if [ $# -lt 2 ]; then
  echo "usage: run-bdw.sh LIST PROGRAM..." >&2
  exit 2
fi
list=$1
shift
if [ ! -r "$list" ]; then
  echo "run-bdw.sh: $list can not be read" >&2
  exit 2
fi

scratch=$(mktemp -d) || exit 2
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM
sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$list" | awk '{ print $1 }' \
  | sort >"$scratch/listed"
: >"$scratch/seen"

passed=0 expected=0 surprising=0 skipped=0 failed=0

# Judges the lines of one program's output, which is in $scratch/out.
judge() {
  name=$1
  while IFS= read -r line; do
    case $line in
    'ok '* | 'not ok '*) ;;
    *) continue ;;
    esac
    case_name=${line#* - }
    case_name=${case_name%% \#*}
    known=no
    if grep -Fqx "$name:$case_name" "$scratch/listed"; then
      known=yes
      echo "$name:$case_name" >>"$scratch/seen"
    fi
    case $line:$known in
    *'# SKIP'*)
      skipped=$((skipped + 1))
      echo "skipped: $name:$case_name: ${line#*\# SKIP }"
      ;;
    'not ok '*:yes) expected=$((expected + 1)) ;;
    'not ok '*:no)
      failed=$((failed + 1))
      echo "FAIL: $name:$case_name"
      ;;
    'ok '*:yes)
      surprising=$((surprising + 1))
      echo "passes although listed: $name:$case_name"
      ;;
    *) passed=$((passed + 1)) ;;
    esac
  done <"$scratch/out"
}

# Two at a time, as the other tests are run; they are judged in their order.
printf '%s\0' "$@" | SCRATCH=$scratch xargs -0 -P 2 -n 1 /bin/sh -c '
  run=$SCRATCH/$(basename "$0")
  "$0" >"$run.out" 2>"$run.err"
  echo $? >"$run.status"'

for program in "$@"; do
  name=$(basename "$program")
  before=$failed
  mv "$scratch/$name.out" "$scratch/out"
  mv "$scratch/$name.err" "$scratch/err"
  status=$(cat "$scratch/$name.status")
  judge "$name"
  planned=$(sed -n 's/^1\.\.\([0-9]*\).*/\1/p' "$scratch/out")
  reported=$(grep -c '^\(not \)\{0,1\}ok ' "$scratch/out")
  if [ -z "$planned" ] || [ "$planned" -ne "$reported" ] \
    || [ $status -gt 1 ]; then
    failed=$((failed + 1))
    echo "FAIL: $name: $reported of ${planned:-?} cases ran, status $status"
  fi
  if [ $failed -gt $before ]; then
    sed 's/^/  /' "$scratch/out" "$scratch/err" | grep -v '^  ok ' | head -60
  fi
done

# An entry for a program that ran must name a case of it.
for program in "$@"; do
  name=$(basename "$program")
  grep "^$name:" "$scratch/listed" | while IFS= read -r entry; do
    grep -Fqx "$entry" "$scratch/seen" || echo "$entry"
  done
done >"$scratch/stale"
while IFS= read -r entry; do
  failed=$((failed + 1))
  echo "FAIL: the list names $entry, which does not exist"
done <"$scratch/stale"

echo "$passed passed, $expected failed as listed, $surprising passed although" \
  "listed, $skipped skipped, $failed unexpected"
[ $failed -eq 0 ]
