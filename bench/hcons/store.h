/* bench/hcons/store.h: what a workload asks of a store of unique nodes.
 * SPDX-License-Identifier: MIT
 */
/* The workloads are headers that are compiled once for every store: a program
 * includes the header of its store, which defines what is named here, and then
 * programs.h. So a store's look-up can be inlined where its library would let a
 * program inline it, and no store pays for calls through a table.
 *
 *   ref                         a node; equality is that of the words
 *   store_open(single, hint)    once, before anything else
 *   store_leaf(value)           the leaf with this value
 *   store_1(op, a), store_2(op, a, b)
 *                               the node with these children; op below 256
 *   store_op(n), store_arg(n, i), store_value(n)
 *                               what it was made of
 *   store_refs(n)               a zeroed array of nodes that keeps them alive
 *   store_refs_free(array)
 *   store_settle()              memory of dead nodes is given back, where it is
 *   store_stop_s()              CPU seconds that this thread has spent stopping
 *                               the world for collections
 *   store_check()               ends the program if the store has faults
 */
#ifndef BENCH_HCONS_STORE_H
#define BENCH_HCONS_STORE_H

#include "../bench.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef const uint64_t *ref;

#endif
