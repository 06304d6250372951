/* src/compat/gc_mark_h.c: gc_mark.h: kinds, mark procedures, mark bits.
 * SPDX-License-Identifier: MIT
 *
 * The forms named _inner are for callers that hold the allocator lock. It may
 * be taken again by its owner, and an owner's allocation never collects, so
 * both forms are one.
 */
#include "alloc/alloc.h"
#include "alloc/free_realloc.h"
#include "compat/compat.h"
#include "mark/proc.h"
#include "mark/rootscan.h"

#include <string.h>

/* ---- Kinds ---- */

/* Heads of the lists of all sizes that libgc keeps in lists: a client might
 * read them, and finds no cells. */
#define LIST_HEADS (2048 / 16 + 1)

void **GC_new_free_list(void) {
  void **heads = gc_alloc(LIST_HEADS * sizeof(void *), KIND_UNCOLL);
  if (heads == NULL)
    gc_fatal("no memory for the free lists of a new kind");
  return heads;
}

void **GC_new_free_list_inner(void) { return GC_new_free_list(); }

unsigned GC_new_kind(void **free_list, GC_word descriptor, int add_size,
                     int clear) {
  (void)free_list;
  gc_start();
  unsigned kind = gc_kind_new(descriptor, add_size != 0, clear != 0);
  if (kind == 0)
    gc_fatal("GC_new_kind: too many object kinds (%u), or no memory",
             GC_MAX_KINDS);
  return kind;
}

unsigned GC_new_kind_inner(void **free_list, GC_word descriptor, int add_size,
                           int clear) {
  return GC_new_kind(free_list, descriptor, add_size, clear);
}

void *GC_generic_malloc(size_t bytes, int kind) {
  return gc_alloc(bytes, gc_compat_kind(kind));
}

void *GC_generic_malloc_ignore_off_page(size_t bytes, int kind) {
  return gc_alloc_ignore_off_page(bytes, gc_compat_kind(kind));
}

void *GC_generic_malloc_uncollectable(size_t bytes, int kind) {
  return gc_alloc(bytes, gc_compat_kind(kind));
}

void *GC_generic_or_special_malloc(size_t bytes, int kind) {
  return gc_alloc(bytes, gc_compat_kind(kind));
}

int GC_get_kind_and_size(const void *object, size_t *out_bytes) {
  unsigned kind;
  size_t bytes;
  bool is_object = gc_kind_and_size(object, &kind, &bytes);
  gc_check(is_object);
  if (out_bytes != NULL)
    *out_bytes = bytes;
  return (int)kind;
}

/* ---- Mark procedures ---- */

/* The core's type names the token `void *`; both have the same parameters in
 * the same registers. */
unsigned GC_new_proc(GC_mark_proc proc) {
  gc_start();
  unsigned index = gc_layout_new_proc((gc_mark_proc)(void (*)(void))proc);
  if (index >= GC_MAX_MARK_PROCS)
    gc_fatal("GC_new_proc: too many mark procedures (%d)", GC_MAX_MARK_PROCS);
  return index;
}

unsigned GC_new_proc_inner(GC_mark_proc proc) { return GC_new_proc(proc); }

struct GC_ms_entry *GC_mark_and_push(void *address, struct GC_ms_entry *token,
                                     struct GC_ms_entry *limit, void **src) {
  (void)limit;
  (void)src;
  return gc_proc_push(address, token);
}

/* ---- Mark bits ---- */

int GC_is_marked(const void *object) { return gc_object_is_marked(object); }
void GC_set_mark_bit(const void *object) { gc_object_set_mark(object); }
void GC_clear_mark_bit(const void *object) { gc_object_clear_mark(object); }

/* ---- Roots of the client ---- */

void GC_push_all(void *low, void *high) { gc_rootscan_push_range(low, high); }

void GC_push_all_eager(void *low, void *high) {
  gc_rootscan_push_range(low, high);
}

void GC_push_conditional(void *low, void *high, int all) {
  (void)all;
  gc_rootscan_push_range(low, high);
}

/* ---- The stack ---- */

#define CLEARED_WORDS 512

gc_noinline void *GC_clear_stack(void *result) {
  GC_word frame[CLEARED_WORDS];
  memset(frame, 0, sizeof frame);
  GC_reachable_here(frame);
  return result;
}
