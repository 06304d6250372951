/* extra/hexpr/scope.h: rewriting of leaves with the binders around them. SPDX-License-Identifier: MIT */
/* What a leaf becomes may depend on how many binders stand around it, so results
 * are memoised by node and depth. Nodes that want no more binders than they
 * have around them hold no leaf that is loose, and are left alone where only
 * such leaves count. */
#ifndef HEXPR_SCOPE_H
#define HEXPR_SCOPE_H

#include "hexpr/node.h"

/* The operands of E with the binder's scope: whether operand I is inside it. */
bool ex_scope_is_inside(ex e, size_t i);

struct ex_scope {
  /* What LEAF becomes under DEPTH binders; NULL for failure. Without it leaves
   * are nodes like others. */
  ex (*leaf)(void *closure, ex leaf, uint32_t depth);
  /* What a node becomes whose operands are replaced already; NULL for failure.
   * May be missing. */
  ex (*node)(void *closure, ex rebuilt);
  void *closure;
  hc_memo *memo;         /* of results by node alone, or NULL */
  bool every_occurrence; /* nothing is remembered */
  bool loose_only;       /* only loose bound variables change */
  bool every_depth;      /* results do not depend on the depth */
};

ex ex_scope_rewrite(ex root, const struct ex_scope *s);

/* E with BY added to every index that is loose in it. */
ex ex_scope_shift(ex e, uint32_t by);

#endif
