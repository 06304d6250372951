/* extra/hexpr/pattern.h: patterns with variables, made ready for matching. SPDX-License-Identifier: MIT */
/* The distinct nodes of a pattern in the order of dag.h, the whole pattern last.
 * Operands of commutative ones are put into the order in which they are matched:
 * those without variables, compounds, variables, rest variables. Whoever has a
 * pattern keeps its root alive. */
#ifndef HEXPR_PATTERN_H
#define HEXPR_PATTERN_H

#include "hexpr/node.h"
#include "hexpr/rewrite.h"

/* Rest variables that rules of associative operators get, for the operands before
 * and after those of the left side. */
enum {
  EX_VAR_BEFORE = 32,
  EX_VAR_AFTER = 64,
  EX_VAR_HIDDEN = EX_VAR_BEFORE | EX_VAR_AFTER
};

enum ex_form {
  PAT_GROUND, /* no variable inside: matches by == */
  PAT_VAR,
  PAT_NODE, /* operand by operand */
  PAT_COMM, /* operands in any order */
  PAT_SEQ   /* associative, or with rest variables among the operands */
};

struct ex_pat {
  ex node;
  enum ex_form form;
  uint32_t var; /* of PAT_VAR */
  uint32_t first;
  uint32_t n;
  uint32_t height; /* longest way down to a leaf, in edges */
};

struct ex_pattern {
  struct ex_pat *at;
  size_t n;
  uint32_t *arg; /* places */
  const ex *symbol;
  const unsigned *flags; /* of the variables */
  size_t vars;
};

/* False with ex_errno. The arrays of VARIABLES are used, not copied. */
bool ex_pattern_make(struct ex_pattern *p, ex root, const ex *variables,
                     const unsigned *flags, size_t n);
void ex_pattern_drop(struct ex_pattern *p);

static inline const struct ex_pat *
ex_pattern_arg(const struct ex_pattern *p, const struct ex_pat *of, size_t k) {
  return &p->at[p->arg[of->first + k]];
}

/* The index of a variable, or N. */
size_t ex_variable_index(const ex *variables, size_t n, ex e);

/* Whether E has the operator or function of HEAD, which is a compound. */
bool ex_same_function(ex head, ex e);

/* Whether flags allow a variable the value E. */
bool ex_variable_takes(unsigned flags, ex e);

#endif
