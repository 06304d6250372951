/* include/gcx/debug.h: finding mistakes with objects of notified kinds. SPDX-License-Identifier: MIT */

/* A kind made with GCX_KIND_DEBUG, and the objects of gcx_debug_finalized_alloc:
 *
 *   - know where they were made, how long they are, and after how many collections;
 *   - have a red zone behind them, whose bytes must not change: looked at when the
 *     object is notified, freed by hand, released, and by gcx_debug_check;
 *   - are filled with a pattern (0xde; zeroes where GCX_LAYOUT_BITMAP or
 *     GCX_LAYOUT_PROC reads them) when they would be free, and come into quarantine
 *     for two collections, or as many as GCX_QUARANTINE in the environment says.
 *     Who writes there is found; so is who refers there: a live object, static
 *     data, a thread.  While something refers there they are not freed.  Pointers
 *     to what was freed by hand are no mistake, as long as they are not used.
 *
 * GC_base() of an object is the object.  GC_size() is what was asked for, and so is
 * the size that the notifier gets.  GC_realloc always moves the object, as if the
 * old one were freed.  Each object takes at least 56 bytes more.  Other kinds pay
 * nothing.
 *
 * GCX_DEBUG_KINDS in the environment makes all kinds debug kinds, without sites.
 * Since 0.2.0. */
#ifndef GCX_DEBUG_H
#define GCX_DEBUG_H

#include "reclaim.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What went wrong. */
typedef enum gcx_debug_mistake {
  GCX_DEBUG_SMASHED, /* written beyond its end; `offset` of the first byte */
  GCX_DEBUG_FREED_TWICE, /* GC_free, or GC_realloc, of an object that is condemned,
                          * notified or in quarantine; it was ignored */
  GCX_DEBUG_REFERENCED, /* its notifier returned GCX_DONE, but a reference to it
                          * was stored: by the notifier, or by who had it hidden */
  GCX_DEBUG_WRITTEN,    /* written in quarantine; `offset` of the first byte */
  GCX_DEBUG_KEPT        /* GCX_KEEP or gcx_keep for a GCX_REFS_NONE kind that is
                          * not GCX_LAYOUT_LEAF: its references may lead to what is
                          * gone.  It was treated as GCX_DONE */
} gcx_debug_mistake;

/* Where a reference to a dead object was found. */
typedef enum gcx_debug_place {
  GCX_DEBUG_NOWHERE,   /* GCX_DEBUG_REFERENCED only has a place */
  GCX_DEBUG_IN_OBJECT, /* in the live object `from` */
  GCX_DEBUG_IN_STATIC, /* in static data, or a range of GC_add_roots */
  GCX_DEBUG_IN_KIND,   /* it is the cd of the kind `from_kind` */
  GCX_DEBUG_IN_THREAD, /* on the stack, in the registers or in the thread-local
                        * data of `thread`, in two collections running: a stack
                        * may hold a word that nobody uses any more.  Stacks of
                        * notifier threads do not count */
  GCX_DEBUG_UNKNOWN    /* pushed by the program's GC_push_other_roots or reached
                        * from there; also in two collections running */
} gcx_debug_place;

/* One mistake.  Pointers are null and numbers 0 where nothing is known. */
typedef struct gcx_debug_facts {
  size_t struct_size;
  gcx_debug_mistake mistake;
  const char *text;   /* all of it, in some lines of English */
  const void *object; /* which it is about */
  const char *kind;   /* its kind's name */
  size_t bytes;       /* as asked for */
  const char *file;   /* where it was made */
  int line;
  unsigned long collection; /* how many collections there had been then */
  size_t offset; /* from the object's start: of the damage, or of where
                             * the reference leads */
  gcx_debug_place place;
  const void *word;      /* the address of the reference */
  const void *from;      /* GCX_DEBUG_IN_OBJECT: start of that object, */
  const char *from_kind; /* its kind's name, */
  const char *from_file; /* and, if that is a debug kind, where it was made */
  int from_line;
  int thread; /* its number in the system */
} gcx_debug_facts;

/* Called for each mistake, once for an object and a sort of mistake, by the thread
 * that found it or by another one, with the world running; it may own the allocator
 * lock.  It must not call the library, nor take locks under which others do.  The
 * text and the facts are gone when it returns. */
typedef void(GC_CALLBACK *gcx_debug_report_fn)(const gcx_debug_facts *);

/* Sets the function in place of the one that prints the text as a message of the
 * library; null: that one again.  Any thread, any time. */
GC_API void GC_CALL gcx_debug_set_report(gcx_debug_report_fn /* fn */);

/* As gcx_kind_alloc, with the place of the call, which is noted for debug kinds.
 * The name is not copied: it must stay as long as the object, also when a library
 * is unloaded. */
GC_API void *GC_CALL gcx_debug_kind_alloc(gcx_kind * /* kind */,
                                          size_t /* bytes */,
                                          const char * /* file */,
                                          int /* line */) GC_ATTR_NONNULL(1);

/* As gcx_finalized_alloc; the object belongs to a debug kind. */
GC_API void *GC_CALL gcx_debug_finalized_alloc(size_t /* bytes */,
                                               const gcx_closure *,
                                               const char * /* file */,
                                               int /* line */);

/* Looks at the red zones of all objects of debug kinds, and at what is in quarantine.
 * Reports what is damaged, and returns how many objects are, those included that
 * were reported before.  Stops the world; does not collect.  Any thread that may
 * allocate. */
GC_API size_t GC_CALL gcx_debug_check(void);

/* For programs that debug when they are compiled so, with GC_DEBUG as for gc.h, or
 * with GCX_DEBUG for these alone.  GCX_KIND_DEBUG_IF is for the flags of kinds. */
#if defined(GC_DEBUG) || defined(GCX_DEBUG)
#define GCX_KIND_DEBUG_IF GCX_KIND_DEBUG
#define GCX_KIND_ALLOC(kind, bytes)                                            \
  gcx_debug_kind_alloc(kind, bytes, __FILE__, __LINE__)
#define GCX_FINALIZED_ALLOC(bytes, closure)                                    \
  gcx_debug_finalized_alloc(bytes, closure, __FILE__, __LINE__)
#else
#define GCX_KIND_DEBUG_IF 0u
#define GCX_KIND_ALLOC(kind, bytes) gcx_kind_alloc(kind, bytes)
#define GCX_FINALIZED_ALLOC(bytes, closure) gcx_finalized_alloc(bytes, closure)
#endif

#ifdef __cplusplus
}
#endif

#endif /* GCX_DEBUG_H */
