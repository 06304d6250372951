# m4/reclaim.m4: the project's own configure checks. SPDX-License-Identifier: MIT
#
# Each macro asks the compiler, never a table of versions, and each refusal
# says what the machine lacks in words that a user understands.

# RECLAIM_REQUIRE_TARGET
# Stops unless the compiler makes code for Linux on x86-64 with glibc.
AC_DEFUN([RECLAIM_REQUIRE_TARGET], [
AC_MSG_CHECKING([whether $host is a supported target])
AC_COMPILE_IFELSE([AC_LANG_SOURCE([[
#include <limits.h>
#if !defined(__linux__)
#error not linux
#endif
]])], [], [AC_MSG_RESULT([no])
  AC_MSG_ERROR([$PACKAGE_NAME runs on Linux only; $host is something else])])
AC_COMPILE_IFELSE([AC_LANG_SOURCE([[
#if !defined(__x86_64__) || defined(__ILP32__)
#error not x86-64
#endif
]])], [], [AC_MSG_RESULT([no])
  AC_MSG_ERROR([$PACKAGE_NAME runs on 64-bit x86 only for now;
                aarch64 comes with a later release])])
AC_COMPILE_IFELSE([AC_LANG_SOURCE([[
#include <limits.h>
#if !defined(__GLIBC__)
#error not glibc
#endif
]])], [], [AC_MSG_RESULT([no])
  AC_MSG_ERROR([$PACKAGE_NAME needs the GNU C library for now;
                musl comes with a later release])])
AC_MSG_RESULT([yes])
])

# RECLAIM_REQUIRE_COMPILER
# Stops unless C11 atomics, GNU statements and the thread-local model that the
# allocator's fast path is built on are there.
AC_DEFUN([RECLAIM_REQUIRE_COMPILER], [
AC_MSG_CHECKING([whether $CC has C11 atomics and initial-exec thread-local variables])
reclaim_saved_CFLAGS=$CFLAGS
CFLAGS="$CFLAGS -std=gnu11"
AC_LINK_IFELSE([AC_LANG_PROGRAM([[
#include <stdatomic.h>
#include <stdint.h>
static _Atomic uint64_t word;
static _Thread_local int mine __attribute__((tls_model("initial-exec")));
]], [[
  uint64_t old = 0;
  mine = (int) atomic_fetch_or_explicit(&word, 1, memory_order_relaxed);
  return atomic_compare_exchange_strong(&word, &old, 2)
    ? mine : __extension__({ mine + 1; });
]])], [AC_MSG_RESULT([yes])], [AC_MSG_RESULT([no])
  AC_MSG_ERROR([a C11 compiler with GNU extensions is needed:
                gcc 10 or clang 11, or later])])
CFLAGS=$reclaim_saved_CFLAGS
])

# RECLAIM_CHECK_CXX
# Sets reclaim_have_cxx to yes when $CXX makes programs that throw exceptions.
AC_DEFUN([RECLAIM_CHECK_CXX], [
AC_MSG_CHECKING([whether $CXX makes programs])
AC_LANG_PUSH([C++])
AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <stdexcept>]],
  [[try { throw std::runtime_error("x"); } catch (std::exception &) { return 1; }]])],
  [reclaim_have_cxx=yes], [reclaim_have_cxx=no])
AC_LANG_POP([C++])
AC_MSG_RESULT([$reclaim_have_cxx])
])

# RECLAIM_WARNINGS(FLAGS)
# Puts those FLAGS that the compiler knows into WARN_CFLAGS.
AC_DEFUN([RECLAIM_WARNINGS], [
WARN_CFLAGS=
reclaim_saved_CFLAGS=$CFLAGS
for reclaim_flag in $1; do
  AC_MSG_CHECKING([whether $CC accepts $reclaim_flag])
  CFLAGS="$reclaim_saved_CFLAGS -Werror $reclaim_flag"
  AC_COMPILE_IFELSE([AC_LANG_SOURCE([[int reclaim_unit;]])],
    [AC_MSG_RESULT([yes])
     WARN_CFLAGS="$WARN_CFLAGS $reclaim_flag"],
    [AC_MSG_RESULT([no])])
done
CFLAGS=$reclaim_saved_CFLAGS
AC_SUBST([WARN_CFLAGS])
])

# RECLAIM_LINK_FLAG(VARIABLE, FLAG)
# Sets VARIABLE to FLAG when the linker knows it, to nothing otherwise.
AC_DEFUN([RECLAIM_LINK_FLAG], [
AC_MSG_CHECKING([whether the linker accepts $2])
reclaim_saved_LDFLAGS=$LDFLAGS
LDFLAGS="$LDFLAGS $2"
AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])],
  [AC_MSG_RESULT([yes]); $1="$2"],
  [AC_MSG_RESULT([no]); $1=])
LDFLAGS=$reclaim_saved_LDFLAGS
AC_SUBST([$1])
])
