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

/* Keys that are near each other have hashes that differ in their lowest bits only, and so
 * their slots are in one cache line or two: those with four neighbours for the word, or
 * for each of the first two. Neighbours are successive numbers in leaves, and else the
 * addresses of small objects within 128 bytes, every second of 16 bytes. Programs make and
 * ask for such keys one after the other, as they go along a chain, a list or two. No more
 * than four or sixteen keys are near each other, whatever a program has, and each has a
 * place.
 *
 * What tells near keys apart is left out of the mixing and comes in at the end of the
 * upper half of the hash, from either form of word. When both words go up, or one up and
 * one down, only the lower two bits change, and the line stays. */
enum { HC_NEAR_LEAF = 3, HC_NEAR_NODE = 3 << 5 };

static inline uint64_t hc_near_hash(uintptr_t places) {
  return places * ((UINT64_C(1) << 32) + (UINT64_C(1) << 27));
}

static inline uintptr_t hc_near_two(uintptr_t a, uintptr_t b) {
  return a ^ (a ^ b) << 2;
}

/* Two words a multiplication, after W. Yi's wyhash; what tells classes, tags and
 * lengths apart comes in beside the first of them, so it delays nothing. The upper
 * half is the hash. */
HC_ALWAYS_INLINE uint64_t hc_hash_words(const struct hc_class *cls,
                                        uint32_t low, const uintptr_t *key,
                                        size_t words) {
  uint64_t h = low * HC_HASH_A;
  if (words == 0)
    return h * HC_HASH_C;
  if (words == 1)
    return hc_mix((key[0] & cls->far_bits) ^ h, HC_HASH_B) * HC_HASH_C ^
           hc_near_hash(key[0] & cls->near_bits);
  h = hc_mix((key[0] & cls->far_bits) ^ h,
             (key[1] & cls->far_bits) ^ HC_HASH_B);
  for (size_t i = 2; i + 2 <= words; i += 2)
    h = hc_mix(key[i] ^ h, key[i + 1] ^ HC_HASH_B) + h;
  if (words % 2 != 0)
    h = hc_mix(key[words - 1] ^ h, HC_HASH_B);
  h ^= h << 32; /* as good here as a multiplication, and sooner there */
  return h ^ hc_near_hash(
                 hc_near_two(key[0] & cls->near_bits, key[1] & cls->near_bits));
}

HC_ALWAYS_INLINE uint32_t hc_low_of(const struct hc_class *cls, unsigned tag,
                                    size_t words) {
  return cls->low | tag << 8 | (uint32_t)words << 16;
}

static inline uint64_t hc_header_of(uint32_t low, uint64_t hash) {
  return low | hash >> 32 << 32;
}

HC_ALWAYS_INLINE uint64_t hc_header_by_words(const struct hc_class *cls,
                                             unsigned tag, const uintptr_t *key,
                                             size_t words) {
  uint32_t low = hc_low_of(cls, tag, words);
  return hc_header_of(low, hc_hash_words(cls, low, key, words));
}

#endif
