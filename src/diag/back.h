/* src/diag/back.h: who keeps an object alive. SPDX-License-Identifier: MIT
 *
 * Found on demand: the world is stopped, and roots and live objects are searched, level
 * by level from the object towards the roots. Nothing is kept for it before.
 */
#ifndef GC_DIAG_BACK_H
#define GC_DIAG_BACK_H

#include "notify/debug.h"
#include "plat/plat.h"

enum gc_back_sort {
  BACK_NONE,     /* nothing was found */
  BACK_STATIC,   /* static data, or a range that the program registered */
  BACK_KIND,     /* the data of a kind's notifier */
  BACK_THREAD,   /* a stack or thread-local data */
  BACK_REGISTER, /* of the calling thread */
  BACK_OBJECT,   /* a live object */
  BACK_FINAL,    /* it waits for its finaliser, or is the data of one */
  BACK_KEPT      /* it lives until it is freed by hand */
};

/* An object as the program knows it, and who refers to it. */
struct gc_back_link {
  struct gc_debug_site object;
  enum gc_back_sort by;
  const char *word;                 /* address of the reference */
  struct gc_debug_site from;        /* BACK_OBJECT */
  int thread;                       /* BACK_THREAD: its number */
  const void *frames[GC_TRACE_MAX]; /* calls that led to the object, if known */
};

/* Fills in the links from the object that p lies in towards a root, the shortest way in
 * which no stack has a part but at its end; at most `max`. Returns how many; 0: p lies
 * in no object of the heap. Objects that died since the last collection count as
 * referrers. Not concurrently in the stop of a collection. */
unsigned gc_back_find(const void *p, struct gc_back_link *links, unsigned max);
/* Prints such links. */
void gc_back_print(const void *p);

#endif
