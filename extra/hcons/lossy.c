/* extra/hcons/lossy.c: a memo of fixed size. SPDX-License-Identifier: MIT */
#include "hcons/lossy.h"

#include "hcons/backend.h"
#include "hcons/hcons.h"

#include <string.h>
#include <sys/mman.h>

enum { MAX_SET_BITS = 26 };

static uint64_t stamp_now(void) {
  return (uint64_t)hc_backend_collections() + 1;
}

static size_t bytes_of(const struct hc_lossy *l) {
  return l->sets * HC_LOSSY_WAYS * sizeof *l->entry;
}

bool hc_lossy_open(struct hc_lossy *l, size_t hint) {
  void *p;
  l->sets = HC_LOSSY_LEAST_SETS;
  while (l->sets < (size_t)1 << MAX_SET_BITS && l->sets * HC_LOSSY_WAYS < hint)
    l->sets *= 2;
  p = mmap(NULL, bytes_of(l), PROT_READ | PROT_WRITE,
           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  l->entry = p == MAP_FAILED ? NULL : p;
  return l->entry != NULL;
}

void hc_lossy_close(struct hc_lossy *l) {
  if (l->entry != NULL)
    munmap(l->entry, bytes_of(l));
  l->entry = NULL;
}

static struct hc_lossy_entry *set_of(const struct hc_lossy *l, uint64_t hash) {
  return &l->entry[(hash & (l->sets - 1)) * HC_LOSSY_WAYS];
}

static bool has_key(const struct hc_lossy_entry *e, const void *const *key) {
  return e->key[0] == key[0] && e->key[1] == key[1] && e->key[2] == key[2];
}

bool hc_lossy_get(const struct hc_lossy *l, uint64_t hash,
                  const void *const *key, const void **out_value) {
  const struct hc_lossy_entry *e = set_of(l, hash);
  for (int i = 0; i < HC_LOSSY_WAYS; i++, e++)
    if (e->stamp != 0 && has_key(e, key)) {
      const void *value = e->value;
      hc_keep(value);
      if (e->stamp != stamp_now())
        return false;
      *out_value = value;
      return true;
    }
  return false;
}

/* Stamped first: a collection that comes meanwhile makes the entry void, not wrong. */
void hc_lossy_put(struct hc_lossy *l, uint64_t hash, const void *const *key,
                  const void *value) {
  struct hc_lossy_entry *e = set_of(l, hash);
  struct hc_lossy_entry fresh = {
      .key = {key[0], key[1], key[2]}, .value = value, .stamp = stamp_now()};
  if (!has_key(&e[0], key)) {
    if (!has_key(&e[1], key))
      e[1] = e[0];
    else
      e++;
  }
  *e = fresh;
  hc_keep(value);
}

size_t hc_lossy_count(const struct hc_lossy *l) {
  uint64_t now = stamp_now();
  size_t count = 0;
  for (size_t i = 0; i < l->sets * HC_LOSSY_WAYS; i++)
    count += l->entry[i].stamp == now;
  return count;
}
