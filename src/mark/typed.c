/* src/mark/typed.c: layouts that no plain descriptor holds: long bit maps, arrays.
 * SPDX-License-Identifier: MIT
 */
#include "mark/typed.h"

#include "heap/layout.h"
#include "heap/meta.h"
#include "mark/mark.h"

/* Words that a bit map in a descriptor can tell of. */
#define PLAIN_WORDS (GC_WORD_BITS - DESC_TAG_BITS)

static bool has_bit(const uint64_t *map, size_t i) {
  return (map[i / GC_WORD_BITS] >> (i % GC_WORD_BITS) & 1) != 0;
}

/* ---- Long bit maps ---- */

struct long_map {
  struct long_map *next; /* [const] in the list of all */
  size_t words;          /* of the object */
  uint64_t bits[];
};

static struct gc_lock long_maps_lock = GC_LOCK_INIT(RANK_LEAF);
static struct long_map *maps; /* [lock maps] */

/* The record has no bit beyond its words. */
static bool is_equal(const struct long_map *m, const uint64_t *map,
                     size_t words) {
  size_t n = (words + GC_WORD_BITS - 1) / GC_WORD_BITS;
  if (m->words != words)
    return false;
  for (size_t i = 0; i + 1 < n; i++)
    if (m->bits[i] != map[i])
      return false;
  for (size_t i = (n - 1) * GC_WORD_BITS; i < words; i++)
    if (has_bit(m->bits, i) != has_bit(map, i))
      return false;
  return true;
}

static struct long_map *new_long_map(const uint64_t *map, size_t words) {
  size_t n = (words + GC_WORD_BITS - 1) / GC_WORD_BITS;
  struct long_map *m = gc_meta_alloc(sizeof *m + n * sizeof *map);
  if (m == NULL)
    return NULL;
  for (size_t i = 0; i < n; i++)
    m->bits[i] = 0;
  for (size_t i = 0; i < words; i++)
    m->bits[i / GC_WORD_BITS] |= (uint64_t)has_bit(map, i)
                                 << (i % GC_WORD_BITS);
  m->words = words;
  return m;
}

/* A map that is there already is used again. */
static struct long_map *intern_map(const uint64_t *map, size_t words) {
  struct long_map *fresh = new_long_map(map, words), *m;
  if (fresh == NULL)
    return NULL;
  gc_lock(&long_maps_lock);
  for (m = maps; m != NULL && !is_equal(m, map, words);)
    m = m->next;
  bool is_new = m == NULL;
  if (is_new) {
    fresh->next = maps;
    maps = m = fresh;
  }
  gc_unlock(&long_maps_lock);
  if (!is_new)
    gc_meta_free(fresh, sizeof *fresh + (words + GC_WORD_BITS - 1) /
                                            GC_WORD_BITS * sizeof *map);
  return m;
}

gc_scans_memory static void *mark_long(void *object, void *marker, void *limit,
                                       uint64_t environment) {
  const struct long_map *m = (const void *)(uintptr_t)environment;
  const uint64_t *words = object;
  (void)limit;
  for (size_t i = 0; i < m->words; i++)
    if (has_bit(m->bits, i))
      gc_mark_word(marker, words[i]);
  return marker;
}

/* ---- Descriptors ---- */

static uint64_t make_proc(unsigned index, uint64_t environment) {
  return (environment << DESC_PROC_BITS | index) << DESC_TAG_BITS | DESC_PROC;
}

static uint64_t plain_map(const uint64_t *map, size_t words) {
  uint64_t d = DESC_BITMAP;
  for (size_t i = 0; i < words; i++)
    d |= (uint64_t)has_bit(map, i) << (GC_WORD_BITS - 1 - i);
  return d;
}

uint64_t gc_typed_descriptor(const uint64_t *map, size_t words) {
  size_t ones = 0;
  while (words > 0 && !has_bit(map, words - 1))
    words--;
  while (ones < words && has_bit(map, ones))
    ones++;
  if (ones == words)
    return words * sizeof(uint64_t);
  if (words <= PLAIN_WORDS)
    return plain_map(map, words);
  const struct long_map *m = intern_map(map, words);
  return m == NULL ? words * sizeof(uint64_t)
                   : make_proc(PROC_LONG_MAP, (uintptr_t)m);
}

uint64_t gc_typed_repeat(uint64_t element, size_t element_words, size_t count) {
  uint64_t map = 0;
  bool is_length = (element & DESC_TAG_MASK) == DESC_LENGTH;
  if (is_length && element >= element_words * sizeof(uint64_t))
    return element_words * sizeof(uint64_t) * count;
  if (count > PLAIN_WORDS || element_words * count > PLAIN_WORDS ||
      !(is_length || (element & DESC_TAG_MASK) == DESC_BITMAP))
    return 0;
  for (size_t i = 0; i < element_words * count; i++) {
    size_t w = i % element_words;
    bool is_reference = is_length ? w * sizeof(uint64_t) < element
                                  : element >> (GC_WORD_BITS - 1 - w) & 1;
    map |= (uint64_t)is_reference << i;
  }
  return gc_typed_descriptor(&map, element_words * count);
}

/* ---- Arrays ---- */

static void *mark_array(void *array, void *marker, void *limit,
                        uint64_t environment) {
  struct gc_object o;
  (void)limit;
  (void)environment;
  if (!gc_find(array, &o) || o.bytes < sizeof(struct gc_typed_array))
    return marker;
  const struct gc_typed_array *a =
      (const void *)(o.start + o.bytes - sizeof *a);
  char *element = o.start;
  for (uint64_t i = 0; i < a->count; i++, element += a->element_bytes)
    gc_mark_described(marker, element, a->element_bytes, a->element);
  return marker;
}

uint64_t gc_typed_array_descriptor(void) { return make_proc(PROC_ARRAY, 0); }

void gc_typed_start(void) {
  gc_layout_set_proc(PROC_LONG_MAP, mark_long);
  gc_layout_set_proc(PROC_ARRAY, mark_array);
}
