/* tests/extra/hexpr_binary.c: binary files of expressions. SPDX-License-Identifier: MIT */
#include <hexpr/hexpr.h>

#include "extra/random_ex.h"
#include "extra/text_ex.h"
#include "lib/tap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct file {
  char *data;
  size_t n;
};

static struct file written(const ex *roots, size_t n) {
  struct file f = {NULL, 0};
  FILE *to = open_memstream(&f.data, &f.n);
  tap_require(to != NULL);
  tap_require(ex_write(roots, n, to));
  tap_require(fclose(to) == 0);
  return f;
}

static ex *read_back(const char *data, size_t bytes, const ex_limits *limits,
                     size_t *out_n, ex_error *error) {
  FILE *from = fmemopen((void *)(uintptr_t)data, bytes, "r");
  ex *e;
  tap_require(from != NULL);
  e = ex_read(from, limits, out_n, error);
  fclose(from);
  return e;
}

static void same_again(const ex *roots, size_t n) {
  struct file f = written(roots, n);
  ex_error error;
  size_t back = 0;
  ex *e = read_back(f.data, f.n, NULL, &back, &error);
  if (e == NULL)
    tap_note("byte %zu: expected %s", error.byte, error.expected);
  tap_require(e != NULL && back == n);
  for (size_t i = 0; i < n; i++)
    tap_require(e[i] == roots[i]);
  hc_scanned_free(e);
  free(f.data);
}

static ex_op define(void) {
  ex_opdef("bin-fun", 1, EX_BINDER);
  return ex_opdef("bin-set", EX_NARY, EX_COMM | EX_ASSOC | EX_IDEM);
}

static void every_kind(void) {
  const char *texts[] = {"0",
                         "-1",
                         "9223372036854775807",
                         "-9223372036854775808",
                         "9223372036854775808",
                         "-123456789012345678901234567890123456789",
                         "2/3",
                         "-123456789012345678901234567890/7",
                         "-0.0",
                         "nan",
                         "-inf",
                         "1e-300",
                         "x",
                         "||",
                         "\"\"",
                         "\"a\\x00b\"",
                         "%\"\"",
                         "%\"00ff\"",
                         "%0",
                         "%4294967295",
                         "(sin (- x))",
                         "(atan2 x y)",
                         "(f)",
                         "(f x (f x x) (g x))",
                         "(bin-set b a 1)",
                         "(bin-fun (* %0 x))"};
  enum { N = sizeof texts / sizeof texts[0] };
  ex roots[N];
  define();
  for (size_t i = 0; i < N; i++) {
    roots[i] = sexpr(texts[i]);
    tap_note("%s", texts[i]);
    same_again(&roots[i], 1);
  }
  same_again(roots, N);
  same_again(roots, 0);
}

static void random_ones(void) {
  uint64_t random = tap_seed();
  for (int i = 0; i < (tap_long() ? 50000 : 3000); i++) {
    ex roots[3];
    for (int k = 0; k < 3; k++)
      roots[k] = random_ex(&random, 1 + i % 40, RANDOM_ANY);
    same_again(roots, 3);
  }
}

static void files_follow_each_other(void) {
  ex a = sexpr("(+ x 1)");
  ex b = sexpr("(f y)");
  struct file f = {NULL, 0};
  FILE *stream = open_memstream(&f.data, &f.n);
  ex_error error;
  size_t n;
  tap_require(ex_write(&a, 1, stream) && ex_write(&b, 1, stream));
  fclose(stream);
  stream = fmemopen(f.data, f.n, "r");
  tap_eq_p(ex_read(stream, NULL, &n, &error)[0], a);
  tap_eq_p(ex_read(stream, NULL, &n, &error)[0], b);
  tap_check(ex_read(stream, NULL, &n, &error) == NULL);
  tap_eq_u(ex_errno, EX_EFORMAT);
  fclose(stream);
  free(f.data);
}

/* A change of any byte, and any end before the end, is found. */
static void damage_is_found(void) {
  ex e = sexpr("(* (+ x 1/3) (f \"text\" 2.5 (+ x 1/3)))");
  struct file f = written(&e, 1);
  ex_error error;
  size_t n;
  for (size_t i = 0; i < f.n; i++) {
    tap_require(read_back(f.data, i + 1 < f.n ? i + 1 : i, NULL, &n, &error) ==
                NULL);
    for (int bit = 0; bit < 8; bit++) {
      f.data[i] = (char)(f.data[i] ^ 1 << bit);
      tap_require(read_back(f.data, f.n, NULL, &n, &error) == NULL);
      tap_require(n == 0 && error.byte <= f.n && error.expected[0] != '\0');
      f.data[i] = (char)(f.data[i] ^ 1 << bit);
    }
  }
  tap_check(read_back(f.data, f.n, NULL, &n, &error) != NULL);
  free(f.data);
}

/* Makes the checksum right again, so that what is under it meets the input. */
static void mend(struct file *f) {
  uint64_t sum = UINT64_C(14695981039346656037);
  for (size_t i = 0; i + 8 < f->n; i++)
    sum = (sum ^ (unsigned char)f->data[i]) * UINT64_C(1099511628211);
  for (int i = 0; i < 8; i++)
    f->data[f->n - 8 + (size_t)i] = (char)(sum >> 8 * i);
}

/* Takes out a span, or puts another one of the file in at its place. */
static void move_span(struct file *f, uint64_t r) {
  size_t room = f->n - 16;
  size_t from = 8 + r % room;
  size_t to = 8 + (r >> 16) % room;
  size_t n = 1 + (r >> 32) % 12;
  char *bigger;
  if (from + n > f->n - 8)
    return;
  if (r >> 63 != 0 && room > n) {
    memmove(f->data + from, f->data + from + n, f->n - from - n);
    f->n -= n;
    return;
  }
  bigger = malloc(f->n + n + 1);
  tap_require(bigger != NULL);
  memcpy(bigger, f->data, to);
  memcpy(bigger + to, f->data + from, n);
  memcpy(bigger + to + n, f->data + to, f->n - to);
  free(f->data);
  f->data = bigger;
  f->n += n;
}

static void spoil(struct file *f, uint64_t *random) {
  uint64_t r = tap_rand_r(random);
  if (r >> 61 == 0)
    move_span(f, tap_rand_r(random));
  for (uint64_t i = 0; i <= r % 4; i++) {
    uint64_t s = tap_rand_r(random);
    size_t at = 8 + (s >> 16) % (f->n - 16);
    if (s % 4 == 0)
      f->data[at] = (char)0xff;
    else if (s % 4 == 1)
      f->data[at] = (char)((s >> 8) % 16);
    else
      f->data[at] = (char)(f->data[at] + (s % 4 == 2 ? 1 : -1));
  }
  mend(f);
}

static void any_bytes_are_safe(void) {
  uint64_t random = tap_seed();
  int good = 0;
  ex_op set = define();
  for (int i = 0; i < (tap_long() ? 2000000 : 60000); i++) {
    ex e = random_ex(&random, 1 + i % 20, RANDOM_ANY);
    ex roots[2] = {ex_3(set, e, ex_sym("s"), sexpr("12345678901234567890/7")),
                   ex_str("text", 4)};
    struct file f = written(roots, 2);
    ex_limits limits = {.nodes = 1000};
    ex_error error = {0};
    size_t n;
    ex *back;
    spoil(&f, &random);
    back = read_back(f.data, f.n, &limits, &n, &error);
    good += back != NULL;
    for (size_t k = 0; k < n; k++)
      tap_require(ex_dag_size(back[k]) > 0);
    tap_require(back != NULL || (n == 0 && error.byte <= f.n));
    free(f.data);
  }
  tap_note("%d were read all the same", good);
  tap_ge(good, 100);
}

static void limits_hold(void) {
  ex e = sexpr("(sin (sin (sin x)))");
  struct file f = written(&e, 1);
  ex_limits bytes = {.bytes = f.n};
  ex_limits depth = {.depth = 4};
  ex_limits nodes = {.nodes = 4};
  ex_error error;
  size_t n;
  tap_check(read_back(f.data, f.n, &bytes, &n, &error) != NULL);
  tap_check(read_back(f.data, f.n, &depth, &n, &error) != NULL);
  tap_check(read_back(f.data, f.n, &nodes, &n, &error) != NULL);
  bytes.bytes--;
  depth.depth--;
  nodes.nodes--;
  tap_check(read_back(f.data, f.n, &bytes, &n, &error) == NULL);
  tap_eq_u(ex_errno, EX_ELIMIT);
  tap_check(read_back(f.data, f.n, &depth, &n, &error) == NULL);
  tap_eq_u(ex_errno, EX_EDEPTH);
  tap_eq_s(error.expected, "at most 3 levels");
  tap_check(read_back(f.data, f.n, &nodes, &n, &error) == NULL);
  tap_eq_s(error.expected, "at most 3 nodes");
  free(f.data);
}

static char *place_of(const struct file *f, const char *what, size_t n) {
  for (size_t i = 0; i + n <= f->n; i++)
    if (memcmp(f->data + i, what, n) == 0)
      return f->data + i;
  return NULL;
}

static void operators_must_agree(void) {
  ex_op op = ex_opdef("bin-other", 2, 0);
  ex e = ex_2(op, ex_int(1), ex_int(2));
  struct file f = written(&e, 1);
  char *name = place_of(&f, "bin-other", 9);
  ex_error error;
  size_t n;
  tap_require(name != NULL);
  name[0] = 'B';
  mend(&f);
  tap_check(read_back(f.data, f.n, NULL, &n, &error) == NULL);
  tap_eq_s(error.expected, "an operator that the program defined the same way");
  name[0] = 'b';
  name[9] = 6;
  mend(&f);
  tap_check(read_back(f.data, f.n, NULL, &n, &error) == NULL);
  tap_eq_s(error.expected, "an operator that the program defined the same way");
  name[9] = 4;
  name[10] = EX_COMM;
  mend(&f);
  tap_check(read_back(f.data, f.n, NULL, &n, &error) == NULL);
  name[10] = 0;
  mend(&f);
  tap_check(read_back(f.data, f.n, NULL, &n, &error) != NULL);
  free(f.data);
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* A graph of a million nodes; ten times that deep in the long form. */
static void a_million_nodes(void) {
  enum { N = 1000000 };
  ex e = ex_sym("x");
  ex older = e;
  double start;
  struct file f;
  ex_error error;
  size_t n;
  ex *back;
  for (int i = 0; i < (tap_long() ? 10 * N : N); i++) {
    ex made = ex_binary(EX_ADD, e, older);
    older = e;
    e = made;
  }
  start = now();
  f = written(&e, 1);
  tap_note("written: %zu bytes, %.2f s of CPU", f.n, now() - start);
  start = now();
  back = read_back(f.data, f.n, NULL, &n, &error);
  tap_note("read: %.2f s of CPU", now() - start);
  tap_check(back != NULL && back[0] == e);
  free(f.data);
}

TAP_MAIN(TAP_CASE(every_kind), TAP_CASE(random_ones),
         TAP_CASE(files_follow_each_other), TAP_CASE(damage_is_found),
         TAP_CASE(any_bytes_are_safe), TAP_CASE(limits_hold),
         TAP_CASE(operators_must_agree), TAP_CASE(a_million_nodes))
