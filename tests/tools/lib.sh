# tests/tools/lib.sh: TAP for shell tests of the scripts. SPDX-License-Identifier: MIT
#
# Sourced.  A test gets a scratch folder $scratch, which goes away at the end,
# and finds the tree at $top_srcdir and the build at $top_builddir.

top_srcdir=${top_srcdir:-$(cd "$(dirname "$0")/../.." && pwd)}
top_builddir=${top_builddir:-$top_srcdir}
PYTHON=${PYTHON:-python3}
CC=${CC:-cc}
WITH_HEXPR=${WITH_HEXPR:-yes}
scratch=$(mktemp -d "${TMPDIR:-/tmp}/reclaim-tools.XXXXXX") || exit 99
trap 'rm -rf "$scratch"' EXIT
trap 'exit 99' HUP INT TERM
echo 0 >"$scratch/count"

# The count is in a file, because a test may stand at the end of a pipe.
number() {
  tests=$(($(cat "$scratch/count") + 1))
  echo "$tests" >"$scratch/count"
}
ok() { number; echo "ok $tests - $1"; }
not_ok() {
  number
  echo "not ok $tests - $1"
  [ ! -s "$scratch/out" ] || sed 's/^/# /' "$scratch/out"
}
skip() { number; echo "ok $tests - $1 # SKIP $2"; }
skip_all() { echo "1..0 # SKIP $1"; exit 0; }
finish() { echo "1..$(cat "$scratch/count")"; }

# run COMMAND...: keeps its output in $scratch/out and its status in $status
run() { "$@" >"$scratch/out" 2>&1; status=$?; }

# passes NAME COMMAND...: the command succeeds
passes() {
  name=$1; shift
  run "$@"
  if [ "$status" -eq 0 ]; then ok "$name"; else not_ok "$name"; fi
}

# refuses NAME TEXT COMMAND...: the command fails with status 1 and says TEXT
refuses() {
  name=$1 text=$2; shift 2
  run "$@"
  if [ "$status" -eq 1 ] && grep -qF -- "$text" "$scratch/out"; then
    ok "$name"
  else
    echo "# status $status, wanted 1 and: $text"
    not_ok "$name"
  fi
}
