/* extra/hcons/kinds.c: kinds of nodes by gcx/reclaim.h. SPDX-License-Identifier: MIT */
/* The only file that includes that header; see backend.h. */
#include "hcons/backend.h"

#include <gcx/backend.h>
#include <gcx/reclaim.h>

/* A program may run on a library without them. */
#pragma weak gcx_kind_new
#pragma weak gcx_backend_caps

/* With batches no node appears at the address of a dead one that another dead node
 * still names. Without them the table is right all the same: a node is found by the
 * key that the caller holds, and revived ones are filled and told of. */
static gcx_release best_release(void) {
  bool has_batches =
      gcx_backend_caps != NULL && (gcx_backend_caps() & GCX_CAP_BATCH) != 0;
  return has_batches ? GCX_RELEASE_BATCH : GCX_RELEASE_BLOCK;
}

static gcx_verdict told(void *object, size_t bytes, void *notify) {
  (void)bytes;
  ((void (*)(void *))notify)(object);
  return GCX_DONE;
}

struct gcx_kind *hc_backend_notified_kind(
    bool leaf, size_t map, void (*notify)(void *node),
    void (*notify_many)(void *const *nodes, size_t n, void *)) {
  gcx_kind_opts o = {.struct_size = sizeof o,
                     .name = leaf ? "hcons leaf" : "hcons node",
                     .notify = told,
                     .cd = (void *)notify,
                     .notify_many = notify_many,
                     .refs = GCX_REFS_NONE,
                     .release = best_release(),
                     .mode = GCX_MODE_PROPER};
  if (gcx_kind_new == NULL)
    return NULL;
  if (leaf)
    o.layout = GCX_LAYOUT_LEAF;
  else if (map != 0) {
    o.layout = GCX_LAYOUT_BITMAP;
    o.layout_word = map;
  }
  return gcx_kind_new(&o, NULL);
}
