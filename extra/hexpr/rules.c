/* extra/hexpr/rules.c: rule sets and their compilation. SPDX-License-Identifier: MIT */
/* A set lies in scanned memory, and all sets hang on a list that is a root: so a
 * program may keep its sets where the collector does not look. */
#include "hexpr/rules.h"

#include "hexpr/dag.h"
#include "hexpr/scope.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static ex_rules *all; /* [lock] */

static bool no_memory(void) { return ex_node_fail(EX_ENOMEM) != NULL; }

/* ---- Sets ---- */

ex_rules *ex_rules_new(void) {
  ex_rules *r = hc_scanned_alloc(sizeof *r);
  if (r == NULL) {
    ex_node_fail(EX_ENOMEM);
    return NULL;
  }
  pthread_mutex_lock(&lock);
  r->next = all;
  if (all != NULL)
    all->previous = r;
  all = r;
  pthread_mutex_unlock(&lock);
  return r;
}

static void unlink_set(ex_rules *r) {
  pthread_mutex_lock(&lock);
  if (r->previous != NULL)
    r->previous->next = r->next;
  else
    all = r->next;
  if (r->next != NULL)
    r->next->previous = r->previous;
  pthread_mutex_unlock(&lock);
}

static void drop_rule(struct rule *r) {
  ex_pattern_drop(&r->pattern);
  free(r->symbol);
  free(r->flags);
  free(r->code);
  free(r->first);
  free(r->again);
  free(r->closed);
  free(r->later);
}

void ex_rules_free(ex_rules *r) {
  if (r == NULL)
    return;
  unlink_set(r);
  for (size_t i = 0; i < r->n; i++)
    drop_rule(&r->rule[i]);
  free(r->rule);
  free(r->symbol);
  free(r->flags);
  ex_net_drop(&r->net);
  hc_memo_free(r->memo[0]);
  hc_memo_free(r->memo[1]);
  if (r->kept != NULL)
    hc_scanned_free(r->kept);
  hc_scanned_free(r);
}

size_t ex_rules_count(const ex_rules *r) { return r->n; }

/* Keeps a thing as long as the set. */
static bool keep(ex_rules *r, const void *thing) {
  if (r->kepts == r->kept_room) {
    size_t room = r->kept_room == 0 ? 32 : 2 * r->kept_room;
    ex *bigger = hc_scanned_alloc(room * sizeof *bigger);
    if (bigger == NULL)
      return no_memory();
    if (r->kept != NULL) {
      memcpy(bigger, r->kept, r->kepts * sizeof *bigger);
      hc_scanned_free(r->kept);
    }
    r->kept = bigger;
    r->kept_room = room;
  }
  r->kept[r->kepts++] = thing;
  return true;
}

bool ex_rules_variable(ex_rules *r, ex symbol, unsigned flags) {
  size_t i;
  ex *symbols;
  unsigned *all_flags;
  if (symbol == NULL)
    return false;
  if (kind_of(symbol) != EX_SYM || (flags & ~31u) != 0)
    return ex_node_fail(EX_ETYPE) != NULL;
  i = ex_variable_index(r->symbol, r->symbols, symbol);
  if (i < r->symbols) {
    r->flags[i] = flags;
    return true;
  }
  symbols = realloc(r->symbol, (i + 1) * sizeof *symbols);
  if (symbols == NULL)
    return no_memory();
  r->symbol = symbols;
  all_flags = realloc(r->flags, (i + 1) * sizeof *all_flags);
  if (all_flags == NULL || !keep(r, symbol))
    return no_memory();
  r->flags = all_flags;
  symbols[i] = symbol;
  all_flags[i] = flags;
  r->symbols++;
  return true;
}

/* ---- The left side ---- */

static bool is_rest_symbol(const ex_rules *r, ex e) {
  size_t i = ex_variable_index(r->symbol, r->symbols, e);
  return i < r->symbols && (r->flags[i] & EX_VAR_REST) != 0;
}

/* The operator whose further operands a rule leaves alone, or EX_NONE. */
static ex_op extension(const ex_rules *r, ex lhs) {
  ex_op op = kind_of(lhs) == EX_TERM ? ex_op_of(lhs) : EX_NONE;
  if (op == EX_NONE || (ex_op_flags(op) & EX_ASSOC) == 0)
    return EX_NONE;
  for (size_t k = 0; k < argc_of(lhs); k++)
    if (is_rest_symbol(r, arg_of(lhs, k)))
      return EX_NONE;
  return op;
}

/* OP on E with the hidden variables around it. */
static ex extend(ex_op op, ex e) {
  ex before = ex_sym("\1before");
  ex after = ex_sym("\1after");
  if ((ex_op_flags(op) & EX_COMM) != 0)
    return ex_2(op, e, after);
  return ex_3(op, before, e, after);
}

static bool add_symbol(struct rule *r, ex symbol, unsigned flags) {
  r->symbol[r->vars] = symbol;
  r->flags[r->vars++] = flags;
  return true;
}

/* The variables that occur in the left side. */
static bool find_variables(const ex_rules *set, struct rule *r) {
  struct ex_dag d;
  if (!ex_dag_build(&d, &r->lhs, 1))
    return no_memory();
  r->symbol = malloc((set->symbols + 2) * sizeof *r->symbol);
  r->flags = malloc((set->symbols + 2) * sizeof *r->flags);
  for (size_t i = 0; i < d.n && r->symbol != NULL && r->flags != NULL; i++) {
    size_t v = ex_variable_index(set->symbol, set->symbols, d.node[i]);
    if (v < set->symbols)
      add_symbol(r, d.node[i], set->flags[v]);
    else if (r->extended != EX_NONE && d.node[i] == ex_sym("\1before"))
      add_symbol(r, d.node[i], EX_VAR_REST | EX_VAR_BEFORE);
    else if (r->extended != EX_NONE && d.node[i] == ex_sym("\1after"))
      add_symbol(r, d.node[i], EX_VAR_REST | EX_VAR_AFTER);
  }
  ex_dag_drop(&d);
  return (r->symbol != NULL && r->flags != NULL) || no_memory();
}

static bool take_lhs(ex_rules *set, struct rule *r) {
  if (ex_variable_index(set->symbol, set->symbols, r->lhs) < set->symbols) {
    set->wanted = "a rule whose left side is no variable";
    return ex_node_fail(EX_ETYPE) != NULL;
  }
  r->extended = extension(set, r->lhs);
  if (r->extended != EX_NONE) {
    r->lhs = extend(r->extended, r->lhs);
    if (r->rhs != NULL)
      r->rhs = extend(r->extended, r->rhs);
  }
  return r->lhs != NULL && keep(set, r->lhs) && find_variables(set, r) &&
         ex_pattern_make(&r->pattern, r->lhs, r->symbol, r->flags, r->vars);
}

/* The nodes of a pattern as a tree, of which parts without variables are
 * leaves; at most the limit and one. */
static size_t pattern_size(const struct ex_pattern *p) {
  size_t *size = calloc(p->n + 1, sizeof *size);
  size_t all_of_it;
  if (size == NULL)
    return EX_MAX_PATTERN + 1;
  for (size_t i = 0; i < p->n; i++) {
    size[i] = 1;
    if (p->at[i].form != PAT_GROUND)
      for (size_t k = 0; k < p->at[i].n; k++)
        size[i] += size[p->arg[p->at[i].first + k]];
    if (size[i] > EX_MAX_PATTERN)
      size[i] = EX_MAX_PATTERN + 1;
  }
  all_of_it = size[p->n - 1];
  free(size);
  return all_of_it;
}

/* ---- The right side ---- */

struct unfolding {
  uint32_t place;
  uint32_t depth;
  uint32_t next;
};

static enum ins_kind making(const struct rule *r, const struct ex_pattern *p,
                            const struct ex_pat *q) {
  for (size_t k = 0; k < q->n; k++) {
    const struct ex_pat *arg = ex_pattern_arg(p, q, k);
    if (arg->form == PAT_VAR && (r->flags[arg->var] & EX_VAR_REST) != 0)
      return INS_SPLICE;
  }
  return INS_MAKE;
}

static void emit(struct rule *r, const struct ex_pattern *p, uint32_t place,
                 uint32_t depth) {
  const struct ex_pat *q = &p->at[place];
  struct ins i = {INS_GROUND, 0, depth, q->node};
  if (q->form == PAT_VAR) {
    i.kind = INS_VAR;
    i.var = q->var;
  } else if (q->form != PAT_GROUND) {
    i.kind = making(r, p, q);
    i.var = q->n;
  }
  r->code[r->codes++] = i;
}

/* The operand of a right side in its own order, for P has reordered them. */
static uint32_t place_of(const struct ex_pattern *p, const struct ex_pat *q,
                         uint32_t k) {
  const uint32_t *arg = p->arg + q->first;
  ex want = arg_of(q->node, k);
  while (p->at[*arg].node != want)
    arg++;
  return *arg;
}

static void write_code(struct rule *r, const struct ex_pattern *p,
                       struct unfolding *stack) {
  size_t n = 0;
  stack[n++] = (struct unfolding){(uint32_t)p->n - 1, 0, 0};
  while (n > 0) {
    struct unfolding *top = &stack[n - 1];
    const struct ex_pat *q = &p->at[top->place];
    if (q->form == PAT_GROUND || top->next == q->n) {
      emit(r, p, top->place, top->depth);
      n--;
    } else {
      uint32_t k = top->next++;
      uint32_t depth = top->depth + ex_scope_is_inside(q->node, k);
      stack[n++] = (struct unfolding){place_of(p, q, k), depth, 0};
    }
  }
}

/* Whether all variables of the set that are in E are the rule's. */
static bool has_no_others(ex_rules *set, const struct rule *r, ex e) {
  struct ex_dag d;
  bool ok = true;
  if (!ex_dag_build(&d, &e, 1))
    return no_memory();
  for (size_t i = 0; ok && i < d.n; i++)
    ok = ex_variable_index(set->symbol, set->symbols, d.node[i]) ==
             set->symbols ||
         ex_variable_index(r->symbol, r->vars, d.node[i]) < r->vars;
  ex_dag_drop(&d);
  if (!ok)
    set->wanted = "a rule whose right side has no other variables";
  return ok || ex_node_fail(EX_ETYPE) != NULL;
}

static bool take_rhs(ex_rules *set, struct rule *r) {
  struct ex_pattern p;
  struct unfolding *stack;
  size_t size;
  if (!keep(set, r->rhs) || !has_no_others(set, r, r->rhs) ||
      !ex_pattern_make(&p, r->rhs, r->symbol, r->flags, r->vars))
    return false;
  size = pattern_size(&p);
  stack = malloc((size + 1) * sizeof *stack);
  r->code = malloc((size + 1) * sizeof *r->code);
  if (size > EX_MAX_PATTERN)
    ex_node_fail(EX_ELIMIT);
  else if (stack == NULL || r->code == NULL)
    ex_node_fail(EX_ENOMEM);
  else
    write_code(r, &p, stack);
  free(stack);
  ex_pattern_drop(&p);
  return r->codes > 0;
}

/* ---- Adding ---- */

static bool is_linear(const struct ex_pattern *p) {
  uint32_t uses = 0;
  for (size_t i = 0; i < p->n; i++)
    for (size_t k = 0; k < p->at[i].n && p->at[i].form != PAT_GROUND; k++)
      uses += ex_pattern_arg(p, &p->at[i], k)->form == PAT_VAR;
  return uses <= p->vars;
}

/* How far above a change the rule may begin to apply; see `reach`. */
static uint32_t reach_of(const struct rule *r) {
  if (r->test != NULL || r->make != NULL || !is_linear(&r->pattern))
    return UINT32_MAX;
  return r->pattern.at[r->pattern.n - 1].height;
}

static bool add(ex_rules *set, struct rule *r) {
  struct rule *bigger;
  uint32_t reach;
  set->wanted =
      "rest variables among operands of functions or n-ary operators only";
  if (!take_lhs(set, r) || (r->rhs != NULL && !take_rhs(set, r)) ||
      !keep(set, r->cd))
    return false;
  if (pattern_size(&r->pattern) > EX_MAX_PATTERN)
    return ex_node_fail(EX_ELIMIT) != NULL;
  if (set->n == set->room) {
    size_t room = set->room == 0 ? 16 : 2 * set->room;
    bigger = realloc(set->rule, room * sizeof *bigger);
    if (bigger == NULL)
      return no_memory();
    set->rule = bigger;
    set->room = room;
  }
  reach = reach_of(r);
  set->reach = reach > set->reach ? reach : set->reach;
  set->most_vars = r->vars > set->most_vars ? r->vars : set->most_vars;
  set->rule[set->n++] = *r;
  set->compiled = false;
  return true;
}

bool ex_rule_add(ex_rules *set, ex lhs, ex rhs, ex_rule_test test, void *cd) {
  struct rule r = {.lhs = lhs, .rhs = rhs, .test = test, .cd = cd};
  if (lhs == NULL || rhs == NULL)
    return false;
  if (add(set, &r))
    return true;
  drop_rule(&r);
  return false;
}

bool ex_rule_add_fn(ex_rules *set, ex lhs, ex_rule_make make, void *cd) {
  struct rule r = {.lhs = lhs, .make = make, .cd = cd};
  if (lhs == NULL)
    return false;
  if (add(set, &r))
    return true;
  drop_rule(&r);
  return false;
}

/* ---- Compiling ---- */

/* Collectors without weak maps give no memo; results are then remembered
 * during a call only. */
bool ex_rules_compile(ex_rules *r) {
  ex_net_drop(&r->net);
  for (size_t i = 0; i < r->n; i++)
    if (!ex_net_add(r, (uint32_t)i))
      return false;
  for (int i = 0; i < 2; i++) {
    hc_memo_free(r->memo[i]);
    r->memo[i] = hc_memo_new();
  }
  r->compiled = true;
  return true;
}
