/* src/mark/scan.c: the marker's loop. SPDX-License-Identifier: MIT
 *
 * A FIFO ring stands in front of the stack: what is popped is prefetched and
 * scanned RING entries later, when its line has arrived (Cher, Hosking,
 * Vijaykumar, ASPLOS 2004, section 4; the mark bit is tested and set on
 * discovery). A chain has nothing to overlap: with an empty ring and one grey
 * object the ring is passed by.
 */
#include "mark/mark_inline.h"

#include "heap/layout.h"
#include "heap/side.h"
#include "mark/proc.h"
#include "mark/rescan.h"

#define RING 8u
#define PIECE_BYTES ((size_t)4096)
#define PIECE_WORDS (PIECE_BYTES / sizeof(uint64_t))
#define POLL_EVERY 4096u

struct gc_marker gc_marker_main;
void (*gc_mark_watched)(struct gc_marker *m, const struct gc_object *object);

/* ---- The stack ---- */

#define STACK_MAX_BYTES ((size_t)16 << 30)
#define STACK_MIN_BYTES ((size_t)1 << 20)
#define STACK_FIRST_BYTES ((size_t)64 << 10)

static void set_limit(struct gc_marker *m) {
  size_t usable = m->stack.committed;
  if (usable > m->max_stack_bytes)
    usable = m->max_stack_bytes;
  m->limit = (uint64_t *)(void *)(m->stack.base + usable);
}

bool gc_marker_start(struct gc_marker *m, size_t max_entries) {
  size_t least = 2 * (PIECE_WORDS + 8) * sizeof(uint64_t);
  m->max_stack_bytes =
      max_entries == 0 ? STACK_MAX_BYTES : max_entries * sizeof(uint64_t);
  if (m->max_stack_bytes < least)
    m->max_stack_bytes = least;
  if (!gc_extent_reserve(&m->stack, STACK_MAX_BYTES, STACK_MIN_BYTES) ||
      !gc_extent_commit(&m->stack, STACK_FIRST_BYTES))
    return false;
  gc_marker_reset(m, NULL);
  return true;
}

void gc_marker_reset(struct gc_marker *m, bool (*poll)(void)) {
  m->poll = poll;
  m->abandoned = false;
  m->sp = (uint64_t *)(void *)m->stack.base;
  m->live[0] = m->live[1] = 0;
  m->overflowed = false;
  m->rescan_block = 0;
  set_limit(m);
}

void gc_marker_trim(struct gc_marker *m) { gc_extent_trim(&m->stack); }

/* Room for n more entries at sp, growing if need be. */
static bool make_room(struct gc_marker *m, uint64_t *sp, size_t n) {
  if ((size_t)(m->limit - sp) >= n)
    return true;
  size_t want = (size_t)((char *)(sp + n) - m->stack.base);
  if (want > m->max_stack_bytes || !gc_extent_commit(&m->stack, want))
    return false;
  set_limit(m);
  return true;
}

/* ---- Large objects ---- */

uint64_t *gc_mark_large_word(uint64_t off, uint64_t hot, uint64_t *sp,
                             uint64_t *live) {
  gc_block_id b = gc_hot_state(hot) == BLK_TAIL
                      ? (gc_block_id)hot
                      : (gc_block_id)(off >> GC_BLOCK_SHIFT);
  struct gc_block *block = &gc_heap.blocks[b];
  size_t inside = off - ((size_t)b << GC_BLOCK_SHIFT);
  if (inside >= block->large_bytes ||
      (inside >= PIECE_BYTES &&
       gc_load_rlx(&block->flags) & BF_IGNORE_OFF_PAGE))
    return sp;
  if (!gc_map_test(b, 0, gc_map_alloc()) || gc_map_test(b, 0, gc_map_mark()))
    return sp;
  gc_map_set(b, 0, gc_map_mark());
  uint64_t size = (gc_block_hot(b) >> HOT_SIZE_SHIFT) & 0xffff;
  live[size >> 15] += block->large_bytes >> GC_GRANULE_SHIFT;
  *sp = (uint64_t)(uintptr_t)gc_block_address(b) | size << GREY_SIZE_SHIFT;
  return sp + !(size & HOT_LEAF);
}

/* End of the object that a piece belongs to. */
static char *end_of_object(const char *p) {
  struct gc_object o;
  bool found = gc_find(p, &o);
  gc_check(found);
  return o.start + o.bytes;
}

/* ---- Scanning ---- */

gc_scans_memory gc_inline uint64_t *scan_words(const struct gc_mark_view v,
                                               const uint64_t *p, size_t words,
                                               uint64_t *sp, uint64_t *live) {
  for (const uint64_t *end = p + words; p < end; p += 2) {
    uint64_t w0 = p[0], w1 = p[1];
    sp = gc_mark_one(v, w0, sp, live);
    sp = gc_mark_one(v, w1, sp, live);
  }
  return sp;
}

/* An object of many words: a piece of it now, the rest back to the stack. */
static gc_noinline uint64_t *scan_piece(struct gc_marker *m, char *at,
                                        uint64_t *sp) {
  char *end = end_of_object(at);
  size_t n = (size_t)(end - at);
  if (n > PIECE_BYTES) {
    n = PIECE_BYTES;
    *sp++ = (uint64_t)(uintptr_t)(at + n);
  }
  return scan_words(gc_mark_view(), (const uint64_t *)(void *)at, n / 8, sp,
                    m->live);
}

/* Marks the words of an object that a bit map names. */
gc_scans_memory static void
scan_bitmap(struct gc_marker *m, const uint64_t *words, uint64_t bitmap) {
  for (; bitmap != 0; bitmap <<= 1, words++)
    if (bitmap >> 63)
      gc_mark_word(m, *words);
}

static void scan_proc(struct gc_marker *m, char *object, uint64_t d) {
  uint64_t code = d >> DESC_TAG_BITS;
  gc_mark_proc proc = gc_layout_proc((unsigned)code & (GC_MAX_MARK_PROCS - 1));
  if (proc != NULL)
    gc_proc_call(m, proc, object, code >> DESC_PROC_BITS);
}

void gc_mark_described(struct gc_marker *m, char *at, size_t bytes,
                       uint64_t descriptor) {
  uint64_t d = gc_layout_resolve(descriptor, at);
  switch ((enum gc_desc_tag)(d & DESC_TAG_MASK)) {
  case DESC_LENGTH:
    gc_mark_range(m, at, at + (d < bytes ? d : bytes));
    break;
  case DESC_BITMAP:
    scan_bitmap(m, (const uint64_t *)(void *)at, d & ~(uint64_t)DESC_TAG_MASK);
    break;
  case DESC_PROC:
    scan_proc(m, at, d);
    break;
  case DESC_PER_OBJECT:
    break; /* a descriptor that names another one: nothing is known */
  }
}

/* An object whose kind has a layout of its own; the stack pointer is in m. */
static gc_noinline void scan_special(struct gc_marker *m, char *at) {
  struct gc_object o;
  bool found = gc_find(at, &o);
  gc_check(found);
  unsigned flags = gc_kind_flags(o.kind);
  if (gc_load_rlx(&gc_heap.blocks[o.block].flags) & BF_WATCHED)
    gc_mark_watched(m, &o);
  if (flags & KIND_SIDE)
    gc_mark_word(
        m, (uint64_t)(uintptr_t)gc_side_word(&gc_heap.blocks[o.block], o.slot));
  gc_mark_described(m, o.start, o.bytes,
                    gc_kinds[o.kind].descriptor +
                        (gc_kinds[o.kind].adjust ? o.bytes : 0));
}

/* Scans one grey entry. */
gc_inline uint64_t *scan_entry(struct gc_marker *m, const struct gc_mark_view v,
                               uint64_t entry, uint64_t *sp) {
  char *at = (char *)(uintptr_t)(entry & GREY_ADDRESS_MASK);
  size_t size = entry >> GREY_SIZE_SHIFT;
  size_t words = (size & HOT_GRANULES_MASK) * 2;
  if (gc_unlikely((size_t)(m->limit - sp) < PIECE_WORDS + 8) &&
      !make_room(m, sp, PIECE_WORDS + 8)) {
    gc_rescan_note(m, at);
    return sp;
  }
  if (gc_unlikely(size & HOT_SPECIAL)) {
    m->sp = sp;
    scan_special(m, at);
    return m->sp;
  }
  if (gc_unlikely(words == 0 || words > PIECE_WORDS))
    return scan_piece(m, at, sp);
  return scan_words(v, (const uint64_t *)(void *)at, words, sp, m->live);
}

gc_inline void prefetch_entry(uint64_t entry) {
  const char *p = (const char *)(uintptr_t)(entry & GREY_ADDRESS_MASK);
  gc_prefetch(p);
  gc_prefetch(p + 64);
  gc_prefetch(p + 128);
}

/* True when the client wants the collection to be given up. */
static gc_noinline bool is_abandoned(struct gc_marker *m) {
  if (!m->abandoned && m->poll != NULL && m->poll())
    m->abandoned = true;
  return m->abandoned;
}

/* Empties the stack. */
static void drain_stack(struct gc_marker *m) {
  const struct gc_mark_view v = gc_mark_view();
  uint64_t *const floor = (uint64_t *)(void *)m->stack.base;
  uint64_t ring[RING], entry, *sp = m->sp;
  unsigned head = 0, count = 0, work = 0;
  while (sp > floor || count > 0) {
    if (sp == floor) {
      entry = ring[head];
      head = (head + 1) % RING;
      count--;
    } else if (count == 0 && sp == floor + 1) {
      entry = *--sp;
    } else {
      uint64_t next = *--sp;
      prefetch_entry(next);
      if (count < RING) {
        ring[(head + count++) % RING] = next;
        continue;
      }
      entry = ring[head];
      ring[head] = next;
      head = (head + 1) % RING;
    }
    sp = scan_entry(m, v, entry, sp);
    if (gc_unlikely(++work >= POLL_EVERY)) {
      work = 0;
      if (is_abandoned(m)) {
        sp = floor;
        break;
      }
    }
  }
  m->sp = sp;
}

/* ---- Entry points ---- */

void gc_mark_word(struct gc_marker *m, uint64_t word) {
  if (gc_unlikely(m->sp >= m->limit) && !make_room(m, m->sp, 1)) {
    gc_rescan_mark_only(m, word);
    return;
  }
  m->sp = gc_mark_one(gc_mark_view(), word, m->sp, m->live);
}

void gc_mark_object(struct gc_marker *m, const struct gc_object *o) {
  gc_mark_word(m, (uint64_t)(uintptr_t)o->start);
}

void gc_mark_from_proc(struct gc_marker *m, const void *object) {
  gc_mark_word(m, (uint64_t)(uintptr_t)object);
}

gc_scans_memory static void mark_words(struct gc_marker *m, const uint64_t *p,
                                       const uint64_t *end) {
  const struct gc_mark_view v = gc_mark_view();
  uint64_t *sp = m->sp;
  for (; p < end; p++)
    sp = gc_mark_one(v, *p, sp, m->live);
  m->sp = sp;
}

void gc_mark_range(struct gc_marker *m, const char *lo, const char *hi) {
  const uint64_t *p = (const uint64_t *)gc_round_up((uintptr_t)lo, 8);
  const uint64_t *end = (const uint64_t *)gc_round_down((uintptr_t)hi, 8);
  while (p < end) {
    size_t n = (size_t)(end - p);
    if (n > PIECE_WORDS)
      n = PIECE_WORDS;
    if (!make_room(m, m->sp, n)) {
      for (size_t i = 0; i < n; i++)
        gc_rescan_mark_only(m, p[i]);
    } else {
      mark_words(m, p, p + n);
    }
    p += n;
  }
}

void gc_mark_contents(struct gc_marker *m, const struct gc_object *o) {
  size_t size = gc_block_hot(o->block) >> HOT_SIZE_SHIFT;
  if (size & HOT_SPECIAL)
    scan_special(m, o->start);
  else if (!(size & HOT_LEAF))
    gc_mark_range(m, o->start, o->start + o->bytes);
}

/* 64 slots of a block; bits of those whose references to themselves do not count. */
struct line_walk {
  gc_block_id b;
  unsigned line;
  uint64_t self;
};

static void set_self(const struct line_walk *w, unsigned place, bool on) {
  if (gc_likely(!(w->self >> place & 1)))
    return;
  if (on)
    gc_map_set(w->b, w->line << 6 | place, gc_map_mark());
  else
    gc_map_clear(w->b, w->line << 6 | place, gc_map_mark());
}

/* Small plain objects, which are asked for ahead of time. */
gc_scans_memory static uint64_t scan_line(struct gc_marker *m,
                                          const struct line_walk *w,
                                          uint64_t slots, size_t bytes) {
  const struct gc_mark_view v = gc_mark_view();
  const char *first = gc_slot_address(w->b, gc_block_hot(w->b), w->line << 6);
  uint64_t *sp = m->sp;
  uint64_t ahead = slots;
  for (unsigned i = 0; i < RING && ahead != 0; i++, ahead &= ahead - 1)
    gc_prefetch(first + gc_bits_lowest(ahead) * bytes);
  for (; slots != 0; slots &= slots - 1, ahead &= ahead - 1) {
    unsigned place = gc_bits_lowest(slots);
    if (ahead != 0)
      gc_prefetch(first + gc_bits_lowest(ahead) * bytes);
    set_self(w, place, true);
    sp = scan_words(v, (const uint64_t *)(const void *)(first + place * bytes),
                    bytes / 8, sp, m->live);
    set_self(w, place, false);
    if (sp == m->sp)
      continue;
    m->sp = sp;
    return slots & -slots;
  }
  return 0;
}

static uint64_t mark_line(struct gc_marker *m, const struct line_walk *w,
                          uint64_t slots) {
  for (; slots != 0; slots &= slots - 1) {
    unsigned place = gc_bits_lowest(slots);
    struct gc_object o;
    gc_object_at(w->b, w->line << 6 | place, &o);
    set_self(w, place, true);
    gc_mark_contents(m, &o);
    set_self(w, place, false);
    if (m->sp != (uint64_t *)(void *)m->stack.base || m->overflowed)
      return slots & -slots;
  }
  return 0;
}

uint64_t gc_mark_contents_of_line(struct gc_marker *m, gc_block_id b,
                                  unsigned line, uint64_t slots,
                                  uint64_t self) {
  struct line_walk w = {b, line, self};
  uint64_t hot = gc_block_hot(b);
  size_t bytes = gc_hot_bytes(hot);
  bool is_plain = gc_hot_state(hot) == BLK_SMALL && bytes <= PIECE_BYTES &&
                  !(hot >> HOT_SIZE_SHIFT & (HOT_SPECIAL | HOT_LEAF)) &&
                  make_room(m, m->sp, PIECE_WORDS);
  return is_plain ? scan_line(m, &w, slots, bytes) : mark_line(m, &w, slots);
}

void gc_mark_count(struct gc_marker *m, gc_block_id b, unsigned objects) {
  uint64_t hot = gc_block_hot(b);
  size_t bytes = gc_hot_state(hot) == BLK_LARGE ? gc_heap.blocks[b].large_bytes
                                                : gc_hot_bytes(hot);
  m->live[hot >> HOT_SIZE_SHIFT >> 15 & 1] +=
      objects * (bytes >> GC_GRANULE_SHIFT);
}

void gc_mark_drain(struct gc_marker *m) {
  do
    drain_stack(m);
  while (!m->abandoned && gc_rescan_round(m));
}

void gc_mark_forget_all(void) {
  size_t blocks = gc_load_rlx(&gc_heap.used) >> GC_BLOCK_SHIFT;
  for (size_t b = 1; b < blocks; b++) {
    gc_and_rlx(&gc_heap.blocks[b].flags, (uint8_t)~BF_RESCAN);
    for (unsigned i = 0; i < GC_MAP_WORDS; i++)
      gc_store_rlx(gc_maps_of((gc_block_id)b) + (i << 1) + gc_map_mark(), 0);
  }
}
