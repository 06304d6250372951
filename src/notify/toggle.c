/* src/notify/toggle.c: references that the program makes strong or weak.
 * SPDX-License-Identifier: MIT
 */
#include "notify/toggle.h"

#include "heap/meta.h"
#include "notify/final.h"

#define LIST_BYTES ((size_t)1 << 30)
#define LIST_MIN_BYTES ((size_t)1 << 16)

struct toggle {
  void *object;
  bool is_strong;
};

static struct {
  struct gc_extent memory;
  size_t count;
} toggles; /* [lock final] */

static struct toggle *toggle_at(size_t i) {
  return (struct toggle *)(void *)toggles.memory.base + i;
}

static void remove_at(size_t i) { *toggle_at(i) = *toggle_at(--toggles.count); }

static bool has_toggle_room(void) {
  return (toggles.memory.base != NULL ||
          gc_extent_reserve(&toggles.memory, LIST_BYTES, LIST_MIN_BYTES)) &&
         gc_extent_commit(&toggles.memory,
                          (toggles.count + 1) * sizeof(struct toggle));
}

bool gc_toggle_add(void *object, bool is_strong) {
  struct gc_object o;
  gc_final_lock();
  bool ok = has_toggle_room();
  if (ok)
    *toggle_at(toggles.count++) = (struct toggle){object, is_strong};
  if (ok && gc_find(object, &o))
    gc_final_note_block(o.block);
  gc_hold_pointer(object);
  gc_final_unlock();
  return ok;
}

/* Backwards: what takes the place of one that goes was looked at. */
void gc_toggle_forget(const struct gc_object *o) {
  for (size_t i = toggles.count; i > 0; i--)
    if ((size_t)((char *)toggle_at(i - 1)->object - o->start) < o->bytes)
      remove_at(i - 1);
}

void gc_toggle_ask(int (*ask)(void *object)) {
  for (size_t i = toggles.count; i > 0; i--) {
    int now = ask(toggle_at(i - 1)->object);
    if (now == TOGGLE_DROP)
      remove_at(i - 1);
    else
      toggle_at(i - 1)->is_strong = now == TOGGLE_STRONG;
  }
}

void gc_toggle_each_strong(void (*f)(void *object, void *cx), void *cx) {
  for (size_t i = 0; i < toggles.count; i++)
    if (toggle_at(i)->is_strong)
      f(toggle_at(i)->object, cx);
}

void gc_toggle_drop_unmarked(void) {
  struct gc_object o;
  for (size_t i = toggles.count; i > 0; i--)
    if (gc_find(toggle_at(i - 1)->object, &o) &&
        !gc_map_test(o.block, o.slot, gc_map_mark()))
      remove_at(i - 1);
}
