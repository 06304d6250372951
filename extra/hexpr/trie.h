/* extra/hexpr/trie.h: canonical tries of entries. SPDX-License-Identifier: MIT */
/* Entries that share the first bits of their hash are a subtrie, which is itself
 * the collection of these entries. At most TRI_FLAT entries, or any number with
 * one hash, are a flat node; else the first bit in which their hashes differ
 * forks them. A fork is (info, left, right), where info is the size and, in the
 * low six bits, the number of the bit from the top. Bits grow on the way down,
 * which is checked: so recursion is at most 64 deep for any expression. */
#ifndef HEXPR_TRIE_H
#define HEXPR_TRIE_H

#include "hexpr/node.h"

enum { TRI_FLAT = 8, TRI_BITS = 64 };

/* What happens to the entries of two tries. */
struct ex_trie_merge {
  bool keep_a; /* entries that only A has */
  bool keep_b;
  bool same; /* a trie and itself: all of it stays, else all goes... */
  bool each; /* ...or not: look at every entry */
  /* The value of an entry that both have, or NULL: it goes. With keys only, A
   * and B are the key. Sets *FAILED for an error. */
  ex (*both)(ex a, ex b, bool *failed);
};

struct ex_trie {
  ex_op flat;
  ex_op fork;
  unsigned stride; /* 1: keys; 2: keys with values */
};

struct ex_trie_entry {
  uint64_t hash;
  ex key;
  ex value;
};

/* A hash of the structure, the same in every run. */
uint64_t ex_trie_hash(ex e);

bool ex_trie_is(const struct ex_trie *t, ex e);
size_t ex_trie_size(const struct ex_trie *t, ex e);

/* The value of KEY, or KEY itself, or NULL. */
ex ex_trie_get(const struct ex_trie *t, ex trie, ex key);

/* The trie of one entry. */
ex ex_trie_single(const struct ex_trie *t, ex key, ex value);

/* The trie of entries sorted by hash and then ex_compare, no two the same. */
ex ex_trie_build(const struct ex_trie *t, const struct ex_trie_entry *e,
                 size_t n);
ex ex_trie_merge(const struct ex_trie *t, ex a, ex b,
                 const struct ex_trie_merge *how);
int ex_trie_each(const struct ex_trie *t, ex e,
                 int (*fn)(ex key, ex value, void *cd), void *cd);

#endif
