#!/bin/sh
# tests/tools/metrics.sh: the figures are the true ones. SPDX-License-Identifier: MIT

. "$(dirname "$0")/lib.sh"

metrics() { "$PYTHON" "$top_srcdir/tools/metrics" "${1:-$scratch/tree}"; }
# says NAME ROW: the table has this row
says() {
  if grep -qxF -- "$2" "$scratch/out"; then ok "$1"; else not_ok "$1"; fi
}

passes "the tree is within the hard limits" metrics "$top_srcdir"

mkdir -p "$scratch/tree/src/heap" "$scratch/tree/tests"
cat >"$scratch/tree/src/heap/a.c" <<'END'
/* A comment. */
#ifdef A
int g(void);
#endif

int f(int x) {
  gc_assert(x);
  return x;
}

static int
h(int y)
{
  return g(y); /* } */
}
END
passes "a small tree is measured" metrics
says "files are counted" '| files | 110-140 | 1 |'
says "lines are counted" '| lines | <= 22000 | 15 |'
says "functions are counted" '| functions | about 1000 | 2 |'
says "the longest function is named" '| longest function | hard 70 | 4 h |'
says "comments are weighed" '| comment ratio | 0.25-0.35 | 0.08 |'
says "checks are counted" '| checks per 1000 code lines | >= 50 | 83.3 |'

{ echo 'int long_one(void) {'; yes '  g();' | head -n 70; echo '}'; } \
  >"$scratch/tree/src/heap/b.c"
refuses "a function over the limit is a failure" '72 long_one' metrics
rm "$scratch/tree/src/heap/b.c"
yes 'int x;' | head -n 701 >"$scratch/tree/src/heap/b.c"
refuses "a file over the limit is a failure" '701 src/heap/b.c' metrics

finish
