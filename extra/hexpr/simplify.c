/* extra/hexpr/simplify.c: the simplifier. SPDX-License-Identifier: MIT */
/* Sums and products are simplified as wholes, not operator by operator: a
 * region is a tree of additive (+ - and the sign) or multiplicative (* / and
 * the sign) nodes, all of which but its head have one user, which is in the
 * region. Every node is in at most one region, so all of them together cost a
 * pass over the nodes plus the sorting, however long the chains. A node used
 * more often is a head of its own; that also keeps a region from growing
 * beyond the graph.
 *
 * A pass downwards finds the regions, a pass upwards computes the heads. */
#include "hexpr/canon.h"
#include "hexpr/dag.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum role {
  ROL_PLAIN,   /* not additive or multiplicative */
  ROL_SUM,     /* head of an additive region */
  ROL_PRODUCT, /* head of a multiplicative region */
  ROL_IN_SUM,
  ROL_IN_PRODUCT
};

struct piece {
  size_t place;
  int sign; /* of a term, or of the exponent of a factor */
};

struct simplifier {
  struct ex_dag dag;
  unsigned char *role;
  struct piece *stack;
  size_t depth;
  size_t room;
  struct ex_terms sum;
  struct ex_product product;
  bool failed;
};

/* ---- Regions ---- */

static bool is_additive(ex e) {
  ex_op op = op_of(e);
  return op == EX_ADD || op == EX_SUB || op == EX_NEG;
}

static bool is_multiplicative(ex e) {
  ex_op op = op_of(e);
  return op == EX_MUL || op == EX_DIV || op == EX_NEG;
}

static enum role head_role(ex e) {
  if (is_additive(e))
    return ROL_SUM;
  return is_multiplicative(e) ? ROL_PRODUCT : ROL_PLAIN;
}

static enum role inner_role(ex e, enum role user) {
  if ((user == ROL_SUM || user == ROL_IN_SUM) && is_additive(e))
    return ROL_IN_SUM;
  if ((user == ROL_PRODUCT || user == ROL_IN_PRODUCT) && is_multiplicative(e))
    return ROL_IN_PRODUCT;
  return head_role(e);
}

/* A node's role is right when the walk reaches it: all its users came before.
 * `users` counts up to 2; the root has the world as a second user. */
static bool find_roles(struct simplifier *s) {
  struct ex_dag *d = &s->dag;
  unsigned char *users = calloc(d->n, 1);
  s->role = calloc(d->n, 1);
  if (users == NULL || s->role == NULL) {
    free(users);
    return false;
  }
  users[d->n - 1] = 2;
  for (size_t i = d->n; i-- > 0;) {
    ex e = d->node[i];
    if (users[i] > 1)
      s->role[i] = (unsigned char)head_role(e);
    for (size_t k = 0; k < argc_of(e); k++) {
      size_t arg = ex_dag_arg(d, i, k);
      if (users[arg] < 2)
        users[arg]++;
      s->role[arg] = (unsigned char)inner_role(arg_of(e, k), s->role[i]);
    }
  }
  free(users);
  return true;
}

static void push(struct simplifier *s, size_t place, int sign) {
  if (s->depth == s->room) {
    size_t room = s->room == 0 ? 64 : 2 * s->room;
    struct piece *bigger = realloc(s->stack, room * sizeof *bigger);
    if (bigger == NULL) {
      s->failed = true;
      return;
    }
    s->stack = bigger;
    s->room = room;
  }
  s->stack[s->depth++] = (struct piece){place, sign};
}

/* The operands of an inner node, with their signs. */
static void push_operands(struct simplifier *s, struct piece p) {
  ex e = s->dag.node[p.place];
  ex_op op = op_of(e);
  bool turns = op == EX_SUB || op == EX_DIV;
  int first = op == EX_NEG ? -p.sign : p.sign;
  if (argc_of(e) == 2)
    push(s, ex_dag_arg(&s->dag, p.place, 1), turns ? -p.sign : p.sign);
  push(s, ex_dag_arg(&s->dag, p.place, 0), first);
}

static ex simplify_sum(struct simplifier *s, size_t head) {
  s->sum.n = 0;
  push_operands(s, (struct piece){head, 1});
  while (s->depth > 0 && !s->failed) {
    struct piece p = s->stack[--s->depth];
    if (s->role[p.place] == ROL_IN_SUM)
      push_operands(s, p);
    else
      ex_sum_add(&s->sum, s->dag.value[p.place], ex_num_int(p.sign));
  }
  return ex_sum_finish(&s->sum);
}

/* A sign is a factor of -1, whatever the sign of the exponent. */
static void push_factors(struct simplifier *s, struct piece p) {
  if (ex_node_is_op(s->dag.node[p.place], EX_NEG)) {
    ex_product_mul(&s->product, ex_int(-1), ex_num_int(1));
    push(s, ex_dag_arg(&s->dag, p.place, 0), p.sign);
  } else
    push_operands(s, p);
}

static ex simplify_product(struct simplifier *s, size_t head) {
  ex_product_start(&s->product);
  push_factors(s, (struct piece){head, 1});
  while (s->depth > 0 && !s->failed) {
    struct piece p = s->stack[--s->depth];
    if (s->role[p.place] == ROL_IN_PRODUCT)
      push_factors(s, p);
    else
      ex_product_mul(&s->product, s->dag.value[p.place], ex_num_int(p.sign));
  }
  return ex_product_finish(&s->product);
}

/* ---- Powers and functions ---- */

static ex simplify_power(struct simplifier *s, ex a, ex b) {
  struct ex_num n;
  if (kind_of(a) == EX_INT && ex_int_value(a) == 1)
    return a;
  if (!ex_num_of(b, &n))
    return ex_binary(EX_POW, a, b);
  if (ex_num_is(n, 0))
    return ex_int(1);
  ex_product_start(&s->product);
  ex_product_mul(&s->product, a, n);
  return ex_product_finish(&s->product);
}

static ex simplify_root(struct simplifier *s, ex a) {
  struct ex_num half = ex_num_half();
  ex_product_start(&s->product);
  ex_product_mul(&s->product, a, half);
  return ex_product_finish(&s->product);
}

/* f(at) = value, for integers. */
static ex known_value(ex_op op, int64_t at) {
  static const struct {
    unsigned char op;
    signed char at;
    signed char value;
  } known[] = {
      {EX_EXP, 0, 1},  {EX_LN, 1, 0},    {EX_LOG10, 1, 0}, {EX_LOG10, 10, 1},
      {EX_SIN, 0, 0},  {EX_COS, 0, 1},   {EX_TAN, 0, 0},   {EX_ASIN, 0, 0},
      {EX_ACOS, 1, 0}, {EX_ATAN, 0, 0},  {EX_SINH, 0, 0},  {EX_COSH, 0, 1},
      {EX_TANH, 0, 0}, {EX_ASINH, 0, 0}, {EX_ACOSH, 1, 0}, {EX_ATANH, 0, 0},
  };
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
    if (known[i].op == op && known[i].at == at)
      return ex_int(known[i].value);
  return NULL;
}

static ex value_at(ex_op op, ex a) {
  struct ex_num n;
  double value;
  if (!ex_num_of(a, &n))
    return NULL;
  if (op == EX_ABS && !ex_num_is_negative(n))
    return a;
  if (op == EX_SIGN && !n.is_real)
    return ex_int(ex_num_is(n, 0) ? 0 : ex_num_is_negative(n) ? -1 : 1);
  if (ex_num_is_int(n))
    return n.big == NULL ? known_value(op, n.p) : NULL;
  if (!n.is_real)
    return NULL;
  value = ex_eval(ex_unary(op, a), NULL, NULL, 0);
  return isfinite(value) ? ex_real(value) : NULL;
}

enum parity { NEITHER, EVEN, ODD };

static enum parity parity_of(ex_op op) {
  switch (op) {
  case EX_COS:
  case EX_COSH:
  case EX_ABS:
    return EVEN;
  case EX_SIN:
  case EX_TAN:
  case EX_ASIN:
  case EX_ATAN:
  case EX_SINH:
  case EX_TANH:
  case EX_ASINH:
  case EX_ATANH:
  case EX_SIGN:
    return ODD;
  default:
    return NEITHER;
  }
}

/* -A when A is a term with a negative number, else NULL. */
static ex without_sign(ex a) {
  struct ex_num n;
  ex rest = ex_product_split(a, &n);
  if (!ex_num_is_negative(n) || !ex_num_neg(n, &n))
    return NULL;
  return rest == NULL ? ex_num_node(n) : ex_product_scale(rest, n);
}

static ex simplify_function(ex_op op, ex a) {
  ex known = value_at(op, a);
  ex positive;
  if (known != NULL)
    return known;
  if ((op == EX_LN && ex_node_is_op(a, EX_EXP)) ||
      (op == EX_EXP && ex_node_is_op(a, EX_LN)))
    return arg_of(a, 0);
  if (parity_of(op) == NEITHER)
    return ex_unary(op, a);
  positive = without_sign(a);
  if (positive == NULL)
    return ex_unary(op, a);
  known = simplify_function(op, positive);
  return parity_of(op) == EVEN ? known : ex_unary(EX_NEG, known);
}

static ex simplify_plain(struct simplifier *s, size_t i) {
  ex e = s->dag.node[i];
  ex a = argc_of(e) > 0 ? ex_dag_value(&s->dag, i, 0) : NULL;
  struct ex_num fraction;
  if (kind_of(e) == EX_RAT && ex_num_of(e, &fraction))
    return ex_num_node(fraction);
  if (ex_node_is_op(e, EX_POW))
    return simplify_power(s, a, ex_dag_value(&s->dag, i, 1));
  if (ex_node_is_op(e, EX_SQRT))
    return simplify_root(s, a);
  if (kind_of(e) == EX_UNARY)
    return simplify_function(op_of(e), a);
  return ex_dag_rebuild(&s->dag, i);
}

/* ---- The pass ---- */

static void simplify_node(struct simplifier *s, size_t i) {
  ex value;
  switch ((enum role)s->role[i]) {
  case ROL_PLAIN:
    value = simplify_plain(s, i);
    break;
  case ROL_SUM:
    value = simplify_sum(s, i);
    break;
  case ROL_PRODUCT:
    value = simplify_product(s, i);
    break;
  default:
    return;
  }
  s->dag.value[i] = value;
  if (value == NULL)
    s->failed = true;
}

ex ex_simplify(ex e) {
  struct simplifier s = {0};
  ex result = NULL;
  if (!ex_dag_build(&s.dag, &e, 1) || !ex_dag_make_values(&s.dag))
    return NULL;
  s.failed = !find_roles(&s);
  for (size_t i = 0; i < s.dag.n && !s.failed; i++)
    simplify_node(&s, i);
  if (!s.failed)
    result = s.dag.value[s.dag.n - 1];
  ex_terms_drop(&s.sum);
  ex_terms_drop(&s.product.factors);
  free(s.stack);
  free(s.role);
  ex_dag_drop(&s.dag);
  return result;
}
