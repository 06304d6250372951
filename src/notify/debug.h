/* src/notify/debug.h: objects of debug kinds: records, red zones, reports.
 * SPDX-License-Identifier: MIT
 *
 * A slot of a debug kind: the bytes that were asked for, then a red zone up to the
 * end of the slot. The record beside the block (heap/side) says where the object
 * was made. What is found wrong becomes a fact in a queue, since many of the places
 * that find something are no places to call the program's function from: the stop,
 * the drain lock. gc_debug_flush passes the facts on.
 */
#ifndef GC_NOTIFY_DEBUG_H
#define GC_NOTIFY_DEBUG_H

#include "heap/find.h"
#include "heap/side.h"

/* A red zone has at least so many bytes. */
#define GC_RED_BYTES 16u

enum gc_debug_mistake {
  MISTAKE_SMASHED,     /* the red zone was written */
  MISTAKE_FREED_TWICE, /* freed by hand when dead */
  MISTAKE_REFERENCED,  /* dead and released, but a word leads there */
  MISTAKE_WRITTEN,     /* written in quarantine */
  MISTAKE_KEPT         /* kept, though its references may dangle */
};

enum gc_debug_place {
  PLACE_NONE,
  PLACE_OBJECT, /* a live object */
  PLACE_STATIC, /* static data or a range that the program registered */
  PLACE_KIND,   /* the data of a kind's notifier */
  PLACE_THREAD, /* stack, registers or thread-local data */
  PLACE_UNKNOWN /* nowhere to be seen, but the marker got there */
};

struct gc_debug_site {
  const char *kind; /* its name */
  const char *start;
  const char *file; /* or null */
  size_t bytes;
  uint32_t line, born;
};

struct gc_debug_fact {
  enum gc_debug_mistake mistake;
  struct gc_debug_site object;
  enum gc_slot_state state;
  bool is_freed;
  size_t offset; /* of the damage, or of where the reference leads */
  enum gc_debug_place place;
  const char *word;          /* address of the reference */
  struct gc_debug_site from; /* PLACE_OBJECT; start null otherwise */
  int thread;                /* PLACE_THREAD: its number */
};

/* Gets each fact with its text, in several lines; world running, no internal lock
 * held. Set by compat; the default prints the text. */
extern void (*gc_debug_sink)(const struct gc_debug_fact *fact,
                             const char *text);

/* There is a debug kind. */
extern _Atomic bool gc_debug_is_on;

gc_inline bool gc_debug_is_kind(unsigned kind) {
  return (gc_kind_flags(kind) & KIND_DEBUG) != 0;
}
/* Of an object of a debug kind. */
gc_inline struct gc_debug_record *
gc_debug_record_of(const struct gc_object *o) {
  return gc_side_record(&gc_heap.blocks[o->block], o->slot);
}

/* A kind that has KIND_DEBUG gets its notifier, and gc_debug_notify is to be
 * registered for it. False: no memory. */
bool gc_debug_register(unsigned kind, gc_notify_fn notify);
/* Looks at the object, calls the notifier that was registered, and looks at its
 * verdict. */
int gc_debug_notify(void *object, size_t bytes, void *cd);

/* A new object of so many bytes, with a red zone behind. */
void gc_debug_fill_record(const struct gc_object *o, size_t asked,
                          const char *file, unsigned line);
/* Bytes that the program may use. */
size_t gc_debug_usable(const struct gc_object *o);

/* Reports damage; false if there is some. */
bool gc_debug_check_red_zone(const struct gc_object *o);
/* The object is about to be freed by hand. False: it is dead already, which was
 * reported. World running, no internal lock held. */
bool gc_debug_on_free(const struct gc_object *o);
/* The object must not be kept, which was reported. */
bool gc_debug_refuses_keep(const struct gc_object *o);

/* What is known of an object, of any kind. */
struct gc_debug_site gc_debug_site_of(const struct gc_object *o);
/* A fact about an object of a debug kind, to be completed. */
struct gc_debug_fact gc_debug_fact_of(const struct gc_object *o,
                                      enum gc_debug_mistake mistake);
/* Queues it, unless the same mistake was reported of the object already. */
void gc_debug_report(const struct gc_object *o, const struct gc_debug_fact *f);
/* Passes on what is queued, if this is a place to do so. */
void gc_debug_flush(void);
/* The same at the end of work of ours that saw many objects: its dead frames must not
 * show their addresses to the next collection. */
void gc_debug_clean_up(void);
gc_inline void gc_debug_leave(void) {
  if (gc_unlikely(gc_load_rlx(&gc_debug_is_on)))
    gc_debug_clean_up();
}
/* The same, and waits for another thread that is doing so. */
void gc_debug_flush_all(void);
void gc_debug_reset_in_child(void);

/* Text of a fact; what does not fit is cut off. */
void gc_debug_write_text(const struct gc_debug_fact *f, char *buffer,
                         size_t size);

#endif
