/* extra/examples/bdd.c: binary decision diagrams on hcons. SPDX-License-Identifier: MIT */
/* usage: bdd [N]
 *
 * How many ways are there to put N queens on a board of N times N fields so that none
 * attacks another? The rules are a Boolean function of the fields, as a decision diagram:
 * a node asks for one field and leads on to `low` if it is empty and to `high` if a queen
 * is there. Equal functions are one node, so a test for equality is a comparison of
 * pointers, and what was computed for two nodes is noted by their addresses. No node is
 * ever freed here: diagrams that nobody needs any more are garbage. */
#include <hcons/hcons.h>

#include <stdio.h>
#include <stdlib.h>

/* Words: variable, low, high. The two constants have a variable behind all others. */
typedef const void *bdd;

enum { CONSTANT = 1 << 20 };

static hc_class *node_class, *constant_class;
static bdd no, yes;
static hc_memo *conjunctions;

static uintptr_t variable(bdd f) { return hc_key(f)[0]; }
static bdd low(bdd f) { return (bdd)hc_key(f)[1]; }
static bdd high(bdd f) { return (bdd)hc_key(f)[2]; }

/* The one node that asks for V; none is needed if the answer makes no difference. */
static bdd make(uintptr_t v, bdd l, bdd h) {
  bdd f = l == h ? l : hc_intern3(node_class, 0, v, (uintptr_t)l, (uintptr_t)h);
  if (f == NULL) {
    fputs("bdd: no memory\n", stderr);
    exit(1);
  }
  return f;
}

/* Both. Each pair of nodes is looked at once, while it is remembered. */
static bdd and (bdd f, bdd g) {
  void *known;
  if (f == no || g == no)
    return no;
  if (f == yes || f == g)
    return g;
  if (g == yes)
    return f;
  if (hc_memo_get2(conjunctions, f, g, &known))
    return known;
  uintptr_t v = variable(f) < variable(g) ? variable(f) : variable(g);
  bdd l = and(variable(f) == v ? low(f) : f, variable(g) == v ? low(g) : g);
  bdd h = and(variable(f) == v ? high(f) : f, variable(g) == v ? high(g) : g);
  bdd both = make(v, l, h);
  hc_memo_put2(conjunctions, f, g, both);
  return both;
}

/* ---- Queens ---- */

static unsigned size;

static bool attacks(unsigned a, unsigned b) {
  unsigned row_a = a / size, column_a = a % size;
  unsigned row_b = b / size, column_b = b % size;
  return row_a == row_b || column_a == column_b ||
         row_a + column_a == row_b + column_b ||
         row_a + column_b == row_b + column_a;
}

/* If a queen is on this field, none is on a later one that it attacks. Built from the
 * last field to the first, so that each field is one node. */
static bdd field_rule(unsigned field) {
  bdd none = yes;
  for (unsigned v = size * size - 1; v > field; v--)
    if (attacks(v, field))
      none = make(v, none, no);
  return make(field, yes, none);
}

/* A queen is somewhere in the row. */
static bdd row_rule(unsigned row) {
  bdd some = no;
  for (unsigned v = (row + 1) * size; v-- > row * size;)
    some = make(v, some, yes);
  return some;
}

static bdd all_rules(void) {
  bdd f = yes;
  for (unsigned row = size; row-- > 0;) {
    f = and(f, row_rule(row));
    for (unsigned column = 0; column < size; column++)
      f = and(f, field_rule(row * size + column));
  }
  return f;
}

/* Every way to `yes` is a solution: no field of one is left open by the rules. */
static unsigned long count(bdd f) {
  if (f == no || f == yes)
    return f == yes;
  return count(low(f)) + count(high(f));
}

/* ---- Set-up ---- */

static void set_up(void) {
  hc_table_opts one_user = {.flags = HC_SINGLE};
  hc_class_desc constant = {.name = "constant", .leaf = true};
  hc_class_desc node = {.name = "node",
                        .flags = HC_CLASS_MAPPED,
                        .pointers = 6, /* of words 0, 1, 2 the last two */
                        .min_words = 3,
                        .max_words = 3};
  hc_memo_opts pairs = {.keys = 2, .flags = HC_MEMO_LOSSY, .hint = 1 << 18};
  hc_table *table = hc_table_open(&one_user);
  constant_class = table == NULL ? NULL : hc_class_new(table, &constant);
  node_class = table == NULL ? NULL : hc_class_new(table, &node);
  conjunctions = hc_memo_open(&pairs);
  if (constant_class == NULL || node_class == NULL || conjunctions == NULL) {
    fputs("bdd: no memory\n", stderr);
    exit(1);
  }
  no = hc_intern2(constant_class, 0, CONSTANT, 0);
  yes = hc_intern2(constant_class, 0, CONSTANT, 1);
}

int main(int argc, char **argv) {
  size = argc > 1 ? (unsigned)atoi(argv[1]) : 8;
  if (size < 1 || size > 12) {
    fputs("usage: bdd [N], from 1 to 12\n", stderr);
    return 2;
  }
  set_up();
  printf("%u queens: %lu solutions\n", size, count(all_rules()));
  hc_memo_free(conjunctions);
  return 0;
}
