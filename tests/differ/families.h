/* tests/differ/families.h: what is true of objects by the way they were made. SPDX-License-Identifier: MIT */

#ifndef TESTS_DIFFER_FAMILIES_H
#define TESTS_DIFFER_FAMILIES_H

#include "differ/world.h"

enum { WORD = sizeof(GC_word), ELEMENT_WORDS = 6, HEAD_WORDS = 5 };

enum {
  IS_ATOMIC = 1,
  IS_PRECISE = 2,
  IS_ALIGNED = 4, /* need not be a base */
  IS_STRING = 8,
  IS_NEAR = 16, /* references into the first 256 bytes only */
  IS_RESIZED = 32,
  IS_EXACT = 64,   /* no spare byte */
  IS_DEBUG = 128,  /* behind a header, with a site */
  IS_TAGGED = 256, /* word 0 is the address of a table */
  IS_LEAF = 512,   /* no references */
  IS_TOLD = 1024   /* its death is told, see dying.c */
};

struct df_family_info {
  void *(*make)(size_t);
  unsigned traits;
  int kind; /* as GC_get_kind_and_size tells it; -1: any */
};
extern const struct df_family_info df_families[DF_FAMILIES];

static inline bool df_has(const struct df_object *o, unsigned traits) {
  return (df_families[o->family].traits & traits) != 0;
}

/* The word that holds the key. */
static inline uint64_t *df_key_word(const struct df_object *o) {
  return (uint64_t *)df_address(o) + (df_has(o, IS_TAGGED) ? HEAD_WORDS : 0);
}

#endif
