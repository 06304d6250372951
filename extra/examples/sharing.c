/* extra/examples/sharing.c: a tree of 2^101 - 1 nodes in 101 nodes. SPDX-License-Identifier: MIT */
/* Builds x + x, then that plus itself, a hundred times, and counts. */
#include <hexpr/hexpr.h>

#include <stdlib.h>

int main(void) {
  ex e = ex_sym("x");
  char *tree;
  for (int i = 0; i < 100; i++)
    e = ex_binary(EX_ADD, e, e);
  tree = ex_tree_size(e);
  if (tree == NULL)
    return 1;
  printf("as a graph %zu nodes, as a tree %s\n", ex_dag_size(e), tree);
  free(tree);
  return 0;
}
