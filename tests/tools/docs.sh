#!/bin/sh
# tests/tools/docs.sh: what the pages say works. SPDX-License-Identifier: MIT

. "$(dirname "$0")/lib.sh"

# ---- Manual pages ----

MANDOC=${MANDOC:-mandoc}
for page in "$top_srcdir"/docs/man/*.[0-9]; do
  name="$(basename "$page") has no fault"
  if ! command -v "$MANDOC" >/dev/null; then
    skip "$name" "mandoc is not installed"
    continue
  fi
  # A bare reference to another page cannot be resolved before installation.
  run "$MANDOC" -Tlint -W warning "$page"
  if [ "$status" -eq 0 ]; then ok "$name"; else not_ok "$name"; fi
done

# Every function of the manual is exported, and every exported one is in it:
# libgc's names in gc.3, our own there or on a page of their own.
names_in() { # PAGE...
  cat "$@" | grep '^\.It ' |
    grep -oE '(Fn|Va) (\(\*)?(GC|gcx)_[a-z][a-z0-9_]*' |
    sed 's/.* \((\*\)\{0,1\}//' | sort -u
}
man=$top_srcdir/docs/man
names_in "$man/gc.3" >"$scratch/gc.3"
# The types of functions are described as if they were some.
names_in "$man/gcx_debug.3" "$man/gcx_reclaim.3" "$man/gcx_weak.3" \
  "$man/gcx_weak_map.3" |
  grep -v '_fn$' >"$scratch/gcx.3"
sort -u "$top_srcdir/src/libgc.sym" >"$scratch/exported"
{ cat "$scratch/gc.3"; grep '^gcx_' "$scratch/gcx.3"; } | sort -u >"$scratch/manual"
comm -13 "$scratch/manual" "$scratch/exported" >"$scratch/out"
if [ -s "$scratch/exported" ] && ! [ -s "$scratch/out" ]; then
  ok "the manual has every exported name"
else not_ok "the manual has every exported name"; fi
sort -u "$scratch/gc.3" "$scratch/gcx.3" | comm -23 - "$scratch/exported" >"$scratch/out"
if ! [ -s "$scratch/out" ]; then ok "the manual promises nothing else"
else not_ok "the manual promises nothing else"; fi

# The libraries on top: every function of a header is on its page.
page_has_functions() { # PAGE PREFIX LEAST HEADER
  sed 's,^ \* .*,,' "$4" | grep -v '^ *typedef' |
    grep -oE "\\b$2_[a-z0-9_]+\(" | tr -d '(' | sort -u >"$scratch/wanted"
  grep '^\.It ' "$man/$1" | grep -oE "Fn $2_[a-z0-9_]+" |
    sed 's/^Fn //' | sort -u >"$scratch/manual"
  comm -23 "$scratch/wanted" "$scratch/manual" >"$scratch/out"
  name="$1 has the functions of $(basename "$4")"
  if [ "$(wc -l <"$scratch/wanted")" -ge "$3" ] && ! [ -s "$scratch/out" ]; then ok "$name"
  else not_ok "$name"; fi
}
page_has_functions hexpr.3 ex 60 "$top_srcdir/extra/hexpr/hexpr.h"
page_has_functions hexpr.3 ex 12 "$top_srcdir/extra/hexpr/rewrite.h"
page_has_functions hexpr.3 ex 25 "$top_srcdir/extra/hexpr/collect.h"

# So have our pages the constants and the fields of their headers.
has_words_of() { # PAGE HEADER LEAST
  {
    grep -oE '^(#define)? *GCX_[A-Z_]+' "$2" | grep -oE 'GCX_[A-Z_]+' | grep -v '_H$'
    sed -n '/^typedef struct.*{$/,/^}/p' "$2" |
      sed 's, */\*.*,,; /^ *\*/d; /[{}]/d' |
      tr ',' '\n' | sed -n 's/.*[ *]\([a-z_]\{1,\}\);\{0,1\}$/\1/p'
  } | sort -u >"$scratch/wanted"
  grep -oE 'GCX_[A-Z_]+|\b[a-z_]{2,}\b' "$1" | sort -u >"$scratch/manual"
  comm -23 "$scratch/wanted" "$scratch/manual" >"$scratch/out"
  name="$(basename "$1") has the constants and fields of the header"
  if [ "$(wc -l <"$scratch/wanted")" -ge "$3" ] && ! [ -s "$scratch/out" ]; then ok "$name"
  else not_ok "$name"; fi
}
has_words_of "$man/gcx_reclaim.3" "$top_srcdir/include/gcx/reclaim.h" 40
has_words_of "$man/gcx_debug.3" "$top_srcdir/include/gcx/debug.h" 25

# gc.7 says of each variable of the table of options what its value is. No variable is
# read but through that table.
table() {
  printf '#include "base/option.h"\n#define ROW(n, t, f, h) %%n t\nGC_OPTIONS(ROW)\n' |
    ${CC} -E -P -I"$top_srcdir/src" -x c - | tr '%' '\n' | tr -d '"' |
    awk '/^GC/ { print $1 ($2 == "FLAG" ? "" : " " tolower($2)) }' | sort
}
table >"$scratch/wanted"
manual_of_options() {
  sed -n 's/^\.It Ev //p' "$1" | sed 's/ Ns = Ns Ar / /' | sort | diff "$scratch/wanted" -
}
passes "the table of options is found" test "$(wc -l <"$scratch/wanted")" -ge 15
passes "gc.7 has the variables of the table, with their values" \
  manual_of_options "$man/gc.7"
sed 's/^\(\.It Ev GC_FREE_SPACE_DIVISOR .*\)number/\1size/' "$man/gc.7" >"$scratch/7"
refuses "another value than the table's is found" "GC_FREE_SPACE_DIVISOR number" \
  manual_of_options "$scratch/7"
strays() {
  ! grep -rnE --include='*.[ch]' --include='*.cc' 'getenv *\(|"GCX?_[A-Z][A-Z_]+"' \
    "$top_srcdir/src" | grep -vE 'src/(base/option\.h|plat/(plat\.h|text\.c)):'
}
passes "no variable is read past the table" strays

# ---- Links between pages ----

: >"$scratch/out"
for page in "$top_srcdir"/*.md "$top_srcdir"/docs/*.md "$top_srcdir"/docs/*/*.md \
  "$top_srcdir"/extra/*/README.md "$top_srcdir"/bench/README.md; do
  [ -e "$page" ] || continue
  grep -o '](\([^)#:]*\)' "$page" | sed 's/^](//' | sort -u |
    while IFS= read -r link; do
      [ -n "$link" ] && ! [ -e "$(dirname "$page")/$link" ] &&
        echo "${page#"$top_srcdir"/}: no $link"
    done >>"$scratch/out"
done
if [ -s "$scratch/out" ]; then not_ok "links between pages lead somewhere"
else ok "links between pages lead somewhere"; fi

# ---- Programs in the pages ----

# program PAGE: the first C block, or the first literal of a manual page
program() {
  case $1 in
    *.[0-9]) sed -n '/^\.Bd -literal/,/^\.Ed/{/^\.[BE]d/d;s/\\e/\\/g;p}' "$1" ;;
    *) sed -n '/^```c$/,/^```$/{/^```/d;p}' "$1" ;;
  esac
}
# runs PAGE EXPECTED [LIBRARY]...: its program compiles without warnings, runs and says so
runs() {
  name="the program of $1 works"
  page=$1 expected=$2; shift 2
  library=$top_builddir/.libs
  if ! [ -e "$library/libgc.so" ]; then
    skip "$name" "no shared library in this build"
    return
  fi
  program "$top_srcdir/$page" >"$scratch/p.c"
  # shellcheck disable=SC2086 # CC and CFLAGS are lists of words.
  run ${CC} ${CFLAGS-} -Wall -Wextra -Werror -I"$top_srcdir/include" \
    -I"$top_srcdir/extra" -o "$scratch/p" "$scratch/p.c" -L"$library" \
    -Wl,-rpath-link,"$library" "$@" -lgc -lpthread
  [ "$status" -eq 0 ] && run env LD_LIBRARY_PATH="$library" timeout 60 "$scratch/p"
  if [ "$status" -eq 0 ] && grep -qE "$expected" "$scratch/out"; then ok "$name"
  else not_ok "$name"; fi
}
runs README.md '^[1-9][0-9]* of 100000 '
runs docs/guide/start.md '[1-9]'
runs docs/man/gcx_reclaim.3 '^[1-9][0-9]{4,5} of 100000 handles '
runs docs/man/gcx_debug.3 '^  The first changed byte is at offset 7; it is live'
runs docs/man/gcx_weak.3 '^made ([1-9]|1[0-9]) times for 1000 uses'
if [ "$WITH_HEXPR" = yes ]; then
  runs docs/man/hexpr.3 '^x \+ 2\*x\*ln\(x\)$' -lhexpr -lhcons
else
  skip "the program of docs/man/hexpr.3 works" "this build is without hexpr"
fi
runs docs/man/gcx_weak_map.3 '^[1-9][0-9]* of 100000 names left'

# What is promised names cases and mutants that are there.
promises() { # PAGE: those of its names that nothing has
  grep -oE '`[a-z/]+[a-z_]*:[a-z0-9_]+`' "$1" | tr -d '`' | sort -u |
    while IFS=: read -r program case; do
      grep -qE "TAP_CASE(_T)?\($case\b" "$top_srcdir/tests/$program".c* ||
        echo "$program:$case"
    done
  grep -oE '\b(gcx|hold|weak)-[a-z]+(-[a-z]+)+\b' "$1" | sort -u |
    while read -r mutant; do
      grep -qx "== $mutant" "$top_srcdir"/tests/mutants/*.list || echo "$mutant"
    done
}
for page in promises semantics; do
  promises "$top_srcdir/docs/design/$page.md" >"$scratch/out"
  if ! [ -s "$scratch/out" ]; then ok "$page.md names cases and mutants that exist"
  else not_ok "$page.md names cases and mutants that exist"; fi
done
sed 's/:a_chain/:a_chian/; s/gcx-order-is-not-used/gcx-order-is-used/' \
  "$top_srcdir/docs/design/promises.md" >"$scratch/promises"
passes "names that do not exist are found" \
  test "$(promises "$scratch/promises" | tr '\n' ' ')" = "gcx/order:a_chian gcx-order-is-used "

finish
