/* src/diag/dump.c: the heap as text; all its objects. SPDX-License-Identifier: MIT
 *
 * What is allocated and not claimed by a thread in advance is counted as an object,
 * whether or not the next collection will find it.
 */
#include "diag/dump.h"

#include <stdarg.h>

#include "base/format.h"
#include "cycle/api_lock.h"
#include "cycle/gc_start.h"
#include "diag/search.h"
#include "diag/stats.h"
#include "heap/find.h"
#include "heap/space.h"
#include "plat/plat.h"
#include "reclaim/large.h"
#include "world/roots.h"
#include "world/thread.h"

#define TO_STDOUT 1

void gc_dump_say(const char *format, ...) {
  char text[256];
  va_list args;
  va_start(args, format);
  size_t n = gc_format_args(text, sizeof text, format, args);
  va_end(args);
  gc_plat_write_text(TO_STDOUT, text, n);
}

/* ---- The locks ---- */

/* No collection, no thread that comes or goes. The world runs: the client's function
 * may need a lock that a stopped thread holds. */
static void lock(void) {
  gc_api_lock();
  gc_thread_lock_list();
}

/* A collection that was wanted meanwhile is left to the next who lets go. */
static void unlock(void) {
  gc_thread_unlock_list();
  gc_api_unlock_only();
}

/* ---- Objects ---- */

static bool is_object(const struct gc_object *o) {
  const _Atomic uint8_t *states = gc_heap.blocks[o->block].states;
  return gc_map_test(o->block, o->slot, gc_map_alloc()) &&
         (states == NULL || gc_load_rlx(states + o->slot) == ST_NONE) &&
         !gc_search_is_claimed(o);
}

struct visit {
  void (*f)(const struct gc_object *o, void *cx);
  void *cx;
};

static void visit_block(gc_block_id b, void *visit) {
  const struct visit *v = visit;
  for (unsigned s = 0; s < gc_heap.blocks[b].slots; s++) {
    struct gc_object o;
    gc_object_at(b, s, &o);
    if (is_object(&o))
      v->f(&o, v->cx);
  }
}

static size_t block_count(void) {
  return gc_load_rlx(&gc_heap.used) >> GC_BLOCK_SHIFT;
}

static void visit_all(void (*f)(const struct gc_object *, void *), void *cx) {
  struct visit v = {f, cx};
  for (size_t b = 1; b < block_count(); b++)
    if (gc_hot_state(gc_block_hot((gc_block_id)b)) == BLK_SMALL)
      visit_block((gc_block_id)b, &v);
  gc_large_each(visit_block, &v);
}

struct client {
  void (*f)(void *object, size_t bytes, void *cx);
  void *cx;
};

static void tell_of_object(const struct gc_object *o, void *client) {
  const struct client *c = client;
  c->f(o->start, o->bytes, c->cx);
}

void gc_each_object(void (*f)(void *, size_t, void *), void *cx) {
  struct client c = {f, cx};
  lock();
  visit_all(tell_of_object, &c);
  unlock();
}

/* ---- Kinds ---- */

struct tally {
  size_t objects, bytes;
};

static void count_object(const struct gc_object *o, void *tallies) {
  struct tally *t = (struct tally *)tallies + o->kind;
  t->objects++;
  t->bytes += o->bytes;
}

static void say_kinds(const struct tally *tallies) {
  gc_dump_say("kind     objects        bytes  properties\n");
  for (unsigned k = 0; k < gc_load_rlx(&gc_kind_count); k++) {
    unsigned flags = gc_kind_flags(k);
    if (tallies[k].objects != 0 || k < KIND_FIRST_NEW)
      gc_dump_say("%4u%12zu%13zu  %s%s%s%s\n", k, tallies[k].objects,
                  tallies[k].bytes,
                  flags & KIND_LEAF      ? "pointer-free"
                  : flags & KIND_SPECIAL ? "described"
                                         : "searched",
                  flags & KIND_UNCOLLECTABLE ? " uncollectable" : "",
                  flags & KIND_NOTIFIED ? " notified " : "",
                  flags & KIND_NOTIFIED ? gc_kinds[k].notifier.name : "");
  }
}

static void say_figures(void) {
  struct gc_stats s;
  gc_stats_read(&s);
  gc_dump_say("heap %zu bytes, free %zu, returned to the system %zu\n",
              s.heap_bytes, s.free_bytes, s.unmapped_bytes);
  gc_dump_say("allocated %zu bytes, %zu of them since collection %lu\n",
              s.total, s.since_gc, (unsigned long)s.collections);
  gc_dump_say("threads: %u, static roots: %zu bytes\n", gc_thread_count(),
              gc_roots_bytes());
}

void gc_dump_all(const char *name) {
  static struct tally tallies[GC_MAX_KINDS]; /* [lock api] */
  gc_start();
  lock();
  __builtin_memset(tallies, 0, sizeof tallies);
  visit_all(count_object, tallies);
  if (name != NULL)
    gc_dump_say("---- The heap: %s ----\n", name);
  say_figures();
  gc_dump_say("---- Kinds ----\n");
  say_kinds(tallies);
  unlock();
}

/* ---- Blocks ---- */

static bool is_alike(gc_block_id a, gc_block_id b) {
  uint64_t x = gc_block_hot(a), y = gc_block_hot(b);
  if (gc_hot_state(y) == BLK_TAIL)
    return gc_hot_state(x) != BLK_FREE && gc_hot_state(x) != BLK_SMALL;
  return gc_hot_state(x) == gc_hot_state(y) && gc_hot_state(y) != BLK_LARGE &&
         (x >> HOT_SIZE_SHIFT) == (y >> HOT_SIZE_SHIFT);
}

static void say_run(gc_block_id b, size_t length) {
  static const char *const names[] = {"free", "small", "large", "tail"};
  uint64_t hot = gc_block_hot(b);
  size_t bytes = gc_hot_state(hot) == BLK_LARGE ? gc_heap.blocks[b].large_bytes
                                                : gc_hot_bytes(hot);
  gc_dump_say("%p: %zu blocks, %s", (void *)gc_block_address(b), length,
              names[gc_hot_state(hot)]);
  if (gc_hot_state(hot) != BLK_FREE)
    gc_dump_say(", kind %u, objects of %zu bytes", gc_hot_kind(hot), bytes);
  gc_dump_say("\n");
}

void gc_dump_regions(void) {
  gc_start();
  lock();
  gc_dump_say("---- Blocks of %zu bytes ----\n", GC_BLOCK_BYTES);
  for (size_t b = 1, end; b < block_count(); b = end) {
    for (end = b + 1; end < block_count() &&
                      is_alike((gc_block_id)(end - 1), (gc_block_id)end);)
      end++;
    say_run((gc_block_id)b, end - b);
  }
  unlock();
}

/* ---- Free slots ---- */

static size_t free_slots(gc_block_id b) {
  size_t n = 0;
  for (unsigned s = 0; s < gc_heap.blocks[b].slots; s++) {
    struct gc_object o;
    gc_object_at(b, s, &o);
    n += !gc_map_test(b, s, gc_map_alloc()) || gc_search_is_claimed(&o);
  }
  return n;
}

void gc_dump_free(unsigned kind, size_t bytes) {
  size_t slots = 0, blocks = 0;
  gc_start();
  lock();
  for (size_t b = 1; b < block_count(); b++) {
    uint64_t hot = gc_block_hot((gc_block_id)b);
    if (gc_hot_state(hot) != BLK_SMALL || gc_hot_kind(hot) != kind ||
        gc_hot_bytes(hot) != bytes)
      continue;
    blocks++;
    slots += free_slots((gc_block_id)b);
  }
  unlock();
  gc_dump_say("kind %u, %zu bytes: %zu free of %zu blocks\n", kind, bytes,
              slots, blocks);
}
