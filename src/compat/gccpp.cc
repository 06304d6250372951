/* src/compat/gccpp.cc: operators new and delete of libgccpp.
 * SPDX-License-Identifier: MIT
 *
 * What a program gets without asking for collectable memory is scanned, and lives
 * until it is deleted.
 */
#include <gc/gc.h>

#include <new>

extern void GC_throw_bad_alloc();

static void *allocate(std::size_t bytes) {
  void *p = GC_malloc_uncollectable(bytes);
  if (p == 0)
    GC_throw_bad_alloc();
  return p;
}

void *operator new(std::size_t bytes) { return allocate(bytes); }
void *operator new[](std::size_t bytes) { return allocate(bytes); }
void operator delete(void *p) noexcept { GC_free(p); }
void operator delete[](void *p) noexcept { GC_free(p); }
void operator delete(void *p, std::size_t) noexcept { GC_free(p); }
void operator delete[](void *p, std::size_t) noexcept { GC_free(p); }
