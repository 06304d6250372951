/* src/base/config.h: constants and build predicates. SPDX-License-Identifier: MIT
 *
 * The only place where configure's answers become C constants; everything above
 * tests ordinary expressions (`if (GC_DEBUG_BUILD)`), never the preprocessor.
 */
#ifndef GC_BASE_CONFIG_H
#define GC_BASE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(HAVE_CONFIG_H)
#include <config.h>
#endif

#if !defined(__x86_64__) || !defined(__linux__)
#error "This release of Reclaim supports Linux on x86-64 only."
#endif

#if defined(GC_BUILD_DEBUG)
#define GC_DEBUG_BUILD 1
#else
#define GC_DEBUG_BUILD 0
#endif

#if defined(GC_BUILD_BARE)
#define GC_BARE_BUILD 1
#else
#define GC_BARE_BUILD 0
#endif

/* A word is a machine word; a granule is the unit of object sizes. */
#define GC_WORD_BITS 64u
#define GC_GRANULE_SHIFT 4u
#define GC_GRANULE_BYTES ((size_t)1 << GC_GRANULE_SHIFT)

/* A block is the unit of the heap: it holds objects of one size and kind. */
#define GC_BLOCK_SHIFT 16u
#define GC_BLOCK_BYTES ((size_t)1 << GC_BLOCK_SHIFT)
#define GC_BLOCK_MASK (GC_BLOCK_BYTES - 1)
#define GC_BLOCK_MAX_OBJECTS (GC_BLOCK_BYTES / GC_GRANULE_BYTES)

/* Objects above this size get whole blocks of their own. */
#define GC_SMALL_MAX_BYTES (GC_BLOCK_BYTES / 2)

#define GC_MAX_KINDS 256u
#define GC_CACHE_LINE 64u

_Static_assert(sizeof(void *) == 8, "a word is 64 bits");

#endif
