/* src/reclaim/weak_cells.c: cells of weak references, by block.
 * SPDX-License-Identifier: MIT
 *
 * Cells lie in an array that grows in place and are named by their number there;
 * number 0 is nobody's. A block's lists exist as long as it has cells.
 */
#include "reclaim/weak_cells.h"

#include "heap/meta.h"

#define CELLS_BYTES ((size_t)16 << 30)
#define CELLS_MIN_BYTES ((size_t)1 << 20)
#define BLOCK_LISTS_BYTES ((size_t)128 << 20) /* for all blocks there can be */
#define BLOCK_LISTS_MIN_BYTES ((size_t)1 << 20)

static struct gc_lock weak_lock = GC_LOCK_INIT(RANK_WEAK);
static struct {
  struct gc_extent cells;
  struct gc_extent lists; /* by block: first cells, one for 64 slots */
  struct gc_extent values;
  uint32_t value_count;
  uint32_t count; /* cells made, the unused number 0 included */
  uint32_t first_free;
} weak_memory; /* [lock weak] */

static struct gc_weak *cell_at(uint32_t number) {
  return (struct gc_weak *)(void *)weak_memory.cells.base + number;
}

static uint32_t number_of_cell(const struct gc_weak *cell) {
  return (uint32_t)(cell - cell_at(0));
}

/* ---- The lists of a block ---- */

static uint32_t **lists_at(gc_block_id b) {
  return (uint32_t **)(void *)weak_memory.lists.base + b;
}

static size_t list_bytes(gc_block_id b) {
  return gc_map_words(gc_heap.blocks[b].slots) * sizeof(uint32_t);
}

static bool add_lists(gc_block_id b) {
  if (gc_weak_is_in(b))
    return true;
  if (!gc_extent_commit(&weak_memory.lists, (b + 1) * sizeof(uint32_t *)))
    return false;
  *lists_at(b) = gc_meta_alloc(list_bytes(b));
  if (*lists_at(b) == NULL)
    return false;
  gc_or_rlx(&gc_heap.blocks[b].flags, BF_WEAK);
  return true;
}

static void drop_empty_lists(gc_block_id b) {
  const uint32_t *first = *lists_at(b);
  for (unsigned i = 0; i < gc_map_words(gc_heap.blocks[b].slots); i++)
    if (first[i] != 0)
      return;
  gc_and_rlx(&gc_heap.blocks[b].flags, (uint8_t)~BF_WEAK);
  gc_meta_free(*lists_at(b), list_bytes(b));
  *lists_at(b) = NULL;
}

static void link_cell(struct gc_weak *cell) {
  uint32_t *first = &(*lists_at(cell->block))[cell->slot >> 6];
  cell->previous = 0;
  cell->next = *first;
  if (cell->next != 0)
    cell_at(cell->next)->previous = number_of_cell(cell);
  *first = number_of_cell(cell);
}

/* ---- Values ---- */

uint32_t gc_weak_value_count(void) { return weak_memory.value_count; }

struct gc_weak_value *gc_weak_value_at(uint32_t number) {
  return (struct gc_weak_value *)(void *)weak_memory.values.base + number - 1;
}

struct gc_weak *gc_weak_value_cell(const struct gc_weak_value *value) {
  return cell_at(value->cell);
}

static bool add_value(struct gc_weak *cell, uint64_t word) {
  size_t bytes = (weak_memory.value_count + 1) * sizeof(struct gc_weak_value);
  if ((weak_memory.values.base == NULL &&
       !gc_extent_reserve(&weak_memory.values, CELLS_BYTES / 2,
                          CELLS_MIN_BYTES)) ||
      !gc_extent_commit(&weak_memory.values, bytes))
    return false;
  cell->value = ++weak_memory.value_count;
  *gc_weak_value_at(cell->value) = (struct gc_weak_value){
      word, number_of_cell(cell), 0, cell->block, cell->slot};
  return true;
}

static void remove_value(struct gc_weak *cell) {
  const struct gc_weak_value *last =
      gc_weak_value_at(weak_memory.value_count--);
  gc_weak_value_cell(last)->value = cell->value;
  *gc_weak_value_at(cell->value) = *last;
  cell->value = 0;
}

/* ---- Clearing one ---- */

/* From here on readers see nothing. That the slot's bit is set again comes later in
 * the order of the processor's stores, and the unlocking between them keeps the
 * compiler to it; so who sees the bit of the next object sees no address. */
static void clear_cell(struct gc_weak *cell) {
  gc_store_rel(&cell->hidden, 0);
  if (cell->value != 0)
    remove_value(cell);
  if (cell->previous != 0)
    cell_at(cell->previous)->next = cell->next;
  else
    (*lists_at(cell->block))[cell->slot >> 6] = cell->next;
  if (cell->next != 0)
    cell_at(cell->next)->previous = cell->previous;
}

/* Clears the cells of the given slots among 64. */
static void clear_among(gc_block_id b, unsigned i, uint64_t slots) {
  for (uint32_t n = slots == 0 ? 0 : (*lists_at(b))[i]; n != 0;) {
    struct gc_weak *cell = cell_at(n);
    n = cell->next;
    if (slots & gc_slot_bit(cell->slot))
      clear_cell(cell);
  }
}

/* ---- Making and freeing ---- */

static bool reserve_memory(void) {
  return weak_memory.lists.base != NULL ||
         ((weak_memory.cells.base != NULL ||
           gc_extent_reserve(&weak_memory.cells, CELLS_BYTES,
                             CELLS_MIN_BYTES)) &&
          gc_extent_reserve(&weak_memory.lists, BLOCK_LISTS_BYTES,
                            BLOCK_LISTS_MIN_BYTES));
}

static struct gc_weak *take_cell(void) {
  uint32_t n = weak_memory.first_free;
  if (n != 0) {
    weak_memory.first_free = cell_at(n)->next;
    return cell_at(n);
  }
  n = weak_memory.count == 0 ? 1 : weak_memory.count;
  if (!gc_extent_commit(&weak_memory.cells, (n + 1) * sizeof(struct gc_weak)))
    return NULL;
  weak_memory.count = n + 1;
  return cell_at(n);
}

static struct gc_weak *new_cell(const struct gc_object *o,
                                const void *address) {
  if (!reserve_memory() || !add_lists(o->block))
    return NULL;
  struct gc_weak *cell = take_cell();
  if (cell == NULL) {
    drop_empty_lists(o->block);
    return NULL;
  }
  cell->block = o->block;
  cell->slot = (uint16_t)o->slot;
  cell->epoch = gc_heap.epoch;
  cell->value = 0;
  cell->is_used = true;
  link_cell(cell);
  gc_store_rel(&cell->hidden, ~(uint64_t)(uintptr_t)address);
  return cell;
}

struct gc_weak *gc_weak_cell_new(const struct gc_object *o,
                                 const void *address) {
  gc_lock(&weak_lock);
  struct gc_weak *cell = new_cell(o, address);
  gc_unlock(&weak_lock);
  return cell;
}

static void clear_if_set(struct gc_weak *cell) {
  if (gc_load_rlx(&cell->hidden) == 0)
    return;
  clear_cell(cell);
  drop_empty_lists(cell->block);
}

void gc_weak_cell_clear(struct gc_weak *cell) {
  gc_lock(&weak_lock);
  clear_if_set(cell);
  gc_unlock(&weak_lock);
}

static bool is_used_cell(const struct gc_weak *cell) {
  size_t off = (size_t)((const char *)cell - weak_memory.cells.base);
  return off % sizeof *cell == 0 && off / sizeof *cell < weak_memory.count &&
         cell->is_used;
}

void gc_weak_cell_free(struct gc_weak *cell) {
  gc_lock(&weak_lock);
  if (!is_used_cell(cell))
    gc_fatal("gcx_weak_free: %p is no weak reference, or freed already",
             (void *)cell);
  clear_if_set(cell);
  cell->is_used = false;
  cell->next = weak_memory.first_free;
  weak_memory.first_free = number_of_cell(cell);
  gc_unlock(&weak_lock);
}

/* ---- Ephemerons ---- */

bool gc_weak_value_add(struct gc_weak *cell, uint64_t word) {
  gc_lock(&weak_lock);
  bool ok = add_value(cell, word);
  gc_unlock(&weak_lock);
  return ok;
}

bool gc_weak_value_get(const struct gc_weak *cell, uint64_t *out_word) {
  gc_lock(&weak_lock);
  bool is_there = cell->value != 0;
  *out_word = is_there ? gc_weak_value_at(cell->value)->word : 0;
  gc_unlock(&weak_lock);
  return is_there;
}

bool gc_weak_value_set(struct gc_weak *cell, uint64_t word) {
  gc_lock(&weak_lock);
  bool is_there = cell->value != 0;
  if (is_there)
    gc_weak_value_at(cell->value)->word = word;
  gc_unlock(&weak_lock);
  return is_there;
}

/* ---- Clearing ---- */

static uint64_t all_slots(gc_block_id b, unsigned i, uint8_t no_state) {
  (void)b, (void)i, (void)no_state;
  return ~(uint64_t)0;
}

/* Where nothing died the cells are not even read. */
static uint64_t dead_slots(gc_block_id b, unsigned i, uint8_t no_state) {
  (void)no_state;
  return gc_load_rlx(gc_map_word(b, i << 6, gc_map_mark())) &
         ~gc_load_rlx(gc_map_word(b, i << 6, gc_map_alloc()));
}

static uint64_t slots_in_state(gc_block_id b, unsigned i, uint8_t state) {
  const struct gc_block *block = &gc_heap.blocks[b];
  uint64_t slots = 0;
  for (unsigned s = i << 6; s < block->slots && s < (i + 1) << 6; s++)
    if (gc_load_rlx(block->states + s) == state)
      slots |= gc_slot_bit(s);
  return slots;
}

/* Of each 64 slots with cells, clears those of the slots that `which` names. */
static void clear_in_block(gc_block_id b,
                           uint64_t (*which)(gc_block_id, unsigned, uint8_t),
                           uint8_t state) {
  gc_lock(&weak_lock);
  if (gc_weak_is_in(b)) {
    for (unsigned i = 0; i < gc_map_words(gc_heap.blocks[b].slots); i++)
      if ((*lists_at(b))[i] != 0)
        clear_among(b, i, which(b, i, state));
    drop_empty_lists(b);
  }
  gc_unlock(&weak_lock);
}

void gc_weak_clear_dead(gc_block_id b) { clear_in_block(b, dead_slots, 0); }
void gc_weak_clear_block(gc_block_id b) { clear_in_block(b, all_slots, 0); }
void gc_weak_clear_state(gc_block_id b, uint8_t state) {
  clear_in_block(b, slots_in_state, state);
}

void gc_weak_clear_slot(gc_block_id b, unsigned slot) {
  gc_lock(&weak_lock);
  if (gc_weak_is_in(b)) {
    clear_among(b, slot >> 6, gc_slot_bit(slot));
    drop_empty_lists(b);
  }
  gc_unlock(&weak_lock);
}

void gc_weak_lock_for_fork(void) { gc_lock(&weak_lock); }
void gc_weak_unlock_after_fork(void) { gc_unlock(&weak_lock); }
