#!/bin/sh
# tests/api/trap_asan.sh: programs whose locals AddressSanitizer moves off the stack. SPDX-License-Identifier: MIT
#
# With detect_stack_use_after_return, a program compiled for AddressSanitizer
# keeps its locals in frames apart from the stack, which has the addresses of
# these frames only. What they hold must stay, in the collecting thread, in one
# that is stopped and in one that is in a blocking section.

top_srcdir=${top_srcdir:-$(cd "$(dirname "$0")/../.." && pwd)}
# shellcheck source=tests/tools/lib.sh
. "$top_srcdir/tests/tools/lib.sh"

library=$top_builddir/.libs
case " $CFLAGS " in
*-fsanitize=*) skip_all "the library is to be a plain one" ;;
esac
[ -e "$library/libgc.so.1" ] || skip_all "there is no shared library"

cat >"$scratch/main.c" <<'MAIN'
#define GC_THREADS
#include <gc.h>
#include <sanitizer/asan_interface.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { SLOTS = 40, BYTES = 64 };

static volatile int is_held, may_check;
static int damaged, is_moved;

static __attribute__((noinline)) void fill(char **slots) {
  for (int i = 0; i < SLOTS; i++) {
    slots[i] = GC_malloc_atomic(BYTES);
    memset(slots[i], i + 1, BYTES);
  }
  is_moved = __asan_addr_is_in_fake_stack(__asan_get_current_fake_stack(),
                                          slots, NULL, NULL) != NULL;
}

static __attribute__((noinline)) void check(char **slots) {
  for (int i = 0; i < SLOTS; i++)
    for (int j = 0; j < BYTES; j++)
      damaged += slots[i][j] != i + 1;
}

static void *collect(void *arg) {
  GC_gcollect();
  for (int i = 0; i < 20000; i++)
    memset(GC_malloc_atomic(BYTES), 0x7f, BYTES);
  return arg;
}

static void *wait_for_check(void *arg) {
  is_held = 1;
  while (!may_check)
    usleep(1000);
  return arg;
}

static __attribute__((noinline)) void *hold(void *how) {
  char *slots[SLOTS];
  fill(slots);
  if (*(char *)how == 'c')
    collect(NULL);
  else if (*(char *)how == 's')
    wait_for_check(NULL);
  else
    GC_do_blocking(wait_for_check, NULL);
  check(slots);
  return NULL;
}

int main(int argc, char **argv) {
  pthread_t t;
  GC_INIT();
  if (argc > 1 && *argv[1] == 'c') {
    hold(argv[1]);
  } else if (argc > 1 && pthread_create(&t, NULL, hold, argv[1]) == 0) {
    while (!is_held)
      usleep(1000);
    collect(NULL);
    may_check = 1;
    pthread_join(t, NULL);
  }
  printf("%s, %d bytes are damaged\n", is_moved ? "moved" : "not moved", damaged);
  return damaged != 0;
}
MAIN

build() {
  # shellcheck disable=SC2086
  $CC -O1 -g -fsanitize=address -I"$top_srcdir/include" "$scratch/main.c" \
    -o "$scratch/main" -L"$library" -lgc -lpthread
}
run build
[ "$status" -eq 0 ] || skip_all "the compiler has no AddressSanitizer"

# held NAME HOW: what moved locals hold is intact
held() {
  run env LD_LIBRARY_PATH="$library" \
    ASAN_OPTIONS=detect_stack_use_after_return=1:detect_leaks=0 \
    timeout 60 "$scratch/main" "$2"
  if grep -q '^not moved' "$scratch/out"; then
    skip "$1" "locals stay on the stack here"
  elif [ "$status" -eq 0 ] && grep -q '^moved' "$scratch/out"; then ok "$1"
  else not_ok "$1"; fi
}
held "moved locals of the collecting thread are roots" collecting
held "moved locals of a stopped thread are roots" stopped
held "moved locals of a blocked thread are roots" blocked
finish
