/* bench/hcons/buddy.c: n queens by BuDDy, to compare with. SPDX-License-Identifier: MIT */
/* usage: buddy [n]. The board is made as queens.h makes it. */
#include <bdd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

static double cpu_s(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* *TO becomes *TO op WITH, which is given up. */
static void apply_to(BDD *to, int op, BDD with) {
  BDD result = bdd_addref(bdd_apply(*to, with, op));
  bdd_delref(*to);
  bdd_delref(with);
  *to = result;
}

static int attack(int a, int b, int n) {
  int rows = a / n - b / n, columns = a % n - b % n;
  return rows == 0 || columns == 0 || abs(rows) == abs(columns);
}

static BDD square_rule(int square, int n) {
  BDD rest = bdd_addref(bddtrue);
  for (int other = n * n - 1; other >= 0; other--)
    if (other != square && attack(square, other, n))
      apply_to(&rest, bddop_and, bdd_addref(bdd_nithvar(other)));
  apply_to(&rest, bddop_or, bdd_addref(bdd_nithvar(square)));
  return rest;
}

static BDD make_board(int n) {
  BDD board = bdd_addref(bddtrue);
  for (int row = 0; row < n; row++) {
    BDD some = bdd_addref(bddfalse);
    for (int i = 0; i < n; i++)
      apply_to(&some, bddop_or, bdd_addref(bdd_ithvar(row * n + i)));
    apply_to(&board, bddop_and, some);
  }
  for (int square = 0; square < n * n; square++)
    apply_to(&board, bddop_and, square_rule(square, n));
  return board;
}

int main(int argc, char **argv) {
  int n = argc > 1 ? atoi(argv[1]) : 9;
  double begin = cpu_s(), solutions, spent;
  struct rusage used;
  bdd_init(100000, 10000);
  bdd_setvarnum(n * n);
  bdd_gbc_hook(NULL);
  solutions = bdd_satcount(make_board(n));
  spent = cpu_s() - begin;
  getrusage(RUSAGE_SELF, &used);
  printf("queens cpu_s=%.6f rss_kb=%ld solutions=%.0f\n", spent, used.ru_maxrss,
         solutions);
  bdd_done();
  return 0;
}
