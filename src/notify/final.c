/* src/notify/final.c: which objects have a finaliser. SPDX-License-Identifier: MIT
 */
#include "notify/final.h"

#include "heap/meta.h"
#include "notify/pending.h"

#define BLOCKS_BYTES ((size_t)128 << 20) /* for all blocks there can be */
#define BLOCKS_MIN_BYTES ((size_t)1 << 20)
#define STRAYS_BYTES ((size_t)1 << 30)
#define STRAYS_MIN_BYTES ((size_t)1 << 16)
#define ENTRY_WORDS 2u
#define CODE_MASK ((UINT64_C(1) << FINAL_OFFSET_SHIFT) - 1)

static struct gc_lock final_lock = GC_LOCK_INIT(RANK_FINAL);
_Atomic size_t gc_final_ready;
static _Atomic int64_t
    growth; /* [w: lock final, stw; r: any] see gc_final_growth */
static _Atomic bool
    is_useful; /* [w: stw; r: any] a collection found dead ones */
static struct {
  struct gc_extent blocks; /* records by number of the block */
  gc_block_id end;         /* no record from here on */
  struct gc_final_block *first_ready;
  struct gc_extent strays;
  size_t stray_count;
  gc_block_id fresh_cursor;
  bool found_dead, found_dead_before; /* by this collection, and the last */
} finals;                             /* [lock final] */

void gc_final_lock(void) { gc_lock(&final_lock); }
void gc_final_unlock(void) { gc_unlock(&final_lock); }

/* ---- Records of blocks ---- */

static struct gc_final_block **record_at(gc_block_id b) {
  return (struct gc_final_block **)(void *)finals.blocks.base + b;
}

static struct gc_final_block *find_record(gc_block_id b) {
  return b < finals.end ? *record_at(b) : NULL;
}

static struct gc_final_group *find_group(gc_block_id b, unsigned slot) {
  struct gc_final_block *fb = find_record(b);
  return fb == NULL || slot >> 6 >= fb->groups ? NULL : &fb->at[slot >> 6];
}

static size_t record_bytes(unsigned groups) {
  return sizeof(struct gc_final_block) + groups * sizeof(struct gc_final_group);
}

static bool has_room_for(gc_block_id b) {
  if (b < finals.end)
    return true;
  if ((finals.blocks.base == NULL &&
       !gc_extent_reserve(&finals.blocks, BLOCKS_BYTES, BLOCKS_MIN_BYTES)) ||
      !gc_extent_commit(&finals.blocks, (b + 1) * sizeof(void *)))
    return false;
  finals.end = b + 1;
  return true;
}

void gc_final_note_block(gc_block_id b) {
  if (!(gc_load_rlx(&gc_heap.blocks[b].flags) & BF_FINAL))
    gc_or_rlx(&gc_heap.blocks[b].flags, (uint8_t)BF_FINAL);
}

/* After the last ready entry was taken a record stays in the list until somebody looks
 * for more. */
static void unlist(struct gc_final_block *fb) {
  struct gc_final_block **at = &finals.first_ready;
  while (fb->is_listed && *at != fb)
    at = &(*at)->next;
  if (fb->is_listed)
    *at = fb->next;
}

/* A record may be left from a block that was here before, of other sizes; it is empty
 * then. */
static struct gc_final_group *make_group(gc_block_id b, unsigned slot) {
  unsigned groups = gc_map_words(gc_heap.blocks[b].slots);
  struct gc_final_block *fb = find_record(b);
  gc_final_note_block(b);
  if (gc_likely(fb != NULL && fb->groups == groups))
    return &fb->at[slot >> 6];
  struct gc_final_block *made =
      has_room_for(b) ? gc_meta_alloc(record_bytes(groups)) : NULL;
  if (made == NULL)
    return NULL;
  if (fb != NULL) {
    unlist(fb);
    gc_meta_free(fb, record_bytes(fb->groups));
  }
  made->block = b;
  made->groups = (uint16_t)groups;
  *record_at(b) = made;
  return &made->at[slot >> 6];
}

/* ---- Entries ---- */

static uint64_t pack(const struct gc_final *f, const struct gc_object *o) {
  size_t offset = (size_t)((char *)f->object - o->start);
  return (uint64_t)(uintptr_t)f->fn | (uint64_t)offset << FINAL_OFFSET_SHIFT;
}

static void unpack(const struct gc_final_group *g, gc_block_id b, unsigned slot,
                   struct gc_final *out) {
  unsigned place = slot & 63;
  const uint64_t *entry = gc_packed_entry(&g->entries, place, ENTRY_WORDS);
  out->object = gc_slot_address(b, gc_block_hot(b), slot) +
                (entry[0] >> FINAL_OFFSET_SHIFT);
  out->fn = (gc_final_fn)(uintptr_t)(entry[0] & CODE_MASK);
  out->data = (void *)(uintptr_t)entry[1];
  out->mode = (enum gc_final_mode)((g->mode[0] >> place & 1) |
                                   (g->mode[1] >> place & 1) << 1);
}

void gc_final_read(const struct gc_final_block *fb, unsigned group,
                   unsigned place, struct gc_final *out) {
  unpack(&fb->at[group], fb->block, group << 6 | place, out);
}

static void put_mode_bit(uint64_t *word, unsigned place, bool on) {
  uint64_t bit = (uint64_t)1 << place;
  *word = on ? *word | bit : *word & ~bit;
}

static void fill(struct gc_final_group *g, unsigned place, uint64_t *entry,
                 const struct gc_final *f, const struct gc_object *o) {
  entry[0] = pack(f, o);
  entry[1] = (uint64_t)(uintptr_t)f->data;
  put_mode_bit(&g->mode[0], place, f->mode & 1);
  put_mode_bit(&g->mode[1], place, f->mode & 2);
  /* The heap may grow up to there later. */
  put_mode_bit(&g->rooted, place, (char *)f->data >= gc_heap.base);
}

static void count_growth(int64_t n) {
  gc_store_rlx(&growth, gc_load_rlx(&growth) + n);
}

size_t gc_final_growth(void) {
  int64_t n = gc_load_rlx(&growth);
  return n > 0 && gc_load_rlx(&is_useful) ? (size_t)n : 0;
}

static void take_out_slots(struct gc_final_group *g, uint64_t slots) {
  g->ready &= ~slots;
  g->rooted &= ~slots;
  g->fresh &= ~slots;
  gc_packed_remove(&g->entries, slots, ENTRY_WORDS);
}

/* ---- Strays ---- */

static struct gc_final *stray_at(size_t i) {
  return (struct gc_final *)(void *)finals.strays.base + i;
}

/* The ready entry of an object makes way for a new one. */
static bool make_stray(struct gc_final_group *g, gc_block_id b, unsigned slot) {
  struct gc_extent *e = &finals.strays;
  if ((e->base == NULL &&
       !gc_extent_reserve(e, STRAYS_BYTES, STRAYS_MIN_BYTES)) ||
      !gc_extent_commit(e, (finals.stray_count + 1) * sizeof(struct gc_final)))
    return false;
  unpack(g, b, slot, stray_at(finals.stray_count++));
  take_out_slots(g, gc_slot_bit(slot));
  return true;
}

void gc_final_each_stray(void (*f)(const struct gc_final *, void *), void *cx) {
  for (size_t i = 0; i < finals.stray_count; i++)
    f(stray_at(i), cx);
}

static void forget_strays(const struct gc_object *o) {
  for (size_t i = finals.stray_count; i > 0; i--) {
    size_t offset = (size_t)((char *)stray_at(i - 1)->object - o->start);
    if (offset >= o->bytes)
      continue;
    *stray_at(i - 1) = *stray_at(--finals.stray_count);
    gc_sub_rlx(&gc_final_ready, 1);
  }
}

/* ---- Registering ---- */

static enum gc_final_answer register_locked(const struct gc_final *f,
                                            const struct gc_object *o,
                                            struct gc_final *out_old) {
  unsigned place = o->slot & 63;
  struct gc_final_group *g = f->fn != NULL ? make_group(o->block, o->slot)
                                           : find_group(o->block, o->slot);
  if (g == NULL)
    return f->fn == NULL ? FINAL_DONE : FINAL_NO_MEMORY;
  if (g->ready >> place & 1) {
    if (f->fn == NULL)
      return FINAL_DONE; /* it is registered no more */
    if (!make_stray(g, o->block, o->slot))
      return FINAL_NO_MEMORY;
  }
  if (gc_packed_has(&g->entries, place)) {
    unpack(g, o->block, o->slot, out_old);
    if (f->fn == NULL) {
      take_out_slots(g, gc_slot_bit(o->slot));
      count_growth(-1);
    } else
      fill(g, place, gc_packed_entry(&g->entries, place, ENTRY_WORDS), f, o);
  } else if (f->fn != NULL) {
    uint64_t *entry = gc_packed_add(&g->entries, place, ENTRY_WORDS);
    if (entry == NULL)
      return FINAL_NO_MEMORY;
    fill(g, place, entry, f, o);
    count_growth(1);
  }
  return FINAL_DONE;
}

/* Allocated, and not condemned: no notifier is about to be told of it. */
static bool is_final_live(const struct gc_object *o) {
  const _Atomic uint8_t *state = gc_state_of(o);
  return gc_map_test(o->block, o->slot, gc_map_alloc()) &&
         (state == NULL || gc_load_acq(state) == ST_NONE);
}

enum gc_final_answer gc_final_register(const struct gc_final *f,
                                       struct gc_final *out_old) {
  struct gc_object o;
  enum gc_final_answer answer = FINAL_IGNORED;
  out_old->fn = NULL;
  out_old->data = NULL;
  gc_lock(&final_lock);
  if (gc_find(f->object, &o) && is_final_live(&o) &&
      (size_t)((char *)f->object - o.start) < GC_FINAL_OFFSETS)
    answer = register_locked(f, &o, out_old);
  gc_unlock(&final_lock);
  return answer;
}

void gc_final_forget(const struct gc_object *o) {
  struct gc_final_group *g = find_group(o->block, o->slot);
  if (finals.stray_count != 0)
    forget_strays(o);
  if (g == NULL || !gc_packed_has(&g->entries, o->slot & 63))
    return;
  if (g->ready & gc_slot_bit(o->slot))
    gc_sub_rlx(&gc_final_ready, 1);
  else
    count_growth(-1);
  take_out_slots(g, gc_slot_bit(o->slot));
}

/* ---- Links ---- */

bool gc_final_set_target(gc_block_id b, unsigned slot) {
  struct gc_final_group *g = make_group(b, slot);
  if (g != NULL)
    g->targets |= gc_slot_bit(slot);
  return g != NULL;
}

bool gc_final_is_target(gc_block_id b, unsigned slot) {
  const struct gc_final_group *g = find_group(b, slot);
  return g != NULL && (g->targets & gc_slot_bit(slot));
}

/* ---- Ready ---- */

void gc_final_set_ready(struct gc_final_block *fb, struct gc_final_group *g,
                        uint64_t slots) {
  g->ready |= slots;
  g->fresh |= slots;
  fb->last = fb->groups;
  finals.found_dead = true;
  count_growth(-(int64_t)gc_bits_count(slots));
  gc_add_rlx(&gc_final_ready, gc_bits_count(slots));
  if (fb->is_listed)
    return;
  fb->is_listed = true;
  fb->next = finals.first_ready;
  finals.first_ready = fb;
}

void gc_final_unset_ready(struct gc_final_group *g, uint64_t slots) {
  g->ready &= ~slots;
  g->fresh &= ~slots;
  gc_sub_rlx(&gc_final_ready, gc_bits_count(slots));
}

/* From the end of the record: nothing has to move then. */
static bool take_from(struct gc_final_block *fb, struct gc_final *out) {
  for (; fb->last > 0; fb->last--) {
    struct gc_final_group *g = &fb->at[fb->last - 1];
    if (g->ready == 0)
      continue;
    unsigned slot = (fb->last - 1u) << 6 | gc_bits_log2(g->ready);
    unpack(g, fb->block, slot, out);
    take_out_slots(g, gc_slot_bit(slot));
    return true;
  }
  return false;
}

static bool take_one_locked(struct gc_final *out) {
  if (finals.stray_count != 0) {
    *out = *stray_at(--finals.stray_count);
    return true;
  }
  for (struct gc_final_block *fb; (fb = finals.first_ready) != NULL;) {
    if (take_from(fb, out))
      return true;
    finals.first_ready = fb->next;
    fb->is_listed = false;
  }
  return false;
}

/* The object is on the caller's stack before the region is left. */
bool gc_final_take(struct gc_final *out) {
  gc_lock(&final_lock);
  bool is_there = take_one_locked(out);
  if (is_there)
    gc_sub_rlx(&gc_final_ready, 1);
  gc_compiler_barrier();
  gc_unlock(&final_lock);
  return is_there;
}

/* ---- Walks ---- */

void gc_final_each(void (*f)(struct gc_final_block *, void *), void *cx) {
  for (gc_block_id b = 0; b < finals.end; b++)
    if (*record_at(b) != NULL)
      f(*record_at(b), cx);
}

static void move_to_ready(struct gc_final_block *fb, void *found) {
  for (unsigned i = 0; i < fb->groups; i++)
    if (gc_final_registered(&fb->at[i]) != 0) {
      gc_final_set_ready(fb, &fb->at[i], gc_final_registered(&fb->at[i]));
      *(bool *)found = true;
    }
}

bool gc_final_make_all_ready(void) {
  bool found = false;
  gc_lock(&final_lock);
  gc_final_each(move_to_ready, &found);
  finals.fresh_cursor = 0;
  gc_unlock(&final_lock);
  return found;
}

static unsigned take_fresh(struct gc_final_block *fb, void **out, unsigned n,
                           unsigned max) {
  for (unsigned i = 0; i < fb->groups; i++) {
    struct gc_final_group *g = &fb->at[i];
    for (; g->fresh != 0 && n < max; g->fresh &= g->fresh - 1) {
      struct gc_final f;
      unpack(g, fb->block, i << 6 | gc_bits_lowest(g->fresh), &f);
      out[n++] = f.object;
    }
  }
  return n;
}

unsigned gc_final_next_fresh(void **out, unsigned max) {
  unsigned n = 0;
  gc_lock(&final_lock);
  while (finals.fresh_cursor < finals.end && n < max) {
    struct gc_final_block *fb = *record_at(finals.fresh_cursor);
    if (fb != NULL)
      n = take_fresh(fb, out, n, max);
    finals.fresh_cursor += n < max;
  }
  gc_compiler_barrier();
  gc_unlock(&final_lock);
  return n;
}

void gc_final_drop(struct gc_final_group *g, uint64_t slots) {
  take_out_slots(g, slots);
}

static bool is_empty(const struct gc_final_block *fb) {
  uint64_t any = fb->is_listed;
  for (unsigned i = 0; i < fb->groups; i++)
    any |= fb->at[i].entries.used | fb->at[i].targets;
  return any == 0;
}

static void trim(struct gc_final_block *fb, void *cx) {
  (void)cx;
  if (!is_empty(fb))
    return;
  *record_at(fb->block) = NULL;
  gc_meta_free(fb, record_bytes(fb->groups));
}

void gc_final_trim(void) {
  finals.fresh_cursor = 0;
  gc_store_rlx(&is_useful, finals.found_dead | finals.found_dead_before);
  finals.found_dead_before = finals.found_dead;
  finals.found_dead = false;
  gc_store_rlx(&growth, 0);
  gc_final_each(trim, NULL);
}
