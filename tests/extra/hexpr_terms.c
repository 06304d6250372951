/* tests/extra/hexpr_terms.c: operators of the program, exact numbers, bytes. SPDX-License-Identifier: MIT */
#include <hexpr/hexpr.h>

#include "extra/hcons_kit.h"
#include "extra/random_ex.h"
#include "extra/text_ex.h"
#include "lib/gcutil.h"
#include "lib/tap.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void prints(ex e, const char *want) {
  char *got = e == NULL ? NULL : ex_string(e, 100000);
  tap_eq_s(got == NULL ? "(nothing)" : got, want);
  if (e != NULL)
    tap_eq_p(parse(want), e);
  free(got);
}

/* ---- Exact numbers ---- */

static ex power_of_two(unsigned bits, int add) {
  mpz_t z;
  ex e;
  mpz_init_set_ui(z, 1);
  mpz_mul_2exp(z, z, bits);
  if (add < 0)
    mpz_sub_ui(z, z, (unsigned)-add);
  else
    mpz_add_ui(z, z, (unsigned)add);
  e = ex_mpz(z);
  mpz_clear(z);
  return e;
}

static ex quotient(long p, long q) {
  mpq_t value;
  ex e;
  mpq_init(value);
  mpz_set_si(mpq_numref(value), p);
  mpz_set_si(mpq_denref(value), q);
  e = ex_mpq(value);
  mpq_clear(value);
  return e;
}

static void integers_of_any_size(void) {
  mpz_t z;
  tap_eq_p(power_of_two(62, 0), ex_int((int64_t)1 << 62));
  tap_eq_p(power_of_two(63, -1), ex_int(INT64_MAX));
  tap_eq_u(ex_kind_of(power_of_two(63, 0)), EX_BIG);
  tap_eq_p(power_of_two(200, 0), power_of_two(200, 0));
  tap_check(power_of_two(200, 0) != power_of_two(200, 1));
  prints(power_of_two(63, 0), "9223372036854775808");
  prints(parse("-9223372036854775809"), "-9223372036854775809");
  tap_eq_p(parse("-9223372036854775808"), ex_int(INT64_MIN));
  tap_eq_p(parse("000000000000000000000000000000000007"), ex_int(7));
  mpz_init(z);
  tap_check(ex_get_mpz(parse("-36893488147419103232"), z));
  tap_check(mpz_sgn(z) < 0 && mpz_sizeinbase(z, 2) == 66);
  tap_check(ex_get_mpz(ex_int(0), z) && mpz_sgn(z) == 0);
  tap_check(!ex_get_mpz(ex_real(1), z));
  mpz_clear(z);
  tap_check(power_of_two(64 * EX_MAX_WORDS, 0) == NULL);
  tap_eq_u(ex_errno, EX_ELIMIT);
}

static void fractions_are_reduced(void) {
  mpq_t zero;
  tap_eq_p(quotient(6, 4), quotient(3, 2));
  tap_eq_p(quotient(-6, 3), ex_int(-2));
  tap_eq_p(quotient(6, -4), quotient(-3, 2));
  tap_eq_p(quotient(-6, -3), ex_int(2));
  tap_eq_u(ex_kind_of(quotient(-1, 2)), EX_RAT);
  tap_check(quotient(-1, 2) != quotient(1, 2));
  prints(quotient(-22, 7), "-22//7");
  prints(parse("x^(1//2)"), "x^1//2");
  mpq_init(zero);
  mpz_set_ui(mpq_denref(zero), 0);
  tap_check(ex_mpq(zero) == NULL);
  tap_eq_u(ex_errno, EX_ETYPE);
  mpq_clear(zero);
  tap_check(ex_simplify(parse("1//2 + 1//3")) == parse("5/6"));
  tap_check(fabs(ex_eval(parse("1//3"), NULL, NULL, 0) - 1 / 3.0) < 1e-15);
  tap_check(ex_derive(quotient(1, 2), ex_sym("x")) == ex_int(0));
}

static void exact_numbers_are_ordered_by_value(void) {
  ex rising[] = {parse("-36893488147419103232"),
                 ex_int(INT64_MIN),
                 ex_int(-1),
                 quotient(-1, 2),
                 ex_int(0),
                 quotient(1, 3),
                 quotient(1, 2),
                 ex_int(1),
                 quotient(36893, 7),
                 parse("9223372036854775808"),
                 parse("36893488147419103232//3"),
                 ex_real(-5)};
  size_t n = sizeof rising / sizeof rising[0];
  for (size_t i = 0; i < n; i++)
    for (size_t k = 0; k < n; k++)
      tap_check((ex_compare(rising[i], rising[k]) < 0) == (i < k));
}

/* ---- Bytes and bound variables ---- */

static void nan_has_its_place(void) {
  const double value[] = {-INFINITY, -1.5, 0.0, 1.5, INFINITY};
  ex nan = ex_real(NAN);
  for (size_t i = 0; i < sizeof value / sizeof *value; i++) {
    tap_check(ex_compare(ex_real(value[i]), nan) < 0);
    tap_check(ex_compare(nan, ex_real(value[i])) > 0);
  }
}

static void bytes_of_all_lengths(void) {
  char data[100];
  memset(data, 0, sizeof data);
  for (size_t n = 0; n < sizeof data; n++) {
    ex e = ex_str(data, n);
    size_t back;
    tap_eq_p(ex_str(data, n), e);
    tap_check(ex_str(data, n + 1 < sizeof data ? n + 1 : 0) != e);
    tap_check(ex_blob(data, n) != e);
    tap_check(memcmp(ex_bytes(e, &back), data, n) == 0);
    tap_eq_u(back, n);
    tap_eq_u(ex_bytes(e, &back)[n], 0);
  }
  tap_check(ex_sym_n("a\0b", 3) == NULL);
  tap_eq_u(ex_errno, EX_ETYPE);
}

static void leaves_have_a_notation(void) {
  ex x = ex_sym("x");
  prints(ex_str("a\"b\\\n\001\377", 7), "\"a\\\"b\\\\\\n\\x01\377\"");
  prints(ex_blob("\0\377", 2), "%\"00ff\"");
  prints(ex_blob("", 0), "%\"\"");
  prints(ex_bvar(12), "%12");
  prints(ex_sym("two words"), "|two words|");
  prints(ex_sym("|"), "|\\||");
  prints(ex_sym("inf"), "|inf|");
  prints(ex_sym(""), "||");
  prints(ex_apply(ex_sym("sin"), &x, 1), "|sin|(x)");
  prints(ex_apply(ex_sym("f"), NULL, 0), "f()");
  tap_check(ex_apply(ex_int(1), &x, 1) == NULL);
  tap_eq_u(ex_errno, EX_ETYPE);
}

/* ---- Operators ---- */

static void definitions(void) {
  ex_op op = ex_opdef("def_f", 2, 0);
  tap_check(op >= EX_OPS);
  tap_eq_u(ex_opdef("def_f", 2, 0), op);
  tap_eq_u(ex_opdef("def_f", 3, 0), EX_NONE);
  tap_eq_u(ex_errno, EX_ETYPE);
  tap_eq_u(ex_opdef("sin", 1, 0), EX_NONE);
  tap_eq_u(ex_opdef("", 1, 0), EX_NONE);
  tap_eq_u(ex_opdef("def_g", 2, EX_ASSOC), EX_NONE);
  tap_eq_u(ex_opdef("def_g", EX_NARY, EX_BINDER), EX_NONE);
  tap_eq_u(ex_opdef("def_g", 2, EX_BINDER | EX_COMM), EX_NONE);
  tap_eq_u(ex_opdef("def_g", 2, EX_INFIX), EX_NONE);
  tap_eq_u(ex_opdef("def_g", 1, EX_INFIX | EX_PRIORITY(5)), EX_NONE);
  tap_eq_u(ex_op_find("def_f", 2), op);
  tap_eq_u(ex_op_find("def_f", 1), EX_NONE);
  tap_eq_u(ex_op_find("-", 1), EX_NEG);
  tap_eq_u(ex_op_find("-", 2), EX_SUB);
  tap_eq_u(ex_op_find("none", 2), EX_NONE);
  tap_eq_s(ex_op_name(op), "def_f");
  tap_eq_u((unsigned)ex_op_arity(op), 2);
}

static void many_definitions(void) {
  ex_op op[1000];
  char name[32];
  for (int i = 0; i < 1000; i++) {
    snprintf(name, sizeof name, "many_%d", i);
    op[i] = ex_opdef(name, 1, 0);
  }
  for (int i = 0; i < 1000; i++) {
    snprintf(name, sizeof name, "many_%d", i);
    tap_require(strcmp(ex_op_name(op[i]), name) == 0);
    tap_require(ex_opdef(name, 1, 0) == op[i]);
  }
}

/* Numbers of operators are in nodes in two ways, small ones and large ones. */
static void operators_of_any_number(void) {
  enum { N = 600 };
  ex x = ex_sym("x");
  ex y = ex_sym("y");
  ex args[4] = {x, y, x, y};
  char name[32];
  ex e[N];
  for (int i = 0; i < N; i++) {
    size_t arity = (size_t)i % 5;
    ex_op op;
    snprintf(name, sizeof name, "any_%04d", i);
    op = ex_opdef(name, (int)arity, i % 10 == 7 ? EX_BINDER : 0);
    e[i] = ex_n(op, args, arity);
    tap_require(e[i] != NULL && ex_op_of(e[i]) == op);
    tap_require(ex_kind_of(e[i]) == EX_TERM && ex_argc(e[i]) == arity);
    tap_require(strcmp(ex_name(e[i]), name) == 0);
    for (size_t k = 0; k < arity; k++)
      tap_require(ex_arg(e[i], k) == args[k]);
  }
  for (int i = 0; i + 10 < N; i++) {
    ex again = ex_subst(ex_subst(e[i], x, ex_int(1)), ex_int(1), x);
    tap_require(again == e[i]);
    tap_require(ex_compare(e[i], e[i + 5]) < 0);
    tap_require(ex_compare(e[i + 10], e[i]) > 0);
  }
  tap_eq_p(ex_2(ex_op_of(e[2]), x, y), e[2]);
  tap_eq_p(ex_2(ex_op_of(e[597]), x, y), e[597]);
  tap_eq_p(ex_3(ex_op_of(e[598]), x, y, x), e[598]);
  tap_eq_p(ex_0(ex_op_of(e[595])), e[595]);
  tap_check(e[2] != e[7] && e[592] != e[597]);
  tap_eq_p(ex_open(ex_2(ex_op_of(e[7]), x, ex_bvar(0)), y), y);
  tap_eq_p(ex_open(ex_2(ex_op_of(e[597]), x, ex_bvar(0)), y), y);
  tap_check(ex_is_closed(ex_2(ex_op_of(e[597]), x, ex_bvar(0))));
}

static void arity_is_checked(void) {
  ex x = ex_sym("x");
  ex_op two = ex_opdef("arity_two", 2, 0);
  ex_op any = ex_opdef("arity_any", EX_NARY, 0);
  tap_check(ex_1(two, x) == NULL);
  tap_eq_u(ex_errno, EX_EARITY);
  tap_check(ex_3(EX_ADD, x, x, x) == NULL);
  tap_eq_p(ex_2(EX_ADD, x, x), ex_binary(EX_ADD, x, x));
  tap_eq_p(ex_1(EX_SIN, x), ex_unary(EX_SIN, x));
  tap_check(ex_0(any) != NULL && ex_0(any) != ex_1(any, x));
  tap_check(ex_2(two, x, NULL) == NULL);
  tap_check(ex_1(EX_NONE, x) == NULL);
  tap_eq_u(ex_errno, EX_ETYPE);
  tap_eq_u(ex_kind_of(ex_2(two, x, x)), EX_TERM);
  tap_eq_u(ex_op_of(ex_2(two, x, x)), two);
  tap_eq_u(ex_argc(ex_2(two, x, x)), 2);
  prints(ex_2(two, x, ex_0(any)), "arity_two(x, arity_any())");
}

static void flags_make_canonical(void) {
  ex a = ex_sym("a");
  ex b = ex_sym("b");
  ex c = ex_sym("c");
  ex_op set = ex_opdef("canon_set", EX_NARY, EX_COMM | EX_ASSOC | EX_IDEM);
  ex_op seq = ex_opdef("canon_seq", EX_NARY, EX_ASSOC);
  ex_op bag = ex_opdef("canon_bag", EX_NARY, EX_COMM);
  ex_op max = ex_opdef("canon_max", 2, EX_COMM | EX_IDEM);
  tap_eq_p(ex_2(set, b, ex_2(set, c, a)), ex_3(set, a, b, c));
  tap_eq_p(ex_3(set, a, b, a), ex_2(set, a, b));
  tap_eq_p(ex_2(set, a, a), a);
  tap_eq_p(ex_2(seq, a, ex_2(seq, b, c)), ex_3(seq, a, b, c));
  tap_check(ex_2(seq, a, b) != ex_2(seq, b, a));
  tap_check(ex_3(seq, a, b, a) != ex_2(seq, a, b));
  tap_eq_p(ex_1(seq, a), a);
  tap_eq_p(ex_2(seq, ex_0(seq), a), a);
  tap_eq_p(ex_2(bag, b, a), ex_2(bag, a, b));
  tap_check(ex_3(bag, a, a, b) != ex_2(bag, a, b));
  tap_check(ex_1(bag, a) != a);
  tap_eq_p(ex_2(max, b, a), ex_2(max, a, b));
  tap_eq_p(ex_2(max, a, a), a);
  tap_eq_p(ex_subst(ex_2(max, a, b), b, a), a);
}

/* Any order and grouping of the same operands is one node. */
static void canonical_forms_are_unique(void) {
  enum { N = 40 };
  uint64_t random = tap_seed();
  ex_op set = ex_opdef("unique_set", EX_NARY, EX_COMM | EX_ASSOC);
  ex *e = hc_scanned_alloc(N * sizeof *e);
  ex whole;
  for (int i = 0; i < N; i++)
    e[i] = random_ex(&random, 1 + i % 5, RANDOM_ANY);
  whole = ex_n(set, e, N);
  for (int round = 0; round < 200; round++) {
    size_t n = N;
    for (size_t i = N; i-- > 1;) {
      size_t k = tap_rand_r(&random) % (i + 1);
      ex kept = e[i];
      e[i] = e[k];
      e[k] = kept;
    }
    ex *copy = hc_scanned_alloc(N * sizeof *copy);
    memcpy(copy, e, N * sizeof *copy);
    for (; n > 1; n--) {
      size_t k = tap_rand_r(&random) % (n - 1);
      copy[k] = ex_2(set, copy[k], copy[n - 1]);
    }
    tap_require(copy[0] == whole);
    hc_scanned_free(copy);
  }
  hc_scanned_free(e);
}

static void parts_come_before_the_whole(void) {
  uint64_t random = tap_seed();
  ex_op f = ex_opdef("before_f", EX_NARY, EX_COMM);
  ex e = ex_sym("x");
  for (int i = 0; i < 3000; i++) {
    ex part = e;
    switch (tap_rand_r(&random) % 3) {
    case 0:
      e = ex_unary(EX_EXP, e);
      break;
    case 1:
      e = ex_binary(EX_MUL, e, e);
      break;
    default:
      e = ex_2(f, e, part);
    }
    tap_require(ex_compare(part, e) < 0);
    tap_require(ex_compare(e, part) > 0);
  }
}

/* ---- Order in several runs ---- */

enum { IN_ORDER = 120, CHAIN = 150 };

/* Random expressions under chains of two operators, where hashes decide, and
 * terms that differ in these only. */
static void build_for_order(ex *to, bool backwards) {
  uint64_t random = tap_seed();
  ex_op op[2];
  for (int i = 0; i < (backwards ? 300 : 0); i++) {
    char name[32];
    snprintf(name, sizeof name, "before_%d", i);
    tap_require(ex_opdef(name, 2, 0) != EX_NONE);
    ex_real(i);
  }
  op[backwards] = ex_opdef(backwards ? "order_b" : "order_a", 2, 0);
  op[!backwards] = ex_opdef(backwards ? "order_a" : "order_b", 2, 0);
  for (size_t i = 0; i < IN_ORDER; i++) {
    size_t place = backwards ? IN_ORDER - 1 - i : i;
    uint64_t own = random + place;
    to[place] = random_ex(&own, 1 + (int)place % 9, RANDOM_ANY);
    for (int k = 0; k < (place % 2 == 0 ? CHAIN : 1); k++)
      to[place] = ex_2(op[k % 2], ex_int(k), to[place]);
    if (place + 2 >= IN_ORDER)
      to[place] = ex_2(op[place % 2], ex_int(1), ex_int(2));
  }
}

/* Writes the places in the order of what stands there, in a process of its own. */
static void order_of_run(bool backwards, unsigned char *out) {
  int end[2];
  pid_t child;
  tap_require(pipe(end) == 0);
  child = fork();
  tap_require(child >= 0);
  if (child == 0) {
    ex *e = hc_scanned_alloc(IN_ORDER * sizeof *e);
    unsigned char place[IN_ORDER];
    build_for_order(e, backwards);
    for (size_t i = 0; i < IN_ORDER; i++) {
      size_t k = i;
      for (; k > 0 && ex_compare(e[i], e[place[k - 1]]) < 0; k--)
        place[k] = place[k - 1];
      place[k] = (unsigned char)i;
    }
    _exit(write(end[1], place, sizeof place) != sizeof place);
  }
  close(end[1]);
  tap_eq_u((uint64_t)read(end[0], out, IN_ORDER), IN_ORDER);
  close(end[0]);
  tap_require(waitpid(child, NULL, 0) == child);
}

static void order_is_the_same_in_every_run(void) {
  unsigned char one[IN_ORDER] = {0};
  unsigned char other[IN_ORDER] = {0};
  order_of_run(false, one);
  order_of_run(true, other);
  tap_check(memcmp(one, other, sizeof one) == 0);
}

/* ---- Nodes that die and are found again ---- */

enum { MANY = 1000, ROUNDS = 50 };

static struct hk_gate gate;

struct round {
  hc_class *gate; /* of nodes that hold the dead behind them back */
  intptr_t first; /* number of the first node */
  size_t revived;
  size_t forgetful; /* of these, without a shape */
};

/* Orders nodes, for which they get their shape, and drops them. */
static void make_with_shapes(void *arg) {
  const struct round *r = arg;
  for (intptr_t i = 0; i < MANY; i++) {
    ex e = ex_unary(EX_SIN, ex_int(r->first + i));
    hc_intern1(r->gate, 0, (uintptr_t)e);
    tap_require(ex_compare(e, ex_unary(EX_COS, ex_int(i))) != 0);
    tap_require(*hc_extra(e) != 0);
  }
}

static void find_again(struct round *r, ex *held) {
  for (intptr_t i = 0; i < MANY; i++) {
    ex number = ex_int(r->first + i);
    uint64_t before = hk_stats(ex_table()).revived;
    ex e = held[i] = ex_unary(EX_SIN, number);
    if (hk_stats(ex_table()).revived == before)
      continue;
    r->revived++;
    r->forgetful += *hc_extra(e) == 0;
    tap_require(ex_compare(e, ex_unary(EX_COS, number)) != 0 &&
                *hc_extra(e) != 0);
  }
}

/* The operands of a dead node may have died before it, and others lie at their addresses
 * now, so what was known of them does not count when it is found again. Whether the gate's
 * nodes are told of first is chance, so there are several rounds. */
static void revived_nodes_forget_their_shape(void) {
  ex *held = hc_scanned_alloc(MANY * sizeof *held);
  struct round r = {.first = 1000000};
  if (!hk_is_proper())
    tap_skip("nothing holds the dead back here");
  for (int i = 0; i < ROUNDS && r.revived < MANY / 2; i++) {
    r.gate = hk_class(ex_table(), (hc_class_desc){.leaf = i % 2 == 0,
                                                  .on_reclaim = hk_wait_at_gate,
                                                  .closure = &gate});
    r.first += MANY;
    gu_apart(make_with_shapes, &r);
    atomic_store(&gate.is_shut, true);
    gu_collect();
    find_again(&r, held);
    atomic_store(&gate.is_shut, false);
    hc_drain(1000);
  }
  tap_ge(r.revived, MANY / 2);
  tap_eq_u(r.forgetful, r.revived);
  hc_keep(held);
}

TAP_MAIN(TAP_CASE(integers_of_any_size), TAP_CASE(fractions_are_reduced),
         TAP_CASE(exact_numbers_are_ordered_by_value),
         TAP_CASE(nan_has_its_place), TAP_CASE(bytes_of_all_lengths),
         TAP_CASE(leaves_have_a_notation), TAP_CASE(definitions),
         TAP_CASE(many_definitions), TAP_CASE(operators_of_any_number),
         TAP_CASE(arity_is_checked), TAP_CASE(flags_make_canonical),
         TAP_CASE(canonical_forms_are_unique),
         TAP_CASE(parts_come_before_the_whole),
         TAP_CASE(order_is_the_same_in_every_run),
         TAP_CASE(revived_nodes_forget_their_shape))
