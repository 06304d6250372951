#!/bin/sh
# tests/extra/hexpr_cli.sh: exit statuses and messages of the hexpr command. SPDX-License-Identifier: MIT

. "$(dirname "$0")/hexpr_lib.sh"

# ---- Small commands ----

run print 'a+b*(c-d)^2'
out_is 0 'a + b*(c - d)^2'
verdict $? 'print'

run simplify 'x+x' '2*3'
out_is 0 '2*x
6'
verdict $? 'simplify takes several formulas'

run diff 'sin(x^2)' x
out_is 0 '2*x*cos(x^2)'
verdict $? 'diff'

run print '3+*4'
operand="a number, a name, a sign or '('"
[ $status -eq 1 ] && err_lines 3 &&
  has_err "^argument 1:1:3: expected $operand, found '\*'$" &&
  has_err '^  3+\*4$' && has_err '^    ^$'
verdict $? 'an error in an argument has place and expectation, status 1'

run print '3+' 'x'
[ $status -eq 1 ] && has_out '^x$'
verdict $? 'the other arguments are still printed'

run convert sexpr '(x+y)*(x+y)' 'sin(2)'
out_is 0 '(let ((@1 (+ x y)))
  (* @1 @1))
(sin 2)'
verdict $? 'convert to S-expressions'

run convert infix '(let ((@1 (+ x y))) (* @1 @1))' '(a)+1'
out_is 0 '(x + y)*(x + y)
a + 1'
verdict $? 'convert to infix, from either'

run convert sexpr '(a' 'b'
[ $status -eq 1 ] && err_lines 3 && has_err '^argument 1:1:3: expected' &&
  has_out '^b$'
verdict $? 'an error in convert is status 1'

run dot 'x+x'
[ $status -eq 0 ] && has_out '^digraph' && has_out 'n1 -> n0;' &&
  has_out 'label="+"'
verdict $? 'dot'

run diff 'x^2' '2'
[ $status -eq 2 ] && err_lines 1
verdict $? 'diff by a number is status 2'

run --help
[ $status -eq 0 ] && has_out '^usage: hexpr COMMAND' &&
  has_out 'Exit status'
verdict $? '--help'

run report --help
[ $status -eq 0 ] && has_out '^usage: hexpr COMMAND' && run help && [ $status -eq 0 ] &&
  has_out '^usage: hexpr COMMAND'
verdict $? 'help is there for commands, too'

run --version
[ $status -eq 0 ] && has_out '^hexpr [0-9]'
verdict $? '--version'

# ---- Misuse: one line, status 2 ----

misuse() { # NAME PATTERN ARGUMENTS...
  name=$1
  pattern=$2
  shift 2
  run "$@"
  [ $status -eq 2 ] && err_lines 1 && has_err "$pattern" && [ ! -s "$dir/out" ]
  verdict $? "$name"
}

good=$dir/good.txt
printf 'area : pi*r^2 # of a circle; r\nvolume : 4*pi*r^3/3\n' >"$good"

misuse 'no command' 'no command'
misuse 'unknown command' 'unknown command frobnicate' frobnicate
misuse 'unknown option before the command' 'unknown option --frob' --frob
misuse 'unknown long option' 'unknown option --frob' report --frob "$good"
misuse 'unknown short option' 'unknown option -z' report -z "$good"
misuse 'option without value' 'no value for option -o' report "$good" -o
misuse 'bad order' 'order.*not many' report -n many "$good"
misuse 'order too high' 'order.*not 1001' report -n 1001 "$good"
misuse 'bad volume' 'volume.*not -1' report -m -1 "$good"
misuse 'convert without formula' 'convert needs a FORMULA' convert sexpr
misuse 'convert without notation' 'convert needs a notation' convert
misuse 'convert to something else' 'convert needs a notation' convert xml x
misuse 'dot without formula' 'dot needs a FORMULA' dot
misuse 'no file' 'report needs a FILE' report
misuse 'two files' 'takes one FILE' report "$good" "$good"
misuse 'missing file' "cannot read $dir/none: No such file" \
  report "$dir/none" --no-picture
misuse 'a folder as file' "cannot read $dir: Is a directory" \
  report "$dir" --no-picture
misuse 'unwritable picture' "cannot write $dir/none/p.svg: No such file" \
  report "$good" -o "$dir/none/p.svg"
misuse 'a folder as picture' "cannot write $dir: Is a directory" \
  report "$good" -o "$dir"

# ---- Report ----

run report -n 6 -m 1 --no-picture "$good"
[ $status -eq 0 ] && [ ! -s "$dir/err" ] && has_out 'formulas  *2$' &&
  has_out 'with errors  *0$' && has_out 'derivatives  *2$' &&
  has_out 'nodes notified dead  *[0-9]' && has_out 'longest pause' &&
  has_out 'peak resident memory' && has_out 'interns per second' &&
  has_out 'sharing factor' && has_out 'Derivative 6 by x of'
verdict $? 'a good file gives a whole report, status 0'

! grep -q "$(printf '\r')" "$dir/out"
verdict $? 'no progress line when the output is no terminal'

bad=$dir/bad.txt
cat >"$bad" <<'FORMULAS'
# comment

one : x + 1
two : 3 + * 4      # wrong
  three : sin(x,
four : (a b)
one : x
5five : x
six x
seven : y*z
eight : f(1)) + 2
FORMULAS
run report -n 0 --no-picture "$bad"
[ $status -eq 1 ] && err_lines 21
verdict $? 'each bad line gives one message, status 1'
{ cat <<MESSAGES
$bad:4:11: expected a number, a name, a sign or '(', found '*'
$bad:5:17: expected a number, a name, a sign or '(', found the end
$bad:6:11: expected an operator or ')', found 'b'
$bad:7:1: expected a name not used before, found 'one'
$bad:8:2: expected an operator or the end, found 'five'
$bad:9:5: expected an operator or the end, found 'x'
$bad:11:13: expected an operator or the end, found ')'
MESSAGES
} >"$dir/want"
grep "^$bad" "$dir/err" | cmp -s - "$dir/want"
verdict $? 'messages tell file, line, column and what was expected'
has_out 'formulas  *2$' && has_out 'with errors  *7$' &&
  has_out 'derivatives  *3$'
verdict $? 'the good lines are still processed'

input=$good
run report -n 0 --no-picture -
[ $status -eq 0 ] && has_out '^standard input$' && has_out 'formulas  *2$'
verdict $? 'a report on standard input'
input=/dev/null

run report -n 60 -u -m 0 --no-picture "$good"
[ $status -eq 0 ] && has_out ', not simplified$' && has_out 'tree size .*e[0-9][0-9] nodes' &&
  has_out 'sharing factor  *[0-9.]*e+[0-9]*$'
verdict $? 'a very high derivative is not simplified if that is wished'

run report -n 3 -m 0 -e 'x^^2' --no-picture "$good"
[ $status -eq 1 ] && err_lines 3 && has_err '1:3: expected'
verdict $? 'an error in the nested formula is status 1'

: >"$dir/empty.txt"
run report -n 0 --no-picture "$dir/empty.txt"
[ $status -eq 0 ] && has_out 'formulas  *0$'
verdict $? 'a file without formulas'

printf 'last : x*2' >"$dir/last.txt"
run report -n 0 --no-picture "$dir/last.txt"
[ $status -eq 0 ] && has_out 'formulas  *1$'
verdict $? 'a last line without its end'

if [ -w /dev/full ]; then
  timeout 60 "$hexpr" report -n 0 --no-picture "$good" >/dev/full 2>"$dir/err"
  status=$?
  : >"$dir/out"
  [ $status -eq 2 ] && err_lines 1 && has_err 'cannot write'
  verdict $? 'output that cannot be written is status 2'
fi

run report -n 4 -m 1 -o "$dir/heap.svg" "$good"
if has_out 'this collector does not draw'; then
  [ $status -eq 0 ] && [ ! -e "$dir/heap.svg" ]
  verdict $? 'no picture on a collector that does not draw'
else
  [ $status -eq 0 ] && grep -q '<svg' "$dir/heap.svg" &&
    grep -q '</svg>' "$dir/heap.svg"
  verdict $? 'the picture is an SVG file'
fi

run report -n 4 -m 1 --no-picture "$top_srcdir/extra/examples/formulas.txt"
n=$(sed -n 's/^  formulas  *//p' "$dir/out")
[ $status -eq 0 ] && [ "${n:-0}" -ge 100 ]
verdict $? 'the formulas of the examples are at least 100 and all good'

# Each line of the examples explains its formula and every variable.
awk -F'#' '/^[a-z]/ { if (NF < 2 || $2 !~ /;/) { print; bad = 1 } }
  END { exit bad }' "$top_srcdir/extra/examples/formulas.txt" >"$dir/out"
verdict $? 'every formula of the examples has its meaning and variables'

finish
