/* extra/hexpr/rules.h: compiled rules and the discrimination tree. SPDX-License-Identifier: MIT */
/* The tree. A pattern is read in preorder; each state looks at one register, a
 * part of the subject, and goes on over the edge for that very node (a part
 * without variables), for its head and number of operands, for its head alone
 * (below it operands are matched modulo laws, later), or for anything (a
 * variable). Which register a state looks at depends on the way to it only, and
 * registers are never written twice on one way: so going back to an earlier state
 * needs no restoring. */
#ifndef HEXPR_RULES_H
#define HEXPR_RULES_H

#include "hexpr/acmatch.h"

/* ---- Rules ---- */

/* The right side in postorder. */
enum ins_kind {
  INS_GROUND, /* a part without variables */
  INS_VAR,
  INS_MAKE,  /* the head of `node` on the results before */
  INS_SPLICE /* the same, with rest variables among the operands */
};

struct ins {
  enum ins_kind kind;
  uint32_t var;   /* or the number of operands */
  uint32_t depth; /* of a variable: binders of the right side around */
  ex node;
};

struct bound_by {
  uint32_t var;
  uint32_t reg;
};

/* A part that is matched after the tree: modulo laws. */
struct later {
  uint32_t place;
  uint32_t reg;
  uint32_t depth;
};

struct rule {
  ex lhs; /* the set keeps both sides */
  ex rhs;
  ex *symbol; /* its variables */
  unsigned *flags;
  size_t vars;
  struct ex_pattern pattern;
  struct ins *code;
  size_t codes;
  ex_rule_test test;
  ex_rule_make make;
  void *cd;
  ex_op extended; /* operator of a left side that takes part of the operands */
  struct bound_by
      *first; /* registers of variables, where the tree finds them */
  size_t firsts;
  struct bound_by *again; /* further occurrences */
  size_t agains;
  uint32_t *closed; /* registers whose values must be closed */
  size_t closeds;
  struct later *later;
  size_t laters;
};

/* ---- The tree ---- */

struct edge {
  uint64_t a; /* node, operator or function */
  uint32_t b; /* see net.c */
  uint32_t to;
};

enum { NET_NONE = UINT32_MAX };

struct state {
  struct edge *edge; /* sorted */
  uint32_t edges;
  uint32_t room;
  uint32_t any;
  uint32_t reg;    /* looked at */
  uint32_t from;   /* on entry, operands of this register... */
  uint32_t loads;  /* ...so many of them... */
  uint32_t base;   /* ...go into the ones from here */
  uint32_t top;    /* registers in use */
  uint32_t least;  /* least rule below */
  uint32_t exact;  /* edges for single nodes */
  uint32_t lawful; /* edges for heads alone */
  uint32_t *rule;  /* rules that end here */
  uint32_t rules;
};

struct net {
  struct state *state;
  size_t n;
  size_t room;
  uint32_t regs;  /* most in use */
  uint32_t stack; /* most states waiting */
};

struct ex_rules {
  struct ex_rules *next; /* [lock] sets are kept by a list that is a root */
  struct ex_rules *previous;
  ex *kept; /* scanned */
  size_t kepts;
  size_t kept_room;
  void **cd;  /* scanned */
  ex *symbol; /* variables declared; kept */
  unsigned *flags;
  size_t symbols;
  struct rule *rule;
  size_t n;
  size_t room;
  struct net net;
  size_t most_vars;
  uint32_t reach;   /* how far above a change a rule may apply, in edges */
  hc_memo *memo[2]; /* by strategy */
  bool compiled;
  const char *wanted; /* of the last rule refused with EX_ETYPE, for messages */
};

/* Adds rule I to the tree. */
bool ex_net_add(struct ex_rules *r, uint32_t i);
void ex_net_drop(struct net *net);

/* The state over an edge, or NET_NONE. */
uint32_t ex_net_follow(const struct state *s, uint64_t a, uint32_t b);

/* ---- Finding ---- */

/* What one call of ex_norm needs to look for rules. */
struct finder {
  const struct ex_rules *rules;
  ex *reg;
  uint32_t *waiting;
  ex *value;   /* scanned; of the rule being tried */
  ex *best;    /* scanned; of the rule that was found */
  ex made;     /* by its function */
  bool failed; /* memory is out, see ex_errno */
  struct ex_search search;
};

bool ex_finder_start(struct finder *f, const struct ex_rules *r);
void ex_finder_drop(struct finder *f);

/* The first rule that applies to E as a whole, with `best` and `made`; NULL when
 * there is none, or without memory, see `failed`. */
const struct rule *ex_finder_find(struct finder *f, ex e);

#endif
