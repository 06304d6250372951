/* extra/hexpr/find.c: finding the rule that applies. SPDX-License-Identifier: MIT */
/* States wait on a stack; the one for a single node is looked at first. States
 * below which there is no earlier rule than the best so far are left out. */
#include "hexpr/rules.h"

#include <stdlib.h>
#include <string.h>

struct ex_env {
  const struct rule *rule;
  const ex *value;
};

ex ex_env_get(const ex_env *env, ex variable) {
  size_t i = ex_variable_index(env->rule->symbol, env->rule->vars, variable);
  return i < env->rule->vars ? env->value[i] : NULL;
}

bool ex_finder_start(struct finder *f, const struct ex_rules *r) {
  *f = (struct finder){.rules = r};
  f->reg = malloc((r->net.regs + 1) * sizeof *f->reg);
  f->waiting = malloc((r->net.stack + 1) * sizeof *f->waiting);
  f->value = hc_scanned_alloc((r->most_vars + 1) * sizeof *f->value);
  f->best = hc_scanned_alloc((r->most_vars + 1) * sizeof *f->best);
  if (f->reg != NULL && f->waiting != NULL && f->value != NULL &&
      f->best != NULL)
    return true;
  ex_finder_drop(f);
  return ex_node_fail(EX_ENOMEM) != NULL;
}

void ex_finder_drop(struct finder *f) {
  free(f->reg);
  free(f->waiting);
  if (f->value != NULL)
    hc_scanned_free(f->value);
  if (f->best != NULL)
    hc_scanned_free(f->best);
  ex_search_drop(&f->search);
}

/* ---- One rule ---- */

/* The operands that an extended left side left over, around what the function
 * made. */
static ex surround(const struct rule *r, const ex *value, ex middle) {
  size_t n = 1;
  size_t at = 0;
  ex *args;
  ex made = NULL;
  for (size_t v = 0; v < r->vars; v++)
    if ((r->flags[v] & EX_VAR_HIDDEN) != 0)
      n += argc_of(value[v]);
  args = hc_scanned_alloc(n * sizeof *args);
  if (args == NULL)
    return ex_node_fail(EX_ENOMEM);
  for (size_t v = 0; v < r->vars; v++)
    if ((r->flags[v] & EX_VAR_HIDDEN) == EX_VAR_BEFORE)
      for (size_t k = 0; k < argc_of(value[v]); k++)
        args[at++] = arg_of(value[v], k);
  args[at++] = middle;
  for (size_t v = 0; v < r->vars; v++)
    if ((r->flags[v] & EX_VAR_HIDDEN) == EX_VAR_AFTER)
      for (size_t k = 0; k < argc_of(value[v]); k++)
        args[at++] = arg_of(value[v], k);
  made = ex_n(r->extended, args, at);
  hc_scanned_free(args);
  return made;
}

struct attempt {
  struct finder *finder;
  const struct rule *rule;
};

/* Whether the rule takes the values. */
static bool agree(void *cd) {
  struct attempt *a = cd;
  const struct rule *r = a->rule;
  struct ex_env env = {r, a->finder->value};
  if (r->make != NULL) {
    ex made = r->make(&env, r->cd);
    if (made != NULL && r->extended != EX_NONE)
      made = surround(r, a->finder->value, made);
    a->finder->made = made;
    return made != NULL;
  }
  return r->test == NULL || r->test(&env, r->cd);
}

/* The values that the tree found; false when they contradict each other. */
static bool take_registers(struct finder *f, const struct rule *r) {
  for (size_t i = 0; i < r->vars; i++)
    f->value[i] = NULL;
  for (size_t i = 0; i < r->firsts; i++) {
    uint32_t v = r->first[i].var;
    ex e = f->reg[r->first[i].reg];
    if (r->flags[v] != 0 && !ex_variable_takes(r->flags[v], e))
      return false;
    f->value[v] = e;
  }
  for (size_t i = 0; i < r->agains; i++)
    if (f->value[r->again[i].var] != f->reg[r->again[i].reg])
      return false;
  for (size_t i = 0; i < r->closeds; i++)
    if (!ex_is_closed(f->reg[r->closed[i]]))
      return false;
  return true;
}

static bool try_rule(struct finder *f, const struct rule *r) {
  struct attempt a = {f, r};
  if (!take_registers(f, r))
    return false;
  if (r->laters == 0)
    return (r->test == NULL && r->make == NULL) || agree(&a);
  ex_search_start(&f->search, &r->pattern, f->value);
  for (size_t i = r->laters; i-- > 0;)
    ex_search_add(&f->search, r->later[i].place, f->reg[r->later[i].reg],
                  r->later[i].depth);
  if (ex_search_run(&f->search, agree, &a))
    return true;
  f->failed = f->failed || f->search.failed;
  return false;
}

/* ---- The tree ---- */

static void wait_for(struct finder *f, size_t *n, uint32_t state,
                     uint32_t best) {
  if (state != NET_NONE && f->rules->net.state[state].least < best)
    f->waiting[(*n)++] = state;
}

static uint64_t head_label(ex e) {
  return kind_of(e) == EX_APPLY ? (uint64_t)(uintptr_t)ex_function(e)
                                : ex_op_of(e);
}

/* The states after S, the most special one last. */
static void go_on(struct finder *f, const struct state *s, size_t *n,
                  uint32_t best) {
  ex e = f->reg[s->reg];
  wait_for(f, n, s->any, best);
  if (s->edges > s->exact && !is_leaf(e)) {
    uint64_t label = head_label(e);
    uint32_t kind = (uint32_t)kind_of(e) << 16;
    if (s->lawful > 0)
      wait_for(f, n, ex_net_follow(s, label, kind | UINT16_MAX), best);
    if (s->edges > s->exact + s->lawful)
      wait_for(f, n, ex_net_follow(s, label, kind | (uint32_t)argc_of(e)),
               best);
  }
  if (s->exact > 0)
    wait_for(f, n, ex_net_follow(s, (uint64_t)(uintptr_t)e, 0), best);
}

static const struct rule *try_end(struct finder *f, const struct state *s,
                                  uint32_t *best) {
  for (uint32_t k = 0; k < s->rules && s->rule[k] < *best; k++) {
    const struct rule *r = &f->rules->rule[s->rule[k]];
    if (try_rule(f, r)) {
      ex *kept = f->best;
      f->best = f->value;
      f->value = kept;
      *best = s->rule[k];
      return r;
    }
  }
  return NULL;
}

const struct rule *ex_finder_find(struct finder *f, ex e) {
  const struct rule *found = NULL;
  uint32_t best = UINT32_MAX;
  size_t n = 0;
  ex made = NULL;
  if (f->rules->net.n == 0)
    return NULL;
  f->reg[0] = e;
  wait_for(f, &n, 0, best);
  while (n > 0) {
    const struct state *s = &f->rules->net.state[f->waiting[--n]];
    if (s->least >= best)
      continue;
    for (uint32_t k = 0; k < s->loads; k++)
      f->reg[s->base + k] = arg_of(f->reg[s->from], k);
    if (s->rules > 0) {
      const struct rule *r = try_end(f, s, &best);
      made = r != NULL ? f->made : made;
      found = r != NULL ? r : found;
    } else
      go_on(f, s, &n, best);
  }
  f->made = made;
  return found;
}
