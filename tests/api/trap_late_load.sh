#!/bin/sh
# tests/api/trap_late_load.sh: the library loaded after many with thread-local data. SPDX-License-Identifier: MIT
#
# A library that wants its thread-local data at a fixed distance from the thread
# pointer, as the collector does, can be loaded late only while the C library
# has some of its small reserve for that left. Here twenty others come first and
# take what they can, so the collector must do with very little; afterwards,
# pointers in the thread-local data of all of them are roots.

top_srcdir=${top_srcdir:-$(cd "$(dirname "$0")/../.." && pwd)}
# shellcheck source=tests/tools/lib.sh
. "$top_srcdir/tests/tools/lib.sh"

libgc=$(cd "$top_builddir" && pwd)/.libs/libgc.so.1
case " $CFLAGS " in
*-fsanitize=*) skip_all "a sanitiser can not be loaded late" ;;
esac
[ -e "$libgc" ] || skip_all "there is no shared library"

# ---- What it asks for ----

# The size of the library's thread-local data, in bytes.
if command -v readelf >"$scratch/out"; then
  bytes=$(readelf -lW "$libgc" | awk '$1 == "TLS" { print $6 }')
  echo "thread-local data: ${bytes:-none}" >"$scratch/out"
  if [ $((${bytes:-0})) -le 16 ]; then
    ok "thread-local data are two words at most"
  else
    not_ok "thread-local data are two words at most"
  fi
else
  skip "thread-local data are two words at most" "readelf is not installed"
fi

# ---- Twenty libraries, then the collector ----

cat >"$scratch/part.c" <<'PART'
#define WORDS 8
static __thread void *block[WORDS] __attribute__((tls_model("initial-exec")));
void **part_block(void);
void **part_block(void) { return block; }
PART
cat >"$scratch/main.c" <<'MAIN'
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PARTS = 20, WORDS = 8, BYTES = 64, ROUNDS = 20 };

static void **(*block[PARTS])(void);
static void *(*alloc)(size_t);
static void (*collect)(void);

static void *load(const char *name, const char *symbol) {
  void *lib = dlopen(name, RTLD_NOW);
  void *found = lib == NULL ? NULL : dlsym(lib, symbol);
  if (found == NULL) {
    printf("%s\n", dlerror());
    exit(1);
  }
  return found;
}

static char pattern(int part, int word) {
  return (char)(part * WORDS + word + 1);
}

static void fill(void) {
  for (int p = 0; p < PARTS; p++)
    for (int w = 0; w < WORDS; w++)
      memset(block[p]()[w] = alloc(BYTES), pattern(p, w), BYTES);
}

static int damaged(void) {
  int n = 0;
  for (int p = 0; p < PARTS; p++)
    for (int w = 0; w < WORDS; w++)
      for (int i = 0; i < BYTES; i++)
        n += ((char *)block[p]()[w])[i] != pattern(p, w);
  return n;
}

int main(int argc, char **argv) {
  char name[4096];
  if (argc < 3)
    return 2;
  for (int p = 0; p < PARTS; p++) {
    snprintf(name, sizeof name, "%s/part%d.so", argv[1], p);
    *(void **)&block[p] = load(name, "part_block");
  }
  *(void **)&alloc = load(argv[2], "GC_malloc");
  *(void **)&collect = load(argv[2], "GC_gcollect");
  for (int round = 0; round < ROUNDS; round++) {
    fill();
    collect();
    for (int i = 0; i < 20000; i++)
      memset(alloc(BYTES), 0x7f, BYTES);
    if (damaged() != 0) {
      printf("%d bytes are damaged\n", damaged());
      return 1;
    }
  }
  return 0;
}
MAIN

build_all() {
  # shellcheck disable=SC2086
  $CC -O1 -fPIC -shared "$scratch/part.c" -o "$scratch/part.so" || return 1
  for i in 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19; do
    cp "$scratch/part.so" "$scratch/part$i.so" || return 1
  done
  # shellcheck disable=SC2086
  $CC -O1 "$scratch/main.c" -o "$scratch/main" -ldl
}
passes "twenty libraries with thread-local data are built" build_all
passes "the library is loaded after them" \
  timeout 60 "$scratch/main" "$scratch" "$libgc"
finish
