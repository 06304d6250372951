/* include/gc/gc_inline.h: inline allocation from the client's own lists. SPDX-License-Identifier: MIT */

/* For compilers that generate C.  The program keeps lists of free cells, one
 * array of GC_TINY_FREELISTS heads a kind and thread, in memory that is
 * scanned; it takes cells inline and refills a list by a call.  The macros
 * are compiled into programs, so what they rely on never changes:
 *
 *  - a list is linked through word 0 of its cells and ends with 0; all other
 *    words of a cell of a pointerful kind are zero;
 *  - sizes are whole granules without a spare byte: a program that keeps
 *    references past the end of objects asks for one byte more;
 *  - a head that is not an address is 0 or a small count, see below.
 *
 * A thread uses its own arrays only; a stop of the world between the two
 * stores that take a cell does no harm, since the cell is found from the
 * registers then.  Contracts in brackets are those of gc.h. */
#ifndef GC_INLINE_H
#define GC_INLINE_H

#include "gc.h"
#include "gc_tiny_fl.h"

/* The value of expr, which usually equals the constant. */
#if GC_GNUC_PREREQ(3, 0)
# define GC_EXPECT(expr, outcome) __builtin_expect(expr, outcome)
#else
# define GC_EXPECT(expr, outcome) (expr)
#endif

#ifndef GC_ASSERT
# ifdef NDEBUG
#  define GC_ASSERT(expr)
# else
#  include <assert.h>
#  define GC_ASSERT(expr) assert(expr)
# endif
#endif

#ifndef GC_PREFETCH_FOR_WRITE
# if GC_GNUC_PREREQ(3, 0) && !defined(GC_NO_PREFETCH_FOR_WRITE)
#  define GC_PREFETCH_FOR_WRITE(p) __builtin_prefetch((p), 1)
# else
#  define GC_PREFETCH_FOR_WRITE(p) (void)0
# endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* The kinds of GC_malloc_atomic and GC_malloc. */
#define GC_I_PTRFREE 0
#define GC_I_NORMAL 1

/* Puts a list of new cells of exactly that size and kind into *list, which
 * must be scanned memory; 0 when memory ran out (the out-of-memory function
 * is not called).  Kinds with notification of dead objects count the cells as
 * objects.  [alloc] but for that. */
GC_API void GC_CALL GC_generic_malloc_many(size_t, int /* kind */,
                                           void ** /* list */);

/* An object of the kind, as GC_malloc gives it.  The second form, which in
 * libgc bypasses what the thread keeps for itself, has the same result here,
 * and is slower for the two kinds above.  [alloc] */
GC_API GC_ATTR_ALLOC_SIZE(1) void *GC_CALL
GC_malloc_kind(size_t, int /* kind */);
GC_API GC_ATTR_ALLOC_SIZE(1) void *GC_CALL
GC_malloc_kind_global(size_t, int /* kind */);

/* Prints how many objects of so many granules are free in blocks of the kind,
 * to standard output.  [manage] */
GC_API void GC_CALL GC_print_free_list(int /* kind */, size_t /* granules */);

#ifdef __cplusplus
}
#endif

/* Stores a list head. */
#define GC_FAST_M_AO_STORE(head, next) (void)(*(head) = (next))

/* A head of this value or more is a cell, not a count. */
#define GC_TINY_LEAST_CELL(num_direct) \
  ((GC_word)(num_direct) + GC_TINY_FREELISTS + 2)

/* Takes the first cell of a list that has one. */
#define GC_TINY_TAKE(result, head, kind, init) \
  do { \
    void *gc_cell_ = *(head); \
    void *gc_next_ = GC_NEXT(gc_cell_); \
    (result) = gc_cell_; \
    GC_FAST_M_AO_STORE(head, gc_next_); \
    init; \
    GC_PREFETCH_FOR_WRITE(gc_next_); \
    if ((kind) != GC_I_PTRFREE) { \
      GC_end_stubborn_change(head); \
      GC_reachable_here(gc_next_); \
    } \
  } while (0)

/* Puts an object of so many granules, of the kind, into result: from the list
 * for that size in tiny_fl, an array of heads, or with default_expr when it
 * is larger than the lists go.  init runs on every cell taken; it has to set
 * word 0, which still holds the link.
 *
 * When num_direct is not 0 the heads start as (void *)1, and the first
 * num_direct granules of each size come from default_expr, one by one, before
 * a list is filled: rarely used sizes then waste no memory on lists.  The
 * head counts granules, and one more for each object, meanwhile.  When
 * num_direct is 0 the heads start as 0 (or as (void *)1, the same).
 *
 * When memory runs out result is what the out-of-memory function returns. */
#define GC_FAST_MALLOC_GRANS(result, granules, tiny_fl, num_direct, kind, \
                             default_expr, init) \
  do { \
    size_t gc_size_ = (size_t)(granules); \
    void **gc_head_; \
    if (GC_EXPECT(gc_size_ >= GC_TINY_FREELISTS, 0)) { \
      (result) = (default_expr); \
      break; \
    } \
    gc_head_ = (tiny_fl) + gc_size_; \
    if (GC_EXPECT((GC_word)*gc_head_ < GC_TINY_LEAST_CELL(num_direct), 0)) { \
      if (*gc_head_ != 0 && (GC_word)*gc_head_ <= (GC_word)(num_direct)) { \
        *gc_head_ = (void *)((GC_word)*gc_head_ + gc_size_ + 1); \
        (result) = (default_expr); \
        break; \
      } \
      GC_generic_malloc_many( \
          gc_size_ == 0 ? (size_t)GC_GRANULE_BYTES \
                        : (size_t)GC_RAW_BYTES_FROM_INDEX(gc_size_), \
          (int)(kind), gc_head_); \
      if (*gc_head_ == 0) { \
        (result) = (*GC_get_oom_fn())(gc_size_ * GC_GRANULE_BYTES); \
        break; \
      } \
    } \
    GC_TINY_TAKE(result, gc_head_, kind, init); \
    GC_ASSERT(GC_size(result) >= gc_size_ * GC_GRANULE_BYTES); \
    GC_ASSERT((kind) == GC_I_PTRFREE || ((GC_word *)(result))[1] == 0); \
  } while (0)

/* Granules that hold n words. */
#define GC_WORDS_TO_WHOLE_GRANULES(n) \
  GC_WORDS_TO_GRANULES((n) + GC_GRANULE_WORDS - 1)

/* An object of n words, from an array of heads that started as zeros.  No
 * byte is added for references past its end.  This collector scans every word
 * of the object; libgc leaves out the last one while GC_all_interior_pointers
 * is set, so that portable programs clear that first or ask for a word more. */
#define GC_MALLOC_WORDS_KIND(result, n, tiny_fl, kind, init) \
  do { \
    size_t gc_granules_ = (size_t)GC_WORDS_TO_WHOLE_GRANULES(n); \
    GC_FAST_MALLOC_GRANS( \
        result, gc_granules_, tiny_fl, 0, kind, \
        GC_malloc_kind(gc_granules_ * GC_GRANULE_BYTES, (int)(kind)), init); \
  } while (0)

#define GC_MALLOC_WORDS(result, n, tiny_fl) \
  GC_MALLOC_WORDS_KIND(result, n, tiny_fl, GC_I_NORMAL, GC_NEXT(result) = 0)
#define GC_MALLOC_ATOMIC_WORDS(result, n, tiny_fl) \
  GC_MALLOC_WORDS_KIND(result, n, tiny_fl, GC_I_PTRFREE, (void)0)

/* An object of two words with these contents. */
#define GC_CONS(result, first, second, tiny_fl) \
  do { \
    void *gc_first_ = (void *)(first); \
    void *gc_second_ = (void *)(second); \
    GC_MALLOC_WORDS_KIND(result, 2, tiny_fl, GC_I_NORMAL, (void)0); \
    if ((result) != 0) { \
      *(void **)(result) = gc_first_; \
      GC_PTR_STORE_AND_DIRTY((void **)(result) + 1, gc_second_); \
      GC_reachable_here(gc_first_); \
    } \
  } while (0)

#endif /* GC_INLINE_H */
