/* extra/hcons/cells.c: waiting cells of the old door. SPDX-License-Identifier: MIT */
/* On the old door memory comes in batches before the lock: nothing allocates
 * under it, a hit costs no allocation, and no cell is wasted.
 *
 * Waiting cells hang in lists by kind and size. The list heads lie in
 * uncollectable memory and the collector follows the links; their first word is
 * even, which tells the callback that they are no nodes. */
#include "hcons/internal.h"

#include <string.h>

enum { CELL_GRANULE = 16, CELL_SIZES = 16 };

/* The lists of waiting cells. [lock: the collector's] */
struct cell_lists {
  void *head[2][CELL_SIZES + 1];
};

static struct cell_lists *lists; /* [const] after set-up */
static int kinds[2];             /* [const] after set-up */

bool hc_cells_set_up(int (*reclaim)(void *)) {
  lists = hc_backend_root_alloc(sizeof *lists);
  if (lists == NULL)
    return false;
  memset(lists, 0, sizeof *lists);
  kinds[0] = hc_backend_new_kind(0, reclaim);
  kinds[1] = hc_backend_new_kind(1, reclaim);
  return true;
}

void *hc_cells_make(bool leaf, size_t granules) {
  size_t bytes = granules * CELL_GRANULE;
  if (granules <= CELL_SIZES)
    return hc_backend_cells(bytes, kinds[leaf]);
  return hc_backend_cell(bytes, kinds[leaf]);
}

/* Puts the list that was brought along before the waiting one. */
static void add_cells(void **cells, void **head) {
  void **last = *cells;
  while (*last != NULL)
    last = *last;
  *last = *head;
  *head = *cells;
  *cells = NULL;
}

void *hc_cells_take(bool leaf, size_t granules, void **cells) {
  void **head;
  void **cell;
  if (granules > CELL_SIZES) {
    cell = *cells;
    *cells = NULL;
    return cell;
  }
  head = &lists->head[leaf][granules];
  if (*cells != NULL)
    add_cells(cells, head);
  cell = *head;
  if (cell != NULL)
    *head = *cell;
  return cell;
}

void *hc_cells_any(void *arg) {
  for (size_t i = 0; i <= CELL_SIZES; i++)
    if (lists->head[arg != NULL][i] != NULL)
      return lists->head[arg != NULL][i];
  return NULL;
}
