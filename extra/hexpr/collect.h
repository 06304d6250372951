/* extra/hexpr/collect.h: sets, maps, bags and sequences as expressions. SPDX-License-Identifier: MIT */
/* A collection is an expression like any other, immutable, and has one form that
 * depends on what is in it only: so equal collections are one node, in whatever
 * order they were made, and may be elements, keys and operands. All operations
 * share what they can with their arguments, and leave those as they are.
 *
 * Form: up to eight entries are one node, in the order of a hash of their
 * structure, `set_of`, `map_of` (key, value, key, value...) or `bag_of` (element,
 * count...); above that a binary trie of such nodes by the bits of the hash
 * (`set_fork`, ...), as Okasaki and Gill's, Fast mergeable integer maps, 1998.
 * The hash is the same in every run, and so is the order of entries. Sequences: up
 * to eight elements are written out in `seq_of`; above that a tree of parts
 * (`seq_fork`), cut where the contents say so, in which what stands N times in a row
 * is there once, as `seq_run(N, element)`.
 *
 * Cost: O(log n) for one entry, if the hash spreads; two collections together
 * cost O(m log n) at most, and parts that are the same node on both sides cost
 * nothing where that decides. Putting sequences together and taking parts of them
 * costs O(log n), but for elements made to defeat the hash. The entries of one hash
 * lie in one node, which bounds their number (EX_ELIMIT).
 *
 * Functions fail as those of hexpr.h: NULL for a NULL argument; NULL and EX_ETYPE
 * for one that is no such collection, or one put together by hand and wrongly, as
 * far as that is noticed. Any thread; all but sizes and look-ups may collect. */
#ifndef HEXPR_COLLECT_H
#define HEXPR_COLLECT_H

#include <hexpr/hexpr.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Defines the operators of collections, which otherwise happens on first use: for
 * programs that read collections from text or files before they make any. False
 * when the program has other operators of these names. */
HC_API bool ex_collect_define(void);

/* How many entries, a bag's elements counted once and a sequence's each time; 0 for
 * what is no collection. In O(1). */
HC_API size_t ex_collect_size(ex collection);

/* VALUE is a map's value, a bag's count, or NULL. Not 0: no further call. */
typedef int (*ex_entry_fn)(ex key, ex value, void *cd);

/* Calls FN for every entry in the order of the form; the answer is 0, what FN
 * returned to end it, or -1 for what is no collection. */
HC_API int ex_collect_each(ex collection, ex_entry_fn fn, void *cd);

/* ---- Sets ---- */

/* The set of N expressions, equal ones counted once. */
HC_API ex ex_set(const ex *elements, size_t n);
HC_API bool ex_set_has(ex set, ex element);
HC_API ex ex_set_add(ex set, ex element);
HC_API ex ex_set_remove(ex set, ex element);
HC_API ex ex_set_union(ex a, ex b);
HC_API ex ex_set_intersection(ex a, ex b);
HC_API ex ex_set_difference(ex a, ex b);

/* ---- Maps ---- */

HC_API ex ex_map(void);
HC_API ex ex_map_get(ex map, ex key); /* NULL for none */
HC_API ex ex_map_put(ex map, ex key, ex value);
HC_API ex ex_map_remove(ex map, ex key);

/* By keys; where both have one, the value is that of B in the union, of A in the
 * intersection. */
HC_API ex ex_map_union(ex a, ex b);
HC_API ex ex_map_intersection(ex a, ex b);
HC_API ex ex_map_difference(ex a, ex b);

/* ---- Bags ---- */

HC_API ex ex_bag(void);
HC_API int64_t ex_bag_count(ex bag, ex element);

/* N more of ELEMENT, or fewer with N below 0, but at least none. EX_ELIMIT when a
 * count does not fit 64 bits. */
HC_API ex ex_bag_add(ex bag, ex element, int64_t n);

/* Counts added; the larger ones; the smaller ones; A's less B's. */
HC_API ex ex_bag_sum(ex a, ex b);
HC_API ex ex_bag_union(ex a, ex b);
HC_API ex ex_bag_intersection(ex a, ex b);
HC_API ex ex_bag_difference(ex a, ex b);

/* ---- Sequences ---- */

/* N expressions in their order. Sequences of equal elements in equal order are one
 * node, however they were put together; repeated concatenation makes sequences of up
 * to 2^56 - 1 elements, longer ones are EX_ELIMIT. */
HC_API ex ex_seq(const ex *elements, size_t n);

/* The element at I, from 0; NULL and EX_EARITY beyond the last one. */
HC_API ex ex_seq_get(ex seq, size_t i);

/* The elements of A and then those of B. */
HC_API ex ex_seq_concat(ex a, ex b);

/* Those from FROM on and before TO; the sequence with those of WITH in their
 * place, which inserts, replaces and removes. EX_EARITY if FROM is beyond TO or TO
 * beyond the end. */
HC_API ex ex_seq_slice(ex seq, size_t from, size_t to);
HC_API ex ex_seq_splice(ex seq, size_t from, size_t to, ex with);

#ifdef __cplusplus
}
#endif

#endif
