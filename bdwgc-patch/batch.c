/* bdwgc-patch/batch.c: memory that waits until its batch is notified. SPDX-License-Identifier: MIT
 *
 * Dead objects that were notified name others by their addresses, and no new object is to
 * be there as long as one is left that could ask. So what is done is put on a list, through
 * a word of the object that nobody reads any more; all on the list become one batch
 * when there is none, and it goes when all that was in the queue at that moment has
 * been notified. What dies meanwhile does not hold it up.
 *
 * The objects are in state DONE, so libgc keeps them; they get their mark when they
 * are taken to be freed.
 */
#include "adapter.h"

static char *done, *batch; /* [lock] the first of each list, its base */
static size_t
    batch_ends; /* [lock] the last entry of the queue that it waits for */

/* The second word of a head, or the first one of the object. */
static char **link_of(const struct bdw_object *o) {
  char *at = o->base + (o->kind->has_head ? sizeof(uint64_t) : 0);
  return (char **)(void *)at;
}

void bdw_batch_add_locked(const struct bdw_object *o) {
  bdw_set_state(o, BDW_DONE);
  *link_of(o) = done;
  done = o->base;
}

void *bdw_batch_take_locked(bool (*is_notified)(size_t serial)) {
  struct bdw_object o;
  if (batch == NULL) {
    batch = done;
    done = NULL;
    batch_ends = atomic_load(&bdw_pushed);
  }
  if (batch == NULL || !is_notified(batch_ends) || !bdw_find(batch, &o))
    return NULL;
  batch = *link_of(&o);
  *link_of(&o) = NULL;
  GC_set_mark_bit(o.base);
  bdw_set_state(&o, BDW_NOTHING);
  return o.base;
}
