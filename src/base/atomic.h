/* src/base/atomic.h: the atomic operations the collector uses.
 * SPDX-License-Identifier: MIT
 *
 * A closed set of orders, so that every use can be read without thinking about
 * C11's six. `seq` needs a comment at the call that says why.
 *
 * They are C11's, or libatomic_ops' where configure was told so. Nothing else of src
 * uses either, and no field that is declared atomic is touched but through them.
 */
#ifndef GC_BASE_ATOMIC_H
#define GC_BASE_ATOMIC_H

#include "base/config.h"

#if defined(GC_WITH_LIBATOMIC_OPS)
#include "base/atomic_lao.h"
#else
#include <stdatomic.h>

#define gc_load_rlx(p) atomic_load_explicit((p), memory_order_relaxed)
#define gc_load_acq(p) atomic_load_explicit((p), memory_order_acquire)
#define gc_load_seq(p) atomic_load_explicit((p), memory_order_seq_cst)
#define gc_store_rlx(p, v) atomic_store_explicit((p), (v), memory_order_relaxed)
#define gc_store_rel(p, v) atomic_store_explicit((p), (v), memory_order_release)
#define gc_store_seq(p, v) atomic_store_explicit((p), (v), memory_order_seq_cst)
#define gc_add_rlx(p, v)                                                       \
  atomic_fetch_add_explicit((p), (v), memory_order_relaxed)
#define gc_sub_rlx(p, v)                                                       \
  atomic_fetch_sub_explicit((p), (v), memory_order_relaxed)
#define gc_add_acq_rel(p, v)                                                   \
  atomic_fetch_add_explicit((p), (v), memory_order_acq_rel)
#define gc_or_rlx(p, v) atomic_fetch_or_explicit((p), (v), memory_order_relaxed)
#define gc_or_acq_rel(p, v)                                                    \
  atomic_fetch_or_explicit((p), (v), memory_order_acq_rel)
#define gc_and_rlx(p, v)                                                       \
  atomic_fetch_and_explicit((p), (v), memory_order_relaxed)
#define gc_and_acq_rel(p, v)                                                   \
  atomic_fetch_and_explicit((p), (v), memory_order_acq_rel)
#define gc_swap_acq_rel(p, v)                                                  \
  atomic_exchange_explicit((p), (v), memory_order_acq_rel)
#define gc_cas_acq_rel(p, expected, v)                                         \
  atomic_compare_exchange_strong_explicit(                                     \
      (p), (expected), (v), memory_order_acq_rel, memory_order_acquire)
#define gc_fence_rel() atomic_thread_fence(memory_order_release)

#endif

/* An int of libgc's interface, which clients read and write as they like. */
#define gc_client_int(p) ((_Atomic int *)(p))

#endif
