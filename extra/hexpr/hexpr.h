/* extra/hexpr/hexpr.h: hash-consed symbolic expressions. SPDX-License-Identifier: MIT */
/* An expression is an immutable node in one weak table: two expressions are the
 * same if and only if their pointers are equal, and unused ones are collected.
 * Nothing recurses on the C stack, and walks visit each distinct node once, so
 * deep and heavily shared expressions are cheap.
 *
 * Functions that return an expression return NULL when they fail and say why in
 * ex_errno; NULL arguments give NULL, or false, and leave it alone, so that one test
 * at the end of a chain is enough. All functions are safe with several threads
 * that the collector knows. Whatever returns an expression, and every walk, may
 * allocate and so collect; only functions that take a function call back into
 * the program, and the arguments are kept alive during the call. What is called
 * malloc'ed is the caller's to free.
 *
 * Numbers: integers and fractions are exact and of any size, and one value is
 * one node; doubles are told apart by their bits, except that all NaN are one;
 * 0.0 and -0.0 are two. A node has at most EX_MAX_WORDS words, which bounds
 * digits, bytes and operands. */
#ifndef HEXPR_HEXPR_H
#define HEXPR_HEXPR_H

#include <hcons/hcons.h>

#include <gmp.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HEXPR_VERSION "0.1.0"

/* The tag differs from the type, for in C++ both are names of types. */
typedef const struct ex_node *ex;

typedef enum ex_kind {
  EX_INT, /* fits 64 bits */
  EX_REAL,
  EX_BIG, /* an integer that does not fit 64 bits */
  EX_RAT, /* a fraction in lowest terms that is no integer */
  EX_SYM,
  EX_STR,
  EX_BLOB,
  EX_BVAR, /* a bound variable, by de Bruijn index */
  EX_UNARY,
  EX_BINARY,
  EX_APPLY, /* of a function without built-in meaning to 0 or more arguments */
  EX_TERM   /* of an operator that the program defined */
} ex_kind;

/* Operators: the ones below, and from EX_OPS on those of ex_opdef. */
typedef uint32_t ex_op;

enum {
  EX_NONE,
  EX_NEG, /* unary from here */
  EX_SQRT,
  EX_EXP,
  EX_LN,
  EX_LOG10,
  EX_SIN,
  EX_COS,
  EX_TAN,
  EX_ASIN,
  EX_ACOS,
  EX_ATAN,
  EX_SINH,
  EX_COSH,
  EX_TANH,
  EX_ASINH,
  EX_ACOSH,
  EX_ATANH,
  EX_ABS,
  EX_SIGN,
  EX_ADD, /* binary from here */
  EX_SUB,
  EX_MUL,
  EX_DIV,
  EX_POW,
  EX_ATAN2,
  EX_OPS
};

/* What a function of this library failed of, last in this thread; success does
 * not reset it. */
typedef enum ex_errcode {
  EX_OK,
  EX_ENOMEM,  /* memory is out */
  EX_EARITY,  /* wrong number of operands */
  EX_ETYPE,   /* an argument of the wrong kind */
  EX_ELIMIT,  /* larger than a node or a given limit allows */
  EX_EFORMAT, /* input that is no text or file of expressions */
  EX_EDEPTH   /* deeper than a given limit allows */
} ex_errcode;

HC_API ex_errcode *ex_errno_place(void);
#define ex_errno (*ex_errno_place())

enum { EX_MAX_WORDS = HC_MAX_WORDS - 2 };

/* ---- Operators of the program ---- */

enum {
  EX_COMM = 1,    /* operands are sorted by ex_compare */
  EX_ASSOC = 2,   /* operands of the same operator are taken in: f(a, f(b)) is
                    f(a, b), and f(a) is a; needs arity EX_NARY */
  EX_IDEM = 4,    /* equal operands are one: all with EX_COMM, else neighbours;
                    an operand that is left alone stands for the whole */
  EX_BINDER = 8,  /* the last operand lies in the scope of one bound variable;
                    excludes the flags above */
  EX_INFIX = 16,  /* written between its operands, grouped to the left */
  EX_RIGHT = 32,  /* with EX_INFIX: grouped to the right */
  EX_PREFIX = 64, /* written before its one operand */
  EX_POSTFIX = 128, /* written after its one operand */
  EX_NOCHAIN =
      256 /* with EX_INFIX and arity 2: a < b < c is an error, as is any
                      other operator of the same priority beside it */
};

/* Part of the flags of an infix, prefix or postfix operator: how close it binds,
 * 1 to 99. Of the built-in ones sums have 10, products 20, a sign 30 and powers
 * 40. An infix operator of any arity takes all operands of a chain. */
#define EX_PRIORITY(p) ((unsigned)(p) << 16)

enum { EX_NARY = -1 };

/* Defines an operator of ARITY operands, or of any number. The name is copied; it
 * must be a word of S-expressions. Infix text writes operators with EX_INFIX,
 * EX_PREFIX or EX_POSTFIX that way if the name is a name there (but for inf, nan,
 * let and in) or is made of the characters !$&*+-/:<=>?[]\^{}~, of which the
 * longest operator is taken; all others as calls.
 * The same definition again gives the same operator; a definition that
 * contradicts an earlier one or its own flags, or a name that is built in,
 * gives EX_NONE with ex_errno EX_ETYPE. Operators stay for the life of the
 * process. Does not collect. */
HC_API ex_op ex_opdef(const char *name, int arity, unsigned flags);

/* The operator that NAME means for ARGC operands, or EX_NONE. */
HC_API ex_op ex_op_find(const char *name, size_t argc);
HC_API int ex_op_arity(ex_op op); /* EX_NARY for any number */
HC_API unsigned ex_op_flags(ex_op op);

/* OP on operands, built in or not, in the canonical form that the flags ask
 * for. EX_EARITY when N does not fit; EX_ELIMIT when operands are too many. */
HC_API ex ex_n(ex_op op, const ex *args, size_t n);
HC_API ex ex_0(ex_op op);
HC_API ex ex_1(ex_op op, ex a);
HC_API ex ex_2(ex_op op, ex a, ex b);
HC_API ex ex_3(ex_op op, ex a, ex b, ex c);

/* ---- Making and looking at ---- */

HC_API ex ex_int(int64_t value);
HC_API ex ex_real(double value);
HC_API ex ex_sym(const char *name);
HC_API ex ex_sym_n(const char *name, size_t bytes);

/* A symbol that occurs in no expression yet and that this function never gives
 * again: HINT, a quote and a number. Texts that are read later may contain the
 * name all the same, so programs do well not to let them choose such names. */
HC_API ex ex_fresh(const char *hint);
/* As ex_1 and ex_2, for built-in operators at less cost. */
HC_API ex ex_unary(ex_op op, ex a);
HC_API ex ex_binary(ex_op op, ex a, ex b);
HC_API ex ex_apply(ex function_name, const ex *args, size_t argc);

/* Exact numbers. ex_mpz gives an EX_INT where the value fits, ex_mpq what
 * ex_mpz gives for a whole number; VALUE need not be in lowest terms, and its
 * denominator may be below 0, but not 0 (EX_ETYPE). */
HC_API ex ex_mpz(mpz_srcptr value);
HC_API ex ex_mpq(mpq_srcptr value);

/* Bytes, zero ones included; both are padded by a zero byte. */
HC_API ex ex_str(const char *text, size_t bytes);
HC_API ex ex_blob(const void *data, size_t bytes);

/* The variable of the INDEX-th binder outwards, 0 for the next one. */
HC_API ex ex_bvar(uint32_t index);

/* Taking apart. What an expression of this kind does not have is 0 or NULL, with
 * ex_errno EX_ETYPE, and EX_EARITY for an operand beyond the last one. E is not
 * NULL here, and in ex_compare. */
HC_API ex_kind ex_kind_of(ex e);
HC_API ex_op ex_op_of(ex e); /* EX_NONE for leaves and EX_APPLY */
HC_API size_t ex_argc(ex e);
HC_API ex ex_arg(ex e, size_t i);
HC_API int64_t ex_int_value(ex e);
HC_API double ex_real_value(ex e);
HC_API const char *ex_name(ex e); /* of a symbol, an operator, a function */
HC_API ex ex_function(ex e);      /* the name symbol of an EX_APPLY */
HC_API const char *ex_op_name(ex_op op);

/* The value of an EX_INT, EX_BIG or EX_RAT, false for other kinds. OUT is
 * initialised by the caller. */
HC_API bool ex_get_mpz(ex e, mpz_ptr out); /* false for EX_RAT too */
HC_API bool ex_get_mpq(ex e, mpq_ptr out);

/* The bytes of an EX_STR or EX_BLOB, which live as long as E. */
HC_API const char *ex_bytes(ex e, size_t *out_bytes);
HC_API uint32_t ex_bvar_index(ex e);

/* A total order by structure that is the same in every run: numbers, other
 * leaves, compounds; a subexpression comes before what it is part of. */
HC_API int ex_compare(ex a, ex b);

/* The table that all expressions live in, for statistics and checks. */
HC_API hc_table *ex_table(void);

/* ---- Text ---- */

/* FOUND shows the beginning of a token; of the input's bytes none is in it that a terminal
 * obeys: controls, C1 ones too, and bytes that are no UTF-8 are written as \xNN. */
typedef struct ex_error {
  size_t line;   /* from 1 */
  size_t column; /* from 1, in characters of UTF-8 */
  size_t byte;   /* from 0 */
  char expected[96];
  char found[48];
} ex_error;

/* Bounds for input that is not trusted; 0 for none. Over one of them reading
 * fails with EX_ELIMIT, over that of depth with EX_EDEPTH. */
typedef struct ex_limits {
  size_t bytes; /* of the input */
  size_t
      depth; /* brackets open and, in infix text, operators waiting at once */
  size_t nodes; /* expressions in the input, repeated ones included, and the
                   operands that flattening adds to them */
} ex_limits;

/* Infix: + - * / ^ with the usual precedence, ^ to the right, unary minus below
 * ^ and above *, the operators of the program with theirs, f(x, y), names,
 * integers, decimals (with a full stop in every locale, and rounded to the next
 * double, inf beyond all), fractions as 2//3, inf, nan, |any name|, "strings",
 * %"0aff" for blobs, %0 for bound variables, # comments. `name`(x, y) is a call
 * of the operator of that name, |name|(x, y) of the function. A name that is a
 * prefix operator of the program has to stand between bars to be a symbol.
 * Operators of equal priority group as the right one of two says.
 *   let @1 = a; @2 = b in c
 * names shared parts: labels count up from @1 over the whole text and stand for
 * their expression from there on; `in` ends the definitions, no more, so that
 * what follows it binds as if it stood in their place. On an error returns NULL
 * with ex_errno set and fills OUT_ERROR; without memory its `expected` says so.
 * LIMITS may be NULL. The one with `at` counts lines and columns from the given
 * ones. */
HC_API ex ex_read_infix(const char *text, size_t bytes, const ex_limits *limits,
                        ex_error *out_error);
HC_API ex ex_read_infix_at(const char *text, size_t bytes, size_t line,
                           size_t column, const ex_limits *limits,
                           ex_error *out_error);

/* The same without limits. */
HC_API ex ex_parse(const char *text, size_t bytes, ex_error *out_error);
HC_API ex ex_parse_at(const char *text, size_t bytes, size_t line,
                      size_t column, ex_error *out_error);

/* Prints on one line so that ex_parse gives the same expression again, as a
 * tree. False when the stream fails. */
HC_API bool ex_print(ex e, FILE *to);

/* The same as a malloc'ed string; NULL if it is longer than MAX_BYTES. */
HC_API char *ex_string(ex e, size_t max_bytes);

/* The same with `let` for each compound part that several places refer to and
 * that has at least MIN_SIZE nodes as a tree, at most 2^31 - 1; 0 names all, and
 * then the text is as long as the graph. */
HC_API bool ex_print_shared(ex e, size_t min_size, FILE *to);
HC_API char *ex_shared_string(ex e, size_t min_size, size_t max_bytes);

/* S-expressions: (op a b) and (f a b), where a name that is an operator for no
 * number of operands is a function's; a name between bars always is. Atoms are
 * integers, fractions as 2/3, decimals, inf, nan, names, |any name|, "strings",
 * %"0aff" for blobs, %0 for bound variables; a comment goes from ; to the line's
 * end.  (let ((@1 a) (@2 b)...) body) names shared parts: labels count up
 * from @1 over the whole text and stand for their expression from there on.
 * Fails as ex_parse, with ex_errno set. LIMITS may be NULL. */
HC_API ex ex_read_sexpr(const char *text, size_t bytes, const ex_limits *limits,
                        ex_error *out_error);

/* Where reading goes on; {0, 1, 1} is the beginning. */
typedef struct ex_place {
  size_t byte;
  size_t line;
  size_t column;
} ex_place;

/* The next of several expressions in a text, and moves PLACE on to what follows.
 * NULL with ex_errno EX_OK when there is no more, else as ex_read_sexpr; labels
 * count anew for each. */
HC_API ex ex_next_sexpr(const char *text, size_t bytes, ex_place *place,
                        const ex_limits *limits, ex_error *out_error);

/* Prints so that ex_read_sexpr gives the same expression again, each shared
 * compound part once, so that the text is as long as the graph. */
HC_API bool ex_print_sexpr(ex e, FILE *to);
HC_API char *ex_sexpr_string(ex e, size_t max_bytes);

/* The graph in the language of Graphviz, a node for each distinct
 * subexpression. False when the stream fails or memory is out. */
HC_API bool ex_dot(ex e, FILE *to);

/* ---- Binary files ---- */

/* Writes N expressions with all sharing between them, a few bytes a node, from
 * the stream's position on. False when the stream fails or memory is out. */
HC_API bool ex_write(const ex *roots, size_t n, FILE *to);

/* Reads what one ex_write wrote, and not a byte more: the same expressions, in
 * scanned memory that the caller may free with hc_scanned_free. Safe for any
 * input; LIMITS may be NULL, and counts distinct nodes. Operators must have been
 * defined by the program as they were where the file was written. On failure
 * NULL, with ex_errno, and OUT_ERROR telling byte and expectation, line 0. */
HC_API ex *ex_read(FILE *from, const ex_limits *limits, size_t *out_n,
                   ex_error *out_error);

/* ---- Walks ---- */

/* Over N expressions together: the number of distinct nodes, and the number of
 * nodes when written as trees, exact in decimal, malloc'ed. False and nothing
 * stored without memory; either result pointer may be NULL. */
HC_API bool ex_count(const ex *roots, size_t n, size_t *out_dag,
                     char **out_tree);
HC_API size_t ex_dag_size(ex e); /* 0 without memory */

/* What N expressions together are made of. */
typedef struct ex_measures {
  size_t nodes;              /* distinct */
  size_t kinds[EX_TERM + 1]; /* of these, by kind */
  size_t edges;              /* operands of all distinct nodes */
  size_t shared;             /* compounds that more than one place refers to */
  size_t depth;              /* nodes on the longest way down */
} ex_measures;
HC_API bool ex_measure(const ex *roots, size_t n, ex_measures *out);

/* The second number alone; NULL without memory. */
HC_API char *ex_tree_size(ex e);

/* The same as an integer; OUT is initialised by the caller. */
HC_API bool ex_get_tree_size(ex e, mpz_ptr out);

/* The walks below visit each distinct node once, operands before what they are
 * operands of, and with this flag each occurrence in the written-out tree, which
 * is exponentially many where sharing is heavy. */
enum { EX_TREE = 1 };

/* The result for E, given those of its operands, in order, as an array at ARGS;
 * false ends the walk. Results may refer to collected memory. ARGS and OUT_RESULT
 * are valid during the call. It may use this library, and start other walks. */
typedef bool (*ex_fold_fn)(ex e, const void *args, void *out_result, void *cd);

/* Computes a result of RESULT_BYTES for E from the leaves up; OUT_RESULT becomes
 * it, CD is passed on. False, and nothing stored, when FN answered so or memory is
 * out (ex_errno). Calls FN in this thread; time and room are those of the nodes
 * visited, with EX_TREE the room is that of the longest path. */
HC_API bool ex_fold(ex e, size_t result_bytes, ex_fold_fn fn, void *cd,
                    unsigned flags, void *out_result);

/* Not 0: no further call is wanted. */
typedef int (*ex_each_fn)(ex e, void *cd);

/* Calls FN for E and what it is made of. The answer is 0, or what FN returned to
 * end the walk, or -1 without memory. */
HC_API int ex_each(ex e, ex_each_fn fn, void *cd, unsigned flags);

/* What takes the place of E, whose operands have been replaced already: E itself
 * to leave it; NULL, with ex_errno set, ends the walk. Under binders E may have
 * loose bound variables. */
typedef ex (*ex_map_fn)(ex e, void *cd);

/* E rewritten once from the leaves up; what FN returns is not walked again. With
 * a memo, nodes that it has results for are not walked, and new results are noted
 * there as long as their nodes live: for calls with the same pure FN and CD, from
 * any thread. MEMO may be NULL. */
HC_API ex ex_map_bottomup(ex e, ex_map_fn fn, void *cd, hc_memo *memo,
                          unsigned flags);

/* The symbols of E in order of name, but for `pi` and the names of functions; a malloc'ed
 * array, which does not keep them alive, so hold E meanwhile. NULL without memory (ex_errno). */
HC_API ex *ex_variables(ex e, size_t *out_n);

/* The value in doubles for given variables. `pi` needs none; other variables, functions
 * and operators without built-in meaning, strings and the like are NaN, as is all
 * without memory (ex_errno). */
HC_API double ex_eval(ex e, const ex *variables, const double *values,
                      size_t n);

/* E with leaves replaced, all at once; a value of NULL leaves its variable
 * alone. Values with loose bound variables are shifted under binders, so
 * nothing is captured. The arrays lie where the collector looks: on the stack or
 * in scanned memory. EX_ETYPE when a variable is no leaf. */
HC_API ex ex_subst(ex e, ex variable, ex replacement);
HC_API ex ex_subst_all(ex e, const ex *variables, const ex *values, size_t n);

/* ---- Binders ---- */

/* A bound variable is its number of binders outwards, so terms that differ only
 * in the names of bound variables are one node. An index that reaches beyond
 * the binders of an expression is loose in it. */

/* BODY with bound variables in the place of the symbol VARIABLE, to be the last
 * operand of a binder; and OP, a binder of one operand, on that. */
HC_API ex ex_abstract(ex variable, ex body);
HC_API ex ex_bind(ex_op op, ex variable, ex body);

/* The last operand of BINDER with VALUE for its bound variable. */
HC_API ex ex_open(ex binder, ex value);

/* E with BY added to the loose indices; whether there are none. */
HC_API ex ex_shift(ex e, uint32_t by);
HC_API bool ex_is_closed(ex e);

/* ---- Matching ---- */

/* Values for N variables, symbols mostly, with which PATTERN becomes SUBJECT, or
 * A and B become the same expression, the most general ones. A variable that
 * is not needed, or stays free, gets NULL. The structure counts as it is: flags
 * of operators are not taken into account, and no value has loose bound
 * variables. False, and all values NULL, when there are none, or without memory
 * (ex_errno). OUT_VALUES lies on the stack or in scanned memory. A variable may
 * not occur twice in the list. */
HC_API bool ex_match(ex pattern, ex subject, const ex *variables,
                     ex *out_values, size_t n);
HC_API bool ex_unify(ex a, ex b, const ex *variables, ex *out_values, size_t n);

/* The exact derivative by a symbol, unsimplified; a function f without built-in
 * meaning has the formal partial derivatives D1_f, D2_f... EX_ETYPE when VARIABLE is no
 * symbol or occurs under a binder. */
HC_API ex ex_derive(ex e, ex variable);

/* A simpler expression of the same value where that is defined: integers and
 * fractions folded exactly (left alone above 131,072 bits), identities,
 * like terms and factors collected, operands in canonical order. */
HC_API ex ex_simplify(ex e);

#ifdef __cplusplus
}
#endif

#endif
