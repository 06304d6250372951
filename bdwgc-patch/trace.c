/* bdwgc-patch/trace.c: marking that goes on where libgc's ended. SPDX-License-Identifier: MIT
 *
 * When libgc has marked what it finds, and threads are still stopped (its event
 * MARK_END), values of weak maps are marked from here. All words of an object count,
 * whatever its layout says, but for kinds without pointers: so this may keep more than
 * libgc would, never less. A stopped thread may hold malloc's lock; so the objects that
 * are still to be gone through are noted in mapped memory, which stays for the next time.
 */
#define _GNU_SOURCE
#include "adapter.h"

#include <sys/mman.h>

enum { FIRST_ROOM = 1 << 12 };

/* Marked, but not gone through. [lock] */
static void **noted;
static size_t count, room;
static bool is_short; /* [lock] of memory */

static bool grow(void) {
  size_t bigger = room == 0 ? FIRST_ROOM : 2 * room;
  void *p = room == 0
                ? mmap(NULL, bigger * sizeof *noted, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
                : mremap(noted, room * sizeof *noted, bigger * sizeof *noted,
                         MREMAP_MAYMOVE);
  if (p == MAP_FAILED)
    return false;
  noted = p;
  room = bigger;
  return true;
}

void bdw_trace_word(uintptr_t word) {
  void *base = GC_base((void *)word);
  if (base == NULL || GC_is_marked(base))
    return;
  if (count == room && !grow()) {
    is_short = true;
    return;
  }
  GC_set_mark_bit(base);
  noted[count++] = base;
}

static void go_through(const void *base) {
  size_t bytes;
  int kind = GC_get_kind_and_size(base, &bytes);
  const uintptr_t *word = base;
  if (bdw_is_leaf(kind))
    return;
  for (size_t i = 0; i < bytes / sizeof *word; i++)
    bdw_trace_word(word[i]);
}

bool bdw_trace_all(void (*found)(const void *base)) {
  while (count > 0 && !is_short) {
    const void *base = noted[--count];
    found(base);
    go_through(base);
  }
  return !is_short;
}

void bdw_trace_begin(void) {
  count = 0;
  is_short = false;
}
