/* extra/hexpr/match.c: matching and unification. SPDX-License-Identifier: MIT */
/* Both go over pairs of nodes of one list of distinct nodes (dag.h), each pair
 * once, so that sharing never costs more than the square of the sizes for
 * matching, and next to nothing beyond them for unification. The latter is
 * unification closure: classes of nodes that must become equal are merged with
 * union-find, then read off from the operands up, a cycle meaning that a
 * variable would have to contain itself (Baader and Snyder, Unification Theory,
 * in the Handbook of Automated Reasoning, 2001, section 2.3). */
#include "hexpr/dag.h"
#include "hexpr/pairs.h"

#include <stdlib.h>
#include <string.h>

/* ---- Common ---- */

static bool same_head(ex a, ex b) {
  if (is_leaf(a) || is_leaf(b) || kind_of(a) != kind_of(b) ||
      argc_of(a) != argc_of(b))
    return false;
  if (kind_of(a) == EX_APPLY)
    return ex_function(a) == ex_function(b);
  return ex_op_of(a) == ex_op_of(b);
}

static bool push_operands(struct ex_pairs *p, const struct ex_dag *d, size_t a,
                          size_t b) {
  for (size_t k = argc_of(d->node[a]); k-- > 0;)
    if (!ex_pairs_push(p, (uint32_t)ex_dag_arg(d, a, k),
                       (uint32_t)ex_dag_arg(d, b, k))) {
      ex_node_fail(EX_ENOMEM);
      return false;
    }
  return true;
}

static size_t variable_index(const ex *variables, size_t n, ex e) {
  size_t i = 0;
  while (i < n && variables[i] != e)
    i++;
  return i;
}

/* ---- Matching ---- */

struct matching {
  struct ex_dag dag;
  uint8_t *varies; /* by place: whether a variable is inside */
  const ex *variables;
  ex *out;
  size_t n;
};

static bool find_varying(struct matching *m) {
  const struct ex_dag *d = &m->dag;
  m->varies = calloc(d->n + 1, 1);
  if (m->varies == NULL)
    return false;
  for (size_t i = 0; i < d->n; i++) {
    ex e = d->node[i];
    if (is_leaf(e))
      m->varies[i] = variable_index(m->variables, m->n, e) < m->n;
    else
      for (size_t k = 0; k < argc_of(e); k++)
        m->varies[i] |= m->varies[ex_dag_arg(d, i, k)];
  }
  return true;
}

static bool take(struct matching *m, struct ex_pairs *p, struct ex_pair at) {
  ex pattern = m->dag.node[at.a];
  ex subject = m->dag.node[at.b];
  size_t i;
  if (m->varies[at.a] == 0)
    return pattern == subject;
  if (!is_leaf(pattern))
    return same_head(pattern, subject) && push_operands(p, &m->dag, at.a, at.b);
  i = variable_index(m->variables, m->n, pattern);
  if (m->out[i] == NULL && ex_is_closed(subject))
    m->out[i] = subject;
  return m->out[i] == subject;
}

static bool match_all(struct matching *m, ex pattern, ex subject) {
  struct ex_pairs p = {0};
  struct ex_pair at;
  bool ok = ex_pairs_push(&p, (uint32_t)ex_dag_index(&m->dag, pattern),
                          (uint32_t)ex_dag_index(&m->dag, subject));
  while (ok && ex_pairs_pop(&p, &at))
    ok = take(m, &p, at);
  ex_pairs_drop(&p);
  return ok;
}

static void forget(ex *values, size_t n) {
  for (size_t i = 0; i < n; i++)
    values[i] = NULL;
}

bool ex_match(ex pattern, ex subject, const ex *variables, ex *out_values,
              size_t n) {
  ex roots[2] = {pattern, subject};
  struct matching m = {.variables = variables, .out = out_values, .n = n};
  bool ok;
  forget(out_values, n);
  if (pattern == NULL || subject == NULL || !ex_dag_build(&m.dag, roots, 2))
    return false;
  ok = find_varying(&m) && match_all(&m, pattern, subject);
  free(m.varies);
  if (!ok)
    forget(out_values, n);
  ex_dag_drop(&m.dag);
  return ok;
}

/* ---- Unification ---- */

enum { NO_SCHEMA = UINT32_MAX };

struct unification {
  struct ex_dag dag;
  uint32_t *parent; /* union-find by place */
  uint32_t *size;
  uint32_t *schema; /* of a class: a place that is no variable, or NO_SCHEMA */
  uint8_t *state;   /* of a class when reading off: 0, 1 on the path, 2 done */
  const ex *variables;
  size_t n;
};

static uint32_t find(struct unification *u, size_t i) {
  while (u->parent[i] != i) {
    u->parent[i] = u->parent[u->parent[i]];
    i = u->parent[i];
  }
  return (uint32_t)i;
}

static bool start(struct unification *u) {
  size_t n = u->dag.n;
  u->parent = malloc((n + 1) * sizeof *u->parent);
  u->size = malloc((n + 1) * sizeof *u->size);
  u->schema = malloc((n + 1) * sizeof *u->schema);
  u->state = calloc(n + 1, 1);
  if (u->parent == NULL || u->size == NULL || u->schema == NULL ||
      u->state == NULL) {
    ex_node_fail(EX_ENOMEM);
    return false;
  }
  for (size_t i = 0; i < n; i++) {
    bool varies = variable_index(u->variables, u->n, u->dag.node[i]) < u->n;
    u->parent[i] = (uint32_t)i;
    u->size[i] = 1;
    u->schema[i] = varies ? NO_SCHEMA : (uint32_t)i;
  }
  return true;
}

static void unite(struct unification *u, uint32_t a, uint32_t b) {
  uint32_t schema = u->schema[a] != NO_SCHEMA ? u->schema[a] : u->schema[b];
  if (u->size[a] < u->size[b]) {
    uint32_t kept = a;
    a = b;
    b = kept;
  }
  u->parent[b] = a;
  u->size[a] += u->size[b];
  u->schema[a] = schema;
}

static bool merge(struct unification *u, struct ex_pairs *p,
                  struct ex_pair at) {
  uint32_t a = find(u, at.a);
  uint32_t b = find(u, at.b);
  uint32_t s = u->schema[a];
  uint32_t t = u->schema[b];
  if (a == b)
    return true;
  unite(u, a, b);
  if (s == NO_SCHEMA || t == NO_SCHEMA)
    return true;
  return same_head(u->dag.node[s], u->dag.node[t]) &&
         push_operands(p, &u->dag, s, t);
}

static bool close_classes(struct unification *u, ex a, ex b) {
  struct ex_pairs p = {0};
  struct ex_pair at;
  bool ok = ex_pairs_push(&p, (uint32_t)ex_dag_index(&u->dag, a),
                          (uint32_t)ex_dag_index(&u->dag, b));
  while (ok && ex_pairs_pop(&p, &at))
    ok = merge(u, &p, at);
  ex_pairs_drop(&p);
  return ok;
}

/* ---- Reading off ---- */

struct path {
  struct ex_pair *at; /* a class and its next operand */
  size_t n;
  size_t room;
};

static bool enter(struct unification *u, struct path *path, uint32_t class) {
  if (u->state[class] == 2)
    return true;
  if (u->state[class] == 1)
    return false;
  if (path->n == path->room) {
    size_t room = path->room == 0 ? 64 : 2 * path->room;
    struct ex_pair *bigger = realloc(path->at, room * sizeof *bigger);
    if (bigger == NULL)
      return ex_node_fail(EX_ENOMEM) != NULL;
    path->at = bigger;
    path->room = room;
  }
  u->state[class] = 1;
  path->at[path->n++] = (struct ex_pair){class, 0};
  return true;
}

/* The value of a class whose operands all have theirs. */
static ex class_value(struct unification *u, uint32_t class) {
  uint32_t s = u->schema[class];
  ex e = u->dag.node[s == NO_SCHEMA ? class : s];
  size_t argc = argc_of(e);
  ex few[8];
  ex *args = argc <= 8 ? few : hc_scanned_alloc(argc * sizeof *args);
  if (args == NULL)
    return ex_node_fail(EX_ENOMEM);
  for (size_t k = 0; k < argc; k++)
    args[k] = u->dag.value[find(u, ex_dag_arg(&u->dag, s, k))];
  e = ex_node_rebuild(e, args);
  if (args != few)
    hc_scanned_free(args);
  return e;
}

static bool finish(struct unification *u, struct path *path) {
  uint32_t class = path->at[--path->n].a;
  u->state[class] = 2;
  u->dag.value[class] = class_value(u, class);
  return u->dag.value[class] != NULL;
}

static bool read_off(struct unification *u, struct path *path, size_t from) {
  bool ok = enter(u, path, find(u, from));
  while (ok && path->n > 0) {
    struct ex_pair *top = &path->at[path->n - 1];
    uint32_t s = u->schema[top->a];
    if (s != NO_SCHEMA && top->b < argc_of(u->dag.node[s]))
      ok = enter(u, path, find(u, ex_dag_arg(&u->dag, s, top->b++)));
    else
      ok = finish(u, path);
  }
  return ok;
}

/* The whole is read off, not only the variables: a cycle anywhere is one. */
static bool solve(struct unification *u, ex root, ex *out_values) {
  struct path path = {0};
  const struct ex_dag *d = &u->dag;
  bool ok = read_off(u, &path, ex_dag_index(d, root));
  free(path.at);
  for (size_t i = 0; ok && i < d->n; i++) {
    size_t v = variable_index(u->variables, u->n, d->node[i]);
    ex value = v == u->n ? NULL : d->value[find(u, i)];
    if (value == NULL || value == d->node[i])
      continue;
    ok = ex_is_closed(value);
    out_values[v] = value;
  }
  return ok;
}

bool ex_unify(ex a, ex b, const ex *variables, ex *out_values, size_t n) {
  ex roots[2] = {a, b};
  struct unification u = {.variables = variables, .n = n};
  bool ok;
  forget(out_values, n);
  if (a == NULL || b == NULL || !ex_dag_build(&u.dag, roots, 2) ||
      !ex_dag_make_values(&u.dag))
    return false;
  ok = start(&u) && close_classes(&u, a, b) && solve(&u, a, out_values);
  free(u.parent);
  free(u.size);
  free(u.schema);
  free(u.state);
  if (!ok)
    forget(out_values, n);
  ex_dag_drop(&u.dag);
  return ok;
}
