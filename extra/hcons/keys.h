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

/* Of the first word of a key: addresses are multiples of 16, numbers are what they
 * are. */
enum { HC_NEAR_LEAF = 7, HC_NEAR_NODE = 7 << 4 };

/* Three bits at the end of the upper half, from either of the two; those of addresses
 * also four bits above, which does no harm. */
static inline uint64_t hc_near_hash(uint64_t near) {
  return near * UINT64_C(0x110000000);
}

/* Two words a multiplication, after W. Yi's wyhash; what tells classes, tags and
 * lengths apart comes in beside the first of them, so it delays nothing. The upper
 * half is the hash.
 *
 * Keys that are near each other have hashes that differ in few low bits, and so their
 * slots are in one cache line: nodes over eight successive small objects, leaves of
 * eight successive numbers. Programs make and ask for such keys together. The three
 * bits of the first word that tell them apart (`near`) are left out of the mixing and
 * come to the end of the hash. The second word counts by its difference from the first, so
 * that successive pairs are near each other, too; and no more than eight keys are,
 * whatever a program has. */
HC_ALWAYS_INLINE uint64_t hc_hash_words(const struct hc_class *cls,
                                        uint32_t low, const uintptr_t *key,
                                        size_t words) {
  uint64_t h = low * HC_HASH_A;
  uint64_t first = words > 0 ? key[0] & cls->far_bits : 0;
  uint64_t near = words > 0 ? key[0] & cls->near_bits : 0;
  if (words == 1)
    h = hc_mix(first ^ h, HC_HASH_B);
  if (words > 1)
    h = hc_mix(first ^ h, (key[1] - key[0]) ^ HC_HASH_B);
  for (size_t i = 2; i + 2 <= words; i += 2)
    h = hc_mix(key[i] ^ h, key[i + 1] ^ HC_HASH_B) + h;
  if (words > 2 && words % 2 != 0)
    h = hc_mix(key[words - 1] ^ h, HC_HASH_B);
  return h * HC_HASH_C ^ hc_near_hash(near);
}

HC_ALWAYS_INLINE uint32_t hc_low_of(const struct hc_class *cls, unsigned tag,
                                    size_t words) {
  return cls->low | tag << 8 | (uint32_t)words << 16;
}

HC_ALWAYS_INLINE uint64_t hc_header_by_words(const struct hc_class *cls,
                                             unsigned tag, const uintptr_t *key,
                                             size_t words) {
  uint32_t low = hc_low_of(cls, tag, words);
  return low | hc_hash_words(cls, low, key, words) >> 32 << 32;
}

#endif
