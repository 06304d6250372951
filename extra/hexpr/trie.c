/* extra/hexpr/trie.c: canonical tries of entries. SPDX-License-Identifier: MIT */
/* Merging goes over pieces: a subtrie, or a run of entries of a flat node, which is
 * forked as a trie of them would be. Two pieces are split at the first bit in
 * which anything of the two differs, until one side is empty or all hashes are
 * one. What an expression claims to be is checked where it is looked at. */
#include "hexpr/trie.h"

#include "hexpr/ops.h"

#include <stdlib.h>
#include <string.h>

/* ---- Hash ---- */

static uint64_t mix(uint64_t a, uint64_t b) {
  unsigned __int128 product =
      (unsigned __int128)(a ^ UINT64_C(0x9e3779b97f4a7c15)) *
      (b ^ UINT64_C(0xd1b54a32d192ed03));
  return (uint64_t)(product >> 64) ^ (uint64_t)product;
}

static uint64_t hash_leaf(ex e) {
  uint64_t h = mix(kind_of(e) + 1u, hc_words(e));
  for (size_t i = 0; i < hc_words(e); i++)
    h = mix(h, hc_key(e)[i]);
  return h;
}

/* The shape has few bits of hash; operands that are leaves add theirs. */
uint64_t ex_trie_hash(ex e) {
  uint64_t h;
  enum { ENOUGH = 8 };
  if (is_leaf(e))
    return mix(hash_leaf(e), 1);
  h = mix(ex_node_shape(e), kind_of(e));
  if (kind_of(e) == EX_APPLY)
    h = mix(h, hash_leaf(ex_function(e)));
  for (size_t i = 0; i < argc_of(e) && i < ENOUGH; i++) {
    ex arg = arg_of(e, i);
    h = mix(h, is_leaf(arg) ? hash_leaf(arg) : ex_node_shape(arg));
  }
  return h;
}

static unsigned first_difference(uint64_t a, uint64_t b) {
  return a == b ? TRI_BITS : (unsigned)__builtin_clzll(a ^ b);
}

static bool bit_at(uint64_t hash, unsigned bit) {
  return (hash >> (TRI_BITS - 1 - bit) & 1) != 0;
}

/* ---- Nodes ---- */

static bool is_flat(const struct ex_trie *t, ex e) {
  return kind_of(e) == EX_TERM && ex_op_of(e) == t->flat &&
         argc_of(e) % t->stride == 0;
}

static bool is_fork(const struct ex_trie *t, ex e) {
  return kind_of(e) == EX_TERM && ex_op_of(e) == t->fork &&
         kind_of(arg_of(e, 0)) == EX_INT && ex_int_value(arg_of(e, 0)) >= 0;
}

static unsigned fork_bit(ex e) {
  return (unsigned)ex_int_value(arg_of(e, 0)) & (TRI_BITS - 1);
}

bool ex_trie_is(const struct ex_trie *t, ex e) {
  return is_flat(t, e) || is_fork(t, e);
}

size_t ex_trie_size(const struct ex_trie *t, ex e) {
  return is_flat(t, e) ? argc_of(e) / t->stride
                       : (size_t)ex_int_value(arg_of(e, 0)) / TRI_BITS;
}

static ex flat_node(const struct ex_trie *t, const struct ex_trie_entry *e,
                    size_t n) {
  ex few[2 * TRI_FLAT] = {NULL};
  ex *args = few;
  ex made;
  if (n > TRI_FLAT)
    args = hc_scanned_alloc(2 * n * sizeof *args);
  if (args == NULL)
    return ex_node_fail(EX_ENOMEM);
  for (size_t i = 0; i < n; i++) {
    args[t->stride * i] = e[i].key;
    if (t->stride == 2)
      args[2 * i + 1] = e[i].value;
  }
  made = ex_node_term(t->flat, args, n * t->stride);
  if (args != few)
    hc_scanned_free(args);
  return made;
}

ex ex_trie_single(const struct ex_trie *t, ex key, ex value) {
  struct ex_trie_entry e = {0, key, value};
  return flat_node(t, &e, 1);
}

static struct ex_trie_entry entry_of(const struct ex_trie *t, ex flat,
                                     size_t i) {
  ex key = arg_of(flat, t->stride * i);
  ex value = t->stride == 2 ? arg_of(flat, 2 * i + 1) : key;
  return (struct ex_trie_entry){ex_trie_hash(key), key, value};
}

static bool is_before(const struct ex_trie_entry *a,
                      const struct ex_trie_entry *b) {
  if (a->hash != b->hash)
    return a->hash < b->hash;
  return ex_compare(a->key, b->key) < 0;
}

/* Canonical, of two that differ in BIT. */
static ex join(const struct ex_trie *t, ex left, ex right, unsigned bit) {
  size_t n;
  size_t first;
  struct ex_trie_entry all[TRI_FLAT];
  ex args[3];
  if (left == NULL || right == NULL)
    return NULL;
  first = ex_trie_size(t, left);
  n = first + ex_trie_size(t, right);
  if (n == first)
    return left;
  if (first == 0)
    return right;
  if (n > TRI_FLAT) {
    args[0] = ex_int((int64_t)(n * TRI_BITS + bit));
    args[1] = left;
    args[2] = right;
    return ex_node_term(t->fork, args, 3);
  }
  if (!is_flat(t, left) || !is_flat(t, right))
    return ex_node_fail(EX_ETYPE);
  for (size_t i = 0; i < n; i++)
    all[i] = i < first ? entry_of(t, left, i) : entry_of(t, right, i - first);
  return flat_node(t, all, n);
}

/* How many of N entries have BIT unset, which come first. */
static size_t unset(const struct ex_trie_entry *e, size_t n, unsigned bit) {
  size_t i = 0;
  while (i < n && !bit_at(e[i].hash, bit))
    i++;
  return i;
}

ex ex_trie_build(const struct ex_trie *t, const struct ex_trie_entry *e,
                 size_t n) {
  unsigned bit;
  size_t left;
  ex a;
  if (n <= TRI_FLAT || e[0].hash == e[n - 1].hash)
    return flat_node(t, e, n);
  bit = first_difference(e[0].hash, e[n - 1].hash);
  left = unset(e, n, bit);
  a = ex_trie_build(t, e, left);
  return a == NULL ? NULL
                   : join(t, a, ex_trie_build(t, e + left, n - left), bit);
}

/* ---- Looking ---- */

ex ex_trie_get(const struct ex_trie *t, ex e, ex key) {
  uint64_t hash = ex_trie_hash(key);
  int above = -1;
  while (is_fork(t, e) && (int)fork_bit(e) > above) {
    above = (int)fork_bit(e);
    e = arg_of(e, bit_at(hash, fork_bit(e)) ? 2 : 1);
  }
  if (is_flat(t, e))
    for (size_t i = 0; i < argc_of(e); i += t->stride)
      if (arg_of(e, i) == key)
        return t->stride == 2 ? arg_of(e, i + 1) : key;
  return NULL;
}

/* The hash of the leftmost entry; false for what is no trie. */
static bool leftmost(const struct ex_trie *t, ex e, uint64_t *out) {
  int above = -1;
  while (is_fork(t, e) && (int)fork_bit(e) > above) {
    above = (int)fork_bit(e);
    e = arg_of(e, 1);
  }
  if (!is_flat(t, e) || argc_of(e) == 0)
    return ex_node_fail(EX_ETYPE) != NULL;
  *out = ex_trie_hash(arg_of(e, 0));
  return true;
}

/* The same for the right side of a fork whose leftmost has the hash FIRST: the two
 * must differ in the fork's bit first. So no part can be in two places, and going
 * over a trie takes no longer than making it. */
static bool leftmost_of_right(const struct ex_trie *t, ex fork, uint64_t first,
                              uint64_t *out) {
  if (!leftmost(t, arg_of(fork, 2), out))
    return false;
  return (first < *out && first_difference(first, *out) == fork_bit(fork)) ||
         ex_node_fail(EX_ETYPE) != NULL;
}

static int each(const struct ex_trie *t, ex e, int after, uint64_t first,
                int (*fn)(ex key, ex value, void *cd), void *cd) {
  int answer = 0;
  if (is_flat(t, e)) {
    for (size_t i = 0; i < argc_of(e) && answer == 0; i += t->stride)
      answer = fn(arg_of(e, i), t->stride == 2 ? arg_of(e, i + 1) : NULL, cd);
    return answer;
  }
  if (!is_fork(t, e) || (int)fork_bit(e) <= after)
    return -1;
  after = (int)fork_bit(e);
  answer = each(t, arg_of(e, 1), after, first, fn, cd);
  if (answer == 0 && !leftmost_of_right(t, e, first, &first))
    answer = -1;
  return answer != 0 ? answer : each(t, arg_of(e, 2), after, first, fn, cd);
}

int ex_trie_each(const struct ex_trie *t, ex e,
                 int (*fn)(ex key, ex value, void *cd), void *cd) {
  uint64_t first = 0;
  if (is_fork(t, e) && !leftmost(t, e, &first))
    return -1;
  return each(t, e, -1, first, fn, cd);
}

/* ---- Pieces ---- */

struct piece {
  ex node;                       /* a whole subtrie, or NULL: */
  const struct ex_trie_entry *e; /* entries */
  size_t n;                      /* 0: empty */
  uint64_t first;                /* hash of the first entry */
  unsigned bit;                  /* that forks it, or TRI_BITS */
};

struct merging {
  const struct ex_trie *trie;
  const struct ex_trie_merge *how;
};

static struct piece run_of(const struct ex_trie_entry *e, size_t n) {
  struct piece p = {NULL, e, n, 0, TRI_BITS};
  if (n > 0) {
    p.first = e[0].hash;
    p.bit = first_difference(e[0].hash, e[n - 1].hash);
  }
  return p;
}

/* The piece that a subtrie is; entries of a flat one go to *SPACE, scanned. */
static bool piece_of(const struct ex_trie *t, ex e, struct piece *out,
                     struct ex_trie_entry **space) {
  size_t n;
  struct ex_trie_entry *all;
  *space = NULL;
  if (is_fork(t, e)) {
    *out = (struct piece){.node = e, .n = 2, .bit = fork_bit(e)};
    return leftmost(t, e, &out->first);
  }
  if (!is_flat(t, e))
    return ex_node_fail(EX_ETYPE) != NULL;
  n = ex_trie_size(t, e);
  all = hc_scanned_alloc((n + 1) * sizeof *all);
  if (all == NULL)
    return ex_node_fail(EX_ENOMEM) != NULL;
  *space = all;
  for (size_t i = 0; i < n; i++) {
    all[i] = entry_of(t, e, i);
    if (i > 0 && !is_before(&all[i - 1], &all[i]))
      return ex_node_fail(EX_ETYPE) != NULL;
  }
  *out = run_of(all, n);
  out->node = e;
  return true;
}

/* ---- Merging ---- */

static ex merge_pieces(const struct merging *m, struct piece a, struct piece b,
                       int above);

static ex whole(const struct merging *m, const struct piece *p) {
  return p->node != NULL ? p->node : ex_trie_build(m->trie, p->e, p->n);
}

/* Entries of one hash. */
static ex merge_runs(const struct merging *m, struct piece a, struct piece b) {
  struct ex_trie_entry *to = hc_scanned_alloc((a.n + b.n) * sizeof *to);
  size_t n = 0;
  size_t i = 0;
  size_t k = 0;
  bool failed = false;
  ex made = NULL;
  if (to == NULL)
    return ex_node_fail(EX_ENOMEM);
  while (i < a.n || k < b.n) {
    bool from_a = k == b.n || (i < a.n && !is_before(&b.e[k], &a.e[i]));
    bool from_b = i == a.n || (k < b.n && !is_before(&a.e[i], &b.e[k]));
    to[n] = from_a ? a.e[i] : b.e[k];
    if (from_a && from_b)
      to[n].value = m->how->both(a.e[i].value, b.e[k].value, &failed);
    n += from_a && from_b ? to[n].value != NULL
                          : (from_a ? m->how->keep_a : m->how->keep_b);
    i += from_a;
    k += from_b;
  }
  if (!failed)
    made = flat_node(m->trie, to, n);
  hc_scanned_free(to);
  return made;
}

/* The side of P where BIT is as SIDE says: empty, all of P or a child, of which
 * flat ones lie in *SPACE. */
static bool side_of(const struct merging *m, const struct piece *p,
                    unsigned bit, bool side, struct piece *out,
                    struct ex_trie_entry **space) {
  uint64_t first;
  *space = NULL;
  *out = (struct piece){.bit = TRI_BITS};
  if (p->n == 0)
    return true;
  if (p->bit != bit) {
    if (bit_at(p->first, bit) == side)
      *out = *p;
    return true;
  }
  if (p->e != NULL) {
    size_t left = unset(p->e, p->n, bit);
    *out = side ? run_of(p->e + left, p->n - left) : run_of(p->e, left);
    return true;
  }
  if (side && !leftmost_of_right(m->trie, p->node, p->first, &first))
    return false;
  return piece_of(m->trie, arg_of(p->node, side ? 2 : 1), out, space);
}

static ex merge_side(const struct merging *m, const struct piece *a,
                     const struct piece *b, unsigned bit, bool side) {
  struct piece at_a;
  struct piece at_b;
  struct ex_trie_entry *space_a;
  struct ex_trie_entry *space_b = NULL;
  ex made = NULL;
  if (side_of(m, a, bit, side, &at_a, &space_a) &&
      side_of(m, b, bit, side, &at_b, &space_b))
    made = merge_pieces(m, at_a, at_b, (int)bit);
  if (space_a != NULL)
    hc_scanned_free(space_a);
  if (space_b != NULL)
    hc_scanned_free(space_b);
  return made;
}

static ex merge_pieces(const struct merging *m, struct piece a, struct piece b,
                       int above) {
  unsigned bit = first_difference(a.first, b.first);
  ex left;
  if (a.n == 0)
    return m->how->keep_b ? whole(m, &b) : flat_node(m->trie, NULL, 0);
  if (b.n == 0)
    return m->how->keep_a ? whole(m, &a) : flat_node(m->trie, NULL, 0);
  if (a.node != NULL && a.node == b.node && !m->how->each)
    return m->how->same ? a.node : flat_node(m->trie, NULL, 0);
  bit = a.bit < bit ? a.bit : bit;
  bit = b.bit < bit ? b.bit : bit;
  if ((int)bit <= above)
    return ex_node_fail(EX_ETYPE);
  if (bit == TRI_BITS)
    return merge_runs(m, a, b);
  left = merge_side(m, &a, &b, bit, false);
  return left == NULL
             ? NULL
             : join(m->trie, left, merge_side(m, &a, &b, bit, true), bit);
}

ex ex_trie_merge(const struct ex_trie *t, ex a, ex b,
                 const struct ex_trie_merge *how) {
  struct merging m = {t, how};
  struct piece at_a;
  struct piece at_b;
  struct ex_trie_entry *space_a = NULL;
  struct ex_trie_entry *space_b = NULL;
  ex made = NULL;
  if (a == NULL || b == NULL)
    return NULL;
  if (piece_of(t, a, &at_a, &space_a) && piece_of(t, b, &at_b, &space_b))
    made = merge_pieces(&m, at_a, at_b, -1);
  if (space_a != NULL)
    hc_scanned_free(space_a);
  if (space_b != NULL)
    hc_scanned_free(space_b);
  hc_keep(a);
  hc_keep(b);
  return made;
}
