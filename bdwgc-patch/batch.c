/* bdwgc-patch/batch.c: memory that waits until its batch is notified. SPDX-License-Identifier: MIT
 *
 * Dead objects that were notified name others by their addresses, and no new object is to
 * be there as long as one is left that could ask. So what is done is put on a list, through
 * a word of the object that nobody reads any more, and waits for all that is in the queue
 * at that moment, which is its own collection at least. When something dies meanwhile, the
 * list becomes a batch, and what is done from then on begins another one. One batch waits
 * at a time, so the next may wait longer than it had to.
 *
 * The objects are in state DONE, so libgc keeps them; they get their mark when they
 * are taken to be freed.
 */
#include "adapter.h"

static char *done, *batch; /* [lock] the first of each list, its base */
static size_t done_waits;  /* [lock] for so much of the queue; also the next */
static atomic_size_t batch_waits; /* written under the lock */
static atomic_size_t waiting;     /* objects in both lists; likewise */

/* The second word of a head, or the first one of the object. */
static char **link_of(const struct bdw_object *o) {
  char *at = o->base + (o->kind->has_head ? sizeof(uint64_t) : 0);
  return (char **)(void *)at;
}

static void begin_batch(void) {
  if (batch != NULL || done == NULL)
    return;
  batch = done;
  done = NULL;
  atomic_store(&batch_waits, done_waits);
}

void bdw_batch_add_locked(const struct bdw_object *o) {
  size_t last = atomic_load(&bdw_pushed);
  if (last != done_waits)
    begin_batch();
  bdw_set_state(o, BDW_DONE);
  *link_of(o) = done;
  done = o->base;
  done_waits = last;
  atomic_fetch_add(&waiting, 1);
}

bool bdw_batch_may_be_due(void) {
  return atomic_load(&waiting) != 0 &&
         atomic_load(&bdw_first) > atomic_load(&batch_waits);
}

static void *take_one(void) {
  struct bdw_object o;
  if (!bdw_find(batch, &o))
    return NULL;
  batch = *link_of(&o);
  *link_of(&o) = NULL;
  GC_set_mark_bit(o.base);
  bdw_set_state(&o, BDW_NOTHING);
  atomic_fetch_sub(&waiting, 1);
  return o.base;
}

size_t bdw_batch_take_locked(bool (*is_notified)(size_t serial),
                             void *volatile *out, size_t most) {
  size_t n = 0;
  begin_batch();
  while (n < most && batch != NULL && is_notified(atomic_load(&batch_waits)) &&
         (out[n] = take_one()) != NULL) {
    n++;
    begin_batch();
  }
  return n;
}
