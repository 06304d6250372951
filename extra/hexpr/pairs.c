/* extra/hexpr/pairs.c: a worklist of pairs, each taken once. SPDX-License-Identifier: MIT */
#include "hexpr/pairs.h"

#include <stdlib.h>

static struct ex_pair *slot_of(const struct ex_pairs *p, struct ex_pair k) {
  size_t mask = ((size_t)1 << p->bits) - 1;
  uint64_t h = ((uint64_t)k.a << 32 | k.b) * UINT64_C(0x9e3779b97f4a7c15);
  size_t i = h >> (64 - p->bits);
  while (p->seen[i].a != 0 && (p->seen[i].a != k.a || p->seen[i].b != k.b))
    i = (i + 1) & mask;
  return &p->seen[i];
}

static bool grow(struct ex_pairs *p) {
  struct ex_pairs bigger = *p;
  size_t size = p->seen == NULL ? 0 : (size_t)1 << p->bits;
  bigger.bits = p->seen == NULL ? 6 : p->bits + 1;
  bigger.seen = calloc((size_t)1 << bigger.bits, sizeof *bigger.seen);
  if (bigger.seen == NULL)
    return false;
  for (size_t i = 0; i < size; i++)
    if (p->seen[i].a != 0)
      *slot_of(&bigger, p->seen[i]) = p->seen[i];
  free(p->seen);
  *p = bigger;
  return true;
}

static bool make_room(struct ex_pairs *p) {
  size_t room = p->room == 0 ? 64 : 2 * p->room;
  struct ex_pair *bigger;
  if (p->n < p->room)
    return true;
  bigger = realloc(p->todo, room * sizeof *bigger);
  if (bigger == NULL)
    return false;
  p->todo = bigger;
  p->room = room;
  return true;
}

/* Entries count from 1, so that a zero first half means empty. */
bool ex_pairs_push(struct ex_pairs *p, uint32_t a, uint32_t b) {
  struct ex_pair key = {a + 1, b + 1};
  struct ex_pair *slot;
  if ((p->seen == NULL || 2 * p->used >= (size_t)1 << p->bits) && !grow(p))
    return false;
  slot = slot_of(p, key);
  if (slot->a != 0)
    return true;
  if (!make_room(p))
    return false;
  *slot = key;
  p->used++;
  p->todo[p->n++] = (struct ex_pair){a, b};
  return true;
}

bool ex_pairs_pop(struct ex_pairs *p, struct ex_pair *out) {
  if (p->n == 0)
    return false;
  *out = p->todo[--p->n];
  return true;
}

void ex_pairs_drop(struct ex_pairs *p) {
  free(p->todo);
  free(p->seen);
}
