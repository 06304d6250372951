/* extra/hcons/keys.h: hashing of keys, for look-ups. SPDX-License-Identifier: MIT */
#ifndef HCONS_KEYS_H
#define HCONS_KEYS_H

#include "hcons/internal.h"

#define HC_ALWAYS_INLINE static inline __attribute__((always_inline))

static inline uint64_t hc_mix(uint64_t a, uint64_t b) {
  unsigned __int128 product = (unsigned __int128)a * b;
  return (uint64_t)product ^ (uint64_t)(product >> 64);
}

#define HC_HASH_A UINT64_C(0xa0761d6478bd642f)
#define HC_HASH_B UINT64_C(0xe7037ed1a0b428db)
#define HC_HASH_C UINT64_C(0x589965cc75374cc3)

/* Two words a multiplication, after W. Yi's wyhash; what tells classes, tags and
 * lengths apart comes in beside the first of them, so it delays nothing. The upper
 * half is the hash. */
HC_ALWAYS_INLINE uint64_t hc_hash_words(uint64_t low, const uintptr_t *key,
                                        size_t words) {
  uint64_t h = low * HC_HASH_A;
  size_t i = 0;
  for (; i + 2 <= words; i += 2)
    h = hc_mix(key[i] ^ h, key[i + 1] ^ HC_HASH_B) + h;
  if (i < words)
    h = hc_mix(key[i] ^ h, HC_HASH_B);
  return h * HC_HASH_C;
}

HC_ALWAYS_INLINE uint64_t hc_low_of(const struct hc_class *cls, unsigned tag,
                                    size_t words) {
  return 1 | (uint64_t)cls->number << 1 | (uint64_t)tag << 8 |
         (uint64_t)words << 16;
}

HC_ALWAYS_INLINE uint64_t hc_header_by_words(const struct hc_class *cls,
                                             unsigned tag, const uintptr_t *key,
                                             size_t words) {
  uint64_t low = hc_low_of(cls, tag, words);
  return low | hc_hash_words(low, key, words) >> 32 << 32;
}

#endif
