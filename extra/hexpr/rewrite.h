/* extra/hexpr/rewrite.h: rule sets, normal forms, matching modulo laws. SPDX-License-Identifier: MIT */
/* A rule is a pattern and what its instances become. Rules of a set are compiled
 * into a discrimination tree: one walk over the pattern positions of a subject
 * finds all rules whose shape fits, however many rules there are (McCune,
 * Experiments with discrimination-tree indexing, 1992). The first rule in the
 * order of addition that matches is taken.
 *
 * Laws. Below an operator with EX_COMM operands match in any order, and with
 * EX_ASSOC a variable takes one or more operands, standing for the operator on
 * them. A pattern f(...) matches subjects with the head f only: f(a), which is
 * a, does not count. Rules take each operand once; ex_match_each may take those
 * of an operator with EX_COMM and EX_IDEM several times. A rule whose left side
 * has an associative operator as its head and no rest variable under it applies
 * to parts of longer operand lists, too.
 *
 * Bound variables: a value that a pattern takes from under its own binders must
 * be closed; other values may have loose ones, which are shifted where the right
 * side has them under binders.
 *
 * Errors as in hexpr.h. Nothing recurses on the C stack. */
#ifndef HEXPR_REWRITE_H
#define HEXPR_REWRITE_H

#include <hexpr/hexpr.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a variable takes. Those with EX_VAR_INT, NUMBER, SYMBOL or ONE take a
 * single operand of an associative operator. */
enum {
  EX_VAR_REST = 1, /* none or more operands of an n-ary operator or function */
  EX_VAR_ONE = 2,  /* a single operand */
  EX_VAR_INT = 4,  /* integers of any size */
  EX_VAR_NUMBER = 8, /* integers, fractions, doubles */
  EX_VAR_SYMBOL = 16 /* symbols */
};

/* The operator that values of rest variables have, `rest_of`: its operands are
 * what the variable took. EX_NONE when the program has another of that name, and
 * then there are no rest variables. */
HC_API ex_op ex_rest_op(void);

/* ---- All matches ---- */

/* Told of values for N variables; not 0: no more are wanted. The array is the
 * matcher's. It may make expressions, and match. */
typedef int (*ex_match_fn)(const ex *values, size_t n, void *cd);

/* Tells FN of all values with which PATTERN becomes SUBJECT up to the laws; a
 * variable that the pattern does not have gets NULL. Each solution is told once,
 * except below idempotent operators. FLAGS may be NULL for no flags. MAX_STEPS
 * bounds the search, 0 for no bound; over it, and without memory, the search ends
 * with ex_errno. Returns how many solutions were told; sets ex_errno to EX_OK
 * at first. A rest variable stands only among the operands of an n-ary operator
 * that is no binder or of a function (EX_ETYPE). Any thread; may collect. The
 * time may be exponential in the number of operands. */
HC_API size_t ex_match_each(ex pattern, ex subject, const ex *variables,
                            const unsigned *flags, size_t n, size_t max_steps,
                            ex_match_fn fn, void *cd);

/* ---- Rules ---- */

typedef struct ex_rules ex_rules;

/* The values of a match, for callbacks: that of a variable of the left side, or
 * NULL. */
typedef struct ex_env ex_env;
HC_API ex ex_env_get(const ex_env *env, ex variable);

/* A condition, and a right side made by code; NULL: the rule does not apply. Pure
 * functions of the values, for results are remembered; they may make expressions
 * and normalise others. Called for any rule that matches, also for one that an
 * earlier rule then beats. */
typedef bool (*ex_rule_test)(const ex_env *env, void *cd);
typedef ex (*ex_rule_make)(const ex_env *env, void *cd);

/* A set without rules; NULL without memory. One thread builds it; once compiled,
 * any number of threads may normalise with it. It keeps its expressions alive. */
HC_API ex_rules *ex_rules_new(void);

/* Nobody may be using it. NULL is allowed. */
HC_API void ex_rules_free(ex_rules *rules);

/* SYMBOL is a variable in the rules that follow; again: with other flags. */
HC_API bool ex_rules_variable(ex_rules *rules, ex symbol, unsigned flags);

/* Adds a rule. TEST may be NULL; CD is kept alive. Fails with EX_ETYPE when the
 * left side is a variable, when the right side has others than it, or when a rest
 * variable stands where it must not; with EX_ELIMIT when a side has more than
 * EX_MAX_PATTERN nodes, parts without variables counting as one. */
HC_API bool ex_rule_add(ex_rules *rules, ex lhs, ex rhs, ex_rule_test test,
                        void *cd);
HC_API bool ex_rule_add_fn(ex_rules *rules, ex lhs, ex_rule_make make,
                           void *cd);

enum { EX_MAX_PATTERN = 65535 };

typedef enum ex_rules_syntax { EX_RULES_INFIX, EX_RULES_SEXPR } ex_rules_syntax;

/* Adds declarations and rules from text. Infix, one a line:
 *     # comment
 *     var x y        (or: one, rest, int, number, symbol)
 *     x + 0 -> x
 * S-expressions, one for the whole text:
 *     (rules (var x y) (rule (+ x 0) x))
 * False on an error, which OUT_ERROR tells; rules before it have been added. */
HC_API bool ex_rules_read(ex_rules *rules, const char *text, size_t bytes,
                          ex_rules_syntax syntax, ex_error *out_error);

HC_API size_t ex_rules_count(const ex_rules *rules);

/* Makes the set ready; after more rules have been added, again, which also
 * forgets remembered results. */
HC_API bool ex_rules_compile(ex_rules *rules);

/* ---- Normal forms ---- */

typedef enum ex_strategy {
  EX_INNERMOST, /* operands first, from the left */
  EX_OUTERMOST  /* the leftmost of the outermost places where a rule applies */
} ex_strategy;

/* 0 for none. */
typedef struct ex_norm_limits {
  size_t steps; /* rules applied */
  size_t nodes; /* expressions built */
  size_t depth; /* things to do at once, a bound for memory */
  bool no_memo; /* results are not remembered, not even during the call */
} ex_norm_limits;

typedef enum ex_norm_end {
  EX_NORM_DONE,
  EX_NORM_STEPS,
  EX_NORM_NODES,
  EX_NORM_DEPTH,
  EX_NORM_FAILED /* NULL was returned, see ex_errno */
} ex_norm_end;

typedef struct ex_norm_status {
  ex_norm_end end;
  size_t steps;
  size_t nodes;
} ex_norm_status;

/* E rewritten until no rule applies anywhere. Over a limit the result is what
 * was reached, equal to E under the rules but not normal, and STATUS tells which
 * limit. LIMITS and STATUS may be NULL. Results are remembered weakly from call to
 * call (hc_memo), for each strategy; so a part that occurs again is not rewritten
 * again, also under EX_OUTERMOST. EX_ETYPE when the set is not compiled. Any
 * thread; may collect, and call back the functions of rules. */
HC_API ex ex_norm(const ex_rules *rules, ex e, ex_strategy strategy,
                  const ex_norm_limits *limits, ex_norm_status *out_status);

/* ---- Rules of algebra ---- */

/* Two sets that the library has. They are compiled when they are first asked for
 * and stay for the life of the process. The simplifier's defines the operators
 * `plus_of` and `times_of`, of any number of operands, that it turns sums and
 * products into. NULL and EX_ETYPE when the program has others of these names, or
 * without memory at the first call. */
typedef enum ex_ruleset { EX_SET_DERIVATIVE, EX_SET_SIMPLIFIER } ex_ruleset;
HC_API const ex_rules *ex_ruleset_get(ex_ruleset which);

/* Their rules as infix text, to begin a set of one's own with; without those made by
 * code, which fold numbers and collect like terms and factors. */
HC_API const char *ex_ruleset_text(ex_ruleset which);

/* What ex_derive and ex_simplify compute, by these rules: the same values, in other
 * forms sometimes, at several times the cost; results are remembered from call to
 * call. Numbers in E may be folded by the derivative, too. A function named D is
 * taken for a derivative. */
HC_API ex ex_derive_by_rules(ex e, ex variable);
HC_API ex ex_simplify_by_rules(ex e);

#ifdef __cplusplus
}
#endif

#endif
