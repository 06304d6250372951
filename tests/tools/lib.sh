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

# check_blocks GUIDE LANGUAGE LEAST: a case for each of the guide's blocks of code in that
# language, which are so many at least. It calls prints NUMBER; blocks/NUMBER.code is the
# block then, and blocks/NUMBER.text what stands in a block of text next to it, if
# there is one.
check_blocks() {
  mkdir "$scratch/blocks"
  awk -v dir="$scratch/blocks" -v fence='```'"$2" '
    /^#+ / { heading = $0; sub(/^#+ /, "", heading) }
    $0 == fence { n++; to = dir "/" n ".code"; print heading >(dir "/" n ".name"); next }
    /^```text$/ && behind { to = dir "/" n ".text"; next }
    /^```$/ && to != "" { behind = to ~ /\.code$/; close(to); to = ""; next }
    to != "" { print >to; next }
    /./ { behind = 0 }
    END { print n + 0 >(dir "/count") }
  ' "$1"
  count=$(cat "$scratch/blocks/count")
  passes "the guide has blocks of code" test "$count" -ge "$3"
  block=1
  while [ "$block" -le "$count" ]; do
    passes "block $block, $(cat "$scratch/blocks/$block.name")" prints "$block"
    block=$((block + 1))
  done
}
