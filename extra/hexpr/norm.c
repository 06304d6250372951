/* extra/hexpr/norm.c: rewriting to normal form. SPDX-License-Identifier: MIT */
/* Innermost. A stack of things to do and one of results: an expression is visited,
 * which means its operands and then the head on their results; a head on operands
 * that are normal is reduced, where a rule's right side goes onto the stack
 * instruction by instruction, with the values of variables, normal already, as
 * results. So nothing that is known to be normal is walked again.
 *
 * Outermost. The path from the root to the place in hand, with the results of the
 * operands to the left. After a step the expressions above, as far up as the
 * rules reach, are built anew and tried, the outermost first.
 *
 * Both stacks of expressions are scanned: nothing else may refer to what is on
 * them. Over a limit, what is left to do is only put together. */
#include "hexpr/recall.h"
#include "hexpr/rules.h"

#include "hexpr/scope.h"

#include <stdlib.h>
#include <string.h>

enum todo {
  TDO_VISIT,
  TDO_REDUCE,  /* operands are normal */
  TDO_RESULT,  /* is normal */
  TDO_REBUILD, /* this expression on `n` results */
  TDO_MAKE,    /* the head of a right side on `n` results */
  TDO_NOTE     /* the last result is its normal form */
};

struct item {
  ex node;
  uint32_t todo;
  uint32_t n;
};

struct place {
  ex node; /* with the operands that it had when it was entered */
  ex key;  /* what stood at this place at first */
  uint32_t next;
};

struct norm {
  const ex_rules *rules;
  struct finder finder;
  ex_norm_limits limits;
  ex_norm_status status;
  struct ex_recall recall;
  struct item *item; /* scanned */
  size_t items;
  size_t item_room;
  ex *result; /* scanned */
  size_t results;
  size_t result_room;
  struct place *path; /* scanned */
  size_t depth;
  size_t path_room;
  ex *above; /* scanned; expressions on the path, built anew */
  size_t above_room;
  bool over; /* a limit; nothing is rewritten any more */
  bool failed;
};

/* ---- Arrays ---- */

static bool fail(struct norm *n) {
  n->failed = true;
  n->status.end = EX_NORM_FAILED;
  return false;
}

static bool no_memory(struct norm *n) {
  ex_node_fail(EX_ENOMEM);
  return fail(n);
}

/* Room for things of SIZE bytes up to WANT in scanned memory. */
static bool room(struct norm *n, void *array, size_t *have, size_t used,
                 size_t want, size_t size) {
  size_t more = *have;
  void *bigger;
  if (want <= *have)
    return true;
  while (more < want)
    more = more == 0 ? 64 : 2 * more;
  bigger = hc_scanned_alloc(more * size);
  if (bigger == NULL)
    return no_memory(n);
  if (*(void **)array != NULL) {
    memcpy(bigger, *(void **)array, used * size);
    hc_scanned_free(*(void **)array);
  }
  *(void **)array = bigger;
  *have = more;
  return true;
}

static void end(struct norm *n, ex_norm_end why) {
  if (n->over)
    return;
  n->over = true;
  n->status.end = why;
}

static void push(struct norm *n, enum todo todo, ex e, uint32_t argc) {
  if (!room(n, &n->item, &n->item_room, n->items, n->items + 1,
            sizeof *n->item))
    return;
  if (n->limits.depth != 0 && n->items >= n->limits.depth)
    end(n, EX_NORM_DEPTH);
  n->item[n->items++] = (struct item){e, todo, argc};
}

static void give(struct norm *n, ex e) {
  if (e == NULL)
    fail(n);
  else if (room(n, &n->result, &n->result_room, n->results, n->results + 1,
                sizeof *n->result))
    n->result[n->results++] = e;
}

/* ---- Memory of results ---- */

static ex recall(struct norm *n, ex e) { return ex_recall_get(&n->recall, e); }

static void remember(struct norm *n, ex e, ex normal) {
  if (!n->over)
    ex_recall_put(&n->recall, e, normal);
}

/* ---- Steps ---- */

static const struct rule *find_rule(struct norm *n, ex e) {
  const struct rule *r;
  if (n->over)
    return NULL;
  r = ex_finder_find(&n->finder, e);
  if (n->finder.failed)
    fail(n);
  if (r == NULL || n->failed)
    return NULL;
  if (n->limits.steps != 0 && n->status.steps >= n->limits.steps) {
    end(n, EX_NORM_STEPS);
    return NULL;
  }
  n->status.steps++;
  return r;
}

static void count_node(struct norm *n) {
  n->status.nodes++;
  if (n->limits.nodes != 0 && n->status.nodes > n->limits.nodes)
    end(n, EX_NORM_NODES);
}

/* How many operands an instruction has when the rest variables are spread. */
static uint32_t spread(const struct rule *r, const ex *value,
                       const struct ins *i) {
  size_t argc = i->var;
  if (i->kind == INS_MAKE)
    return i->var;
  for (size_t k = 0; k < i->var; k++) {
    size_t v = ex_variable_index(r->symbol, r->vars, arg_of(i->node, k));
    if (v < r->vars && (r->flags[v] & EX_VAR_REST) != 0)
      argc += argc_of(value[v]) - 1;
  }
  return (uint32_t)argc;
}

static ex shifted(struct norm *n, ex e, uint32_t depth) {
  ex made = depth == 0 ? e : ex_scope_shift(e, depth);
  if (made == NULL)
    fail(n);
  return made;
}

/* A value may be an associative operator on some of the operands, which are
 * normal, but not known to be so together. */
static enum todo value_state(ex e) {
  bool composed =
      kind_of(e) == EX_TERM && (ex_op_flags(ex_op_of(e)) & EX_ASSOC) != 0;
  return composed ? TDO_REDUCE : TDO_RESULT;
}

static void push_value(struct norm *n, const struct rule *r,
                       const struct ins *i) {
  ex e = n->finder.best[i->var];
  if ((r->flags[i->var] & EX_VAR_REST) == 0) {
    e = shifted(n, e, i->depth);
    if (e != NULL)
      push(n, value_state(e), e, 0);
    return;
  }
  for (size_t k = argc_of(e); k-- > 0 && !n->failed;) {
    ex part = shifted(n, arg_of(e, k), i->depth);
    if (part != NULL)
      push(n, TDO_RESULT, part, 0);
  }
}

static void push_code(struct norm *n, const struct rule *r) {
  if (r->make != NULL) {
    push(n, TDO_VISIT, n->finder.made, 0);
    return;
  }
  for (size_t k = r->codes; k-- > 0 && !n->failed;) {
    const struct ins *i = &r->code[k];
    if (i->kind == INS_GROUND)
      push(n, TDO_VISIT, i->node, 0);
    else if (i->kind == INS_VAR)
      push_value(n, r, i);
    else
      push(n, TDO_MAKE, i->node, spread(r, n->finder.best, i));
  }
}

/* The head of E on the last ARGC results. */
static ex make(struct norm *n, ex e, uint32_t argc) {
  const ex *args = n->result + n->results - argc;
  ex made;
  count_node(n);
  if (kind_of(e) == EX_UNARY)
    made = ex_unary(op_of(e), args[0]);
  else if (kind_of(e) == EX_BINARY)
    made = ex_binary(op_of(e), args[0], args[1]);
  else if (kind_of(e) == EX_APPLY)
    made = ex_apply(ex_function(e), args, argc);
  else
    made = ex_n(ex_op_of(e), args, argc);
  n->results -= argc;
  if (made == NULL)
    fail(n);
  return made;
}

/* ---- Innermost ---- */

static void reduce(struct norm *n, ex e) {
  ex known = n->over ? e : recall(n, e);
  const struct rule *r;
  if (known != NULL) {
    give(n, known);
    return;
  }
  r = find_rule(n, e);
  if (r == NULL) {
    remember(n, e, e);
    give(n, e);
    return;
  }
  push(n, TDO_NOTE, e, 0);
  push_code(n, r);
}

static void visit(struct norm *n, ex e) {
  size_t argc = argc_of(e);
  ex known;
  if (argc == 0 || n->over) {
    reduce(n, e);
    return;
  }
  known = recall(n, e);
  if (known != NULL) {
    give(n, known);
    return;
  }
  push(n, TDO_REBUILD, e, (uint32_t)argc);
  for (size_t k = argc; k-- > 0 && !n->failed;)
    push(n, TDO_VISIT, arg_of(e, k), 0);
}

static bool is_unchanged(const struct norm *n, ex e, uint32_t argc) {
  const ex *args = n->result + n->results - argc;
  for (uint32_t k = 0; k < argc; k++)
    if (args[k] != arg_of(e, k))
      return false;
  return true;
}

static void rebuild(struct norm *n, ex e, uint32_t argc) {
  ex made = e;
  if (is_unchanged(n, e, argc))
    n->results -= argc;
  else {
    made = make(n, e, argc);
    push(n, TDO_NOTE, e, 0);
  }
  if (!n->failed)
    reduce(n, made);
}

static void do_item(struct norm *n, struct item i) {
  ex made;
  switch ((enum todo)i.todo) {
  case TDO_VISIT:
    visit(n, i.node);
    break;
  case TDO_REDUCE:
    reduce(n, i.node);
    break;
  case TDO_RESULT:
    give(n, i.node);
    break;
  case TDO_REBUILD:
    rebuild(n, i.node, i.n);
    break;
  case TDO_MAKE:
    made = make(n, i.node, i.n);
    if (made != NULL)
      reduce(n, made);
    break;
  case TDO_NOTE:
    remember(n, i.node, n->result[n->results - 1]);
    break;
  }
}

static ex innermost(struct norm *n, ex e) {
  push(n, TDO_VISIT, e, 0);
  while (n->items > 0 && !n->failed)
    do_item(n, n->item[--n->items]);
  return n->failed ? NULL : n->result[0];
}

/* ---- Outermost ---- */

/* The whole instance of the right side. */
static ex instance(struct norm *n, const struct rule *r) {
  size_t base = n->results;
  if (r->make != NULL)
    return n->finder.made;
  for (size_t k = 0; k < r->codes && !n->failed; k++) {
    const struct ins *i = &r->code[k];
    ex e = i->kind == INS_VAR ? n->finder.best[i->var] : NULL;
    if (i->kind == INS_GROUND)
      give(n, i->node);
    else if (i->kind != INS_VAR)
      give(n, make(n, i->node, spread(r, n->finder.best, i)));
    else if ((r->flags[i->var] & EX_VAR_REST) == 0)
      give(n, shifted(n, e, i->depth));
    else
      for (size_t m = 0; m < argc_of(e) && !n->failed; m++)
        give(n, shifted(n, arg_of(e, m), i->depth));
  }
  n->results = base;
  return n->failed ? NULL : n->result[base];
}

static void enter(struct norm *n, ex e, ex key) {
  if (!room(n, &n->path, &n->path_room, n->depth, n->depth + 1,
            sizeof *n->path))
    return;
  if (n->limits.depth != 0 && n->depth >= n->limits.depth)
    end(n, EX_NORM_DEPTH);
  n->path[n->depth++] = (struct place){e, key, 0};
}

/* The expression at a place whose results end at TOP, with CHILD as the operand in
 * hand. */
static ex assemble(struct norm *n, const struct place *p, size_t top,
                   ex child) {
  size_t argc = argc_of(p->node);
  ex few[8];
  ex *args = argc <= 8 ? few : hc_scanned_alloc(argc * sizeof *args);
  ex made;
  if (args == NULL) {
    no_memory(n);
    return NULL;
  }
  for (size_t k = 0; k < argc; k++)
    args[k] = k < p->next ? n->result[top - p->next + k] : arg_of(p->node, k);
  args[p->next] = child;
  count_node(n);
  made = ex_node_rebuild(p->node, args);
  if (args != few)
    hc_scanned_free(args);
  if (made == NULL)
    fail(n);
  return made;
}

/* Builds the expressions above FOCUS anew from place FROM on. */
static bool build_above(struct norm *n, size_t from, ex focus) {
  size_t top = n->results;
  if (!room(n, &n->above, &n->above_room, 0, n->depth, sizeof *n->above))
    return false;
  for (size_t i = n->depth; i-- > from && !n->failed;) {
    focus = assemble(n, &n->path[i], top, focus);
    n->above[i] = focus;
    top -= n->path[i].next;
  }
  return !n->failed;
}

/* Leaves the places from AT on. */
static void cut(struct norm *n, size_t at) {
  while (n->depth > at)
    n->results -= n->path[--n->depth].next;
}

/* After a step to FOCUS: the steps that have become possible above it. Returns
 * what to go on with, at *KEY. */
static ex settle_above(struct norm *n, ex focus, ex *key) {
  bool again = true;
  while (again && n->depth > 0 && !n->failed && !n->over) {
    size_t from = n->depth > n->rules->reach ? n->depth - n->rules->reach : 0;
    again = false;
    if (!build_above(n, from, focus))
      return focus;
    for (size_t i = from; i < n->depth && !again; i++) {
      const struct rule *r = find_rule(n, n->above[i]);
      if (r == NULL)
        continue;
      *key = n->path[i].key;
      cut(n, i);
      focus = instance(n, r);
      again = true;
    }
  }
  return focus;
}

/* Rewrites FOCUS as a whole once; true when a rule applied. */
static bool rewrite(struct norm *n, ex *focus, ex *key) {
  const struct rule *r = find_rule(n, *focus);
  if (r == NULL)
    return false;
  *focus = instance(n, r);
  *focus = settle_above(n, *focus, key);
  return true;
}

/* VALUE is normal and belongs at KEY. Goes up until there is an operand to go on
 * with, which is returned, or the whole is done: NULL. */
static ex go_up(struct norm *n, ex value, ex *key) {
  while (!n->failed) {
    struct place *p;
    ex made;
    size_t argc;
    remember(n, *key, value);
    give(n, value);
    if (n->depth == 0 || n->failed)
      return NULL;
    p = &n->path[n->depth - 1];
    argc = argc_of(p->node);
    if (++p->next < argc) {
      *key = arg_of(p->node, p->next);
      return *key;
    }
    made = p->node;
    *key = p->key;
    if (!is_unchanged(n, made, (uint32_t)argc))
      made = make(n, made, (uint32_t)argc);
    else
      n->results -= argc;
    n->depth--;
    if (!n->failed && made != p->node && rewrite(n, &made, key))
      return made;
    value = made;
  }
  return NULL;
}

static ex outermost(struct norm *n, ex e) {
  ex focus = e;
  ex key = e;
  while (focus != NULL && !n->failed) {
    ex known = n->over ? focus : recall(n, focus);
    if (known != NULL)
      focus = go_up(n, known, &key);
    else if (rewrite(n, &focus, &key))
      continue;
    else if (argc_of(focus) == 0)
      focus = go_up(n, focus, &key);
    else {
      enter(n, focus, key);
      focus = arg_of(focus, 0);
      key = focus;
    }
  }
  return n->failed ? NULL : n->result[0];
}

/* ---- The call ---- */

static bool start(struct norm *n, const ex_rules *rules, ex_strategy strategy,
                  const ex_norm_limits *limits) {
  n->rules = rules;
  if (!rules->compiled) {
    ex_node_fail(EX_ETYPE);
    return fail(n);
  }
  if (limits != NULL)
    n->limits = *limits;
  if (!ex_finder_start(&n->finder, rules))
    return fail(n);
  if (n->limits.no_memo)
    return true;
  return ex_recall_start(&n->recall, rules->memo[strategy == EX_OUTERMOST]) ||
         fail(n);
}

static void drop_scanned(void *memory) {
  if (memory != NULL)
    hc_scanned_free(memory);
}

ex ex_norm(const ex_rules *rules, ex e, ex_strategy strategy,
           const ex_norm_limits *limits, ex_norm_status *out_status) {
  struct norm n = {0};
  ex result = NULL;
  if (e == NULL)
    fail(&n);
  else if (start(&n, rules, strategy, limits))
    result = strategy == EX_OUTERMOST ? outermost(&n, e) : innermost(&n, e);
  ex_finder_drop(&n.finder);
  ex_recall_drop(&n.recall);
  drop_scanned(n.item);
  drop_scanned(n.result);
  drop_scanned(n.path);
  drop_scanned(n.above);
  if (out_status != NULL)
    *out_status = n.status;
  hc_keep(e);
  return result;
}
