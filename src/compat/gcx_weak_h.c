/* src/compat/gcx_weak_h.c: gcx/weak.h. SPDX-License-Identifier: MIT
 *
 * A client's reference is the core's cell.
 */
#include "compat/compat.h"

#include "cycle/ephemeron.h"
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

/* ---- Ephemerons ---- */

static struct gc_weak *cell_of_ephemeron(gcx_ephemeron *ephemeron) {
  return (struct gc_weak *)(void *)ephemeron;
}

gcx_ephemeron *gcx_ephemeron_new(const void *key, const void *value) {
  gc_start();
  if (!gc_start_thread())
    return NULL;
  return (gcx_ephemeron *)(void *)gc_ephemeron_new(key, value);
}

void *gcx_ephemeron_key(gcx_ephemeron *ephemeron) {
  return gc_weak_get(cell_of_ephemeron(ephemeron));
}

void *gcx_ephemeron_value(gcx_ephemeron *ephemeron) {
  return gc_start_thread() ? gc_ephemeron_value(cell_of_ephemeron(ephemeron))
                           : NULL;
}

int gcx_ephemeron_set_value(gcx_ephemeron *ephemeron, const void *value) {
  return gc_start_thread() &&
         gc_ephemeron_set_value(cell_of_ephemeron(ephemeron), value);
}

void gcx_ephemeron_free(gcx_ephemeron *ephemeron) {
  if (ephemeron != NULL)
    gc_weak_cell_free(cell_of_ephemeron(ephemeron));
}
