/* include/gc/gc_tiny_fl.h: sizes of inlined free lists. SPDX-License-Identifier: MIT */

/* A program that allocates inline (gc_inline.h) keeps an array of
 * GC_TINY_FREELISTS list heads, entry i for cells of i granules.  The
 * numbers are compiled into such programs, so they are part of the binary
 * interface and never change.
 *
 * Entry 0 serves requests of no bytes, with cells of one granule.  The
 * collector does not know these arrays: cells on a list stay alive because
 * the head is found in scanned memory. */
#ifndef GC_TINY_FL_H
#define GC_TINY_FL_H

/* A granule is two words; every object is a whole number of granules. */
#ifndef GC_GRANULE_BYTES
# if defined(__LP64__) || defined(_LP64)
#  define GC_GRANULE_BYTES 16
# else
#  define GC_GRANULE_BYTES 8
# endif
#endif
#ifndef GC_GRANULE_WORDS
# define GC_GRANULE_WORDS 2
#endif

/* Whole granules in n words; a rest is dropped. */
#define GC_WORDS_TO_GRANULES(n) ((n) / GC_GRANULE_WORDS)

/* Entries of an array: cells of up to 384 bytes (64-bit). */
#ifndef GC_TINY_FREELISTS
# if GC_GRANULE_BYTES == 16
#  define GC_TINY_FREELISTS 25
# else
#  define GC_TINY_FREELISTS 33
# endif
#endif

/* Bytes of a cell on list i, the spare byte included. */
#define GC_RAW_BYTES_FROM_INDEX(i) (GC_GRANULE_BYTES * (i))

#endif /* GC_TINY_FL_H */
