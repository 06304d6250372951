#!/bin/sh
# tests/tools/install.sh: what is installed can be used. SPDX-License-Identifier: MIT

. "$(dirname "$0")/lib.sh"

[ -e "$top_builddir/Makefile" ] || skip_all "nothing is built here"
command -v pkg-config >/dev/null || skip_all "pkg-config is not installed"
case ${CFLAGS-} in *-fsanitize=*) skip_all "this build is sanitised" ;; esac

# The surrounding make must not lend its job slots or its options.
unset MAKEFLAGS MFLAGS MAKELEVEL
root=$scratch/root
run make -s -C "$top_builddir" install DESTDIR="$root"
if [ "$status" -ne 0 ]; then
  not_ok "installation succeeds"
  finish; exit 0
fi
ok "installation succeeds"

pc=$(find "$root" -name bdw-gc.pc)
PKG_CONFIG_LIBDIR=$(dirname "$pc") PKG_CONFIG_SYSROOT_DIR=$root
export PKG_CONFIG_LIBDIR PKG_CONFIG_SYSROOT_DIR
library=$root$(PKG_CONFIG_SYSROOT_DIR='' pkg-config --variable=libdir bdw-gc)

passes "configure scripts find libgc 8.2.2" pkg-config --exact-version=8.2.2 bdw-gc
passes "the collector has its own name too" pkg-config --exists reclaim
passes "the library on top names what it needs" pkg-config --exists hcons

# What scripts cut out of Debian's file is in ours, in its words.
fields() {
  [ "$(PKG_CONFIG_SYSROOT_DIR='' pkg-config --print-variables bdw-gc | sort | tr '\n' ' ')" = \
    'exec_prefix includedir libdir pcfiledir prefix ' ] || return 1
  grep -q '^Name: Boehm-Demers-Weiser Conservative Garbage Collector$' "$pc" &&
    grep -qE '^Libs: -L\$\{libdir\} +-lgc -lpthread -ldl$' "$pc" &&
    grep -qx 'Cflags: -I${includedir}' "$pc" && ! grep -q '^Requires' "$pc"
}
passes "bdw-gc.pc has the fields of Debian's" fields

cat >"$scratch/p.c" <<'END'
#include <gc.h>
#include <gcx/observe.h>
int main(void) {
  GC_INIT();
  return GC_MALLOC(100) == NULL || GC_get_version() != 0x80202 ||
         gcx_version()[0] == 0;
}
END
# shellcheck disable=SC2046,SC2086 # Flags are lists of words.
compile() {
  ${CC} -o "$scratch/$1" "$scratch/p.c" $(pkg-config --cflags bdw-gc) \
    $2 $(pkg-config --libs bdw-gc) $3
}
passes "a program links by pkg-config" compile p '' ''
passes "and runs" env LD_LIBRARY_PATH="$library" "$scratch/p"

cat >"$scratch/h.c" <<'END'
#include <hcons/hcons.h>
int main(void) {
  hc_class_desc leaf = {.name = "number", .leaf = true};
  hc_class *number = hc_class_new(hc_table_new(0), &leaf);
  const void *seven = hc_intern1(number, 0, 7);
  return seven == 0 || hc_intern1(number, 0, 7) != seven;
}
END
of_terms() {
  # shellcheck disable=SC2046 # Flags are lists of words.
  ${CC} -o "$scratch/h" "$scratch/h.c" -Wl,-rpath-link,"$library" \
    $(pkg-config --cflags --libs hcons) &&
    LD_LIBRARY_PATH=$library "$scratch/h"
}
passes "a program of hash-consed terms links by pkg-config and runs" of_terms

cat >"$scratch/e.c" <<'END'
#include <hexpr/hexpr.h>
int main(void) {
  ex x = ex_sym("x");
  return !ex_print(ex_simplify(ex_derive(ex_binary(EX_MUL, x, x), x)), stdout);
}
END
of_expressions() {
  # shellcheck disable=SC2046 # Flags are lists of words.
  ${CC} -o "$scratch/e" "$scratch/e.c" -Wl,-rpath-link,"$library" \
    $(pkg-config --cflags --libs hexpr) &&
    [ "$(LD_LIBRARY_PATH=$library "$scratch/e")" = '2*x' ]
}
if [ "$WITH_HEXPR" = yes ]; then
  passes "that of expressions, too" pkg-config --exists hexpr
  passes "a program of expressions links by pkg-config and runs" of_expressions
else
  skip "a program of expressions links by pkg-config and runs" "this build is without hexpr"
  without_expressions() {
    ! pkg-config --exists hexpr && ! find "$root" -name '*hexpr*' | grep .
  }
  passes "nothing of hexpr is installed" without_expressions
fi

if command -v cmake >/dev/null; then
  mkdir "$scratch/cmake"
  cp "$scratch/p.c" "$scratch/cmake"
  cat >"$scratch/cmake/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.16)
project(p C)
find_package(BDWgc 8.2 REQUIRED COMPONENTS gc)
add_executable(p p.c)
target_link_libraries(p PRIVATE BDWgc::gc)
find_package(BDWgc 9.0 QUIET)
if(BDWgc_FOUND)
  message(FATAL_ERROR "any version is found")
endif()
END
  build_with_cmake() {
    cmake -S "$scratch/cmake" -B "$scratch/cmake/b" -DCMAKE_C_COMPILER="${CC%% *}" \
      -DBDWgc_DIR="$library/cmake/bdwgc" && cmake --build "$scratch/cmake/b"
  }
  passes "a program links by CMake" build_with_cmake
  passes "and runs with that library" env LD_LIBRARY_PATH="$library" "$scratch/cmake/b/p"
else
  skip "a program links by CMake" "cmake is not installed"
fi

# The companions for C++, by CMake and by hand.
cat >"$scratch/new.cc" <<'END'
#include <gc.h>
int main() {
  int *one = new int(1), *many = new int[1000];
  bool ours = GC_base(one) == one && GC_base(many) == many;
  delete one;
  delete[] many;
  return !ours;
}
END
cat >"$scratch/throw.cc" <<'END'
#include <new>
void GC_throw_bad_alloc();
int main() {
  try {
    GC_throw_bad_alloc();
  } catch (const std::bad_alloc &) {
    return 0;
  }
  return 1;
}
END
cat >"$scratch/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.16)
project(cxx CXX)
find_package(BDWgc 8.2 REQUIRED COMPONENTS gc gccpp gctba)
add_executable(new new.cc)
target_link_libraries(new PRIVATE BDWgc::gccpp)
add_executable(throw throw.cc)
target_link_libraries(throw PRIVATE BDWgc::gctba)
END
in_cxx() { # NAME LIBRARY
  # shellcheck disable=SC2046 # Flags are lists of words.
  c++ -o "$scratch/$1" "$scratch/$1.cc" -L"$library" -l"$2" \
    $(pkg-config --cflags --libs bdw-gc) && LD_LIBRARY_PATH=$library "$scratch/$1"
}
with_cmake() {
  mkdir "$scratch/cxx" && cp "$scratch/new.cc" "$scratch/throw.cc" \
    "$scratch/CMakeLists.txt" "$scratch/cxx" &&
    cmake -S "$scratch/cxx" -B "$scratch/cxx/b" -DBDWgc_DIR="$library/cmake/bdwgc" &&
    cmake --build "$scratch/cxx/b" &&
    LD_LIBRARY_PATH=$library "$scratch/cxx/b/new" &&
    LD_LIBRARY_PATH=$library "$scratch/cxx/b/throw"
}
if [ -e "$library/libgccpp.so" ] && command -v c++ >/dev/null; then
  passes "operator new is the collector's with libgccpp" in_cxx new gccpp
  passes "libgctba throws" in_cxx throw gctba
  if command -v cmake >/dev/null; then
    passes "programs of BDWgc::gccpp and BDWgc::gctba link by CMake and run" with_cmake
  else
    skip "programs of BDWgc::gccpp and BDWgc::gctba link by CMake and run" \
      "cmake is not installed"
  fi
else
  skip "operator new is the collector's with libgccpp" "this build has no libgccpp"
fi

if [ -e "$library/libgcmalloc.so" ]; then
  preloaded() {
    [ "$(LD_LIBRARY_PATH=$library LD_PRELOAD=$library/libgcmalloc.so sh -c 'echo it runs' \
      2>&1)" = 'it runs' ]
  }
  passes "libgcmalloc can be preloaded" preloaded
fi

if [ -e "$library/libgc.so.1" ]; then
  passes "the installed library exports its list" \
    "$top_srcdir/tools/check-exports" "$library/libgc.so.1" "$top_srcdir/src/libgc.sym"
fi
if [ -e "$library/libgc.a" ]; then
  passes "so does the archive" \
    "$top_srcdir/tools/check-exports" "$library/libgc.a" "$top_srcdir/src/libgc.sym"
  passes "a program links with the archive" compile s -static ''
  passes "and runs without the library" "$scratch/s"
else
  skip "so does the archive" "no static library in this build"
fi

run make -s -C "$top_builddir" uninstall DESTDIR="$root"
if [ "$status" -eq 0 ] && [ -z "$(find "$root" ! -type d)" ]; then
  ok "removal leaves nothing"
else
  find "$root" ! -type d >>"$scratch/out"
  not_ok "removal leaves nothing"
fi

finish
