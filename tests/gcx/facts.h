/* tests/gcx/facts.h: mistakes with objects of debug kinds, as they are reported. SPDX-License-Identifier: MIT */
#ifndef TESTS_GCX_FACTS_H
#define TESTS_GCX_FACTS_H

#include "gcx/shadow.h"

#include <gcx/debug.h>

/* Copies, in malloc's memory: the facts name dead objects, and must not be
 * references to them. */
struct fact {
  gcx_debug_mistake mistake;
  uintptr_t object, word, from; /* hidden, or 0 */
  size_t bytes, offset;
  int line, from_line, thread;
  unsigned long collection;
  gcx_debug_place place;
  char kind[24], file[64], from_kind[24], from_file[64], text[1024];
};

/* From now on reports are collected. */
void facts_begin(void);
size_t facts_count(void);
/* The i-th; the case ends when there are not so many. */
const struct fact *facts_at(size_t i);
/* How many there are of a sort. */
size_t facts_of(gcx_debug_mistake mistake);
/* The only one there is, of that sort and about the hidden object; then there is
 * none. */
const struct fact *facts_take(gcx_debug_mistake mistake, uintptr_t object);
/* There was none; prints what there is. */
void facts_check_none(void);

#endif
