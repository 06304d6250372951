#!/bin/sh
# tests/extra/hexpr_cmd.sh: what the subcommands of hexpr do. SPDX-License-Identifier: MIT

. "$(dirname "$0")/hexpr_lib.sh"

scripts=$top_srcdir/extra/examples/smt

# ---- Where formulas come from ----

cat >"$dir/list" <<'END'
# two formulas
area : a*b   # of a field

a + b
END
gives 'a file has a formula a line' 'area : a*b
a + b' print -f "$dir/list"

input=$dir/list
gives 'so has standard input' 'area : a*b
a + b' print
gives 'arguments come before files' 'x
area : a*b
a + b' print -f - x
input=/dev/null

printf '; one\n(+ x\n 1) (let ((@1 (f y))) (g @1 @1))\n2/3' >"$dir/sexpr"
gives 'S-expressions are known by their look' 'x + 1
g(f(y), f(y))
2//3' print -f "$dir/sexpr"
gives 'and by --from' 'f(x)' print --from sexpr '(f x)'
gives 'what only looks like them is infix' '(a + b)*c' print '(a+b)*c'
printf '(a+b)*c\n(a)\n' >"$dir/brackets"
gives 'in files, too' '(a + b)*c
a' print -f "$dir/brackets"

run convert binary -f "$dir/list" -f "$dir/sexpr"
cp "$dir/out" "$dir/binary"
gives 'a binary file comes back' 'a*b
a + b
x + 1
g(f(y), f(y))
2//3' print -f "$dir/binary"
head -c 20 "$dir/binary" >"$dir/short"
fails 'a binary file that is cut off' 1 "short: byte 20: expected more bytes" \
  print -f "$dir/short"

run convert binary -O 'set_of:/n' 'set_of(a, b)'
cp "$dir/out" "$dir/set"
gives 'collections in binary files are known' 'set_of(a, b)' print -f "$dir/set"

gives 'scripts may be arguments' 'f(x)' print --from smt2 '(assert (f x))'
fails 'no formula at all' 2 'print needs a FORMULA' print
fails 'a file that is not there' 2 'cannot read .*absent: No such file' \
  print -f "$dir/absent"
printf 'x : a\nx : b\n' >"$dir/twice"
run print -f "$dir/twice"
[ $status -eq 1 ] && has_err "twice:2:1: expected a name not used before" &&
  out_is 1 'x : a'
verdict $? 'a name stands for one formula'
printf '(f x)\n(g y' >"$dir/open"
run print --from sexpr -f "$dir/open"
[ $status -eq 1 ] && has_err "open:2:5: expected an expression or ')'" &&
  has_err '^  (g y$' && has_err '^      ^$' && out_is 1 'f(x)'
verdict $? 'errors in S-expressions have line, column and a mark'

# What a terminal would obey: U+009B, alone and as a byte, DEL, and an escape sequence.
csi=$(printf '\302\233') hostile=$(printf '\302\233\033\233\177')
shows_only_text() {
  LC_ALL=C tr -d '\n -~' <"$dir/err" >"$dir/rest" && [ ! -s "$dir/rest" ]
}
printf '\316\273 \302\233 + ( \302\233\177\n' >"$dir/hostile"
run print -f "$dir/hostile"
[ $status -eq 1 ] && has_err 'hostile:1:3: expected .*, found .\\xc2\\x9b' &&
  has_err "^  $(printf '\316\273')   + (   \$" && has_err '^    ^$' &&
  ! grep -q "$csi" "$dir/err"
verdict $? 'the line and the mark of an error show no control characters'
run evaluate "a$csi"
[ $status -eq 1 ] && shows_only_text && has_err 'no value is given for a\\xc2\\x9b$'
verdict $? 'a message shows no control characters'
run print -f "$dir/absent$hostile"
[ $status -eq 2 ] && shows_only_text && has_err 'absent\\xc2\\x9b\\x1b\\x9b\\x7f'
verdict $? 'a message shows none of a file either'
run print --json "x $csi"
[ $status -eq 1 ] && has_out 'found": ".\\\\xc2\\\\x9b' && ! grep -q "$csi" "$dir/out"
verdict $? 'JSON: an error shows no control characters'
gives 'JSON: control characters of a formula' \
  '{"command": "print", "results": [{"formula": "a\u009b + |b\\x7f|"}], "errors": [], '"\
\"status\": 0}" print --json "a$csi + |b$(printf '\177')|"

echo '(a+b+c)' >"$dir/sum"
fails 'limits: nodes' 1 'expected at most 2 nodes' print -N 2 'a+b'
fails 'limits: levels' 1 'expected at most 2 levels' print --max-depth 2 '(((a)))'
fails 'limits: nodes of what begins with a bracket' 1 \
  'sum:1:5: expected at most 2 nodes' print -N 2 -f "$dir/sum"
fails 'limits: bytes' 1 'expected at most 3 bytes' print -B 3 'a + b'
fails 'a limit that is no number' 2 'a limit is a number' print -N many a

# ---- Notations ----

gives 'let names shared parts' 'let @1 = x + y; @2 = @1^2 in @1*@2*@2' \
  print --share '(x+y)*(x+y)^2*(x+y)^2'
gives 'and is read' '(x + y)*(x + y)' print 'let @1 = x + y in @1*@1'
gives 'to S-expressions' '(let ((@1 (+ x y)))
  (* @1 @1))' print -t sexpr '(x+y)*(x+y)'
run convert dot 'x+x'
[ $status -eq 0 ] && has_out '^digraph'
verdict $? 'to Graphviz'
gives 'operators of the user' 'a && b && (not c)' \
  print -O '&&:infix,5,comm,assoc,idem' -O not:prefix,6 'b && a && not c && a'
gives 'in both notations' '(&& a b)' \
  print -O '&&:infix,5,comm,assoc' -t sexpr 'b && a'
gives 'that do not chain' 'a < b' print -O '<:infix,8,alone' 'a<b'
fails 'operators defined badly' 2 'not a definition of an operator: x:infix' \
  print -O x:infix a
fails 'an unknown notation' 2 'unknown notation xml' print -t xml a
fails 'formulas are not written as scripts' 2 'unknown notation smt2' \
  print -t smt2 a

# ---- Algebra ----

gives 'an operator of three operands' 'tri(a, b, c)' \
  print -O 'tri:/3' 'tri(a, b, c)'
gives 'simplify keeps names' 'area : a*b
a + b' simplify -f "$dir/list"
gives 'differentiate' '3*x^2' differentiate -x x 'x^3'
gives 'as often as wanted' '6*x' differentiate -x x -n 2 'x^3'
gives 'several formulas' 'area : b
1' differentiate -x a -f "$dir/list"
gives 'differentiate by rules' 'cos(x) + 3*x^2' differentiate -R -x x 'x^3 + sin(x)'
gives 'simplify by rules' '-sin(x) + 2*x^2/3' simplify --by-rules 'x*x - x^2/3 + sin(-x)'
run rules derivative
[ $status -eq 0 ] && has_out '^D(f\*g, x) -> D(f, x)\*g + f\*D(g, x)$'
verdict $? 'the rules of derivatives'
cp "$dir/out" "$dir/D.rules"
gives 'which a file can have' 'cos(x)*2' \
  rewrite -r "$dir/D.rules" 'D(sin(x)*2 + y, x)'
echo 'D(erf(f), x) -> 2/sqrt(pi)*exp(-f^2)*D(f, x)' >>"$dir/D.rules"
gives 'and add to' '4*x*exp(-x^4)/sqrt(pi)' \
  rewrite -S -r "$dir/D.rules" 'D(erf(x^2), x)'
gives 'derivatives as they are' '2*x^1*sin(x) + x^2*cos(x)' \
  diff --unsimplified 'x^2*sin(x)' x
fails 'no such set' 2 'no set of rules is named no' rules no
fails 'which set?' 2 'needs derivative or simplifier' rules
fails 'no derivative under a binder' 1 'not possible under binders' \
  differentiate -O 'all:binder' -x x 'all(x*%0)'
fails 'by what?' 2 'needs -x VARIABLE' differentiate 'x^3'
gives 'substitute all at once' 'y - x' substitute -D x=y -D y=x 'x-y'
fails 'substitute nothing' 2 'needs -D' substitute 'x'
fails 'a definition without a name' 2 'a definition is NAME=FORMULA' \
  substitute -D '=3' 'x'
fails 'a definition of a call' 2 'a definition is NAME=FORMULA, not f(x)=3' \
  substitute -D 'f(x)=3' 'x'
gives 'a definition of any name' '3 + x' substitute -D '|a=b|=3' '|a=b| + x'
run substitute -D 'x=1+' x
[ $status -eq 1 ] && has_err '^x=1+:1:3: expected' && [ ! -s "$dir/out" ]
verdict $? 'a definition that is no formula'
gives 'evaluate' '2.5' evaluate -D x=3//2 'x + 1'
gives 'evaluate knows pi' '1.0' evaluate 'sin(pi/2)'
fails 'evaluate needs all values' 1 'no value is given for y' \
  evaluate -D x=1 'x*y'
fails 'values have values' 1 'no value is given for z$' evaluate -D x=1 -D y=z 'x*y'
fails 'functions without meaning have none' 1 'no value is given for f(2)$' \
  evaluate 'sin(1 + f(2))'
gives 'not even if nobody asks' '1.0' evaluate -D y=z 1

# ---- Rules ----

cat >"$dir/rules" <<'END'
# numbers of Peano
var x y
plus(x, 0) -> x
plus(x, s(y)) -> s(plus(x, y))
END
gives 'rewrite' 's(s(s(0)))' rewrite -r "$dir/rules" 'plus(s(0), s(s(0)))'
gives 'outermost first' 's(s(s(0)))' \
  rewrite -o -r "$dir/rules" 'plus(s(0), s(s(0)))'
gives 'and simplify' '2*x' rewrite -S -r "$dir/rules" 'plus(x, 0) + x'
fails 'rewrite without rules' 2 'needs -r RULES' rewrite 'x'
printf 'var x\nf(x) -> f(f(x))\n' >"$dir/endless"
fails 'rewriting without end' 2 'no normal form after 1000 steps' \
  rewrite -r "$dir/endless" -m 1000 'f(a)'
printf 'var x\nf(x) -> g(\n' >"$dir/wrong"
run rewrite -r "$dir/wrong" 'f(a)'
[ $status -eq 2 ] && has_err "wrong:2:" && [ ! -s "$dir/out" ]
verdict $? 'an error in the rules'

gives 'equal' 'equal' equal 'a+b' 'a + b'
run equal 'a+b' 'b+a'
[ $status -eq 1 ] && out_is 1 'different: formula 1
  first: a + b
  second: b + a'
verdict $? 'different'
gives 'equal up to simplification' 'equal' equal -S 'a+b' 'b+a'
gives 'equal up to rules' 'equal' \
  equal -r "$dir/rules" 'plus(s(0), s(0))' 's(s(0))'
gives 'equal operands by their laws' 'equal' \
  equal -O '&:infix,5,comm,assoc' 'a & (b & c)' 'c & b & a'
printf 'one : x\nx*x\n' >"$dir/first"
printf 'x\n(x)*x\n' >"$dir/second"
gives 'files are compared formula by formula' 'equal' \
  equal -f "$dir/first" -f "$dir/second"
echo y >>"$dir/second"
run equal -f "$dir/first" -f "$dir/second"
[ $status -eq 1 ] && has_out 'formula 3' && has_out 'first: nothing'
verdict $? 'a formula too many'
fails 'equal of three' 2 'needs two of' equal a b c
run equal 'a+' b
[ $status -eq 2 ] && has_err 'argument 1:1:3'
verdict $? 'trouble is not difference'

# ---- Sizes ----

run stats 'x*x + x*x' y
[ $status -eq 0 ] && has_out '^formula 2$' && has_out '^together$' &&
  has_out 'graph nodes  *3$' && has_out 'tree nodes  *7$' &&
  has_out 'sharing factor  *2.33$' && has_out 'depth  *3$' &&
  has_out 'shared nodes  *1$' && has_out 'graph nodes  *4$'
verdict $? 'stats'
awk 'BEGIN { printf "let @1 = x"; for (i = 2; i <= 300; i++)
  printf "; @%d = @%d + @%d", i, i - 1, i - 1; print " in @300" }' >"$dir/big"
run stats -f "$dir/big"
[ $status -eq 0 ] && has_out 'tree nodes  *2.03703597e90$' &&
  has_out 'graph nodes  *300$'
verdict $? 'a tree that no memory holds'

# ---- Scripts of SMT-LIB ----

for script in adder schedule bits order; do
  run print --share -f "$scripts/$script.smt2"
  cp "$dir/out" "$dir/$script"
  run equal -f "$scripts/$script.smt2" -f "$dir/$script"
  # Names are printed with their colon.
  [ $status -eq 0 ] && [ -s "$dir/$script" ]
  verdict $? "$script: comes back from infix text"
done
run stats -f "$scripts/adder.smt2"
[ $status -eq 0 ] && has_out 'declared  *8$' && has_out 'defined  *5$' &&
  has_out 'asserted  *2$' && has_out 'let names  *6$' &&
  has_out 'graph nodes  *28$' && has_out 'tree nodes  *73$'
verdict $? 'adder: sharing is reported'
run stats -f "$scripts/bits.smt2"
[ $status -eq 0 ] && has_out 'graph nodes  *34$' && has_out 'tree nodes  *211$'
verdict $? 'bits: sharing is reported'

smt() { # NAME WANT SCRIPT
  printf '%s\n' "$3" >"$dir/script"
  gives "$1" "$2" print --from smt2 -t sexpr -f "$dir/script"
}
smt 'let binds in parallel' '(f y x)' \
  '(assert (let ((x y) (y x)) (f x y)))'
smt 'let inside is nearer' '(f (g a) a)' \
  '(assert (let ((x a)) (f (let ((x (g x))) x) x)))'
smt 'a quantifier hides a let name' '(forall S (f %0 a))' \
  '(assert (let ((x a) (y a)) (forall ((x S)) (f x y))))'
smt 'a let name under more binders' '(forall S (exists T (f %1 %0 (g %1))))' \
  '(assert (forall ((x S)) (let ((y (g x))) (exists ((z T)) (f x z y)))))'
smt 'functions are put in with their operands' '(f (f a b) (g a))' \
  '(define-fun d ((x S) (y S)) S (f x (g y))) (define-fun e () S (f a b))
   (assert (d e a))'
smt 'and operands under binders are raised' \
  '(forall S (exists S (f %1 %0)))' \
  '(define-fun d ((x S)) Bool (exists ((y S)) (f x y)))
   (assert (forall ((z S)) (d z)))'
smt 'a declaration hides a definition' '(f d)' \
  '(define-fun d () S a) (declare-fun d () S) (assert (f d))'
smt 'numbers and words' '(f 12 3/2 "a\"b" |(_ bv10 4)| |(_ bv10 8)| |x y|)' \
  '(assert (f 12 1.50 "a""b" #b1010 #x0A |x y|))'
smt 'arithmetic goes to the left' '(- (+ (+ a b) c) (- d))' \
  '(assert (- (+ a b c) (- d)))'
smt 'other commands are passed over' 'a' \
  '(set-option :x (y "z)")) (push 1) (check-sat) (assert a) (exit)'
smt_fails() { # NAME PATTERN SCRIPT
  printf '%s\n' "$3" >"$dir/script"
  fails "$1" 1 "script:$2" print --from smt2 -f "$dir/script"
}
smt_fails 'a term without end' "2:1: expected a term, found the end" \
  '(assert (f x'
smt_fails 'too many operands' \
  '2:15: expected as many operands as the function was defined with' \
  '(define-fun d ((x S)) S x)
(assert (d a b))'
smt_fails 'no bracket' "1:1: expected '(' and a command" 'assert'
smt_fails 'two terms' "1:22: expected ')', found 'b'" \
  '(define-fun d () S a b)'

awk 'BEGIN { printf "(assert "; for (i = 0; i < 300000; i++) printf "(f "
  for (i = 0; i < 300000; i++) printf "(let ((y x)) "; printf "x"
  for (i = 0; i < 600000; i++) printf ")"; print ")" }' >"$dir/deep"
run stats -f "$dir/deep"
[ $status -eq 0 ] && has_out 'depth  *300001$' && has_out 'let names  *300000$'
verdict $? 'a deep script'

# ---- JSON and progress ----

results='"results": [{"name": "area", "formula": "a*b"}, {"formula": "a + b"}]'
gives 'JSON: results' \
  '{"command": "print", '"$results"', "errors": [], "status": 0}' \
  print --json -f "$dir/list"
run print --json 'a+' '"\n"'
error='"errors": [{"file": "argument 1", "line": 1, "column": 3, "byte": 2, '
has_out '^{"command": "print", "results": \[{"formula": "\\"\\\\n\\""}\], ' &&
  grep -qF -- "$error" "$dir/out" && has_out '"found": "the end"}\], "status": 1}$' &&
  [ $status -eq 1 ] && [ ! -s "$dir/err" ]
verdict $? 'JSON: errors'
gives 'JSON: bytes that are no text' \
  '{"command": "print", "results": [{"formula": "é + \ufffd"}], "errors": [], '"\
\"status\": 0}" print --json "$(printf 'é + \377')"
gives 'JSON: equal' '{"command": "equal", "equal": true, "errors": [], "status": 0}' \
  equal -j a a
run report --json -n 3 -m 0 --no-picture "$dir/list"
[ $status -eq 0 ] && has_out '^{"command": "report", "input": {"formulas": 2' &&
  has_out '"light": {' && has_out '"heavy": {' && has_out '"status": 0}$'
verdict $? 'JSON: report'
run rules --json derivative
[ $status -eq 0 ] && has_out '^{"command": "rules", "rules": "#.*\\u000aD(f\*g, x) ->' &&
  has_out '\\u000a", "errors": \[\], "status": 0}$'
verdict $? 'JSON: rules'
run print -j -f "$dir/absent"
has_out '"errors": \[{"message": "cannot read .*absent: No such file or directory"}\], ' &&
  has_out '"status": 2}$' && [ $status -eq 2 ] && [ ! -s "$dir/err" ]
verdict $? 'JSON: a file that is not there'
run substitute --json -D '=3' x
[ $status -eq 2 ] && has_out '\[{"message": "a definition is NAME=FORMULA, not =3"}\]' &&
  [ ! -s "$dir/err" ]
verdict $? 'JSON: wrong use'
if command -v python3 >/dev/null; then
  bad=0
  for args in "print a" "stats a b" "equal a b" "evaluate b" \
    "report -n 2 -m 0 --no-picture $dir/list" "simplify x+"; do
    # shellcheck disable=SC2086
    run ${args%% *} --json ${args#* }
    python3 -m json.tool "$dir/out" >/dev/null 2>"$dir/err" || bad=1
  done
  verdict $bad 'JSON: another reader takes it'
fi
run print --progress x
[ $status -eq 0 ] && has_err 'hexpr: '
verdict $? 'progress goes to standard error'
run print x
[ ! -s "$dir/err" ]
verdict $? 'and is silent where that is no terminal'

# What never ends is seen to be at work for a while.
printf 'f(a) -> f(b)\nf(b) -> f(a)\n' >"$dir/endless"
"$hexpr" rewrite -p -r "$dir/endless" 'f(a)' >"$dir/out" 2>"$dir/err" &
endless=$!
tries=0
until has_err 'rewriting 1 of 1, .* million nodes looked up, [2-9] s'; do
  tries=$((tries + 1))
  [ "$tries" -lt 300 ] || break
  sleep 0.2
done
kill "$endless"
wait "$endless" 2>/dev/null
status=$?
[ "$tries" -lt 300 ]
verdict $? 'progress goes on within one formula'

finish
