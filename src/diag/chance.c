/* src/diag/chance.c: addresses and objects by chance. SPDX-License-Identifier: MIT
 */
#include "diag/chance.h"

#include "diag/search.h"
#include "reclaim/large.h"

#define TRIES 10000u

static uint64_t next_random(uint64_t *state) {
  *state ^= *state << 13;
  *state ^= *state >> 7;
  *state ^= *state << 17;
  return *state;
}

/* Block 0 is never used. */
static char *random_byte(uint64_t *state) {
  size_t used = gc_load_rlx(&gc_heap.used);
  if (used <= GC_BLOCK_BYTES)
    return NULL;
  return gc_heap.base + GC_BLOCK_BYTES +
         next_random(state) % (used - GC_BLOCK_BYTES);
}

struct random_search {
  uint64_t state;
  bool wants_object;
  char *found;
};

static void take_first_object(gc_block_id b, void *search) {
  struct random_search *r = search;
  for (unsigned i = 0; r->found == NULL && i < gc_heap.blocks[b].slots; i++) {
    struct gc_object o;
    gc_object_at(b, i, &o);
    if (gc_search_is_live(b, i) && !gc_search_is_claimed(&o))
      r->found = o.start;
  }
}

static void take_first_of(gc_block_id b, struct random_search *r) {
  enum gc_block_state state = gc_hot_state(gc_block_hot(b));
  if (state != BLK_FREE && !r->wants_object)
    r->found = gc_block_address(b);
  else if (state == BLK_SMALL)
    take_first_object(b, r);
}

static bool is_wanted(const struct random_search *r, const char *p) {
  struct gc_object o;
  if (!r->wants_object)
    return gc_heap_has(p);
  return gc_find(p, &o) && gc_search_is_live(o.block, o.slot) &&
         !gc_search_is_claimed(&o);
}

/* In a heap that is almost empty chance may fail; then the first one is taken. */
static void search_random(void *search, char *own_sp) {
  struct random_search *r = search;
  size_t blocks = gc_load_rlx(&gc_heap.used) >> GC_BLOCK_SHIFT;
  (void)own_sp;
  for (unsigned i = 0; r->found == NULL && i < TRIES; i++) {
    char *p = random_byte(&r->state);
    r->found = p != NULL && is_wanted(r, p) ? p : NULL;
  }
  for (gc_block_id b = 1; r->found == NULL && b < blocks; b++)
    take_first_of(b, r);
  if (r->found == NULL)
    gc_large_each(take_first_object, r);
}

static char *find_random(bool wants_object) {
  struct random_search r = {.state = gc_plat_random() | 1,
                            .wants_object = wants_object};
  gc_search_with_stopped_world(search_random, &r);
  return r.found;
}

void *gc_chance_address(void) { return find_random(false); }
void *gc_chance_object(void) { return find_random(true); }
