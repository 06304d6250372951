#!/bin/sh
# tests/tools/header_names.sh: what libgc's headers define, ours define. SPDX-License-Identifier: MIT
#
# header-names.list says what there is: macros, constants with their values, types
# with their sizes.  A program that uses all of them compiles with our headers, but
# for the exceptions of that list; where libgc's own headers are installed, it
# compiles with them, and they have no macro that the list does not know.

. "$(dirname "$0")/lib.sh"

names=$top_srcdir/tests/tools/header-names.list
include=$top_srcdir/include
options="-D_GNU_SOURCE -DGC_THREADS -DGC_REQUIRE_WCSDUP -DGC_I_HIDE_POINTERS
  -DGC_ATOMIC_UNCOLLECTABLE"
headers="gc.h gc_mark.h gc_typed.h gc_inline.h gc_disclaim.h gc_gcj.h gc_backptr.h
  javaxfc.h"

# program LIST LANGUAGE: lines that are errors where the name is not what it should be
program() {
  awk -v language="$2" '$1 == language {
    name = $3
    gsub(/[^A-Za-z0-9_]/, "_", name)
    if ($2 == "macro")
      printf "#ifndef %s\n#error \"%s is missing\"\n#endif\n", $3, $3
    else if ($2 == "value")
      printf "extern char value_%s[(%s) == %s ? 1 : -1];\n", name, $3, $4
    else
      printf "extern char size_%s[sizeof(%s%s) == %s ? 1 : -1];\n", name,
        $2 == "struct" ? "struct " : "", $3, $4
  }' "$1"
}
include_lines() { # LANGUAGE
  case $1 in
    c) for header in $headers; do echo "#include <gc/$header>"; done ;;
    c++) echo "#include <gc/gc_cpp.h>"; echo "#include <gc/gc_allocator.h>" ;;
    leak) echo "#include <gc/leak_detector.h>" ;;
  esac
}

# compiles LIST LANGUAGE OPTION...: all names of that language are there
# shellcheck disable=SC2086 # the options are a list of words
compiles() {
  list=$1 language=$2; shift 2
  { include_lines "$language"; program "$list" "$language"; } >"$scratch/names.c"
  case $language in c++) compiler="${CXX:-g++} -x c++" ;; *) compiler=$CC ;; esac
  $compiler -w $options -fsyntax-only "$@" "$scratch/names.c" || return 1
}

# The list without what our headers leave out.
awk '$1 == "later" || $1 == "never" { out[$2] = 1; next } { line[++n] = $0; name[n] = $3 }
  END { for (i = 1; i <= n; i++) if (!(name[i] in out)) print line[i] }' \
  "$names" >"$scratch/ours"

for language in c leak c++; do
  if [ $language = c++ ] && ! command -v "${CXX:-g++}" >/dev/null; then
    skip "names of C++" "there is no C++ compiler"
    continue
  fi
  passes "all names are there: $language" \
    compiles "$scratch/ours" $language -I"${tree:-$include}"
done

# stale: names that are said to be left out for ever and are there
# shellcheck disable=SC2086
stale() {
  include_lines c >"$scratch/ours.c"
  $CC -E -dM $options -I"$include" "$scratch/ours.c" |
    awk '{ print $2 }' | sed 's/(.*//' | sort -u >"$scratch/defined"
  awk '$1 == "never" { print $2 }' "$1" | sort -u | join - "$scratch/defined" |
    sed 's/$/: defined, and listed as left out/' >"$scratch/stale"
  cat "$scratch/stale"
  ! [ -s "$scratch/stale" ]
}
passes "what is listed as left out is left out" stale "$names"

# ---- The same of libgc's own headers ----

if echo '#include <gc/gc_finalize.h>' | $CC -w -E - >/dev/null 2>&1 ||
  ! echo '#include <gc/gc_mark.h>' | $CC -w -E - >/dev/null 2>&1; then
  skip "the list says what libgc's headers say" "they are not installed"
else
  # These are functions in programs with threads.
  grep -v ' macro GC_malloc_kind_global$\| macro GC_alloc_\(un\)\{0,1\}lock$' "$names" \
    >"$scratch/theirs"
  for language in c leak c++; do
    if [ $language = c++ ] && ! command -v "${CXX:-g++}" >/dev/null; then
      continue
    fi
    passes "the list says what libgc's headers say: $language" \
      compiles "$scratch/theirs" $language -DGC_DEBUG
  done
  unlisted() {
    include_lines c >"$scratch/theirs.c"
    # shellcheck disable=SC2086
    $CC -w -E -dM $options -DGC_DEBUG "$scratch/theirs.c" |
      awk '{ print $2 }' | sed 's/(.*//' | grep '^GC_' | sort -u >"$scratch/defined"
    for option in $options -DGC_DEBUG; do echo "${option#-D}"; done |
      sort -u >"$scratch/given"
    awk '$2 == "macro" || $2 == "value" { print $3 }' "$1" |
      sort -u - "$scratch/given" | comm -13 - "$scratch/defined" >"$scratch/unlisted"
    cat "$scratch/unlisted"
    ! [ -s "$scratch/unlisted" ]
  }
  passes "libgc's headers have no macro besides" unlisted "$names"
  grep -v ' GC_WORDSZ ' "$names" >"$scratch/fewer"
  refuses "a macro that is not listed is found" GC_WORDSZ unlisted "$scratch/fewer"
fi

# ---- Planted faults ----

spoilt() { # FILE SED-SCRIPT
  rm -rf "$scratch/tree"
  cp -R "$include" "$scratch/tree"
  sed "$2" "$include/$1" >"$scratch/tree/$1"
}
spoilt gc/gc_mark.h 's/GC_USR_PTR_FROM_BASE/GC_OTHER/'
refuses "a macro that is gone is found" GC_USR_PTR_FROM_BASE \
  compiles "$scratch/ours" c -I"$scratch/tree"
spoilt gc/gc_finalize.h 's/GC_TOGGLE_REF_DROP,/GC_TOGGLE_REF_DROP = 7,/'
refuses "another value is found" value_GC_TOGGLE_REF_DROP \
  compiles "$scratch/ours" c -I"$scratch/tree"
spoilt gc/gc.h 's/GC_stop_func/GC_halt_func/'
refuses "a type that is gone is found" GC_stop_func \
  compiles "$scratch/ours" c -I"$scratch/tree"
sed 's/ gc_cleanup 8/ gc_cleanup 16/' "$scratch/ours" >"$scratch/other"
refuses "another size is found" size_gc_cleanup \
  compiles "$scratch/other" c++ -I"$include"
echo "never GC_MALLOC for no reason" | cat "$names" - >"$scratch/other"
refuses "a stale exception is found" "GC_MALLOC: defined" stale "$scratch/other"

finish
