/* src/notify/final.h: which objects have a finaliser. SPDX-License-Identifier: MIT
 *
 * A finaliser is found by its object's place: for each block with any there is a
 * record, in it a line of bits and a packed array of entries for 64 slots. So the
 * stop finds the dead ones among them by words, 64 at a time, and an entry holds
 * nothing but the procedure and its data.
 *
 * An entry is registered or ready. Ready: a collection found the object dead and
 * revived it, with all that it refers to, until the procedure has been taken out to
 * be called. A ready object that gets another finaliser meanwhile leaves its entry to
 * the list of strays.
 *
 * In the stop everything may be read and changed without the lock: its owners are in
 * regions that a stop waits for.
 */
#ifndef GC_NOTIFY_FINAL_H
#define GC_NOTIFY_FINAL_H

#include "heap/find.h"
#include "heap/packed.h"

typedef void (*gc_final_fn)(void *object, void *data);

/* When it may run. The numbers are those of the two bits of a slot. */
enum gc_final_mode {
  FINAL_ORDERED,     /* nothing that has one refers to it */
  FINAL_IGNORE_SELF, /* the same, and references of its own do not count */
  FINAL_NO_ORDER,    /* whatever refers to it */
  FINAL_UNREACHABLE /* as ordered, and nothing refers to it that another keeps */
};

struct gc_final {
  void *object; /* as registered: perhaps inside it */
  gc_final_fn fn;
  void *data;
  enum gc_final_mode mode;
};

/* Of 64 slots: a cache line. `mode` has the bits of gc_final_mode. */
struct gc_final_group {
  struct gc_packed entries; /* of two words: see gc_final_code_pack; data */
  uint64_t ready;           /* to be called; the others are registered */
  uint64_t fresh;           /* [stw] made ready by this collection */
  uint64_t rooted;          /* data may be an object */
  uint64_t mode[2];
  uint64_t targets; /* there are or were links to it, see notify/link */
};
_Static_assert(sizeof(struct gc_final_group) == 64, "a cache line");

struct gc_final_block {
  struct gc_final_block *next; /* of those with ready ones */
  gc_block_id block;
  uint16_t groups;
  uint16_t last; /* groups from here on have no ready ones */
  bool is_listed;
  uint32_t unused[10];
  struct gc_final_group at[];
};
_Static_assert(sizeof(struct gc_final_block) == 64, "groups are aligned");

/* Bytes into the object up to which an address can be registered. */
#define GC_FINAL_OFFSETS ((size_t)1 << 14)

/* Procedure and offset in one word. */
#define FINAL_OFFSET_SHIFT 48u

enum gc_final_answer { FINAL_DONE, FINAL_IGNORED, FINAL_NO_MEMORY };

/* Registers a finaliser for a live object or, when fn is null, removes the one there
 * is, which is returned (fn null: none). An object that is none, or is dead, is
 * ignored. *f lies on the caller's stack and keeps object and data until then. */
enum gc_final_answer gc_final_register(const struct gc_final *f,
                                       struct gc_final *out_old);

/* Takes one that is ready out; false: none. */
bool gc_final_take(struct gc_final *out);
extern _Atomic size_t gc_final_ready gc_hidden;
gc_inline bool gc_final_is_ready(void) {
  return gc_load_rlx(&gc_final_ready) != 0;
}

/* How many more are registered than at the end of the last collection; 0 also when
 * neither that one nor the one before it found any object dead that has one: then
 * collecting earlier would gain nothing. */
size_t gc_final_growth(void);

/* Everything registered becomes ready; false: nothing was. */
bool gc_final_make_all_ready(void);

/* Addresses, as registered, of fresh ones, each once and at most `max`; 0: no more.
 * World running, between two collections. */
unsigned gc_final_next_fresh(void **out, unsigned max);

/* ---- The lock, shared with notify/link ---- */

void gc_final_lock(void);
void gc_final_unlock(void);

/* [lock final] Who frees an object of the block by hand has to ask here. */
void gc_final_note_block(gc_block_id b);

/* [lock final] The object loses its finaliser, ready or not. */
void gc_final_forget(const struct gc_object *o);

/* [lock final] Bit for a slot that links lead to; false: no memory. */
bool gc_final_set_target(gc_block_id b, unsigned slot);
bool gc_final_is_target(gc_block_id b, unsigned slot);

/* [lock final] The entry of a place of a group. */
void gc_final_read(const struct gc_final_block *fb, unsigned group,
                   unsigned place, struct gc_final *out);

/* ---- World stopped, or to read only [lock final] ---- */

void gc_final_each(void (*f)(struct gc_final_block *, void *), void *cx);
/* Strays, as addresses of objects and data. */
void gc_final_each_stray(void (*f)(const struct gc_final *, void *), void *cx);

gc_inline uint64_t gc_final_registered(const struct gc_final_group *g) {
  return g->entries.used & ~g->ready;
}
gc_inline uint64_t gc_final_mode_bits(const struct gc_final_group *g,
                                      enum gc_final_mode mode) {
  return (mode & 1 ? g->mode[0] : ~g->mode[0]) &
         (mode & 2 ? g->mode[1] : ~g->mode[1]);
}
/* Registered entries of a group become ready, or ready ones registered again. */
void gc_final_set_ready(struct gc_final_block *fb, struct gc_final_group *g,
                        uint64_t slots);
void gc_final_unset_ready(struct gc_final_group *g, uint64_t slots);
/* Entries of slots that are free: nobody is told. */
void gc_final_drop(struct gc_final_group *g, uint64_t slots);
/* At the end: records without anything are given back, and growth is counted anew. */
void gc_final_trim(void);

#endif
