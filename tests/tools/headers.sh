#!/bin/sh
# tests/tools/headers.sh: the public headers stand alone and say the truth. SPDX-License-Identifier: MIT
#
# Each header compiles by itself as C89, C11, C++11 and C++17, with and without
# GC_THREADS, those for C++ from C++98 to C++20; every macro expands to clean
# code; the numbers that belong to the binary interface are right; and what the
# headers declare is what the library's list exports.  Planted faults show that
# each of these can fail.

. "$(dirname "$0")/lib.sh"

flags="-Werror -pedantic -Wall -Wextra -Wconversion -Wshadow -Wundef
  -Wwrite-strings -Wcast-qual -Wmissing-declarations -fsyntax-only"
c_flags="-Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition"
include=$top_srcdir/include
symbols=$top_srcdir/src/libgc.sym

# Compilers that are there, as "command|language"; the build's own comes first.
CXX=${CXX:-}
compilers() {
  echo "$CC|c"
  case $CC in *clang*) other=gcc ;; *) other=clang ;; esac
  command -v "$other" >/dev/null && echo "$other|c"
  for cxx in ${CXX:-g++ clang++}; do
    command -v "$cxx" >/dev/null && echo "$cxx|c++"
  done
}
# standards LANGUAGE: the flags that choose each standard
standards() {
  case $1 in
    c) echo "-std=c89 -std=c11 -std=gnu11" ;;
    c++) echo "-std=c++11 -std=c++17" ;;
  esac
}

# check COMMAND LANGUAGE FILE OPTION...: the file compiles without a word
# shellcheck disable=SC2086 # the flags are lists of words
check() {
  command=$1 language=$2 file=$3; shift 3
  extra=$c_flags
  [ "$language" = c ] || extra=-Wno-variadic-macros
  $command -x "$language" $flags $extra -I"${tree:-$include}" "$@" "$file"
}

# everywhere FILE OPTION...: it compiles with every compiler and standard
everywhere() {
  file=$1; shift
  compilers >"$scratch/compilers"
  while IFS='|' read -r command language; do
    for standard in $(standards "$language"); do
      check "$command" "$language" "$file" "$standard" "$@" </dev/null || {
        echo "with $command $standard $*"
        return 1
      }
    done
  done <"$scratch/compilers"
}

# alone HEADER OPTION...: a file that includes the header twice, nothing else
alone() {
  printf '#include <%s>\n#include <%s>\nextern int a_file_is_never_empty;\n' \
    "$1" "$1" >"$scratch/alone.c"
  shift
  everywhere "$scratch/alone.c" "$@"
}

headers() { (cd "$include" && find . -name '*.h' | sed 's,^\./,,' | sort); }

# Headers for C++ only.
is_for_cxx() {
  case $1 in gc_cpp.h | gc/gc_cpp.h | gc/gc_allocator.h) return 0 ;; esac
  return 1
}
for header in $(headers); do
  is_for_cxx "$header" && continue
  passes "$header stands alone" alone "$header"
  passes "$header stands alone with GC_THREADS" alone "$header" -DGC_THREADS
done

# for_cxx FILE OPTION...: it compiles as C++, old and new
for_cxx() {
  file=$1; shift
  for cxx in ${CXX:-g++ clang++}; do
    command -v "$cxx" >/dev/null || continue
    for standard in c++98 c++11 c++17 c++20; do
      check "$cxx" c++ "$file" -std=$standard "$@" </dev/null || {
        echo "with $cxx -std=$standard $*"
        return 1
      }
    done
  done
}
alone_in_cxx() { # HEADER OPTION...
  printf '#include <%s>\n#include <%s>\n' "$1" "$1" >"$scratch/alone.c"
  shift
  for_cxx "$scratch/alone.c" "$@"
}
for header in $(headers); do
  is_for_cxx "$header" || continue
  passes "$header stands alone in C++" alone_in_cxx "$header"
  passes "$header stands alone with GC_THREADS and GC_DEBUG" \
    alone_in_cxx "$header" -DGC_THREADS -DGC_DEBUG
  passes "$header stands alone with its options" alone_in_cxx "$header" \
    -DGC_NAMESPACE -DGC_NAME_CONFLICT -DGC_ATOMIC_UNCOLLECTABLE
  passes "$header stands alone without exceptions" alone_in_cxx "$header" \
    -fno-exceptions
done

cat >"$scratch/use.cc" <<'END'
#include <gc_cpp.h>
#include <gc/gc_allocator.h>
#include <list>
#include <vector>
struct node : public gc { node *next; node() : next(0) {} };
struct file : public gc_cleanup { int number; explicit file(int n) : number(n) {} };
struct numbers { long a[3]; };
GC_DECLARE_PTRFREE(numbers);
extern void use(const void *);
extern void all(GC_NS_QUALIFY(GCCleanUpFunc));
void all(GC_NS_QUALIFY(GCCleanUpFunc) fn) {
  node *n = new node;
  delete new (GC) node;
  delete new (NoGC) node;
  delete[] new (PointerFreeGC) node[3];
  delete new file(*new (GC) file(3));
  use(new (n) node);
  use(new (UseGC) long);
  use(new (GC, fn) long[4]);
  use(new (GC, fn, n) long);
  std::vector<node *, gc_allocator<node *> > v(3, n);
  std::list<numbers, gc_allocator_ignore_off_page<numbers> > l(3);
  std::vector<long, traceable_allocator<long> > t(3), u(t);
  u.push_back(4);
  u.swap(t);
  use(v[0] == n ? &v[0] : 0);
  use(&l.front());
  use(&u[0]);
}
END
passes "what the C++ headers give is clean code" for_cxx "$scratch/use.cc"
passes "and with GC_DEBUG" for_cxx "$scratch/use.cc" -DGC_DEBUG
passes "and without exceptions" for_cxx "$scratch/use.cc" -fno-exceptions

# ---- Everything in use ----

cat >"$scratch/use.c" <<'END'
#define GC_REQUIRE_WCSDUP
#include <gc.h>
#include <gc/gc_mark.h>
#include <gc/gc_inline.h>
#include <gc/gc_backptr.h>
#include <gc/gc_disclaim.h>
#include <gc/gc_gcj.h>
#include <gc/gc_typed.h>
#include <gcx/observe.h>

extern void use(void *);
extern void use_number(unsigned long);
extern void start(void);
extern void macros(char *, void **, struct GC_ms_entry *);
extern void lists(void **, unsigned);
static void *heads[GC_TINY_FREELISTS];

void start(void) {
  GC_INIT();
  if (GC_get_version() >> 16 != GC_VERSION_MAJOR
      || ((GC_get_version() >> 8) & 0xff) != GC_VERSION_MINOR
      || (GC_get_version() & 0xff) != GC_VERSION_MICRO)
    GC_abort_on_oom();
}

void macros(char *p, void **q, struct GC_ms_entry *msp) {
  use(GC_MALLOC(1)); use(GC_MALLOC_ATOMIC(1)); use(GC_MALLOC_UNCOLLECTABLE(1));
  use(GC_MALLOC_ATOMIC_UNCOLLECTABLE(1)); use(GC_MALLOC_IGNORE_OFF_PAGE(1));
  use(GC_MALLOC_ATOMIC_IGNORE_OFF_PAGE(1)); use(GC_REALLOC(p, 2));
  use(GC_STRDUP(p)); use(GC_STRNDUP(p, 3)); use(GC_NEW(long));
  use(GC_NEW_ATOMIC(long)); use(GC_NEW_UNCOLLECTABLE(long));
  use(GC_MALLOC_STUBBORN(8)); use(GC_NEW_STUBBORN(int)); GC_CHANGE_STUBBORN(p);
  use(GC_WCSDUP(L"text"));
  GC_END_STUBBORN_CHANGE(p); GC_PTR_STORE_AND_DIRTY(q, p); GC_PTR_STORE(q, p);
  GC_REGISTER_DISPLACEMENT(1); GC_FREE(p); GC_reachable_here(p);
  use(GC_NEXT(p)); use_number(GC_HIDE_POINTER(p));
  use(GC_REVEAL_POINTER(GC_HIDE_POINTER(p)));
  p = GC_PTR_ADD(p, 1); GC_PRE_INCR(p, 2); GC_POST_INCR(p); GC_POST_DECR(p);
  use(GC_MARK_AND_PUSH(p, msp, msp, q));
  use_number(GC_MAKE_PROC(9, 5)); use_number(GC_DS_TAGS | GC_DS_PER_OBJECT);
  use(GC_GENERIC_OR_SPECIAL_MALLOC(8, GC_I_NORMAL));
  use(GC_MALLOC_EXPLICITLY_TYPED(8, 8));
  use(GC_MALLOC_EXPLICITLY_TYPED_IGNORE_OFF_PAGE(8, 8));
  use(GC_CALLOC_EXPLICITLY_TYPED(3, 8, 8));
  use(GC_GCJ_MALLOC(8, p)); use(GC_GCJ_MALLOC_IGNORE_OFF_PAGE(8, p));
  use_number(GC_get_bit((GC_bitmap)q, 70)); GC_set_bit((GC_bitmap)q, 70);
  use_number(GC_BITMAP_SIZE(struct GC_prof_stats_s));
  use_number(GC_WORD_OFFSET(struct GC_prof_stats_s, gc_no));
}

void lists(void **mine, unsigned n) {
  void *cell;
  GC_MALLOC_WORDS(cell, 3, heads); use(cell);
  GC_MALLOC_WORDS(cell, n, mine); use(cell);
  GC_MALLOC_ATOMIC_WORDS(cell, 4, heads); use(cell);
  GC_CONS(cell, mine, heads, heads); use(cell);
  GC_FAST_MALLOC_GRANS(cell, n, mine, 4, GC_I_NORMAL, GC_malloc(16u * n),
                       GC_NEXT(cell) = 0);
  use(cell);
  GC_FAST_MALLOC_GRANS(cell, 0, heads, 0, GC_I_PTRFREE, GC_malloc(0), (void)0);
  use(cell);
}
END
passes "every macro is clean code" everywhere "$scratch/use.c"
passes "every macro is clean with GC_DEBUG" everywhere "$scratch/use.c" \
  -DGC_DEBUG -Wno-strict-aliasing
passes "every macro is clean with GC_THREADS" \
  everywhere "$scratch/use.c" -DGC_THREADS
passes "every hook of GC_INIT is clean code" everywhere "$scratch/use.c" \
  -DGC_THREADS -DGC_DONT_EXPAND -DGC_FORCE_UNMAP_ON_GCOLLECT -DGC_DONT_GC \
  -DGC_MAX_RETRIES=2 -DGC_FREE_SPACE_DIVISOR=4 -DGC_SIG_SUSPEND=10 \
  -DGC_SIG_THR_RESTART=12 -DGC_MAXIMUM_HEAP_SIZE=1000000 -DGC_IGNORE_WARN \
  -DGC_INITIAL_HEAP_SIZE=500000 -DGC_I_HIDE_POINTERS -DGC_OOM_FUNC_RETURNS_ALIAS

cat >"$scratch/debug.c" <<'END'
#define GC_DEBUG
#include <gc.h>
extern long *step(long *);
long *step(long *p) {
  p = GC_PTR_ADD(p, 1);
  p = GC_PTR_ADD(GC_POST_INCR(p), 1);
  p = GC_PTR_ADD(GC_POST_DECR(p), -1);
  return GC_PRE_INCR(p, 2);
}
END
# typeof is a GNU name, which pedantic standards accept in this spelling only.
passes "checked arithmetic is clean code" everywhere "$scratch/debug.c" \
  -Wno-strict-aliasing

cat >"$scratch/redirect.c" <<'END'
#define _GNU_SOURCE 1
#define GC_THREADS
#include <gc.h>
extern int all(pthread_t *, void *(*)(void *), sigset_t *);
int all(pthread_t *t, void *(*fn)(void *), sigset_t *s) {
  int (*create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *)
      = GC_pthread_create;
  if (create != pthread_create || pthread_join != GC_pthread_join
      || pthread_detach != GC_pthread_detach || dlopen != GC_dlopen
      || pthread_cancel != GC_pthread_cancel
      || pthread_sigmask != GC_pthread_sigmask)
    return 1;
  if (pthread_sigmask(0, s, s) == 0)
    pthread_exit(t);
  return create(t, 0, fn, dlopen("", 1));
}
END
# gcc knows that a function equals itself, which is what is asked here.
passes "the redirects take the pthread names" everywhere "$scratch/redirect.c" \
  -Wno-tautological-compare -Wno-address

cat >"$scratch/plain.c" <<'END'
#define GC_THREADS
#define GC_NO_THREAD_REDIRECTS
#include <gc.h>
#if defined(pthread_create) || defined(dlopen)
# error "redirected"
#endif
extern int own(pthread_t *, void *(*)(void *));
int own(pthread_t *t, void *(*fn)(void *)) {
  return GC_pthread_create(t, 0, fn, 0) | pthread_create(t, 0, fn, 0);
}
END
passes "GC_NO_THREAD_REDIRECTS leaves them alone" everywhere "$scratch/plain.c"

# ---- Numbers of the binary interface ----

cat >"$scratch/abi.c" <<'END'
#include <gc.h>
#include <gc/gc_backptr.h>
#include <gc/gc_mark.h>
#include <gc/gc_inline.h>
#include <gc/gc_disclaim.h>
#define IS(n, c) extern int check_##n[(c) ? 1 : -1]
IS(word, sizeof(GC_word) == sizeof(void *) && (GC_word)-1 > 0);
IS(signed_word, sizeof(GC_signed_word) == 8 && (GC_signed_word)-1 < 0);
IS(version, GC_VERSION_MAJOR == 8 && GC_VERSION_MINOR == 2
                && GC_VERSION_MICRO == 2);
IS(base, sizeof(struct GC_stack_base) == 8);
IS(prof, sizeof(struct GC_prof_stats_s) == 96);
IS(prof_last, offsetof(struct GC_prof_stats_s, obtained_from_os_bytes) == 88);
IS(prof_no, offsetof(struct GC_prof_stats_s, gc_no) == 48);
IS(closure, sizeof(struct GC_finalizer_closure) == 16
                && offsetof(struct GC_finalizer_closure, cd) == 8);
IS(events, GC_EVENT_START == 0 && GC_EVENT_MARK_START == 1
               && GC_EVENT_MARK_END == 2 && GC_EVENT_RECLAIM_START == 3
               && GC_EVENT_RECLAIM_END == 4 && GC_EVENT_END == 5);
IS(more_events, GC_EVENT_PRE_STOP_WORLD == 6 && GC_EVENT_POST_STOP_WORLD == 7
                    && GC_EVENT_PRE_START_WORLD == 8
                    && GC_EVENT_POST_START_WORLD == 9);
IS(thread_events, GC_EVENT_THREAD_SUSPENDED == 10
                      && GC_EVENT_THREAD_UNSUSPENDED == 11);
IS(codes, GC_SUCCESS == 0 && GC_DUPLICATE == 1 && GC_NO_THREADS == 2
              && GC_NO_MEMORY == 2 && GC_UNIMPLEMENTED == 3
              && GC_NOT_FOUND == 4);
IS(back, GC_UNREFERENCED == 0 && GC_NO_SPACE == 1 && GC_REFD_FROM_ROOT == 2
             && GC_REFD_FROM_REG == 3 && GC_REFD_FROM_HEAP == 4
             && GC_FINALIZER_REFD == 5);
IS(kinds, GC_I_PTRFREE == 0 && GC_I_NORMAL == 1);
IS(lists, GC_TINY_FREELISTS == 25 && GC_GRANULE_BYTES == 16
              && GC_GRANULE_WORDS == 2 && GC_RAW_BYTES_FROM_INDEX(24) == 384
              && GC_WORDS_TO_WHOLE_GRANULES(3) == 2);
IS(descriptors, GC_DS_TAGS == 3 && GC_DS_LENGTH == 0 && GC_DS_BITMAP == 1
                    && GC_DS_PROC == 2 && GC_DS_PER_OBJECT == 3
                    && GC_INDIR_PER_OBJ_BIAS == 16);
IS(procs, GC_MAX_MARK_PROCS == 64 && GC_RESERVED_MARK_PROCS == 8
              && GC_MAKE_PROC(9, 5) == ((5ul * 64 + 9) * 4 + 2));
END
passes "the numbers of the binary interface" everywhere "$scratch/abi.c"

# configure.ac names the release; the header must name the same one.
release_is() {
  version=$(sed -n 's/^#define GCX_VERSION "\(.*\)"$/\1/p' \
    "${tree:-$include}/gcx/observe.h")
  grep -F "AC_INIT([reclaim], [$version])" "$top_srcdir/configure.ac" || {
    echo "configure.ac does not name release $version"
    return 1
  }
}
passes "the header and configure name one release" release_is

# ---- Declared is exported ----

# Names with GC_API in the headers, whatever the program defines.  Some symbols
# exist for programs that declare them by themselves.
private="GC_push_other_roots GC_on_abort GC_printf GC_err_printf GC_log_printf
  GC_incr_bytes_allocd GC_incr_bytes_freed GC_aobjfreelist_ptr GC_objfreelist_ptr
  GC_uobjfreelist_ptr GC_auobjfreelist_ptr GC_arrays"
declared() {
  for header in $(cd "${tree:-$include}" && find . -name '*.h' |
    grep -v 'gc_allocator\|gc_cpp\|leak_detector'); do
    printf '#include "%s"\n' "$header"
  done >"$scratch/all.c"
  # shellcheck disable=SC2086 # CC is a list of words
  $CC -E -P -D_GNU_SOURCE -DGC_THREADS -DGC_REQUIRE_WCSDUP \
    -DGC_API=declared_here -DGC_ATTR_NONNULL'(n)=' -I"${tree:-$include}" \
    "$scratch/all.c" >"$scratch/all.i" || return 2
  # The name is the first one that a parenthesis or the end follows.
  tr '\n' ' ' <"$scratch/all.i" | tr ';' '\n' \
    | sed -n 's/.*declared_here//p' \
    | sed 's/__attribute__ *(([^)]*)*)*//g' \
    | awk 'match($0, /(GC|gcx)_[a-z][A-Za-z0-9_]* *([()]|$)/) {
        name = substr($0, RSTART, RLENGTH)
        sub(/[^A-Za-z0-9_].*/, "", name)
        print name
      }' | sort -u
}
exports_are_declared() {
  { declared; printf '%s\n' $private; } | sort -u >"$scratch/declared"
  sort -u "${list:-$symbols}" >"$scratch/listed"
  diff "$scratch/declared" "$scratch/listed"
}
if [ -r "$symbols" ]; then
  passes "the headers declare what the library's list exports" \
    exports_are_declared
  echo GC_not_declared | cat "$symbols" - >"$scratch/list"
  list=$scratch/list refuses "an export without declaration is found" \
    "> GC_not_declared" exports_are_declared
  grep -v '^GC_gcollect$' "$symbols" >"$scratch/list"
  list=$scratch/list refuses "a declaration without export is found" \
    "< GC_gcollect" exports_are_declared
else
  not_ok "there is a list of exports at src/libgc.sym"
fi

# ---- Stores that only a notifier reads ----

# An object that the program fills in and drops is read once more, by its
# notifier: a compiler that takes it for malloc's would drop the stores.
cat >"$scratch/stores.c" <<'END'
#include <gc.h>
#include <gc/gc_disclaim.h>
#include <gc/gc_inline.h>
#include <gc/gc_mark.h>
#ifdef __cplusplus
extern "C"
#endif
void fill_in(const struct GC_finalizer_closure *c);
void fill_in(const struct GC_finalizer_closure *c) {
  *(unsigned *)GC_finalized_malloc(4, c) = 1234567891;
  *(unsigned *)GC_generic_malloc(4, 9) = 1234567892;
  *(unsigned *)GC_generic_malloc_ignore_off_page(4, 9) = 1234567893;
  *(unsigned *)GC_generic_or_special_malloc(4, 9) = 1234567894;
  *(unsigned *)GC_malloc_kind(4, 9) = 1234567895;
  *(unsigned *)GC_malloc_kind_global(4, 9) = 1234567896;
}
END
stores_are_kept() {
  compilers >"$scratch/compilers"
  while IFS='|' read -r command language; do
    $command -x "$language" -O2 -S -I"${tree:-$include}" -o "$scratch/stores.s" \
      "$scratch/stores.c" </dev/null || return 2
    kept=$(grep -oE '123456789[1-9]' "$scratch/stores.s" | sort -u | wc -l)
    [ "$kept" -eq "$(grep -c ' = 123456789' "$scratch/stores.c")" ] || {
      echo "$command keeps $kept stores"
      return 1
    }
  done <"$scratch/compilers"
}
passes "stores that only notifiers read are kept" stores_are_kept

# ---- Planted faults ----

# spoilt FILE SED-SCRIPT: a copy of the headers with one change
spoilt() {
  rm -rf "$scratch/tree"
  cp -R "$include" "$scratch/tree"
  sed "$2" "$include/$1" >"$scratch/tree/$1"
}
spoilt gc/gc_mark.h 's/#include "gc.h"//'
tree=$scratch/tree refuses "a header that needs another is found" GC_API \
  alone gc/gc_mark.h
spoilt gc/gc.h 's/GC_word expl_freed_bytes_since_gc;//'
tree=$scratch/tree refuses "a structure of another size is found" check_prof \
  everywhere "$scratch/abi.c"
spoilt gc/gc_tiny_fl.h 's/GC_TINY_FREELISTS 25/GC_TINY_FREELISTS 33/'
tree=$scratch/tree refuses "a changed constant is found" check_lists \
  everywhere "$scratch/abi.c"
spoilt gc/gc.h 's/^typedef void \*GC_PTR;/typedef long long GC_PTR;/'
tree=$scratch/tree refuses "what is no C89 is found" "long long" alone gc/gc.h
spoilt gcx/observe.h 's/GCX_VERSION "/GCX_VERSION "9/'
tree=$scratch/tree refuses "another release is found" "does not name" release_is
spoilt gc/gc_mark.h 's/<< GC_DS_TAG_BITS)/<< 1)/'
tree=$scratch/tree refuses "a wrong descriptor is found" check_procs \
  everywhere "$scratch/abi.c"
spoilt gc/gc_disclaim.h 's/^GC_API GC_ATTR_ALLOC/GC_API GC_ATTR_MALLOC GC_ATTR_ALLOC/'
tree=$scratch/tree refuses "a store that is lost is found" "keeps 5 stores" \
  stores_are_kept
spoilt gc/gc_inline.h 's/(int)(kind), gc_head_/gc_size_, gc_head_/'
tree=$scratch/tree refuses "a silent conversion is found" conversion \
  everywhere "$scratch/use.c"
spoilt gc/gc_cpp.h 's/ new\[\](size_t, void \*p)/ new[](size_t s, void *p)/'
tree=$scratch/tree refuses "an unused parameter for C++ is found" unused \
  alone_in_cxx gc/gc_cpp.h

finish
