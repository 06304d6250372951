/* src/diag/search.h: goes through all words that may be references. SPDX-License-Identifier: MIT
 *
 * For those who ask who refers to something. World stopped, roots prepared before.
 */
#ifndef GC_DIAG_SEARCH_H
#define GC_DIAG_SEARCH_H

#include "notify/debug.h"
#include "world/thread.h"

struct gc_search;
/* Called for each word and what is in it. */
typedef void (*gc_search_fn)(const struct gc_search *s, const char *word,
                             const char *value);

struct gc_search {
  gc_search_fn look;
  void *cx;
  enum gc_debug_place place;    /* where the word is */
  const struct gc_object *from; /* PLACE_OBJECT */
  const struct gc_thread *thread;
  const char *own_low, *own_end; /* the part of its stack that does not count */
  const char *kind;              /* PLACE_KIND: its name */
};

/* Whose words count. */
typedef bool (*gc_search_live_fn)(gc_block_id b, unsigned slot);

/* All live objects that may have references. With a bit map or a length only the words
 * that it names count; what a mark procedure would find is not known, so all words of
 * its objects are looked at. */
void gc_search_heap(struct gc_search *s, gc_search_live_fn counts);
/* Static data, and what the program registered. */
void gc_search_static(struct gc_search *s);
/* The data of kinds' notifiers; the word is where the kind has it. */
void gc_search_kinds(struct gc_search *s);
/* Stacks, registers and thread-local data. Of the calling thread [own_sp, own_end) is
 * the part that does not count; of notifier threads their stacks, where what they told
 * before lingers, but not the static thread-local data above them. */
void gc_search_threads(struct gc_search *s, char *own_sp, const char *own_end);

/* A thread has claimed the slot and not handed it out: it may have old contents. The
 * list of threads is locked; while the world runs it is as it was a moment ago. */
bool gc_search_is_claimed(const struct gc_object *o);

/* Between collections the map of allocated objects says what lives. */
bool gc_search_is_live(gc_block_id b, unsigned slot);
/* Starts the library, and calls fn with the world stopped and roots prepared, with cx and
 * the stack pointer below saved registers. Also between GC_stop_world_external and its
 * counterpart, by who called it. Without memory for the thread fn is not called. */
void gc_search_with_stopped_world(void (*fn)(void *, char *), void *cx);

#endif
