/* extra/hexpr/recall.c: normal forms that are remembered. SPDX-License-Identifier: MIT */
#include "hexpr/recall.h"

enum { FIRST_BITS = 10 };

bool ex_recall_start(struct ex_recall *m, hc_memo *weak) {
  *m = (struct ex_recall){.weak = weak, .bits = FIRST_BITS};
  m->pair = hc_scanned_alloc(((size_t)2 << m->bits) * sizeof *m->pair);
  return m->pair != NULL || ex_node_fail(EX_ENOMEM) != NULL;
}

void ex_recall_drop(struct ex_recall *m) {
  if (m->pair != NULL)
    hc_scanned_free(m->pair);
}

/* Where E is or belongs. With a weak memo behind, others make way for it. */
static ex *line_of(const struct ex_recall *m, ex e) {
  uint64_t h = (uint64_t)(uintptr_t)e * UINT64_C(0x9e3779b97f4a7c15);
  size_t mask = ((size_t)1 << m->bits) - 1;
  size_t i = h >> (64 - m->bits);
  while (m->weak == NULL && m->pair[2 * i] != NULL && m->pair[2 * i] != e)
    i = (i + 1) & mask;
  return &m->pair[2 * i];
}

static bool grow(struct ex_recall *m) {
  struct ex_recall bigger = *m;
  bigger.bits++;
  bigger.pair =
      hc_scanned_alloc(((size_t)2 << bigger.bits) * sizeof *bigger.pair);
  if (bigger.pair == NULL)
    return false;
  for (size_t i = 0; i < (size_t)1 << m->bits; i++)
    if (m->pair[2 * i] != NULL) {
      ex *line = line_of(&bigger, m->pair[2 * i]);
      line[0] = m->pair[2 * i];
      line[1] = m->pair[2 * i + 1];
    }
  hc_scanned_free(m->pair);
  *m = bigger;
  return true;
}

ex ex_recall_get(struct ex_recall *m, ex e) {
  void *value;
  ex *line;
  if (m->pair == NULL)
    return NULL;
  line = line_of(m, e);
  if (line[0] == e)
    return line[1];
  if (m->weak == NULL || is_leaf(e) || !hc_memo_get(m->weak, e, &value))
    return NULL;
  line[0] = e;
  line[1] = value;
  return value;
}

void ex_recall_put(struct ex_recall *m, ex e, ex value) {
  ex *line;
  if (m->pair == NULL)
    return;
  line = line_of(m, e);
  if (m->weak == NULL && line[0] == NULL) {
    if (2 * m->used >= (size_t)1 << m->bits) {
      if (!grow(m))
        return;
      line = line_of(m, e);
    }
    m->used++;
  }
  line[0] = e;
  line[1] = value;
  if (m->weak != NULL && !is_leaf(e))
    hc_memo_put(m->weak, e, value);
}
