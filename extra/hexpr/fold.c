/* extra/hexpr/fold.c: walks that call functions of the program. SPDX-License-Identifier: MIT */
/* A fold that visits distinct nodes is a loop over the list of nodes, with one
 * result for each. One that visits occurrences keeps results on a stack, where
 * those of the operands of a node lie side by side when it is their turn; it
 * needs room for a path and its neighbours only, however long it takes.
 * Rewriting is scope.c's walk without depths. */
#include "hexpr/dag.h"
#include "hexpr/scope.h"

#include <stdlib.h>
#include <string.h>

struct fold {
  ex_fold_fn fn;
  void *cd;
  size_t bytes; /* of a result */
  char *result; /* scanned */
  size_t room;  /* results that fit */
};

/* Has room for N results; the first KEPT ones stay. */
static bool make_room(struct fold *f, size_t n, size_t kept) {
  size_t room = f->room == 0 ? 64 : f->room;
  char *bigger;
  if (n <= f->room)
    return true;
  while (room < n)
    room *= 2;
  bigger = hc_scanned_alloc(room * f->bytes + 1);
  if (bigger == NULL)
    return ex_node_fail(EX_ENOMEM) != NULL;
  if (f->result != NULL) {
    memcpy(bigger, f->result, kept * f->bytes);
    hc_scanned_free(f->result);
  }
  f->result = bigger;
  f->room = room;
  return true;
}

static void drop(struct fold *f) {
  if (f->result != NULL)
    hc_scanned_free(f->result);
}

/* ---- Distinct nodes ---- */

/* ARGS holds the operands' results of one node at a time. */
static bool fold_node(const struct fold *f, struct fold *args,
                      const struct ex_dag *d, size_t i) {
  size_t argc = argc_of(d->node[i]);
  if (!make_room(args, argc, 0))
    return false;
  for (size_t k = 0; k < argc; k++)
    memcpy(args->result + k * f->bytes,
           f->result + ex_dag_arg(d, i, k) * f->bytes, f->bytes);
  return f->fn(d->node[i], args->result, f->result + i * f->bytes, f->cd);
}

static bool fold_distinct(struct fold *f, ex root, void *out_result) {
  struct fold args = {.bytes = f->bytes};
  struct ex_dag d;
  bool ok;
  if (!ex_dag_build(&d, &root, 1))
    return false;
  ok = make_room(f, d.n, 0) && make_room(&args, 8, 0);
  for (size_t i = 0; ok && i < d.n; i++)
    ok = fold_node(f, &args, &d, i);
  if (ok)
    memcpy(out_result, f->result + (d.n - 1) * f->bytes, f->bytes);
  drop(&args);
  ex_dag_drop(&d);
  return ok;
}

/* ---- Occurrences ---- */

struct frame {
  ex node;
  size_t next;
};

struct path {
  struct frame *frame;
  size_t n;
  size_t room;
};

static bool push(struct path *p, ex e) {
  if (p->n == p->room) {
    size_t room = p->room == 0 ? 64 : 2 * p->room;
    struct frame *bigger = realloc(p->frame, room * sizeof *bigger);
    if (bigger == NULL)
      return ex_node_fail(EX_ENOMEM) != NULL;
    p->frame = bigger;
    p->room = room;
  }
  p->frame[p->n++] = (struct frame){e, 0};
  return true;
}

/* Replaces the last results, of the operands of E, by that of E. One place is
 * kept free, so that the result of a leaf has somewhere to be written. */
static bool complete(struct fold *f, size_t *n, ex e) {
  size_t argc = argc_of(e);
  char *args;
  char *fresh;
  if (!make_room(f, *n + 2, *n))
    return false;
  args = f->result + (*n - argc) * f->bytes;
  fresh = f->result + *n * f->bytes;
  if (!f->fn(e, args, fresh, f->cd))
    return false;
  memmove(args, fresh, f->bytes);
  *n += 1 - argc;
  return true;
}

static bool fold_tree(struct fold *f, ex root, void *out_result) {
  struct path p = {0};
  size_t n = 0;
  bool ok = root != NULL && push(&p, root);
  while (ok && p.n > 0) {
    struct frame *top = &p.frame[p.n - 1];
    if (top->next < argc_of(top->node))
      ok = push(&p, arg_of(top->node, top->next++));
    else
      ok = complete(f, &n, p.frame[--p.n].node);
  }
  if (ok)
    memcpy(out_result, f->result, f->bytes);
  free(p.frame);
  hc_keep(root);
  return ok;
}

/* ---- Doors ---- */

bool ex_fold(ex e, size_t result_bytes, ex_fold_fn fn, void *cd, unsigned flags,
             void *out_result) {
  struct fold f = {.fn = fn, .cd = cd, .bytes = result_bytes};
  bool ok =
      e != NULL && ((flags & EX_TREE) != 0 ? fold_tree(&f, e, out_result)
                                           : fold_distinct(&f, e, out_result));
  drop(&f);
  return ok;
}

struct visit {
  ex_each_fn fn;
  void *cd;
  int answer;
};

static bool visit(ex e, const void *args, void *out_result, void *cd) {
  struct visit *v = cd;
  (void)args;
  (void)out_result;
  v->answer = v->fn(e, v->cd);
  return v->answer == 0;
}

int ex_each(ex e, ex_each_fn fn, void *cd, unsigned flags) {
  struct visit v = {fn, cd, 0};
  char nothing;
  if (ex_fold(e, 0, visit, &v, flags, &nothing))
    return 0;
  return v.answer != 0 ? v.answer : -1;
}

struct map {
  ex_map_fn fn;
  void *cd;
};

static ex mapped(void *closure, ex rebuilt) {
  const struct map *m = closure;
  return m->fn(rebuilt, m->cd);
}

ex ex_map_bottomup(ex e, ex_map_fn fn, void *cd, hc_memo *memo,
                   unsigned flags) {
  struct map m = {fn, cd};
  struct ex_scope s = {.node = mapped,
                       .closure = &m,
                       .memo = memo,
                       .every_occurrence = (flags & EX_TREE) != 0,
                       .every_depth = true};
  return ex_scope_rewrite(e, &s);
}
