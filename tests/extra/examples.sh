#!/bin/sh
# tests/extra/examples.sh: the example programs print what they promise. SPDX-License-Identifier: MIT
#
# Speaks TAP.

programs=${top_builddir:-.}/extra/examples
count=0
failed=0

limited() { timeout 60 "$@"; }

gives() { # NAME WANTED COMMAND...
  name=$1
  wanted=$2
  shift 2
  count=$((count + 1))
  got=$("$@" 2>&1)
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
still the same pair: yes' limited "$programs/intern"
# What needs the expression library is told as skipped in a build without it.
gives_expressions() {
  if [ "${WITH_HEXPR:-yes}" = yes ]; then
    gives "$@"
  else
    count=$((count + 1))
    echo "ok $count - $1 # SKIP this build is without hexpr"
  fi
}

gives_expressions derive 'w*cos(w*x)*exp(-x^2/2) - x*sin(w*x)*exp(-x^2/2)' \
  limited "$programs/derive"
gives_expressions 'derive by a given variable' 'v^2/2' limited "$programs/derive" 'm*v^2/2' m
gives_expressions sharing \
  'as a graph 101 nodes, as a tree 2535301200456458802993406410751' \
  limited "$programs/sharing"
gives_expressions 'lambda' 'plus(2, 3) = 5
pred(times(6, 7)) = 41
power(2, 10) = 1024
fact(5) = 120
lam(x, lam(y, app(lam(x, lam(y, x)), y))) = lambda(lambda(lambda(%1)))
true(done, app(lam(x, x(x)), lam(x, x(x)))) = done' limited "$programs/lambda"
gives_expressions 'lambda of a term that grows for ever' \
  'fix(succ) = (no normal form in 1000 steps)' limited "$programs/lambda" 'fix(succ)'
gives_expressions 'algebra' '> f = exp(-x^2/2)*sin(w*x)
> diff(f, x)
w*cos(w*x)*exp(-x^2/2) - x*sin(w*x)*exp(-x^2/2)
> value put(put(diff(f, x), w, 2), x, 1//4)
1.58499557859
> solve_linear(a*(t - 3) - b, t)
-((-3*a - b)/a)
> s = (a + b)^2
> shared s*sin(s) + cos(s)
(let ((@1 (^ (+ a b) 2)))
  (+ (cos @1) (* @1 (sin @1))))
> size s*sin(s) + s
8 nodes, as a tree 18' limited "$programs/algebra" demo
session() {
  printf '%s\n' 'd = diff(ln(1 + x^2), x)' 'd' 'd +' 'solve_linear(x^2, x)' \
    'put(d, x, 2)' 'value 1//4' 'dot y^2' | limited "$programs/algebra"
}
gives_expressions 'algebra by lines' "2*x/(x^2 + 1)
column 4: expected a number, a name, a sign or '(', found the end
solve_linear(x^2, x)
4/5
0.25
digraph expression {
  n2 [label=\"^\"];
  n1 [label=\"2\", shape=box];
  n0 [label=\"y\", shape=box];
  n2 -> n0;
  n2 -> n1;
}" session

gives 'bdd: eight queens' '8 queens: 92 solutions' "$programs/bdd"
gives 'bdd: nine queens' '9 queens: 352 solutions' \
  "$programs/bdd" 9

echo "1..$count"
[ "$failed" -eq 0 ]
