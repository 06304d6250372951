#!/bin/sh
# tests/check-bdw.sh: builds and runs the black-box tests on the system's libgc. SPDX-License-Identifier: MIT
#
# usage: check-bdw.sh CC SRCDIR BUILDDIR
#
# The tests of the public interface, the libraries on top, the adapter that gives
# gcx/reclaim.h there, and those of its tests that gcx_everywhere names are compiled
# against the system's headers and library (Debian: libgc-dev), which proves
# that they ask for nothing but the contract. The project's own headers are kept
# out of the way. Cases where that library differs are in
# tests/api/bdw-differs.list; what the adapter can not give is skipped and told.
#
# The system's library stays as it is, so all runs draw the same random numbers,
# unless TAP_SEED is set, or TAP_LONG=1, which looks for what is not known yet.

set -u

if [ "${TAP_LONG:-0}" != 1 ]; then
  TAP_SEED=${TAP_SEED:-20260915}
  export TAP_SEED
fi

if [ $# -ne 3 ]; then
  echo "usage: check-bdw.sh CC SRCDIR BUILDDIR" >&2
  exit 2
fi
cc=$1 src=$2 build=$3
flags="-std=gnu11 -O2 -g -pthread -I$src/tests -I$src/extra"

mkdir -p "$build" || exit 2
cd "$build" || exit 2
rm -f -- *.o *.so *.list

die() {
  echo "check-bdw: $*" >&2
  exit 1
}

compile() {
  $cc $flags "$@" || die "$cc failed for: $*"
}

# later ARGUMENT...: notes a compilation; compile_noted does all of them, as many at
# a time as there are processors. No argument holds a quote or a blank, but for flags.
: >commands.list
later() {
  printf '%s\n' "$cc $flags $*" >>commands.list
}
compile_noted() {
  tr '\n' '\0' <commands.list |
    xargs -0 -P "$(getconf _NPROCESSORS_ONLN)" -n 1 /bin/sh -c \
      'eval "$0" || { echo "check-bdw: failed: $0" >&2; exit 255; }' ||
    die "not every program could be compiled"
  : >commands.list
}

cat >probe.c <<'PROBE'
#include <gc/gc.h>
#include <gc/gc_disclaim.h>
int main(void) { GC_INIT(); return GC_malloc(1) == 0; }
PROBE
if ! $cc $flags probe.c -o probe -lgc 2>probe.log; then
  cat probe.log >&2
  die "the system's libgc can not be used; on Debian: apt-get install libgc-dev"
fi

compile -c "$src/tests/lib/tap.c" -o tap.o
compile -c "$src/tests/lib/gcutil.c" -o gcutil.o
compile -c "$src/tests/lib/stepping.c" -o stepping.o
compile -fPIC -shared "$src/tests/api/rootlib.c" -o rootlib.so
compile -fPIC -shared "$src/tests/api/tlslib.c" -o tlslib.so

programs=
for file in "$src"/tests/api/*.c; do
  name=$(basename "$file" .c)
  case $name in
  rootlib | tlslib) continue ;;
  dlopen_gc) later "$file" tap.o -o "$name" -ldl ;;
  copyreloc)
    later -fno-pie -no-pie "$file" gcutil.o tap.o -o "$name" -lgc
    ;;
  *)
    later "'-DTEST_ROOTLIB=\"$build/rootlib.so\"'" \
      "'-DTEST_TLSLIB=\"$build/tlslib.so\"'" "$file" gcutil.o \
      stepping.o tap.o -o "$name" -lgc -ldl
    ;;
  esac
  programs="$programs ./$name"
done

# The C++ side, with libgccpp; once more as a debugging program.
for name in cpp cpp_gc cpp_gc_debug; do
  debug= file=$name
  [ $name = cpp_gc_debug ] && debug=-DGC_DEBUG file=cpp_gc
  ${CXX:-g++} -std=gnu++17 -O2 -g -pthread -w -I"$src/tests" $debug \
    "$src/tests/api/$file.cc" gcutil.o tap.o -o "$name" -lgccpp -lgc ||
    die "${CXX:-g++} failed for: $name"
  programs="$programs ./$name"
done

# The adapter, the libraries on top of it, and the tests of reclaim notification; the
# names of the latter begin with gcx_, since some are those of other programs. The
# adapter stands before libgc, see bdwgc-patch/sweep.c.
/bin/sh "$src/bdwgc-patch/build.sh" "$cc" "$src" "$build/adapter" || exit 1
flags="$flags -I$build/adapter/include"
# The libraries on top have weak references only, which take nothing from an archive.
adapter="-Wl,-u,gcx_kind_new $build/adapter/libgcx_bdw.a"

# The expression library and its tests, where GMP is.
echo '#include <gmp.h>' >gmp.c
gmp='' libraries=$src/extra/hcons/'*.c' tests=$src/tests/extra/'hcons*.c'
if $cc $flags -c gmp.c 2>/dev/null; then
  gmp=-lgmp libraries="$libraries $src/extra/hexpr/*.c" tests=$src/tests/extra/'*.c'
else
  echo "check-bdw: GMP is not installed, the tests of hexpr are left out" >&2
fi

objects=
for file in $libraries; do
  [ -r "$file" ] || continue
  grep -q '^int main(' "$file" && continue
  object=$(echo "${file#"$src"/}" | tr / _ | sed 's/c$/o/')
  later -c "$file" -o "$object"
  objects="$objects $object"
done
compile_noted
for file in $tests; do
  [ -r "$file" ] || continue
  name=$(basename "$file" .c)
  grep -q 'TAP_MAIN\|tap_main' "$file" || continue
  later "$file" $objects gcutil.o tap.o $adapter -o "$name" -lgc -ldl \
    $gmp -lm
  programs="$programs ./$name"
done

everywhere=$(sed -n '/^gcx_everywhere =/,/[^\\]$/p' "$src/tests/gcx/local.mk" |
  tr -s '\\\t ' '\n\n\n' | grep '^tests/gcx/')
[ -n "$everywhere" ] || die "tests/gcx/local.mk names no gcx_everywhere"
compile -c "$src/tests/gcx/shadow.c" -o shadow.o
compile -c "$src/tests/gcx/steps.c" -o steps.o
for test in $everywhere; do
  name=gcx_$(basename "$test")
  later "$src/$test.c" steps.o shadow.o gcutil.o tap.o $adapter -o "$name" -lgc -ldl
  programs="$programs ./$name"
done

# Random calls: the model has to agree, and the logs of this library and of ours, if
# it was built, have to be equal; the program is the one that knows the system's headers.
later "$src"/tests/differ/*.c gcutil.o tap.o -o differ -lgc
programs="$programs ./differ"
compile_noted
if [ -e "$build/../.libs/libgc.so.1" ]; then
  echo "random calls on both libraries:"
  CC=$cc ${PYTHON:-python3} "$src/tests/differ/compare.py" --program ./differ \
    --ours "$build/../.libs" || exit 1
fi

/bin/sh "$src/tests/bdw-readme.sh" "$src" || exit 1

exec /bin/sh "$src/tests/api/run-bdw.sh" "$src/tests/api/bdw-differs.list" \
  $programs
