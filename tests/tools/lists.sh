#!/bin/sh
# tests/tools/lists.sh: the build knows every file of the tree. SPDX-License-Identifier: MIT
#
# A source that no local.mk names is compiled by nobody and missing from the
# archive, and a test that is in no list never fails.  A program may be listed
# without the end of its one source, as automake allows.

. "$(dirname "$0")/lib.sh"

# sources FOLDER: what must be listed
sources() {
  find "$1" -type f \( -name '*.c' -o -name '*.cc' -o -name '*.h' -o -name '*.S' -o \
    -name '*.sh' -o -name '*.py' -o -name '*.mk' \) ! -path src/all.c ! -path '*/results/*'
}

# every_file_is_listed TREE: the makefiles name each source
every_file_is_listed() {
  (
    cd "$1" || exit 2
    cat Makefile.am src/local.mk tests/local.mk tests/*/local.mk \
      extra/local.mk examples/local.mk bench/local.mk bench/*/local.mk bdwgc-patch/local.mk \
      docs/local.mk tools/local.mk packaging/local.mk 2>/dev/null |
      sed 's/#.*//' | tr -c 'A-Za-z0-9_./+-' '\n' | sort -u >"$scratch/words"
    for folder in src include extra examples tests bdwgc-patch bench; do sources "$folder"; done |
      sort >"$scratch/files"
    while IFS= read -r file; do
      grep -qxF -e "$file" -e "${file%.c}" "$scratch/words" ||
        echo "no makefile names $file"
    done <"$scratch/files" >"$scratch/unlisted"
    cat "$scratch/unlisted"
    [ -s "$scratch/files" ] && ! [ -s "$scratch/unlisted" ] || exit 1
  )
}

# every_test_runs TREE LIST: what speaks TAP is in the list of tests
every_test_runs() {
  (
    cd "$1" || exit 2
    {
      grep -lE '^TAP_MAIN\(|[^_a-z]tap_main\(argc' tests/*/*.c | sed 's/\.c$//'
      grep -lE "finish\$|echo \"1\.\." tests/*/*.sh
      grep -lE 'sys\.exit\(main\(' tests/*/*.py
    } | grep -vE '^tests/(lib/tap|tools/lib\.sh)$' | sort -u >"$scratch/tests"
    sort -u "$2" | comm -23 "$scratch/tests" - >"$scratch/idle"
    sed 's/^/make check does not run /' "$scratch/idle"
    [ -s "$scratch/tests" ] && ! [ -s "$scratch/idle" ] || exit 1
  )
}

# no_program_is_kept TREE: what the compiler made belongs to no commit
no_program_is_kept() {
  (
    cd "$1" || exit 2
    git ls-files -z | xargs -0 -r grep -lsa -m1 "^$(printf '\177')ELF" >"$scratch/kept"
    sed 's/$/ is a program/' "$scratch/kept"
    ! [ -s "$scratch/kept" ]
  )
}

passes "a makefile names every source" every_file_is_listed "$top_srcdir"

# The list of the build, not the one that this run may have been given.
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES TESTS
if [ -e "$top_builddir/Makefile" ]; then
  make -s --no-print-directory -C "$top_builddir" list-tests list-left-out \
    >"$scratch/list"
  passes "make check runs every test" every_test_runs "$top_srcdir" \
    "$scratch/list"
else
  skip "make check runs every test" "nothing is built here"
fi

# ---- Planted faults ----

tree=$scratch/tree
mkdir -p "$tree/src/heap" "$tree/include/gc" "$tree/extra" "$tree/bench" \
  "$tree/bdwgc-patch" \
  "$tree/examples" "$tree/tests/unit"
touch "$tree/src/heap/a.c" "$tree/src/heap/a.h" "$tree/include/gc/b.h"
echo 'TAP_MAIN(TAP_CASE(f))' >"$tree/tests/unit/c.c"
echo 'dist_include_HEADERS = include/gc/b.h' >"$tree/Makefile.am"
echo 'core_SOURCES = src/heap/a.c src/heap/a.h # not src/heap/d.c' \
  >"$tree/src/local.mk"
echo 'check_PROGRAMS += tests/unit/c' >"$tree/tests/unit/local.mk"
echo tests/unit/c >"$scratch/list"

listed() { every_file_is_listed "$tree"; }
running() { every_test_runs "$tree" "$scratch/list"; }

echo 'include tests/unit/local.mk src/local.mk' >>"$tree/Makefile.am"
passes "a tree in order passes" listed
passes "and its tests run" running
: >"$tree/src/heap/d.c"
refuses "a source that nobody compiles is found" \
  'no makefile names src/heap/d.c' listed
rm "$tree/src/heap/d.c"
: >"$tree/src/heap/d.h"
refuses "so is a header" 'no makefile names src/heap/d.h' listed
echo 'TAP_MAIN(TAP_CASE(f))' >"$tree/tests/unit/d.c"
refuses "a test that nobody runs is found" \
  'make check does not run tests/unit/d' running
rm "$tree/tests/unit/d.c"
echo '    sys.exit(main([]))' >"$tree/tests/unit/e.py"
refuses "so is a model" 'make check does not run tests/unit/e.py' running
refuses "and a model that is not packed" 'no makefile names tests/unit/e.py' listed

if git -C "$top_srcdir" rev-parse --git-dir >/dev/null 2>&1; then
  passes "no commit holds programs" no_program_is_kept "$top_srcdir"
else
  skip "no commit holds programs" "this is an archive"
fi

finish
