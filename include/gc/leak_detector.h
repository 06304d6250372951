/* include/gc/leak_detector.h: the system's allocation by libgc's, to find leaks. SPDX-License-Identifier: MIT */

/* A program that frees by hand includes this in all its files, sets
 * GC_find_leak before the first allocation and calls CHECK_LEAKS() now and
 * then: what it lost since is reported with the place of the allocation. */
#ifndef GC_LEAK_DETECTOR_H
#define GC_LEAK_DETECTOR_H

#ifndef GC_DEBUG
# define GC_DEBUG
#endif
#include "gc.h"

#ifndef GC_DONT_INCLUDE_STDLIB
/* The redefinitions below would spoil their declarations. */
# include <stdlib.h>
# include <string.h>
#endif

#undef malloc
#define malloc(n) GC_MALLOC(n)
#undef calloc
#define calloc(m, n) GC_MALLOC((m) * (n))
#undef free
#define free(p) GC_FREE(p)
#undef realloc
#define realloc(p, n) GC_REALLOC(p, n)
#undef strdup
#define strdup(s) GC_STRDUP(s)
#undef strndup
#define strndup(s, n) GC_STRNDUP(s, n)
#undef memalign
#define memalign(a, n) GC_memalign(a, n)
#undef posix_memalign
#define posix_memalign(p, a, n) GC_posix_memalign(p, a, n)
#ifdef GC_REQUIRE_WCSDUP
# undef wcsdup
# define wcsdup(s) GC_WCSDUP(s)
#endif

#ifndef CHECK_LEAKS
# define CHECK_LEAKS() GC_gcollect()
#endif

#endif /* GC_LEAK_DETECTOR_H */
