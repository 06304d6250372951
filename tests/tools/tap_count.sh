#!/bin/sh
# tests/tools/tap_count.sh: the sum of test results is right. SPDX-License-Identifier: MIT

. "$(dirname "$0")/lib.sh"

count() { "$top_srcdir/tools/tap-count" "$@"; }
# sums NAME EXPECTED ARGUMENT...
sums() {
  name=$1 expected=$2; shift 2
  run count "$@"
  if [ "$(cat "$scratch/out")" = "$expected" ]; then ok "$name"
  else echo "# wanted $expected"; not_ok "$name"; fi
}

mkdir -p "$scratch/b/api"
printf ':test-result: PASS 1 - a\n:test-result: SKIP 2 - b # SKIP no\n' \
  >"$scratch/b/api/one.trs"
printf ':test-result: PASS 1\n:test-result: XFAIL 2\n:copy-in-global-log: no\n' \
  >"$scratch/b/two.trs"
sums "results of a build are summed" "3 passed, 0 failed, 1 skipped" "$scratch/b"
printf ':test-result: FAIL\n:test-result: XPASS\n:test-result: ERROR\n' \
  >"$scratch/b/three.trs"
sums "failures count, not the error that they make" \
  "3 passed, 2 failed, 1 skipped" "$scratch/b"
printf ':test-result: PASS\n:test-result: ERROR\n:test-result: ERROR\n' \
  >"$scratch/four.trs"
sums "errors of a program without failures count once" \
  "1 passed, 1 failed, 0 skipped" "$scratch/four.trs"
printf 'ok 1 - x\nnot ok 2 - y\nok 3 # SKIP z\n# ok 4\n1..3\n' >"$scratch/t"
sums "plain TAP is summed" "1 passed, 1 failed, 1 skipped" --tap "$scratch/t"
sums "both together" "4 passed, 3 failed, 2 skipped" --tap "$scratch/t" "$scratch/b"
printf '1..3\nok 1\nok 2\n' >"$scratch/t"
sums "a case too few is a failure" "2 passed, 1 failed, 0 skipped" --tap "$scratch/t"
printf 'ok 1\n' >"$scratch/t"
sums "a missing plan is a failure" "1 passed, 1 failed, 0 skipped" --tap "$scratch/t"
printf '1..0 # SKIP no library\n' >"$scratch/t"
sums "a skipped program counts once" "0 passed, 0 failed, 1 skipped" --tap "$scratch/t"
printf 'FAIL: api/three 1 - c\nERROR: api/three - exited with status 1\n' \
  >"$scratch/b/three.log"
printf 'PASS: api/four 1\nERROR: api/four - missing plan\nERROR: no case\n' \
  >"$scratch/b/four.log"
cp "$scratch/four.trs" "$scratch/b/four.trs"
printf 'ok 1 - x\nnot ok 2 - y\n1..2\n' >"$scratch/t"
run count --failures "$scratch/b" --tap "$scratch/t"
if [ "$(wc -l <"$scratch/out")" -eq 3 ] &&
  grep -q 'api/three 1 - c' "$scratch/out" &&
  grep -q 'api/four - missing plan' "$scratch/out" &&
  grep -q 'not ok 2 - y' "$scratch/out"; then
  ok "failures are named"
else not_ok "failures are named"; fi

finish
