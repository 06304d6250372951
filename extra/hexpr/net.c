/* extra/hexpr/net.c: building the discrimination tree. SPDX-License-Identifier: MIT */
/* Edges say in `b` what they are for: 0 for a single node; else the kind of the
 * head above sixteen bits for the number of operands, all ones for any number.
 * No head has so many operands, and no kind with operands is 0. */
#include "hexpr/rules.h"

#include "hexpr/scope.h"

#include <stdlib.h>
#include <string.h>

static bool no_memory(void) { return ex_node_fail(EX_ENOMEM) != NULL; }

/* Room for a thing of SIZE bytes at N, in an array that is never smaller than
 * the power of two above. */
static bool widen(void *array, size_t n, size_t size) {
  void *bigger;
  if ((n & (n - 1)) != 0)
    return true;
  bigger = realloc(*(void **)array, (n == 0 ? 1 : 2 * n) * size);
  if (bigger == NULL)
    return no_memory();
  *(void **)array = bigger;
  return true;
}

/* ---- States ---- */

static uint32_t new_state(struct net *net) {
  if (!widen(&net->state, net->n, sizeof *net->state))
    return NET_NONE;
  net->state[net->n] = (struct state){.any = NET_NONE, .least = UINT32_MAX};
  return (uint32_t)net->n++;
}

static int by_label(const struct edge *e, uint64_t a, uint32_t b) {
  if (e->b != b)
    return e->b < b ? -1 : 1;
  return (e->a > a) - (e->a < a);
}

uint32_t ex_net_follow(const struct state *s, uint64_t a, uint32_t b) {
  uint32_t low = 0;
  uint32_t high = s->edges;
  while (low < high) {
    uint32_t middle = (low + high) / 2;
    int by = by_label(&s->edge[middle], a, b);
    if (by == 0)
      return s->edge[middle].to;
    if (by < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return NET_NONE;
}

static bool insert_edge(struct state *s, struct edge new) {
  uint32_t i = s->edges;
  if (!widen(&s->edge, s->edges, sizeof *s->edge))
    return false;
  for (; i > 0 && by_label(&s->edge[i - 1], new.a, new.b) > 0; i--)
    s->edge[i] = s->edge[i - 1];
  s->edge[i] = new;
  s->edges++;
  return true;
}

/* The state after AT over the edge, made if there is none. */
static uint32_t go(struct net *net, uint32_t at, uint64_t a, uint32_t b) {
  uint32_t to = ex_net_follow(&net->state[at], a, b);
  if (to != NET_NONE)
    return to;
  to = new_state(net);
  if (to == NET_NONE || !insert_edge(&net->state[at], (struct edge){a, b, to}))
    return NET_NONE;
  net->state[to].top = net->state[at].top;
  net->state[at].exact += b == 0;
  net->state[at].lawful += b != 0 && (uint16_t)b == UINT16_MAX;
  return to;
}

static uint32_t go_any(struct net *net, uint32_t at) {
  uint32_t to = net->state[at].any;
  if (to != NET_NONE)
    return to;
  to = new_state(net);
  if (to == NET_NONE)
    return NET_NONE;
  net->state[at].any = to;
  net->state[to].top = net->state[at].top;
  return to;
}

/* ---- A pattern ---- */

struct due {
  uint32_t place;
  uint32_t reg;
  uint32_t depth;
};

struct insertion {
  struct net *net;
  struct rule *rule;
  struct due *due;
  size_t dues;
  uint32_t longest;
};

static bool push_due(struct insertion *n, struct due d) {
  if (!widen(&n->due, n->dues, sizeof d))
    return false;
  n->due[n->dues++] = d;
  return true;
}

static uint64_t head_label(ex e) {
  return kind_of(e) == EX_APPLY ? (uint64_t)(uintptr_t)ex_function(e)
                                : ex_op_of(e);
}

static bool note_variable(struct rule *r, uint32_t var, struct due d) {
  struct bound_by b = {var, d.reg};
  bool first = true;
  for (size_t i = 0; i < r->firsts; i++)
    first = first && r->first[i].var != var;
  if (d.depth > 0) {
    if (!widen(&r->closed, r->closeds, sizeof *r->closed))
      return false;
    r->closed[r->closeds++] = d.reg;
  }
  if (!first) {
    if (!widen(&r->again, r->agains, sizeof b))
      return false;
    r->again[r->agains++] = b;
    return true;
  }
  if (!widen(&r->first, r->firsts, sizeof b))
    return false;
  r->first[r->firsts++] = b;
  return true;
}

static bool note_later(struct rule *r, struct due d) {
  struct later l = {d.place, d.reg, d.depth};
  if (!widen(&r->later, r->laters, sizeof l))
    return false;
  r->later[r->laters++] = l;
  return true;
}

static uint32_t go_into(struct insertion *n, uint32_t at,
                        const struct ex_pat *p, struct due d) {
  uint32_t b = (uint32_t)kind_of(p->node) << 16 | p->n;
  uint32_t to = go(n->net, at, head_label(p->node), b);
  struct state *s;
  uint32_t base;
  if (to == NET_NONE)
    return NET_NONE;
  s = &n->net->state[to];
  base = n->net->state[at].top;
  s->from = d.reg;
  s->loads = p->n;
  s->base = base;
  s->top = base + p->n;
  if (s->top > n->net->regs)
    n->net->regs = s->top;
  for (uint32_t k = p->n; k-- > 0;) {
    struct due sub = {n->rule->pattern.arg[p->first + k], base + k, d.depth};
    sub.depth += ex_scope_is_inside(p->node, k);
    if (!push_due(n, sub))
      return NET_NONE;
  }
  return to;
}

static uint32_t go_past(struct insertion *n, uint32_t at, struct due d) {
  const struct ex_pat *p = &n->rule->pattern.at[d.place];
  switch (p->form) {
  case PAT_GROUND:
    return go(n->net, at, (uint64_t)(uintptr_t)p->node, 0);
  case PAT_VAR:
    if (!note_variable(n->rule, p->var, d))
      return NET_NONE;
    return go_any(n->net, at);
  case PAT_NODE:
    return go_into(n, at, p, d);
  default:
    if (!note_later(n->rule, d))
      return NET_NONE;
    return go(n->net, at, head_label(p->node),
              (uint32_t)kind_of(p->node) << 16 | UINT16_MAX);
  }
}

static bool end_rule(struct state *s, uint32_t i) {
  if (!widen(&s->rule, s->rules, sizeof *s->rule))
    return false;
  s->rule[s->rules++] = i;
  return true;
}

static bool insert(struct insertion *n, uint32_t i) {
  uint32_t at = 0;
  struct due start = {(uint32_t)n->rule->pattern.n - 1, 0, 0};
  if (!push_due(n, start))
    return false;
  while (n->dues > 0 && at != NET_NONE) {
    struct due d = n->due[--n->dues];
    struct state *s = &n->net->state[at];
    s->reg = d.reg;
    s->least = i < s->least ? i : s->least;
    n->longest++;
    at = go_past(n, at, d);
  }
  if (at == NET_NONE)
    return false;
  n->net->state[at].least =
      i < n->net->state[at].least ? i : n->net->state[at].least;
  return end_rule(&n->net->state[at], i);
}

bool ex_net_add(struct ex_rules *r, uint32_t i) {
  struct insertion n = {.net = &r->net, .rule = &r->rule[i]};
  bool ok = true;
  n.rule->firsts = 0;
  n.rule->agains = 0;
  n.rule->closeds = 0;
  n.rule->laters = 0;
  if (r->net.n == 0) {
    ok = new_state(&r->net) == 0;
    if (ok) {
      r->net.state[0].top = 1;
      r->net.regs = 1;
    }
  }
  ok = ok && insert(&n, i);
  free(n.due);
  if (3 * n.longest + 4 > r->net.stack)
    r->net.stack = 3 * n.longest + 4;
  return ok;
}

void ex_net_drop(struct net *net) {
  for (size_t i = 0; i < net->n; i++) {
    free(net->state[i].edge);
    free(net->state[i].rule);
  }
  free(net->state);
  *net = (struct net){0};
}
