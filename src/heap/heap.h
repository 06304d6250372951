/* src/heap/heap.h: the nouns of the heap; read this page first.
 * SPDX-License-Identifier: MIT
 *
 *   space   one reserved range of addresses, cut into 64 KB blocks
 *   block   FREE, SMALL (objects of one size and kind), LARGE (the head of one
 *           object of whole blocks) or TAIL (the rest of a large object)
 *   object  `granules` of 16 bytes; its number within the block is its slot
 *   pair    two words {0, 1} of a block's bit maps for 64 slots, side by side
 *   run     adjacent slots that one thread has claimed and hands out by bumping
 *   pool    all SMALL blocks of one kind and size class
 *
 *   base                         base+used            base+committed   reserved
 *    |  0  |  1  |  2  |  3  | ... |  free or new         |  no access   |
 *      ^ never handed out: `base` is a live value in our own registers
 *
 *   hot[b]     8 bytes: all the marker needs   (reciprocal, size, kind, state)
 *   blocks[b] 64 bytes: the rest
 *   maps[b]    1 KB: 64 pairs
 *
 * Maps. One map of a block says which slots are allocated, the other takes the
 * marks; `parity` says which is which (pair[parity] is allocation). At the end of
 * marking the roles flip: what was marked is what is allocated. Then the other map
 * still holds the allocation from before until the block is *classified*, once
 * per epoch: slots counted, old map cleared. Equations that always hold:
 *   - outside marking, in a classified block, the mark map is zero;
 *   - bits at or above `slots` are never set;
 *   - a FREE block has both maps zero and a zero reciprocal, so that a stale word
 *     that points into it is rejected by the ordinary test;
 *   - during marking: mark is a subset of allocation.
 * While the world runs, maps of a SMALL block change under its pool's lock only,
 * those of a LARGE block under the large lock.
 *
 * Lookup of any word, interior or not: off = w - base; off < used;
 * slot = ((off & 0xffff) * reciprocal) >> 32. The reciprocal ceil(2^32 / size) is
 * exact for offsets below 2^16: its error times the offset stays below 2^32.
 */
#ifndef GC_HEAP_HEAP_H
#define GC_HEAP_HEAP_H

#include "base/atomic.h"
#include "base/bits.h"
#include "base/check.h"
#include "base/config.h"
#include "plat/lock.h"

typedef uint32_t gc_block_id; /* 0: no block */

enum gc_block_state { BLK_FREE, BLK_SMALL, BLK_LARGE, BLK_TAIL };

/* hot[b], from the low end: reciprocal 32 (TAIL: id of the head), size 16
 * (granules 12, flags 4), kind 8, state 8. One atomic store changes it. */
#define HOT_SIZE_SHIFT 32u
#define HOT_KIND_SHIFT 48u
#define HOT_STATE_SHIFT 56u
#define HOT_GRANULES_MASK 0xfffu
#define HOT_LEAF 0x8000u    /* never scanned */
#define HOT_SPECIAL 0x4000u /* scanned by its kind's layout, not word by word */

#define GC_MAP_WORDS (GC_BLOCK_MAX_OBJECTS / GC_WORD_BITS) /* of one map */
#define GC_MAP_PAIR_WORDS (2 * GC_MAP_WORDS)               /* of one block */
#define GC_MAP_SHIFT 7u /* log2 GC_MAP_PAIR_WORDS */
_Static_assert(1u << GC_MAP_SHIFT == GC_MAP_PAIR_WORDS, "maps of a block");

enum gc_block_flags {
  BF_AVAILABLE = 1,       /* on its pool's list of blocks with freed slots */
  BF_IGNORE_OFF_PAGE = 2, /* large: only pointers into the first page count */
  BF_RESCAN = 4,          /* marking: the mark stack was full, scan again */
  BF_FRESH = 8,    /* somebody added it and has not claimed from it yet */
  BF_WEAK = 16,    /* weak references lead here, see reclaim/weak_cells */
  BF_WATCHED = 32, /* [stw] ephemerons wait for keys, see cycle/ephemeron */
  BF_KEYS = 64,    /* there may be keys of weak maps, see cycle/weak_map */
  BF_FINAL = 128   /* finalisers or links may concern it, see notify/final */
};

struct gc_block {
  uint32_t epoch;     /* last classified; [lock pool or large] */
  uint16_t slots;     /* [const while not FREE] */
  uint8_t size_class; /* [const while not FREE] */
  _Atomic uint8_t flags;
  gc_block_id next; /* available list [lock pool]; LARGE: place in the
                             table of heads [lock large] */
  uint32_t
      pristine_from; /* bytes from here on are zero; [lock pool, large, blocks] */
  uint32_t live;     /* slots allocated when classified; [lock pool] */
  uint32_t length;   /* LARGE: blocks; [lock large] */
  size_t large_bytes; /* LARGE: object size, a multiple of 16; [lock large] */
  _Atomic uint8_t *states; /* notified kinds: a byte for each slot, else null */
  void *_Atomic *side; /* finalised and debug kinds: a word for each slot, see
                          heap/side; else null */
  _Atomic uint64_t *_Atomic held; /* hold trace: visited map, else null;
                                     [lock drain, or stw] */
  uint32_t freed_epoch;           /* FREE: since when; [lock blocks] */
  _Atomic uint32_t pending;       /* slots whose state is not NONE */
};
_Static_assert(sizeof(struct gc_block) == 64, "one cache line a block");

/* State byte of a slot of a notified kind. Live = NONE and allocated. Allocation
 * and marking never touch it; examine (world stopped) makes dead slots COND; from
 * then on two changes compete by CAS: COND to NONE (revived) and COND to CLAIM. The
 * upper bit names the batch in which the slot was condemned, see notify/pending. */
enum gc_slot_state {
  ST_NONE,
  ST_COND,  /* condemned: dead, not decided yet */
  ST_CLAIM, /* its notifier is about to run or runs */
  ST_DONE,  /* notified; waits for release */
  ST_LOST,  /* its notifier never returned: neither notified again nor freed */
  ST_QUARANTINE /* debug kinds: released, but not free yet */
};
#define ST_MASK 0x7fu
#define ST_BATCH_SHIFT 7u

/* ---- Size classes ---- */

/* Class c <= 32 holds c granules exactly (class 0 is unused: an empty cell). */
#define GC_EXACT_CLASSES 32u
#define GC_MAX_CLASSES 80u

struct gc_size_class {
  uint32_t bytes;
  uint32_t reciprocal;
  uint32_t slots;
};

struct gc_size_table {
  unsigned count;
  struct gc_size_class of[GC_MAX_CLASSES];
  uint8_t of_granules[GC_SMALL_MAX_BYTES / GC_GRANULE_BYTES + 1];
};

/* [const] after gc_heap_start. */
extern struct gc_size_table gc_sizes gc_hidden;

void gc_sizeclass_start(void);

/* Class of a size of 1..GC_SMALL_MAX_BYTES bytes. */
gc_inline unsigned gc_sizeclass_of(size_t bytes) {
  return gc_sizes
      .of_granules[(bytes + GC_GRANULE_BYTES - 1) >> GC_GRANULE_SHIFT];
}

/* ---- Pools and kinds ---- */

struct gc_pool {
  struct gc_lock lock;
  uint8_t kind, size_class;
  gc_block_id *blocks; /* all of them; order of acquisition */
  uint32_t count, capacity;
  _Atomic bool has_blocks; /* it ever had one; read without the lock */
  uint32_t cursor;         /* first block not yet looked at in this epoch */
  gc_block_id current;     /* being claimed from, or 0 */
  uint32_t position;       /* first slot of current not yet looked at */
  gc_block_id available_head, available_tail;
};

enum gc_kind_flags {
  KIND_CLEAR = 1,         /* new objects are zeroed */
  KIND_LEAF = 2,          /* contains no pointers */
  KIND_UNCOLLECTABLE = 4, /* lives until freed by hand */
  KIND_SPECIAL = 8,       /* not scanned plainly: see `descriptor` */
  KIND_NOTIFIED = 16,     /* deaths are notified: blocks have state bytes */
  KIND_HELD = 32,         /* ... and what the dead refer to is held meanwhile */
  KIND_SIDE = 64,         /* blocks have a side word for each slot */
  KIND_PROPER = 128,      /* notified by threads of the collector's */
  KIND_BATCH = 256,       /* released with the batch, not block by block */
  KIND_AT_EXIT = 512,     /* pending objects are notified at exit */
  KIND_OWN_FREE = 1024,   /* freeing by hand is notified, too */
  KIND_OBSERVED = 2048,   /* deaths are counted, see reclaim/observed */
  KIND_OBSERVED_FREES = 4096, /* ... and objects that are freed by hand */
  KIND_DEBUG = 8192 /* blocks have a record for each slot, see heap/side */
};

/* Numbers that libgc's headers give to the kinds that always exist. */
enum {
  KIND_ATOMIC,
  KIND_NORMAL,
  KIND_UNCOLL,
  KIND_ATOMIC_UNCOLL,
  KIND_FIRST_NEW
};

/* Nonzero: the object is kept. */
typedef int (*gc_notify_fn)(void *object, size_t bytes, void *cd);
typedef void (*gc_notify_many_fn)(void *const *objects, size_t n, void *cd);

struct gc_notifier {
  gc_notify_fn notify;                       /* null: deaths are not told */
  void *cd;                                  /* a root */
  void (*on_revive)(void *object, void *cd); /* or null */
  const void *code;                          /* of the client's function */
  gc_notify_many_fn notify_many;             /* or null */
  char name[24];
};

struct gc_kind {
  _Atomic uint32_t flags;
  bool adjust;           /* the object's size is added to the descriptor */
  uint64_t descriptor;   /* see heap/layout.h */
  struct gc_pool *pools; /* GC_MAX_CLASSES of them */
  struct gc_notifier notifier; /* notified kinds; [lock drain] */
  void *_Atomic observer_cd;   /* a root; null: none */
  /* Slots condemned so far, calls that have ended, slots revived. The first two change
   * under the drain lock (or in the stop), the third under no lock. */
  _Atomic size_t condemned, decided, revived;
  uint64_t unused;
};
_Static_assert(sizeof(struct gc_kind) == 128, "a kind is found by a shift");

extern struct gc_kind gc_kinds[GC_MAX_KINDS] gc_hidden;
extern _Atomic uint32_t gc_kind_count;

void gc_kind_start(void);
/* A new kind, or 0 when the table is full or memory is out. */
unsigned gc_kind_new(uint64_t descriptor, bool adjust, bool clear);
void gc_kind_lock_for_fork(void);
void gc_kind_unlock_after_fork(void);
gc_inline unsigned gc_kind_flags(unsigned kind) {
  return gc_load_rlx(&gc_kinds[kind].flags);
}
/* Flags of hot[b] that follow from a kind. */
unsigned gc_kind_hot_flags(unsigned kind);

/* Runs a function for each large object: the table of them belongs to reclaim, the
 * layers between are handed this. */
typedef void (*gc_large_iterator)(void (*)(gc_block_id head, void *), void *);

/* ---- The heap ---- */

struct gc_heap {
  /* Read by the marker and by every lookup. */
  char *base;              /* [const] multiple of 4 GB where possible */
  _Atomic size_t used;     /* bytes handed out once; grows; [lock space] */
  _Atomic uint64_t *hot;   /* [const] */
  struct gc_block *blocks; /* [const] */
  _Atomic uint64_t *maps;  /* [const] */
  uint32_t parity;         /* index of the allocation map; [stw] */
  uint32_t epoch;          /* number of flips; [stw] */

  size_t slop; /* [const] 1 when objects have a spare byte */

  /* Accounts, in bytes. */
  _Atomic size_t allocated; /* claimed since the last collection */
  _Atomic size_t freed;     /* freed by hand since the last collection */
  _Atomic uint64_t allocated_before; /* total until the last collection */
  _Atomic size_t live;               /* marked by the last collection */
  _Atomic size_t live_leaf;          /* of these, in pointer-free objects */
};

extern struct gc_heap gc_heap gc_hidden;

/* 15, or 16 with the spare byte: what allocation adds to a size before it shifts. */
extern size_t gc_heap_round gc_hidden;

/* Reserves the space and its tables. Aborts with a message if not even the
 * smallest reservation succeeds. */
void gc_heap_start(bool spare_byte);

gc_inline gc_block_id gc_block_of(const void *p) {
  return (gc_block_id)((size_t)((const char *)p - gc_heap.base) >>
                       GC_BLOCK_SHIFT);
}

gc_inline char *gc_block_address(gc_block_id b) {
  return gc_heap.base + ((size_t)b << GC_BLOCK_SHIFT);
}

gc_inline uint64_t gc_block_hot(gc_block_id b) {
  return gc_load_rlx(&gc_heap.hot[b]);
}

gc_inline enum gc_block_state gc_hot_state(uint64_t hot) {
  return (enum gc_block_state)(hot >> HOT_STATE_SHIFT);
}

gc_inline unsigned gc_hot_kind(uint64_t hot) {
  return (unsigned)(hot >> HOT_KIND_SHIFT) & 0xff;
}

gc_inline size_t gc_hot_bytes(uint64_t hot) {
  return ((hot >> HOT_SIZE_SHIFT) & HOT_GRANULES_MASK) << GC_GRANULE_SHIFT;
}

gc_inline uint64_t gc_hot_pack(uint32_t reciprocal, unsigned size_and_flags,
                               unsigned kind, enum gc_block_state state) {
  return (uint64_t)reciprocal | (uint64_t)size_and_flags << HOT_SIZE_SHIFT |
         (uint64_t)kind << HOT_KIND_SHIFT | (uint64_t)state << HOT_STATE_SHIFT;
}

/* True for every address inside blocks that hold objects. */
gc_inline bool gc_heap_has(const void *p) {
  size_t off = (size_t)((const char *)p - gc_heap.base);
  return off < gc_load_rlx(&gc_heap.used) &&
         gc_hot_state(gc_block_hot((gc_block_id)(off >> GC_BLOCK_SHIFT))) !=
             BLK_FREE;
}

#endif
