/* tests/lib/edges.h: objects whose references are the words behind the first. SPDX-License-Identifier: MIT */
#ifndef TESTS_LIB_EDGES_H
#define TESTS_LIB_EDGES_H

#include <gc/gc.h>
#include <gc/gc_mark.h>

#include <stddef.h>

/* A mark procedure; the environment is the number of references. */
static inline struct GC_ms_entry *gu_mark_edges(GC_word *addr,
                                                struct GC_ms_entry *sp,
                                                struct GC_ms_entry *limit,
                                                GC_word env) {
  void **p = (void **)addr;
  for (size_t i = 1; i <= env; i++)
    sp = GC_MARK_AND_PUSH(p[i], sp, limit, &p[i]);
  return sp;
}

#endif
