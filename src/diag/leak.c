/* src/diag/leak.c: leak finding (GC_FIND_LEAK). SPDX-License-Identifier: MIT
 *
 * Slots that a thread has claimed but not handed out, or got back by an explicit
 * free, carry a mark, so whatever is allocated and unmarked was handed out and
 * lost.
 */
#include "diag/leak.h"

#include "heap/sited.h"
#include "plat/plat.h"
#include "reclaim/large.h"

/* Objects named in one report; the others are counted. */
#define NAMED 50u

struct leaks {
  size_t count, bytes;
};

static _Atomic gc_leak_describe_fn descriptions[GC_MAX_KINDS];

void gc_leak_set_describe(unsigned kind, gc_leak_describe_fn fn) {
  gc_store_rel(&descriptions[kind], fn);
}

/* The program's text, or an empty one; a text that is too long is cut off. */
static void describe_leak(const struct gc_object *o, char *object,
                          char text[static 2 * GC_LEAK_TEXT_BYTES]) {
  gc_leak_describe_fn fn =
      gc_load_acq(&descriptions[gc_sited_plain_kind(o->kind)]);
  __builtin_memset(text, 0, 2 * GC_LEAK_TEXT_BYTES);
  if (fn != NULL) {
    text[0] = text[1] = ' ';
    fn(object, text + 2);
    text[1 + GC_LEAK_TEXT_BYTES] = 0;
  }
}

/* Objects of a program's own kind may have a header, too. */
static bool has_site(const struct gc_object *o) {
  size_t offset;
  return (gc_sited_is_kind(o->kind) || o->kind >= KIND_FIRST_NEW) &&
         gc_sited_look(o, &offset) == SITED_GOOD;
}

static void name_leak(const struct gc_object *o) {
  const char *sort =
      gc_kind_flags(o->kind) & KIND_LEAF ? "pointer-free" : "pointerful";
  char text[2 * GC_LEAK_TEXT_BYTES];
  const struct gc_sited *s = gc_sited_of(o);
  if (has_site(o)) {
    describe_leak(o, o->start + sizeof *s, text);
    gc_plat_message("leaked %s object at %p, %zu bytes (%s:%u)%s", sort,
                    (const void *)(o->start + sizeof *s), s->bytes, s->file,
                    s->line, text);
  } else {
    describe_leak(o, o->start, text);
    gc_plat_message("leaked %s object at %p, %zu bytes%s", sort,
                    (const void *)o->start, o->bytes, text);
  }
}

static void note_leak(struct leaks *l, const struct gc_object *o) {
  l->bytes += o->bytes;
  if (l->count++ < NAMED)
    name_leak(o);
}

static void search_block(gc_block_id b, void *cx) {
  uint64_t hot = gc_block_hot(b);
  unsigned kind = gc_hot_kind(hot);
  const struct gc_block *block = &gc_heap.blocks[b];
  if (gc_kind_flags(kind) & (KIND_UNCOLLECTABLE | KIND_NOTIFIED))
    return;
  for (unsigned s = 0; s < block->slots; s++) {
    struct gc_object o;
    gc_object_at(b, s, &o);
    if (gc_map_test(b, s, gc_map_alloc()) && !gc_map_test(b, s, gc_map_mark()))
      note_leak(cx, &o);
  }
}

void gc_leak_report(void) {
  struct leaks l = {0, 0};
  size_t blocks = gc_load_rlx(&gc_heap.used) >> GC_BLOCK_SHIFT;
  for (gc_block_id b = 1; b < blocks; b++)
    if (gc_hot_state(gc_block_hot(b)) == BLK_SMALL)
      search_block(b, &l);
  gc_large_each(search_block, &l);
  if (l.count > NAMED)
    gc_plat_message("%zu more leaked objects are not named", l.count - NAMED);
  if (l.count > 0)
    gc_plat_message("found %zu leaked objects, %zu bytes", l.count, l.bytes);
}
