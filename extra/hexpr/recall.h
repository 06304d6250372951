/* extra/hexpr/recall.h: normal forms that are remembered. SPDX-License-Identifier: MIT */
/* A weak memo shared by calls, with the latest of its answers in front; or, on
 * collectors that have none, a table of this call that keeps everything. The
 * struct lies where the collector looks. */
#ifndef HEXPR_RECALL_H
#define HEXPR_RECALL_H

#include "hexpr/node.h"

struct ex_recall {
  hc_memo *weak;
  ex *pair; /* scanned; an expression and what it becomes; NULL: no memory */
  size_t used;
  unsigned bits;
};

/* WEAK may be NULL. False without memory. */
bool ex_recall_start(struct ex_recall *m, hc_memo *weak);
void ex_recall_drop(struct ex_recall *m);

ex ex_recall_get(struct ex_recall *m, ex e);

/* Without memory it forgets. */
void ex_recall_put(struct ex_recall *m, ex e, ex value);

#endif
