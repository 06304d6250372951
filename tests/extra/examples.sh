#!/bin/sh
# tests/extra/examples.sh: the example programs print what they promise. SPDX-License-Identifier: MIT
#
# Speaks TAP.

programs=${top_builddir:-.}/extra/examples
count=0
failed=0

gives() { # NAME WANTED COMMAND...
  name=$1
  wanted=$2
  shift 2
  count=$((count + 1))
  got=$(timeout 60 "$@" 2>&1)
  if [ $? -eq 0 ] && [ "$got" = "$wanted" ]; then
    echo "ok $count - $name"
  else
    failed=$((failed + 1))
    echo "not ok $count - $name"
    echo "$got" | sed 's/^/# /'
  fi
}

gives intern 'the same pair twice: one node
left of the nodes made: less than a tenth
still the same pair: yes' "$programs/intern"
gives derive 'w*cos(w*x)*exp(-x^2/2) - x*sin(w*x)*exp(-x^2/2)' \
  "$programs/derive"
gives 'derive by a given variable' 'v^2/2' "$programs/derive" 'm*v^2/2' m
gives sharing \
  'as a graph 101 nodes, as a tree 2535301200456458802993406410751' \
  "$programs/sharing"

gives 'bdd: eight queens' '8 queens: 92 solutions' "$programs/bdd"
gives 'bdd: nine queens' '9 queens: 352 solutions' \
  "$programs/bdd" 9

echo "1..$count"
[ "$failed" -eq 0 ]
