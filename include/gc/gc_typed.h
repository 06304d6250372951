/* include/gc/gc_typed.h: objects that tell which of their words are references. SPDX-License-Identifier: MIT */

/* A *descriptor* is made once for a type, from a bit map of its words; objects
 * that are allocated with it keep alive what those words refer to, and nothing
 * by the others.  It costs a word for each object.
 *
 * Contracts in brackets are those of gc.h. */
#ifndef GC_TYPED_H
#define GC_TYPED_H

#include "gc.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A bit for each word of an object, from the lowest bit of the first word
 * on. */
typedef GC_word *GC_bitmap;

#ifndef GC_WORDSZ
# define GC_WORDSZ (8 * sizeof(GC_word))
#endif

#define GC_get_bit(bm, index) /* of type GC_word: 0 or 1 */ \
  (((bm)[(index) / GC_WORDSZ] >> ((index) % GC_WORDSZ)) & 1)
#define GC_set_bit(bm, index) \
  ((bm)[(index) / GC_WORDSZ] |= (GC_word)1 << ((index) % GC_WORDSZ))

/* Number of the word of a field; words of a type; words that a bit map for it
 * needs. */
#define GC_WORD_OFFSET(t, f) (offsetof(t, f) / sizeof(GC_word))
#define GC_WORD_LEN(t) (sizeof(t) / sizeof(GC_word))
#define GC_BITMAP_SIZE(t) ((GC_WORD_LEN(t) + GC_WORDSZ - 1) / GC_WORDSZ)

typedef GC_word GC_descr;

/* A descriptor for objects whose first words the bits tell of; words behind
 * them are no references.  Equal maps of more than 62 words share a record,
 * which is never freed.  [manage] */
GC_API GC_descr GC_CALL GC_make_descriptor(const GC_word * /* map */,
                                           size_t /* words */);

/* A zeroed object with the descriptor, perhaps one of gc_mark.h.  GC_realloc
 * does not know the descriptor and is not for these objects.  [alloc] */
GC_API GC_ATTR_MALLOC GC_ATTR_ALLOC_SIZE(1) void *GC_CALL
GC_malloc_explicitly_typed(size_t, GC_descr);

/* The same for large objects of which the caller keeps a reference into the
 * first 256 bytes.  [alloc] */
GC_API GC_ATTR_MALLOC GC_ATTR_ALLOC_SIZE(1) void *GC_CALL
GC_malloc_explicitly_typed_ignore_off_page(size_t, GC_descr);

/* A zeroed array of count elements, each of so many bytes and with the
 * descriptor.  When the bytes are no whole words everything is scanned.
 * [alloc] */
GC_API GC_ATTR_MALLOC GC_ATTR_CALLOC_SIZE(1, 2) void *GC_CALL
GC_calloc_explicitly_typed(size_t /* count */, size_t /* bytes */, GC_descr);

/* The forms that portable programs use. */
#define GC_MALLOC_EXPLICITLY_TYPED(bytes, d) \
  GC_malloc_explicitly_typed(bytes, d)
#define GC_MALLOC_EXPLICITLY_TYPED_IGNORE_OFF_PAGE(bytes, d) \
  GC_malloc_explicitly_typed_ignore_off_page(bytes, d)
#define GC_CALLOC_EXPLICITLY_TYPED(n, bytes, d) \
  GC_calloc_explicitly_typed(n, bytes, d)

#ifdef __cplusplus
}
#endif

#endif /* GC_TYPED_H */
