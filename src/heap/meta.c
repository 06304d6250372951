/* src/heap/meta.c: memory for the collector's own tables.
 * SPDX-License-Identifier: MIT
 */
#include "heap/meta.h"

#include "base/bits.h"
#include "plat/lock.h"
#include "plat/plat.h"

#define CHUNK_BYTES ((size_t)256 * 1024)
#define MIN_SHIFT 6u
#define MIN_BYTES ((uintptr_t)1 << MIN_SHIFT)
#define MAX_SHIFT 40u
#define DISCARD_SHIFT 14u /* pieces of several pages */

struct free_piece {
  struct free_piece *next;
};

static struct gc_lock meta_lock = GC_LOCK_INIT(RANK_ARENA);
static struct free_piece *free_pieces[MAX_SHIFT + 1];
static char *chunk_cur, *chunk_end;

static unsigned shift_of(size_t bytes) {
  if (bytes <= ((size_t)1 << MIN_SHIFT))
    return MIN_SHIFT;
  return gc_bits_log2(bytes - 1) + 1;
}

static void *fresh_mapping(size_t bytes) {
  void *p = gc_plat_reserve(NULL, bytes);
  if (p == NULL)
    return NULL;
  if (gc_plat_commit(p, bytes))
    return p;
  gc_plat_release(p, bytes);
  return NULL;
}

static void *cut_from_chunk(size_t bytes) {
  if ((size_t)(chunk_end - chunk_cur) < bytes) {
    char *chunk = fresh_mapping(CHUNK_BYTES);
    if (chunk == NULL)
      return NULL;
    chunk_cur = chunk;
    chunk_end = chunk + CHUNK_BYTES;
  }
  void *p = chunk_cur;
  chunk_cur += bytes;
  return p;
}

static void clear_words(void *p, size_t bytes) {
  uint64_t *w = p;
  for (size_t i = 0; i < bytes / sizeof *w; i++)
    w[i] = 0;
}

void *gc_meta_alloc(size_t bytes) {
  unsigned shift = shift_of(bytes);
  if (shift > MAX_SHIFT)
    return NULL;
  size_t size = (size_t)1 << shift;
  gc_lock(&meta_lock);
  void *p = free_pieces[shift];
  if (p != NULL) {
    free_pieces[shift] = free_pieces[shift]->next;
    gc_unlock(&meta_lock);
    clear_words(p, size);
    return p;
  }
  p = size > CHUNK_BYTES / 4 ? fresh_mapping(size) : cut_from_chunk(size);
  gc_unlock(&meta_lock);
  return p;
}

/* All but the page that links it to the other free pieces. */
static void discard_rest(char *piece, size_t bytes) {
  uintptr_t page = gc_plat_page_bytes();
  char *from = (char *)gc_round_up((uintptr_t)piece + MIN_BYTES, page);
  char *to = (char *)gc_round_down((uintptr_t)piece + bytes, page);
  if (from < to)
    gc_plat_discard(from, (size_t)(to - from));
}

void gc_meta_free(void *p, size_t bytes) {
  if (p == NULL)
    return;
  unsigned shift = shift_of(bytes);
  if ((size_t)1 << shift > CHUNK_BYTES / 4) {
    gc_plat_release(p, (size_t)1 << shift);
    return;
  }
  if (shift >= DISCARD_SHIFT)
    discard_rest(p, (size_t)1 << shift);
  struct free_piece *piece = p;
  gc_lock(&meta_lock);
  piece->next = free_pieces[shift];
  free_pieces[shift] = piece;
  gc_unlock(&meta_lock);
}

/* Where addresses are limited, a table may have a small part of what is left: the
 * heap and the program's own stacks need them more. */
static size_t affordable(size_t bytes, size_t at_least) {
  size_t left = gc_plat_address_space_left();
  if (left == SIZE_MAX || bytes <= left / 16)
    return bytes;
  size_t part = gc_round_down(left / 16, gc_plat_page_bytes());
  return part > at_least ? part : at_least;
}

bool gc_extent_reserve(struct gc_extent *e, size_t bytes, size_t at_least) {
  if (bytes > at_least)
    bytes = affordable(bytes, at_least);
  for (; bytes >= at_least; bytes /= 2) {
    e->base = gc_plat_reserve(NULL, bytes);
    if (e->base != NULL) {
      e->reserved = bytes;
      e->committed = 0;
      return true;
    }
  }
  return false;
}

bool gc_extent_commit(struct gc_extent *e, size_t bytes) {
  if (bytes <= e->committed)
    return true;
  if (bytes > e->reserved)
    return false;
  size_t want = gc_round_up(bytes + bytes / 2, CHUNK_BYTES);
  if (want > e->reserved)
    want = e->reserved;
  if (!gc_plat_commit(e->base + e->committed, want - e->committed)) {
    want = gc_round_up(bytes, gc_plat_page_bytes());
    if (!gc_plat_commit(e->base + e->committed, want - e->committed))
      return false;
  }
  e->committed = want;
  return true;
}

void gc_extent_trim(struct gc_extent *e) {
  if (e->committed > CHUNK_BYTES)
    gc_plat_discard(e->base + CHUNK_BYTES, e->committed - CHUNK_BYTES);
}

void gc_meta_lock_for_fork(void) { gc_lock(&meta_lock); }

void gc_meta_unlock_after_fork(bool in_child) {
  (void)in_child;
  gc_unlock(&meta_lock);
}
