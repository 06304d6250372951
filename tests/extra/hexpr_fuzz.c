/* tests/extra/hexpr_fuzz.c: the readers on damaged input. SPDX-License-Identifier: MIT */
/* Valid inputs are cut, spliced with each other and changed byte by byte. Each lies in
 * memory of exactly its size, where AddressSanitizer sees a byte too far. What is read
 * prints as a text that reads back; what is refused has an error whose line and column are
 * those of its byte. EX_FUZZ_TIMES in the environment asks for so many times as much. */
#include "hexpr/smt.h"

#include <hexpr/rewrite.h>

#include "lib/tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_BYTES = 600, MOST_TEXT = 1 << 18 };

static const ex_limits limits = {.nodes = 5000, .depth = 500};

static const char *const infix[] = {
    "let @1 = x + 3//4; @2 = sin(@1)^2 in @1*@2 - -5^2 + f(@1, \"a\\x00b\")",
    "`fz_or`(a, not b) fz_or a => b => c # comment\n - (x1' !) ! + atan2(1, y)",
    "|strange name|(%12, %\"00ff\", 1e308, .5, inf, -nan, 1.25e-7) / log(2)",
    "123456789012345678901234567890^(-2)*(x - (y - (z + 1)))/exp(-x) == 1"};

static const char *const sexpr[] = {
    "(let ((@1 (+ x 1/3)) (@2 (* @1 @1))) (f @2 \"te\\\\xt\" -2.5e3 (sin @1)))",
    "(fz_lambda (g %0 %1 |odd \\x20name|)) ; comment\n",
    "(fz_or a b (fz_or c d) 123456789012345678901234567890 -7/21 nan -inf)",
    "(|+| 1 %\"0aff\" (- (- x y)) (^ x (atan2 1 2)))"};

static const char *const smt[] = {
    "(set-logic ALL)(declare-fun a () Int)\n(define-fun d ((x Int) (y Int)) "
    "Int "
    "(+ x (* 2 y) 1.25))\n(assert (let ((u (d a 1)) (v (g a))) (= u v)))",
    "(assert (! (forall ((z Int) (w Int)) (=> (< z w) (exists ((q S)) (= q "
    "(h z))))) :named n :pattern ((g z))))",
    "(push 1)(define-const c (_ BitVec 8) #x0f)(assert (= \"a\"\"b\" |x y| "
    "((_ extract 7 4) c) #b101 (as f S) (- 3)))(check-sat)(pop 1)",
    "(declare-datatypes ((L 0)) (((nil) (cons (hd Int) (tl L)))))\n"
    "(define-fun-rec r ((x Int)) Int (r x)) ; comment\n(assert (r 1))"};

static const char *const rules[] = {
    "var x y # of the rules\nrest xs\nx + 0 -> x\nf(x, xs) -> g(xs, x^2)\n",
    "int n\nnumber c, d\nsymbol s\none u\n\n`fz_or`(u, not u) -> \"yes\"\n"
    "h(n, c, d, s) -> n/2 + 1/c",
    "var a, |b c|\r\n\tdiff(a * |b c|) -> a*diff(|b c|) + |b c|*diff(a)\r\n"
    "a => a -> 1 # a -> b\n",
    "k(12, %\"00ff\", \"->\") -> let @1 = k(.5) in l(@1, @1)\n"
    "fz_lambda(%0) -> -inf\n"};

static const char *const rule_lists[] = {
    "(rules (var x y) (rest xs) (rule (+ x 0) x) (rule (f x xs) (g xs x)))",
    "(rules (int n) (symbol s) (one u)\n (rule (fz_or u (not u)) 1))",
    "(rules (var a |b c|) ; comment\n (rule (diff (* a |b c|)) (g a)))",
    "(rules (rule (k 12 %\"00ff\" -2.5e3) (let ((@1 (k .5))) (l @1 @1))))"};

enum { SEEDS = 4 };

struct input {
  char *at; /* of exactly N bytes */
  size_t n;
};

/* ---- Damage ---- */

static struct input copy_of(const char *bytes, size_t n) {
  struct input in = {malloc(n > 0 ? n : 1), n};
  tap_require(in.at != NULL);
  memcpy(in.at, bytes, n);
  return in;
}

/* N bytes of FROM in the place of CUT bytes at AT. */
static void splice(char *to, size_t *bytes, size_t at, size_t cut,
                   const char *from, size_t n) {
  char piece[32];
  if (at > *bytes || cut > *bytes - at || n > sizeof piece ||
      *bytes - cut + n > MOST_BYTES)
    return;
  memcpy(piece, from, n);
  memmove(to + at + n, to + at + cut, *bytes - at - cut);
  memcpy(to + at, piece, n);
  *bytes += n - cut;
}

static void damage_once(char *to, size_t *bytes, const struct input *seed,
                        uint64_t *random) {
  static const char bad[] = "()()@\"|%`\\;#,'-+^!09eE./ \n\t\0\377x\200";
  const struct input *other = &seed[tap_rand_r(random) % SEEDS];
  uint64_t r = tap_rand_r(random);
  size_t at = *bytes == 0 ? 0 : (r >> 8) % *bytes;
  size_t from = (r >> 24) % other->n;
  size_t n = 1 + (r >> 40) % 32;
  if (n > other->n - from)
    n = other->n - from;
  switch (r % 8) {
  case 0:
    splice(to, bytes, at, n, "", 0);
    break;
  case 1:
  case 2:
    splice(to, bytes, at, 0, other->at + from, n);
    break;
  case 3:
    splice(to, bytes, at, n, other->at + from, n);
    break;
  case 4:
    *bytes = at;
    break;
  default:
    splice(to, bytes, at, r >> 63, &bad[(r >> 48) % (sizeof bad - 1)], 1);
  }
}

static struct input damaged(const struct input *seed, uint64_t *random) {
  const struct input *begin = &seed[tap_rand_r(random) % SEEDS];
  char to[MOST_BYTES];
  size_t bytes = begin->n;
  memcpy(to, begin->at, bytes);
  for (uint64_t k = tap_rand_r(random) % 5; k > 0; k--)
    damage_once(to, &bytes, seed, random);
  return copy_of(to, bytes);
}

/* ---- What must hold ---- */

static void error_is_in(const ex_error *error, const struct input *in) {
  size_t line = 1;
  size_t column = 1;
  tap_require(error->byte <= in->n && error->expected[0] != '\0');
  for (size_t i = 0; i < error->byte; i++) {
    unsigned char c = (unsigned char)in->at[i];
    line += c == '\n';
    column = c == '\n' ? 1 : column + ((c & 0xc0) != 0x80);
  }
  tap_require(error->line == line && error->column == column);
}

static void comes_back(ex e, char *text,
                       ex (*read)(const char *, size_t, const ex_limits *,
                                  ex_error *)) {
  ex_error error;
  ex again;
  if (text == NULL)
    return;
  again = read(text, strlen(text), NULL, &error);
  if (again != e)
    tap_note("%s", text);
  tap_require(again == e);
  free(text);
}

static bool infix_holds(const struct input *in) {
  ex_error error = {0};
  ex e = ex_read_infix(in->at, in->n, &limits, &error);
  if (e == NULL)
    error_is_in(&error, in);
  else {
    comes_back(e, ex_string(e, MOST_TEXT), ex_read_infix);
    comes_back(e, ex_shared_string(e, 2, MOST_TEXT), ex_read_infix);
  }
  return e != NULL;
}

static bool sexpr_holds(const struct input *in) {
  ex_error error = {0};
  ex e = ex_read_sexpr(in->at, in->n, &limits, &error);
  if (e == NULL)
    error_is_in(&error, in);
  else {
    comes_back(e, ex_sexpr_string(e, MOST_TEXT), ex_read_sexpr);
    comes_back(e, ex_string(e, MOST_TEXT), ex_read_infix);
  }
  return e != NULL;
}

static bool smt_holds(const struct input *in) {
  struct ex_nodes roots = {NULL, 0, 0};
  struct ex_nodes names = {NULL, 0, 0};
  struct smt_counts counts = {0};
  ex_error error = {0};
  bool good = smt_read(in->at, in->n, &limits, &roots, &names, &counts, &error);
  tap_require(roots.n == names.n);
  for (size_t i = 0; i < roots.n; i++) {
    ex e = roots.at[i];
    tap_require(ex_is_closed(e));
    comes_back(e, ex_sexpr_string(e, MOST_TEXT), ex_read_sexpr);
  }
  if (!good)
    error_is_in(&error, in);
  ex_nodes_drop(&roots);
  ex_nodes_drop(&names);
  return good;
}

static bool rules_hold_in(const struct input *in, ex_rules_syntax syntax) {
  ex_error error = {0};
  ex_rules *set = ex_rules_new();
  bool good;
  tap_require(set != NULL);
  good = ex_rules_read(set, in->at, in->n, syntax, &error);
  tap_require(ex_rules_count(set) <= in->n / 3);
  if (good)
    tap_require(ex_rules_compile(set));
  else
    error_is_in(&error, in);
  ex_rules_free(set);
  return good;
}

static bool rules_hold(const struct input *in) {
  return rules_hold_in(in, EX_RULES_INFIX);
}

static bool rule_list_holds(const struct input *in) {
  return rules_hold_in(in, EX_RULES_SEXPR);
}

/* The checksum is made right again, so that what is under it meets the input. */
static void mend(struct input *in) {
  uint64_t sum = UINT64_C(14695981039346656037);
  if (in->n < 8)
    return;
  for (size_t i = 0; i + 8 < in->n; i++)
    sum = (sum ^ (unsigned char)in->at[i]) * UINT64_C(1099511628211);
  for (size_t i = 0; i < 8; i++)
    in->at[in->n - 8 + i] = (char)(sum >> 8 * i);
}

static bool binary_holds(const struct input *in) {
  struct input mended = *in;
  ex_error error = {0};
  size_t n = 0;
  FILE *from;
  ex *back;
  if (in->n == 0)
    return false;
  mend(&mended);
  from = fmemopen(in->at, in->n, "r");
  tap_require(from != NULL);
  back = ex_read(from, &limits, &n, &error);
  fclose(from);
  if (back == NULL)
    tap_require(n == 0 && error.byte <= in->n && error.expected[0] != '\0');
  for (size_t i = 0; i < n; i++)
    comes_back(back[i], ex_sexpr_string(back[i], MOST_TEXT), ex_read_sexpr);
  if (back != NULL)
    hc_scanned_free(back);
  return back != NULL;
}

/* ---- Runs ---- */

static void define(void) {
  ex_opdef("fz_or", EX_NARY,
           EX_COMM | EX_ASSOC | EX_IDEM | EX_INFIX | EX_PRIORITY(6));
  ex_opdef("fz_lambda", 1, EX_BINDER);
  ex_opdef("not", 1, EX_PREFIX | EX_PRIORITY(7));
  ex_opdef("!", 1, EX_POSTFIX | EX_PRIORITY(50));
  ex_opdef("=>", 2, EX_INFIX | EX_RIGHT | EX_PRIORITY(3));
  ex_opdef("==", 2, EX_INFIX | EX_NOCHAIN | EX_PRIORITY(4));
}

static size_t times(void) {
  const char *more = getenv("EX_FUZZ_TIMES");
  size_t n = tap_long() ? 500000 : 15000;
  return more == NULL ? n : n * strtoul(more, NULL, 10);
}

static void fuzz(const struct input *seed,
                 bool (*holds)(const struct input *)) {
  uint64_t random = tap_seed();
  size_t good = 0;
  size_t n = times();
  for (size_t i = 0; i < SEEDS; i++)
    tap_require(holds(&seed[i]));
  for (size_t i = 0; i < n; i++) {
    struct input in = damaged(seed, &random);
    good += holds(&in);
    free(in.at);
  }
  tap_note("%zu of %zu were good", good, n);
  tap_ge(good, n / 50);
}

static void fuzz_texts(const char *const *text,
                       bool (*holds)(const struct input *)) {
  struct input seed[SEEDS];
  define();
  for (size_t i = 0; i < SEEDS; i++)
    seed[i] = copy_of(text[i], strlen(text[i]));
  fuzz(seed, holds);
  for (size_t i = 0; i < SEEDS; i++)
    free(seed[i].at);
}

static void infix_text(void) { fuzz_texts(infix, infix_holds); }

static void s_expressions(void) { fuzz_texts(sexpr, sexpr_holds); }

static void scripts(void) { fuzz_texts(smt, smt_holds); }

static void lines_of_rules(void) { fuzz_texts(rules, rules_hold); }

static void lists_of_rules(void) { fuzz_texts(rule_lists, rule_list_holds); }

static void binary_files(void) {
  struct input seed[SEEDS];
  define();
  for (size_t i = 0; i < SEEDS; i++) {
    ex_error error;
    ex e = ex_read_sexpr(sexpr[i], strlen(sexpr[i]), NULL, &error);
    FILE *to;
    tap_require(e != NULL);
    to = open_memstream(&seed[i].at, &seed[i].n);
    tap_require(to != NULL && ex_write(&e, 1, to) && fclose(to) == 0);
  }
  fuzz(seed, binary_holds);
  for (size_t i = 0; i < SEEDS; i++)
    free(seed[i].at);
}

TAP_MAIN(TAP_CASE_T(infix_text, 600), TAP_CASE_T(s_expressions, 600),
         TAP_CASE_T(scripts, 600), TAP_CASE_T(lines_of_rules, 600),
         TAP_CASE_T(lists_of_rules, 600), TAP_CASE_T(binary_files, 600))
