#!/bin/sh
# tests/tools/bench_run.sh: bench/run judges memory by the rule. SPDX-License-Identifier: MIT

. "$(dirname "$0")/lib.sh"

# row NAME BASE-KB OURS-KB: a result in which ours takes half the time.  Three
# runs whose medians these are; the base's highest is far above.
row() {
  printf '{"group": "g", "name": "%s", "goal": 0.6, "rss_goal": null,' "$1"
  printf ' "base": [%s, %s, %s],' \
    "$(figures 1.0 1)" "$(figures 1.0 "$2")" "$(figures 1.0 99999999)"
  printf ' "ours": [%s, %s, %s]}' \
    "$(figures 0.5 1)" "$(figures 0.5 "$3")" "$(figures 0.5 99999999)"
}
figures() { printf '{"cpu_s": %s, "rss_kb": %s, "ns_op": 1, "gcs": 1}' "$1" "$2"; }

# render ROW...: makes the table of these rows
render() {
  rows=
  for r in "$@"; do rows="${rows:+$rows, }$r"; done
  printf '{"meta": {"date": "d", "cpu": "c", "cpus": 1, "kernel": "k",
    "pairs": 3, "quick": false, "markers": 1, "base": "b", "ours": "o"},
    "cases": [%s]}' "$rows" >"$scratch/r.json"
  run "$PYTHON" "$top_srcdir/bench/run" --render "$scratch/r.json"
  [ "$status" -ne 0 ] || cp "$scratch/r.md" "$scratch/out"
}
# says NAME PATTERN: the table has a line like this
says() { if grep -qE -- "$2" "$scratch/out"; then ok "$1"; else not_ok "$1"; fi; }

render "$(row less 20000 19999)" "$(row same 20000 20000)" \
  "$(row more 20000 20001)" "$(row small 10239 12287)" \
  "$(row smallest 1000 3049)" "$(row edge 10240 10241)"
says "less is lower" '^\| less .*\| reached \|.*\| lower \|'
says "the same is equal" '^\| same .*\| reached \|.*\| equal \|'
says "a kilobyte more is too much" '^\| more .*\| memory \|.*\| OVER by 1 KB \|'
says "small programs may use 2 MB more" '^\| small .*\| reached \|.*\| within 2 MB \|'
says "and not more than that" '^\| smallest .*\| memory \|.*\| OVER by 2.0 MB \|'
says "10 MB are not small" '^\| edge .*\| memory \|.*\| OVER by'
says "the rows that are over are named" \
  '^Over in peak memory: more; smallest; edge\.$'

render "$(row less 20000 19999)"
says "or that there is none" '^Over in peak memory: no row\.$'

finish
