/* src/base/atomic_lao.h: the operations of atomic.h on libatomic_ops. SPDX-License-Identifier: MIT
 *
 * For compilers without C11's atomics. That library has functions by the size of the
 * operand; each function here picks one by a size that is a constant where it is
 * called. Values travel as 64 bits without a sign, with zeros above smaller ones.
 *
 * There is no "or" and "and" that tells the old value and no exchange but by comparing,
 * so these are loops. Orders that a machine has no function for the library makes of
 * stronger ones.
 */
#ifndef GC_BASE_ATOMIC_LAO_H
#define GC_BASE_ATOMIC_LAO_H

#define AO_REQUIRE_CAS
#include <atomic_ops.h>

#include "base/compiler.h"
#include "base/config.h"

/* All access is by the functions below; the keyword only keeps the compiler from
 * making up some of its own. style: allow volatile, C11's word is not there. */
#define _Atomic volatile

/* The size of an operand; with another than these it does not compile. */
#define gc_lao_bytes(p)                                                        \
  (0 * sizeof(char[sizeof(*(p)) == 1 || sizeof(*(p)) == 4 || sizeof(*(p)) == 8 \
                       ? 1                                                     \
                       : -1]) +                                                \
   sizeof(*(p)))
/* What `p` points to would have, as an expression whose value may go unused. */
#define gc_lao_value(p, bits) __extension__({ (__typeof__(*(p)))(bits); })

gc_inline uint64_t gc_lao_bits(uint64_t value, size_t bytes) {
  return bytes == 8 ? value : value & ((UINT64_C(1) << (8 * bytes)) - 1);
}

/* ---- What the library has ---- */

#define GC_LAO_LOAD(name, function)                                            \
  gc_inline uint64_t name(const _Atomic void *p, size_t bytes) {               \
    switch (bytes) {                                                           \
    case 1:                                                                    \
      return AO_char_##function((const _Atomic unsigned char *)p);             \
    case 4:                                                                    \
      return AO_int_##function((const _Atomic unsigned *)p);                   \
    default:                                                                   \
      return AO_##function((const _Atomic AO_t *)p);                           \
    }                                                                          \
  }
GC_LAO_LOAD(gc_lao_load_rlx, load)
GC_LAO_LOAD(gc_lao_load_acq, load_acquire)
GC_LAO_LOAD(gc_lao_load_seq, load_full)
#undef GC_LAO_LOAD

#define GC_LAO_STORE(name, function)                                           \
  gc_inline void name(_Atomic void *p, size_t bytes, uint64_t value) {         \
    switch (bytes) {                                                           \
    case 1:                                                                    \
      AO_char_##function((_Atomic unsigned char *)p, (unsigned char)value);    \
      break;                                                                   \
    case 4:                                                                    \
      AO_int_##function((_Atomic unsigned *)p, (unsigned)value);               \
      break;                                                                   \
    default:                                                                   \
      AO_##function((_Atomic AO_t *)p, value);                                 \
    }                                                                          \
  }
GC_LAO_STORE(gc_lao_store_rlx, store)
GC_LAO_STORE(gc_lao_store_rel, store_release)
GC_LAO_STORE(gc_lao_store_seq, store_full)
#undef GC_LAO_STORE

#define GC_LAO_ADD(name, function)                                             \
  gc_inline uint64_t name(_Atomic void *p, size_t bytes, uint64_t value) {     \
    switch (bytes) {                                                           \
    case 1:                                                                    \
      return AO_char_##function((_Atomic unsigned char *)p,                    \
                                (unsigned char)value);                         \
    case 4:                                                                    \
      return AO_int_##function((_Atomic unsigned *)p, (unsigned)value);        \
    default:                                                                   \
      return AO_##function((_Atomic AO_t *)p, value);                          \
    }                                                                          \
  }
GC_LAO_ADD(gc_lao_add_rlx, fetch_and_add)
GC_LAO_ADD(gc_lao_add_acq_rel, fetch_and_add_full)
#undef GC_LAO_ADD

/* Stores `value` if `expected` is there; what was there is the result. */
#define GC_LAO_REPLACE(name, function)                                         \
  gc_inline uint64_t name(_Atomic void *p, size_t bytes, uint64_t expected,    \
                          uint64_t value) {                                    \
    switch (bytes) {                                                           \
    case 1:                                                                    \
      return AO_char_##function((_Atomic unsigned char *)p,                    \
                                (unsigned char)expected,                       \
                                (unsigned char)value);                         \
    case 4:                                                                    \
      return AO_int_##function((_Atomic unsigned *)p, (unsigned)expected,      \
                               (unsigned)value);                               \
    default:                                                                   \
      return AO_##function((_Atomic AO_t *)p, expected, value);                \
    }                                                                          \
  }
GC_LAO_REPLACE(gc_lao_replace_rlx, fetch_compare_and_swap)
GC_LAO_REPLACE(gc_lao_replace_acq_rel, fetch_compare_and_swap_full)
#undef GC_LAO_REPLACE

/* ---- What is made of it ---- */

#define GC_LAO_LOOP(name, replace, result)                                     \
  gc_inline uint64_t name(_Atomic void *p, size_t bytes, uint64_t value) {     \
    uint64_t old = gc_lao_load_rlx(p, bytes), found;                           \
    for (; (found = replace(p, bytes, old, (result))) != old; old = found)     \
      ;                                                                        \
    return old;                                                                \
  }
GC_LAO_LOOP(gc_lao_or_rlx, gc_lao_replace_rlx, old | value)
GC_LAO_LOOP(gc_lao_or_acq_rel, gc_lao_replace_acq_rel, old | value)
GC_LAO_LOOP(gc_lao_and_rlx, gc_lao_replace_rlx, old &value)
GC_LAO_LOOP(gc_lao_and_acq_rel, gc_lao_replace_acq_rel, old &value)
GC_LAO_LOOP(gc_lao_swap_acq_rel, gc_lao_replace_acq_rel, value)
#undef GC_LAO_LOOP

/* `expected` and `found` are as the functions above have them. */
gc_inline bool gc_lao_cas(_Atomic void *p, size_t bytes, uint64_t expected,
                          uint64_t value, uint64_t *out_found) {
  expected = gc_lao_bits(expected, bytes);
  *out_found = gc_lao_replace_acq_rel(p, bytes, expected, value);
  return *out_found == expected;
}

#define gc_load_rlx(p) gc_lao_value(p, gc_lao_load_rlx((p), gc_lao_bytes(p)))
#define gc_load_acq(p) gc_lao_value(p, gc_lao_load_acq((p), gc_lao_bytes(p)))
#define gc_load_seq(p) gc_lao_value(p, gc_lao_load_seq((p), gc_lao_bytes(p)))
#define gc_store_rlx(p, v) gc_lao_store_rlx((p), gc_lao_bytes(p), (uint64_t)(v))
#define gc_store_rel(p, v) gc_lao_store_rel((p), gc_lao_bytes(p), (uint64_t)(v))
#define gc_store_seq(p, v) gc_lao_store_seq((p), gc_lao_bytes(p), (uint64_t)(v))

#define gc_lao_changed(operation, p, v)                                        \
  gc_lao_value(p, gc_lao_##operation((p), gc_lao_bytes(p), (uint64_t)(v)))
#define gc_add_rlx(p, v) gc_lao_changed(add_rlx, p, v)
#define gc_sub_rlx(p, v) gc_lao_changed(add_rlx, p, -(uint64_t)(v))
#define gc_add_acq_rel(p, v) gc_lao_changed(add_acq_rel, p, v)
#define gc_or_rlx(p, v) gc_lao_changed(or_rlx, p, v)
#define gc_or_acq_rel(p, v) gc_lao_changed(or_acq_rel, p, v)
#define gc_and_rlx(p, v) gc_lao_changed(and_rlx, p, v)
#define gc_and_acq_rel(p, v) gc_lao_changed(and_acq_rel, p, v)
#define gc_swap_acq_rel(p, v) gc_lao_changed(swap_acq_rel, p, v)

#define gc_cas_acq_rel(p, expected, v)                                         \
  __extension__({                                                              \
    __typeof__(expected) gc_lao_e = (expected);                                \
    uint64_t gc_lao_found;                                                     \
    bool gc_lao_done = gc_lao_cas((p), gc_lao_bytes(p), (uint64_t)*gc_lao_e,   \
                                  (uint64_t)(v), &gc_lao_found);               \
    if (!gc_lao_done)                                                          \
      *gc_lao_e = gc_lao_value(gc_lao_e, gc_lao_found);                        \
    gc_lao_done;                                                               \
  })
#define gc_fence_rel() AO_nop_write()

#endif
