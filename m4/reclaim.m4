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

# RECLAIM_REQUIRE_C11_ATOMICS
# Stops unless the compiler has them.
AC_DEFUN([RECLAIM_REQUIRE_C11_ATOMICS], [
AC_MSG_CHECKING([whether $CC has C11 atomics])
reclaim_saved_CFLAGS=$CFLAGS
CFLAGS="$CFLAGS -std=gnu11"
AC_LINK_IFELSE([AC_LANG_PROGRAM([[
#include <stdatomic.h>
#include <stdint.h>
static _Atomic uint64_t word;
]], [[
  uint64_t old = atomic_fetch_or_explicit(&word, 1, memory_order_relaxed);
  return !atomic_compare_exchange_strong(&word, &old, 2);
]])], [AC_MSG_RESULT([yes])], [AC_MSG_RESULT([no])
  AC_MSG_ERROR([C11 atomics are needed: gcc 10 or clang 11, or later,
                or --with-libatomic-ops])])
CFLAGS=$reclaim_saved_CFLAGS
reclaim_atomics='C11'
])

# RECLAIM_REQUIRE_LIBATOMIC_OPS
# Stops unless libatomic_ops gives, without code to link with, what atomic_lao.h uses.
AC_DEFUN([RECLAIM_REQUIRE_LIBATOMIC_OPS], [
AC_MSG_CHECKING([for libatomic_ops])
AC_LINK_IFELSE([AC_LANG_PROGRAM([[
#define AO_REQUIRE_CAS
#include <atomic_ops.h>
static volatile unsigned char byte;
static volatile unsigned half;
static volatile AO_t word;
]], [[
  AO_char_store_release(&byte, AO_char_fetch_compare_and_swap_full(&byte, 0, 1));
  AO_int_store_full(&half, AO_int_fetch_and_add(&half, 1));
  AO_store(&word, AO_fetch_compare_and_swap(&word, AO_load_acquire(&word), 1));
  AO_nop_write();
  return (int)(AO_char_load(&byte) + AO_int_load_full(&half) + AO_load(&word));
]])], [AC_MSG_RESULT([yes])], [AC_MSG_RESULT([no])
  AC_MSG_ERROR([--with-libatomic-ops needs that library;
                on Debian: apt-get install libatomic-ops-dev])])
AC_DEFINE([GC_WITH_LIBATOMIC_OPS], [1],
  [Define to make atomic operations of libatomic_ops instead of C11's.])
reclaim_atomics='libatomic_ops'
])

# RECLAIM_REQUIRE_COMPILER
# Stops unless GNU statements and the thread-local model that the allocator's fast
# path is built on are there.
AC_DEFUN([RECLAIM_REQUIRE_COMPILER], [
AC_MSG_CHECKING([whether $CC has initial-exec thread-local variables])
reclaim_saved_CFLAGS=$CFLAGS
CFLAGS="$CFLAGS -std=gnu11"
AC_LINK_IFELSE([AC_LANG_PROGRAM([[
static _Thread_local int mine __attribute__((tls_model("initial-exec")));
]], [[
  return __extension__({ mine + 1; });
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

# RECLAIM_CHECK_GMP
# Sets reclaim_have_gmp to yes, and GMP_LIBS, where programs link with GMP 6 or later.
AC_DEFUN([RECLAIM_CHECK_GMP], [
reclaim_have_gmp=no
AC_CHECK_HEADER([gmp.h],
  [AC_CHECK_LIB([gmp], [__gmpz_roinit_n], [reclaim_have_gmp=yes; GMP_LIBS=-lgmp])])
AC_SUBST([GMP_LIBS])
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
