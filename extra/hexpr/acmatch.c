/* extra/hexpr/acmatch.c: search for matches modulo the laws of operators. SPDX-License-Identifier: MIT */
/* Below a commutative operator the distinct operands of the subject have counts of
 * how many are left; parts of the pattern take from them one after the other,
 * those with the fewest possibilities first. A frame of counts is the number D of
 * distinct operands and then, for each, the place of its first occurrence, what is
 * left, and how many the variable takes whose share is being chosen. Choosing among
 * distinct operands tells each solution once. */
#include "hexpr/acmatch.h"

#include "hexpr/scope.h"

#include <stdlib.h>
#include <string.h>

enum goal_kind { GOA_SAME, GOA_COMM, GOA_PART, GOA_SEQ };

/* ---- Arrays ---- */

static bool fail(struct ex_search *s, ex_errcode code) {
  ex_node_fail(code);
  s->failed = true;
  return false;
}

/* Room for one more thing of SIZE bytes at least N. */
static bool room(struct ex_search *s, void *array, size_t *have, size_t n,
                 size_t size) {
  size_t want = *have;
  void *bigger;
  if (n < *have)
    return true;
  while (want <= n)
    want = want == 0 ? 32 : 2 * want;
  if (want >= SEA_NONE)
    return fail(s, EX_ELIMIT);
  bigger = realloc(*(void **)array, want * size);
  if (bigger == NULL)
    return fail(s, EX_ENOMEM);
  *(void **)array = bigger;
  *have = want;
  return true;
}

static uint32_t push_goal(struct ex_search *s, struct sea_goal g) {
  if (!room(s, &s->goal, &s->goal_room, s->goals, sizeof g))
    return SEA_NONE;
  s->goal[s->goals] = g;
  return (uint32_t)s->goals++;
}

/* G will be tried again from ALTERNATIVE on, after all that follows. */
static bool push_choice(struct ex_search *s, uint32_t g, uint32_t alternative) {
  if (!room(s, &s->choice, &s->choice_room, s->choices, sizeof *s->choice))
    return false;
  s->choice[s->choices++] =
      (struct sea_choice){g, alternative, s->trails, s->goals, s->words};
  return true;
}

static bool push_undo(struct ex_search *s, struct sea_undo u) {
  if (!room(s, &s->trail, &s->trail_room, s->trails, sizeof u))
    return false;
  s->trail[s->trails++] = u;
  return true;
}

static bool set_word(struct ex_search *s, size_t at, uint32_t to) {
  if (s->word[at] == to)
    return true;
  if (!push_undo(s, (struct sea_undo){(uint32_t)at, s->word[at], true}))
    return false;
  s->word[at] = to;
  return true;
}

/* ---- Variables ---- */

static bool bind(struct ex_search *s, uint32_t var, ex value, uint32_t depth) {
  if (value == NULL) {
    s->failed = true;
    return false;
  }
  if (depth > 0 && !ex_is_closed(value))
    return false;
  if (s->value[var] != NULL)
    return s->value[var] == value;
  if (!ex_variable_takes(s->pattern->flags[var], value) ||
      !push_undo(s, (struct sea_undo){var, 0, false}))
    return false;
  s->value[var] = value;
  return true;
}

static bool is_rest(const struct ex_search *s, uint32_t var) {
  return (s->pattern->flags[var] & EX_VAR_REST) != 0;
}

/* Whether a free variable may take several operands of OF. */
static bool takes_many(const struct ex_search *s, const struct ex_pat *of,
                       uint32_t var) {
  if (is_rest(s, var))
    return true;
  return s->pattern->flags[var] == 0 && kind_of(of->node) == EX_TERM &&
         (ex_op_flags(ex_op_of(of->node)) & EX_ASSOC) != 0;
}

/* Whether the value E of VAR stands for its operands under OF, not for itself. */
static bool stands_for_many(const struct ex_search *s, const struct ex_pat *of,
                            uint32_t var, ex e) {
  return is_rest(s, var) ||
         (takes_many(s, of, var) && ex_same_function(of->node, e));
}

/* The value of VAR under OF from these operands. */
static ex gathered(const struct ex_search *s, const struct ex_pat *of,
                   uint32_t var, const ex *args, size_t n) {
  if (is_rest(s, var))
    return ex_node_term(ex_rest_op(), args, n);
  return n == 1 ? args[0] : ex_node_term(ex_op_of(of->node), args, n);
}

/* ---- Any form ---- */

static struct sea_goal goal_of(uint32_t kind, const struct sea_goal *like) {
  struct sea_goal g = *like;
  g.kind = kind;
  return g;
}

/* G, then NEXT. */
static bool follow(struct ex_search *s, struct sea_goal g, uint32_t *next) {
  *next = push_goal(s, g);
  return *next != SEA_NONE;
}

static bool same_operands(struct ex_search *s, const struct ex_pat *p,
                          const struct sea_goal *g, uint32_t *next) {
  if (!ex_same_function(p->node, g->subject) || p->n != argc_of(g->subject))
    return false;
  for (uint32_t k = p->n; k-- > 0;) {
    struct sea_goal sub = {.kind = GOA_SAME, .next = *next};
    sub.place = s->pattern->arg[p->first + k];
    sub.depth = g->depth + ex_scope_is_inside(p->node, k);
    sub.subject = arg_of(g->subject, k);
    if (!follow(s, sub, next))
      return false;
  }
  return true;
}

/* The counts of the operands of E. */
static bool push_frame(struct ex_search *s, ex e, uint32_t *out) {
  size_t n = argc_of(e);
  size_t start = s->words;
  size_t top = start + 1;
  if (!room(s, &s->word, &s->word_room, start + 1 + 3 * n, sizeof *s->word))
    return false;
  for (size_t k = 0; k < n; k++) {
    if (k > 0 && arg_of(e, k) == arg_of(e, k - 1)) {
      s->word[top - 2]++;
      continue;
    }
    s->word[top++] = (uint32_t)k;
    s->word[top++] = 1;
    s->word[top++] = 0;
  }
  s->word[start] = (uint32_t)((top - start - 1) / 3);
  s->words = top;
  *out = (uint32_t)start;
  return true;
}

static bool step_same(struct ex_search *s, const struct sea_goal *g,
                      uint32_t *next) {
  const struct ex_pat *p = &s->pattern->at[g->place];
  struct sea_goal sub = *g;
  switch (p->form) {
  case PAT_GROUND:
    return p->node == g->subject;
  case PAT_VAR:
    return bind(s, p->var, g->subject, g->depth);
  case PAT_NODE:
    return same_operands(s, p, g, next);
  case PAT_COMM:
    sub = goal_of(GOA_COMM, g);
    return ex_same_function(p->node, g->subject) &&
           push_frame(s, g->subject, &sub.frame) && follow(s, sub, next);
  default:
    sub = goal_of(GOA_SEQ, g);
    return ex_same_function(p->node, g->subject) && follow(s, sub, next);
  }
}

/* ---- Commutative operators ---- */

static uint32_t distinct(const struct ex_search *s, const struct sea_goal *g) {
  return s->word[g->frame];
}

static ex operand(const struct ex_search *s, const struct sea_goal *g,
                  uint32_t k) {
  return arg_of(g->subject, s->word[g->frame + 1 + 3 * k]);
}

static size_t left_at(const struct sea_goal *g, uint32_t k) {
  return g->frame + 2 + 3 * (size_t)k;
}

static bool is_idempotent(const struct ex_search *s, ex e) {
  return s->idempotent && (ex_op_flags(ex_op_of(e)) & EX_IDEM) != 0;
}

/* Takes M of the K-th distinct operand; idempotent: any number. */
static bool take(struct ex_search *s, const struct sea_goal *g, uint32_t k,
                 uint32_t m) {
  size_t at = left_at(g, k);
  if (is_idempotent(s, g->subject))
    return set_word(s, at, 0);
  return s->word[at] >= m && set_word(s, at, s->word[at] - m);
}

/* The first distinct operand from K on of which M may be taken. */
static uint32_t available(const struct ex_search *s, const struct sea_goal *g,
                          uint32_t k, uint32_t m) {
  bool any = is_idempotent(s, g->subject);
  while (k < distinct(s, g) && !any && s->word[left_at(g, k)] < m)
    k++;
  return k;
}

static bool take_operand(struct ex_search *s, const struct sea_goal *g, ex e,
                         uint32_t m) {
  for (uint32_t k = 0; k < distinct(s, g); k++)
    if (operand(s, g, k) == e)
      return take(s, g, k, m);
  return false;
}

/* M times all that the value of VAR stands for. */
static bool take_value(struct ex_search *s, const struct sea_goal *g,
                       uint32_t var, uint32_t m) {
  const struct ex_pat *p = &s->pattern->at[g->place];
  ex e = s->value[var];
  if (!stands_for_many(s, p, var, e))
    return take_operand(s, g, e, m);
  for (size_t k = 0; k < argc_of(e); k++)
    if (!take_operand(s, g, arg_of(e, k), m))
      return false;
  return true;
}

/* Binds VAR to the operands that have been chosen for it. */
static bool bind_chosen(struct ex_search *s, const struct sea_goal *g,
                        uint32_t var) {
  const struct ex_pat *p = &s->pattern->at[g->place];
  size_t n = 0;
  ex *args = hc_scanned_alloc((argc_of(g->subject) + 1) * sizeof *args);
  bool ok = false;
  if (args == NULL)
    return fail(s, EX_ENOMEM);
  for (uint32_t k = 0; k < distinct(s, g); k++)
    for (uint32_t c = s->word[left_at(g, k) + 1]; c > 0; c--)
      args[n++] = operand(s, g, k);
  if (n > 0 || is_rest(s, var))
    ok = bind(s, var, gathered(s, p, var, args, n), g->depth);
  hc_scanned_free(args);
  return ok;
}

/* The last variable takes all that is left. */
static bool take_all(struct ex_search *s, const struct sea_goal *g,
                     uint32_t var, uint32_t m) {
  for (uint32_t k = 0; k < distinct(s, g); k++) {
    size_t at = left_at(g, k);
    uint32_t left = s->word[at];
    if (left % m != 0 || !set_word(s, at + 1, left / m) || !set_word(s, at, 0))
      return false;
  }
  return bind_chosen(s, g, var);
}

/* The part of the pattern at PLACE takes one operand, M times. */
static bool choose_one(struct ex_search *s, uint32_t at,
                       const struct sea_goal *g, uint32_t place, uint32_t m,
                       uint32_t alternative, uint32_t *next) {
  uint32_t k = available(s, g, alternative, m);
  struct sea_goal after = *g;
  struct sea_goal sub = {.kind = GOA_SAME, .place = place, .depth = g->depth};
  if (k == distinct(s, g))
    return false;
  if (available(s, g, k + 1, m) < distinct(s, g) && !push_choice(s, at, k + 1))
    return false;
  after.i += m;
  sub.subject = operand(s, g, k);
  if (!take(s, g, k, m) || !follow(s, after, next))
    return false;
  sub.next = *next;
  return follow(s, sub, next);
}

/* How often the I-th operand of P stands there in a row. */
static uint32_t run_of(const struct ex_search *s, const struct ex_pat *p,
                       uint32_t i) {
  const uint32_t *arg = s->pattern->arg + p->first;
  uint32_t m = 1;
  while (i + m < p->n && arg[i + m] == arg[i])
    m++;
  return m;
}

static bool step_variable(struct ex_search *s, uint32_t at,
                          const struct sea_goal *g, uint32_t alternative,
                          uint32_t *next) {
  const struct ex_pat *p = &s->pattern->at[g->place];
  const struct ex_pat *q = ex_pattern_arg(s->pattern, p, g->i);
  uint32_t m = run_of(s, p, g->i);
  struct sea_goal after = *g;
  after.i += m;
  if (s->value[q->var] != NULL)
    return take_value(s, g, q->var, m) && follow(s, after, next);
  if (!takes_many(s, p, q->var))
    return choose_one(s, at, g, s->pattern->arg[p->first + g->i], m,
                      alternative, next);
  if (after.i == p->n && !is_idempotent(s, g->subject))
    return take_all(s, g, q->var, m);
  after = goal_of(GOA_PART, g);
  after.j = 0;
  return follow(s, after, next);
}

static bool nothing_left(const struct ex_search *s, const struct sea_goal *g) {
  for (uint32_t k = 0; k < distinct(s, g); k++)
    if (s->word[left_at(g, k)] > 0)
      return false;
  return true;
}

static bool step_comm(struct ex_search *s, uint32_t at,
                      const struct sea_goal *g, uint32_t alternative,
                      uint32_t *next) {
  const struct ex_pat *p = &s->pattern->at[g->place];
  const struct ex_pat *q;
  struct sea_goal after = *g;
  if (g->i == p->n)
    return nothing_left(s, g);
  q = ex_pattern_arg(s->pattern, p, g->i);
  after.i++;
  if (q->form == PAT_GROUND)
    return take_operand(s, g, q->node, 1) && follow(s, after, next);
  if (q->form == PAT_VAR)
    return step_variable(s, at, g, alternative, next);
  return choose_one(s, at, g, s->pattern->arg[p->first + g->i], 1, alternative,
                    next);
}

/* A variable's share, from operand J on: ALTERNATIVE of that. */
static bool step_part(struct ex_search *s, uint32_t at,
                      const struct sea_goal *g, uint32_t alternative,
                      uint32_t *next) {
  const struct ex_pat *p = &s->pattern->at[g->place];
  const struct ex_pat *q = ex_pattern_arg(s->pattern, p, g->i);
  uint32_t m = run_of(s, p, g->i);
  struct sea_goal after = *g;
  size_t left = left_at(g, g->j);
  uint32_t most;
  if (g->j == distinct(s, g)) {
    after = goal_of(GOA_COMM, g);
    after.i += m;
    return bind_chosen(s, g, q->var) && follow(s, after, next);
  }
  most = is_idempotent(s, g->subject) ? 1 : s->word[left] / m;
  if (alternative < most && !push_choice(s, at, alternative + 1))
    return false;
  after.j++;
  return set_word(s, left + 1, alternative) &&
         (alternative == 0 || take(s, g, g->j, alternative * m)) &&
         follow(s, after, next);
}

/* ---- Operators with an order of operands ---- */

/* How many operands the pattern wants at least after the I-th. */
static uint32_t wanted_after(const struct ex_search *s, const struct ex_pat *p,
                             uint32_t i) {
  uint32_t n = 0;
  while (++i < p->n) {
    const struct ex_pat *q = ex_pattern_arg(s->pattern, p, i);
    n += q->form != PAT_VAR || !is_rest(s, q->var);
  }
  return n;
}

/* The value of a bound variable must lie at J; its length. */
static bool is_there(const struct ex_search *s, const struct ex_pat *p,
                     const struct sea_goal *g, uint32_t var, uint32_t *out_n) {
  ex e = s->value[var];
  size_t left = argc_of(g->subject) - g->j;
  *out_n = 1;
  if (!stands_for_many(s, p, var, e))
    return left > 0 && arg_of(g->subject, g->j) == e;
  if (argc_of(e) > left)
    return false;
  *out_n = (uint32_t)argc_of(e);
  for (uint32_t k = 0; k < *out_n; k++)
    if (arg_of(e, k) != arg_of(g->subject, g->j + k))
      return false;
  return true;
}

static bool bind_slice(struct ex_search *s, const struct ex_pat *p,
                       const struct sea_goal *g, uint32_t var, uint32_t n) {
  ex *args = hc_scanned_alloc((n + 1) * sizeof *args);
  bool ok;
  if (args == NULL)
    return fail(s, EX_ENOMEM);
  for (uint32_t k = 0; k < n; k++)
    args[k] = arg_of(g->subject, g->j + k);
  ok = bind(s, var, gathered(s, p, var, args, n), g->depth);
  hc_scanned_free(args);
  return ok;
}

static bool step_slice(struct ex_search *s, uint32_t at,
                       const struct sea_goal *g, uint32_t alternative,
                       uint32_t *next) {
  const struct ex_pat *p = &s->pattern->at[g->place];
  const struct ex_pat *q = ex_pattern_arg(s->pattern, p, g->i);
  uint32_t left = (uint32_t)argc_of(g->subject) - g->j;
  uint32_t later = wanted_after(s, p, g->i);
  uint32_t n = (is_rest(s, q->var) ? 0 : 1) + alternative;
  struct sea_goal after = *g;
  if (later > left || n > left - later)
    return false;
  if (g->i + 1 == p->n)
    n = left;
  else if (n < left - later && !push_choice(s, at, alternative + 1))
    return false;
  after.i++;
  after.j += n;
  return bind_slice(s, p, g, q->var, n) && follow(s, after, next);
}

static bool step_seq(struct ex_search *s, uint32_t at, const struct sea_goal *g,
                     uint32_t alternative, uint32_t *next) {
  const struct ex_pat *p = &s->pattern->at[g->place];
  const struct ex_pat *q;
  struct sea_goal after = *g;
  struct sea_goal sub = {.kind = GOA_SAME, .depth = g->depth};
  uint32_t n;
  if (g->i == p->n)
    return g->j == argc_of(g->subject);
  q = ex_pattern_arg(s->pattern, p, g->i);
  after.i++;
  if (q->form == PAT_VAR && s->value[q->var] != NULL) {
    bool there = is_there(s, p, g, q->var, &n);
    after.j += n;
    return there && follow(s, after, next);
  }
  if (q->form == PAT_VAR && takes_many(s, p, q->var))
    return step_slice(s, at, g, alternative, next);
  if (g->j == argc_of(g->subject))
    return false;
  after.j++;
  sub.place = s->pattern->arg[p->first + g->i];
  sub.subject = arg_of(g->subject, g->j);
  if (!follow(s, after, next))
    return false;
  sub.next = *next;
  return follow(s, sub, next);
}

/* ---- The machine ---- */

/* Tries goal AT; *NEXT becomes what is to be done after it. */
static bool step(struct ex_search *s, uint32_t at, uint32_t alternative,
                 uint32_t *next) {
  struct sea_goal g = s->goal[at];
  if (s->max_steps != 0 && s->steps >= s->max_steps)
    return fail(s, EX_ELIMIT);
  s->steps++;
  *next = g.next;
  switch ((enum goal_kind)g.kind) {
  case GOA_SAME:
    return step_same(s, &g, next);
  case GOA_COMM:
    return step_comm(s, at, &g, alternative, next);
  case GOA_PART:
    return step_part(s, at, &g, alternative, next);
  default:
    return step_seq(s, at, &g, alternative, next);
  }
}

static void undo(struct ex_search *s, size_t down_to) {
  while (s->trails > down_to) {
    struct sea_undo u = s->trail[--s->trails];
    if (u.is_word)
      s->word[u.at] = u.old;
    else
      s->value[u.at] = NULL;
  }
}

/* Back to the last choice; false when there is none. */
static bool go_back(struct ex_search *s, uint32_t *at, uint32_t *alternative) {
  struct sea_choice c;
  if (s->choices == 0 || s->failed)
    return false;
  c = s->choice[--s->choices];
  undo(s, c.trail);
  s->goals = c.goals;
  s->words = c.words;
  *at = c.goal;
  *alternative = c.alternative;
  return true;
}

void ex_search_start(struct ex_search *s, const struct ex_pattern *pattern,
                     ex *value) {
  s->pattern = pattern;
  s->value = value;
  s->steps = 0;
  s->head = SEA_NONE;
  s->goals = 0;
  s->choices = 0;
  s->trails = 0;
  s->words = 0;
  s->failed = false;
}

void ex_search_add(struct ex_search *s, uint32_t place, ex subject,
                   uint32_t depth) {
  struct sea_goal g = {.kind = GOA_SAME, .next = s->head, .place = place};
  g.subject = subject;
  g.depth = depth;
  s->head = push_goal(s, g);
}

bool ex_search_run(struct ex_search *s, bool (*fn)(void *cd), void *cd) {
  uint32_t at = s->head;
  uint32_t alternative = 0;
  bool found = false;
  while (!s->failed && !found) {
    if (at == SEA_NONE) {
      found = fn(cd);
      if (!found && !go_back(s, &at, &alternative))
        break;
    } else if (step(s, at, alternative, &at))
      alternative = 0;
    else if (!go_back(s, &at, &alternative))
      break;
  }
  if (!found)
    undo(s, 0);
  return found;
}

void ex_search_drop(struct ex_search *s) {
  free(s->goal);
  free(s->choice);
  free(s->trail);
  free(s->word);
}

/* ---- All matches ---- */

struct all {
  ex_match_fn fn;
  void *cd;
  const ex *value;
  size_t n;
  size_t told;
};

static bool tell(void *cd) {
  struct all *a = cd;
  a->told++;
  return a->fn(a->value, a->n, a->cd) != 0;
}

size_t ex_match_each(ex pattern, ex subject, const ex *variables,
                     const unsigned *flags, size_t n, size_t max_steps,
                     ex_match_fn fn, void *cd) {
  struct ex_search s = {.max_steps = max_steps, .idempotent = true};
  struct ex_pattern p;
  struct all a = {.fn = fn, .cd = cd, .n = n};
  unsigned *none = calloc(n + 1, sizeof *none);
  ex *value = hc_scanned_alloc((n + 1) * sizeof *value);
  ex_errno = EX_OK;
  if (none == NULL || value == NULL)
    ex_node_fail(EX_ENOMEM);
  else if (pattern != NULL && subject != NULL &&
           ex_pattern_make(&p, pattern, variables, flags != NULL ? flags : none,
                           n)) {
    a.value = value;
    ex_search_start(&s, &p, value);
    ex_search_add(&s, (uint32_t)p.n - 1, subject, 0);
    ex_search_run(&s, tell, &a);
    ex_search_drop(&s);
    ex_pattern_drop(&p);
  }
  free(none);
  if (value != NULL)
    hc_scanned_free(value);
  hc_keep(pattern);
  hc_keep(subject);
  return a.told;
}
