/* src/compat/gcx_weak_h.c: gcx/weak.h. SPDX-License-Identifier: MIT
 *
 * A client's reference is the core's cell.
 */
#include "compat/compat.h"

#include "cycle/weak.h"

#include <gcx/weak.h>

gcx_weak *gcx_weak_new(const void *object) {
  gc_start();
  if (!gc_start_thread())
    return NULL;
  return (gcx_weak *)(void *)gc_weak_new(object);
}

void *gcx_weak_get(gcx_weak *weak) {
  return weak == NULL ? NULL : gc_weak_get((struct gc_weak *)(void *)weak);
}

void gcx_weak_free(gcx_weak *weak) {
  if (weak != NULL)
    gc_weak_cell_free((struct gc_weak *)(void *)weak);
}
