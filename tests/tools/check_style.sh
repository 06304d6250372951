#!/bin/sh
# tests/tools/check_style.sh: the style check, and the style. SPDX-License-Identifier: MIT

. "$(dirname "$0")/lib.sh"

style() { "$PYTHON" "$top_srcdir/tools/check-style" "${1:-$scratch/tree}"; }

head_of() { echo "/* $1: a file. SPDX-License-Identifier: MIT */"; }
# plant FILE: a tree with this one file, its head line and standard input
plant() {
  rm -rf "$scratch/tree"
  mkdir -p "$scratch/tree/$(dirname "$1")"
  { head_of "$1"; echo; cat; } >"$scratch/tree/$1"
}
# fault NAME FILE TEXT: standard input as that file's body draws TEXT
fault() { plant "$2"; refuses "$1" "$3" style; }
fine() { plant "$2"; passes "$1" style; }
lines() { yes "$1" | head -n "$2"; }

passes "the tree keeps its style" style "$top_srcdir"

fine "a plain file passes" src/heap/a.c <<'END'
int f(void) {
  return 1;
}
END

plant src/heap/a.c </dev/null
head_of src/heap/b.c >"$scratch/tree/src/heap/a.c"
refuses "a first line with another name is found" 'src/heap/a.c:1: head' style
echo '/* src/heap/a.c: a file. */' >"$scratch/tree/src/heap/a.c"
refuses "a file without licence is found" 'no SPDX licence' style

echo 'int a_long_line; /* '"$(lines x 100 | tr -d '\n')"' */' |
  fault "a line that is too long is found" src/heap/a.c 'src/heap/a.c:3: width'
lines 'int x;' 699 | fault "a file that is too long is found" src/heap/a.c \
  'file: lines 701, limit 700'
lines 'int x;' 698 | fine "a file of 700 lines passes" src/heap/a.c
{ echo 'int long_one(void) {'; lines '  g();' 69; echo '}'; } |
  fault "a function that is too long is found" tests/a.c \
    'tests/a.c:3: function: long_one has lines 71, limit 70'
{ echo 'static int'; echo 'f(int a,'; echo '  int b) {'; lines '  g();' 66; \
  echo '}'; } | fine "a function of 69 lines passes" tests/a.c
{ echo 'int table[] = {'; lines '  1,' 100; echo '};'; } |
  fine "a table is no function" src/heap/a.c
printf 'int x;\t\n' | fault "a tab is found" src/heap/a.c 'tab character'
printf 'int x; \n' | fault "space at the end is found" src/heap/a.c 'white space'

word=TO; word=${word}DO
echo "/* $word: later */" | fault "unfinished work is found" extra/a.c "$word"
word=st; word=${word}ub
echo "int x; /* a $word */" | fault "a hollow function is found" src/heap/a.c "$word"
echo "int GC_end_${word}born_change;" | fine "part of a word is no word" src/heap/a.c

echo 'void f(void) { free(p); }' |
  fault "malloc's family in the collector is found" src/heap/a.c 'free is not used'
echo 'void f(void) { p->free(q); x.free(q); my_free(q); }' |
  fine "names that only look like it pass" src/heap/a.c
echo 'void f(void) { printf("x"); }' |
  fault "stdio in the collector is found" src/compat/a.c 'printf is not used'
echo 'void f(void) { printf("x"); }' | fine "stdio in a test passes" tests/a.c
word=str; word=${word}cpy
echo "void f(void) { $word(a, b); }" |
  fault "an unbounded copy is found anywhere" tests/a.c "$word is not used"
echo '/* free(p); */ const char *s = "free(p)";' |
  fine "comments and strings are not code" src/heap/a.c

printf '#ifdef X\nint x;\n#endif\n' |
  fault "a conditional in the core is found" src/heap/a.c '3: conditional'
printf '#ifdef X\nint x;\n#endif\n' | fine "one in plat passes" src/plat/a.c
printf '#ifndef A_H\n#define A_H\nint x;\n#endif\n' |
  fine "an include guard is none" src/heap/a.h
printf '#if A\n#if B\n#if C\nint x;\n#endif\n#endif\n#endif\n' |
  fault "deep nesting is found" src/plat/a.c 'nested 3 deep'

echo 'static volatile int flag;' |
  fault "volatile for sharing is found" src/world/a.c 'volatile'
printf 'static volatile sig_atomic_t x;\nvoid f(void) { __asm__ volatile(""); }\n' |
  fine "volatile for signals and asm passes" src/world/a.c
echo 'int x = f(memory_order_seq_cst);' |
  fault "the strongest order without reason is found" src/world/a.c 'order'
printf '/* Pairs with y. */\nint x = f(memory_order_seq_cst);\n' |
  fine "with a reason it passes" src/world/a.c
printf '/* style: allow volatile, read by a debugger. */\nvolatile int x;\n' |
  fine "a waiver with a reason counts" src/world/a.c
printf '/* style: allow volatile, */\nvolatile int x;\n' |
  fault "a waiver without one does not" src/world/a.c 'volatile'

rm -rf "$scratch/tree"; mkdir -p "$scratch/tree/tools"
printf '#!/bin/sh\necho hello\n' >"$scratch/tree/tools/x"
refuses "a script without head line is found" 'tools/x:1: head' style
printf '#!/bin/sh\n# tools/x: says hello.\n# SPDX-License-Identifier: MIT\n' \
  >"$scratch/tree/tools/x"
passes "a script with one passes" style
rm -rf "$scratch/tree/tools"
refuses "an empty tree is no success" '0 files' style

finish
