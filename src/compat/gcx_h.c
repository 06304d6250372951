/* src/compat/gcx_h.c: gcx/: what Reclaim offers beyond libgc.
 * SPDX-License-Identifier: MIT
 */
#include "compat/compat.h"
#include "diag/heapmap.h"

const char *gcx_version(void) { return GCX_VERSION; }

int gcx_write_heap_map(const char *path) {
  gc_start();
  return gc_heapmap_write(path);
}
