#!/bin/sh
# tests/tools/mutants.sh: who plants bugs tells what became of them. SPDX-License-Identifier: MIT
#
# A tree of one source and one test, with a configure of its own.

. "$(dirname "$0")/lib.sh"

tree=$scratch/tree
mkdir -p "$tree/src" "$tree/tests/mutants"
cp "$top_srcdir/tests/mutants/run" "$tree/tests/mutants/run"
chmod u+w "$tree/tests/mutants/run"
cat >"$tree/src/sum.c" <<'END'
#include <stdio.h>
static int sum(int a, int b) { return a + b; }
static int twice(int a) {
  return sum(a,
             a);
}
int main(void) {
  int good = sum(2, 3) == 5;
  printf("%sok 1 - adds\n1..1\n", good ? "" : "not ");
  return !good;
  (void)twice;
}
END
cat >"$tree/configure" <<'END'
#!/bin/sh
printf 'all test:\n\t$(CC) -o test %s/src/sum.c\n' "$(cd "$(dirname "$0")" && pwd)" >Makefile
echo "CC = ${CC:-cc}" >>Makefile
printf '.PHONY: test\n' >>Makefile
: >config.status
END
chmod +x "$tree/configure"

# mutant NAME OLD NEW: a list of this one
mutant() {
  printf '== %s\nfile src/sum.c\nred  test\nwhy  It is wrong.\n-%s\n+%s\n' \
    "$1" "$2" "$3" >"$tree/tests/mutants/a.list"
}
plant() { "$PYTHON" "$tree/tests/mutants/run" "$@"; }
says() {
  if grep -qF -- "$2" "$scratch/out"; then ok "$1"; else not_ok "$1"; fi
}

mutant subtracts 'return a + b;' 'return a - b;'
passes "a bug that its test notices is fine" plant
says "and is reported so" "subtracts: test went red"
says "after the test was green without it" "without a mutant: test is green"
passes "the tree is left alone" grep -q 'return a + b;' "$tree/src/sum.c"

# Each job has a build, and the next run uses them again, whatever pages changed.
mutant subtracts 'return a + b;' 'return a - b;'
sed 's/subtracts/adds-one/; s/a - b/a + b + 1/' "$tree/tests/mutants/a.list" \
  >"$tree/tests/mutants/b.list"
echo old >"$tree/README.md"
passes "two jobs share the mutants" plant --jobs 2 --scratch "$scratch/kept"
says "and all of them are tried" "# 2 mutants, 0 failures"
touch "$scratch/kept/0/build/mine" "$scratch/kept/1/build/mine"
echo new >"$tree/README.md"
passes "kept builds serve again" plant --jobs 2 --scratch "$scratch/kept"
passes "and are not made anew" \
  test -e "$scratch/kept/0/build/mine" -a -e "$scratch/kept/1/build/mine"
rm "$tree/tests/mutants/b.list"

mutant idle 'return sum(a, a);' 'return 0;'
refuses "a bug that nobody notices is a failure" "idle survived test" plant
mutant moved 'return a * b;' 'return a / b;'
refuses "so is code that is gone" "the code moved; update the mutant" plant
refuses "which is seen without a build" "the code moved" plant --check
mutant twofold 'a' 'b'
refuses "and code that is in several places" "places in src/sum.c match" plant
mutant broken 'return a + b;' 'return a +;'
refuses "and what does not compile" "broken: it does not build" plant

# A broken test goes red with any mutant, so it is looked at first.
sed 's/== 5/== 6/' "$tree/src/sum.c" >"$tree/src/new.c"
mv "$tree/src/new.c" "$tree/src/sum.c"
mutant subtracts 'return a + b;' 'return a - b;'
refuses "a test that is red anyway proves nothing" \
  "not ok 1 - without a mutant: test is green" plant

mutant subtracts 'return a + b;' 'return a - b;'
cat "$tree/tests/mutants/a.list" >"$tree/tests/mutants/b.list"
refuses "names are given once" "two mutants are named subtracts" plant --check
rm "$tree/tests/mutants/b.list"
sed -i '/^why/d' "$tree/tests/mutants/a.list"
refuses "every mutant has a reason" "needs file, why, red and a - line" \
  plant --check

finish
