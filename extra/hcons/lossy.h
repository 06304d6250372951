/* extra/hcons/lossy.h: a memo of fixed size. SPDX-License-Identifier: MIT */
/* An entry is stamped with the number of the last collection and counts only while that
 * is the number still. Nothing that was reachable when it was stamped has been freed
 * before the number changes, so neither keys nor value need to be scanned or cleared,
 * and an entry can not be of another object that has the address now. Why a look is
 * enough: the number changes while the world is stopped; a value that is in a variable
 * when the number is read and found unchanged is kept by that variable from then on.
 *
 * Two entries share a set, chosen by the hash of the keys; a new one takes the place of
 * the older one. The array is mapped and not scanned. Callers hold the keys, and a lock
 * that is chosen by the low bits of the hash, as the set is. */
#ifndef HCONS_LOSSY_H
#define HCONS_LOSSY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HC_LOSSY_WAYS = 2, HC_LOSSY_LEAST_SETS = 64 };

/* No memo has more keys. */
enum { HC_MEMO_KEYS = 3 };

struct hc_lossy_entry {
  const void *key[HC_MEMO_KEYS]; /* null behind the last one */
  const void *value;
  uint64_t stamp; /* collection number + 1, 0 for none */
};

struct hc_lossy {
  struct hc_lossy_entry *entry; /* null: not open */
  size_t sets;                  /* a power of two */
};

/* Room for about HINT entries; false without memory. */
bool hc_lossy_open(struct hc_lossy *l, size_t hint);
void hc_lossy_close(struct hc_lossy *l);

bool hc_lossy_get(const struct hc_lossy *l, uint64_t hash,
                  const void *const *key, const void **out_value);
void hc_lossy_put(struct hc_lossy *l, uint64_t hash, const void *const *key,
                  const void *value);

/* All entries that count; no lock is needed for an estimate. */
size_t hc_lossy_count(const struct hc_lossy *l);

#endif
