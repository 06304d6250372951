/* tests/differ/world.h: random calls, and what has to be seen of them. SPDX-License-Identifier: MIT */

/*
 * A *world* is a set of objects in the collected heap, of finalisers and links,
 * on which random calls of the public interface are made. Each call depends on
 * the seed, its own number and on what the model below knows, and on nothing
 * else; so any part of the list of calls is a run as well, and two libraries are
 * asked for the same. What a call shows goes to the *log*; the logs of two
 * libraries have to be equal.
 *
 * What may be told, although marking is conservative:
 * - The model holds addresses in complemented form, in memory of malloc. True
 *   ones are only in the root words, in references of objects and in words that
 *   the collector does not scan (pointer-free and typed objects, links). So what
 *   the model finds *live* from there must be there, with its contents, its
 *   links, and its finaliser not called. That is exact.
 * - All else may be dead, and is expected to be; but a forgotten word somewhere
 *   may keep any of it. A stray reference can only keep more: what is cleared or
 *   finalised is always a part of what the model expects, never anything else.
 *   That is exact, too, and includes the order of finalisers.
 * - How much of what is expected does happen is counted, by family and sort, and
 *   nineteen in twenty must. These counts never get into the log.
 * - What stayed by luck is put by hand into the state that it should have: its
 *   finaliser or link is taken away (which has a known result) and the finaliser
 *   called by the test. So luck in one collection has no consequence in what
 *   follows, and logs do not drift apart.
 *
 * That needs collections at known points only. In segments of calls where they
 * are *automatic* the model looks at what happened before each call and asks
 * whether it was right by then, which is exact for the same reason; words whose
 * object may be dead are not looked at, finalisers change nothing, and they hold
 * no data, as when that dies is a matter of luck.
 *
 * Calls that libgc's headers leave undefined are not made: GC_free and GC_realloc
 * of objects with a finaliser or links, GC_realloc of typed objects.
 */
#ifndef TESTS_DIFFER_WORLD_H
#define TESTS_DIFFER_WORLD_H

#ifndef GC_THREADS
#define GC_THREADS
#endif
#define GC_NO_THREAD_REDIRECTS
#include <gc/gc.h>
#include <gc/gc_mark.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/gcutil.h"

enum {
  DF_WORLDS = 5,
  DF_EDGES = 3,
  DF_OBJECTS = 16384, /* the index of one has 14 bits of its key */
  DF_EVENTS = 16384,
  DF_ROOTS = 64,
  DF_STACK_FROM = 40, /* in the frame of who makes the calls */
  DF_LOCAL_FROM =
      44, /* in its thread-local variables, where those are looked at */
  DF_PUSHED_FROM = 48, /* given by the procedure that pushes other roots */
  DF_AREA_FROM = 56,   /* in memory that is added as a root, or is not */
  DF_FIXED = 12,
  DF_TOGGLES = 6,
  DF_WORDS = 48,
  DF_HELD_FROM = 24, /* links from here on lie in objects */
  DF_GUESTS = 3,
  DF_GUEST_WORDS = 4,
  DF_PINS = 512,    /* objects that stayed by luck until they are done with */
  DF_SEGMENT = 4000 /* calls after which everything is dropped */
};

/* How an object was made; the order is that of the table in families.c. */
typedef enum {
  DF_NORMAL,
  DF_OFF_PAGE,
  DF_GENERIC,
  DF_MANY,
  DF_GENERIC_MANY,
  DF_ALIGNED,
  DF_POSIX,
  DF_FROM_NULL,
  DF_TYPED,
  DF_TYPED_OFF_PAGE,
  DF_ARRAY,
  DF_BITMAP,
  DF_PROC,
  DF_GCJ,
  DF_GCJ_OFF_PAGE,
  DF_DEBUG,
  DF_DEBUG_OFF_PAGE,
  DF_DEBUG_GENERIC,
  DF_DEBUG_FROM_NULL,
  DF_DEBUG_STUBBORN,
  DF_DEBUG_GCJ,
  DF_DISCLAIM,
  DF_FINALIZED,
  DF_ATOMIC,
  DF_ATOMIC_OFF_PAGE,
  DF_GENERIC_ATOMIC,
  DF_STRDUP,
  DF_STRNDUP,
  DF_DEBUG_ATOMIC,
  DF_DEBUG_ATOMIC_OFF_PAGE,
  DF_DEBUG_STRDUP,
  DF_DEBUG_STRNDUP,
  DF_COLLECTABLE, /* so many */
  DF_FIXED_NORMAL = DF_COLLECTABLE,
  DF_FIXED_ATOMIC,
  DF_FIXED_GENERIC,
  DF_FIXED_DEBUG,
  DF_FIXED_DEBUG_ATOMIC,
  DF_FAMILIES
} df_family;

enum { DF_NO_FORM, DF_ORDERED, DF_IGNORE_SELF, DF_NO_ORDER, DF_UNREACHABLE };
enum { DF_PLAIN, DF_ALLOCATES, DF_REVIVES, DF_AGAIN, DF_PROCS };
enum { DF_SHORT, DF_LONG, DF_SORTS };

/* What a prediction says of an object; none: it dies. */
enum {
  DF_LIVE = 1,
  DF_HELD = 2,
  DF_READY = 4,
  DF_REVIVED = 8,
  DF_RAN = 16,
  DF_TOLD = 32,
  DF_SEEN = 128,
  DF_LED = 64 /* ready, and others that are refer to it */
};

struct df_object {
  uint64_t serial; /* 0: entry not in use */
  uintptr_t hidden;
  size_t size;
  uintptr_t false_ref;         /* what the unscanned word holds, complemented */
  uint64_t false_serial;       /* of the object that was there */
  uint32_t false_to;           /* and its index + 1 */
  uint32_t edge[DF_EDGES];     /* index + 1 of the target, 0: none */
  uint32_t edge_off[DF_EDGES]; /* of an interior reference */
  uint32_t data;               /* index + 1 of the finaliser's data */
  uint32_t edge_at; /* number of the first edge's word; 0: no edges */
  uint8_t family, form, proc, marks;
  uint8_t answer;  /* of its toggle reference */
  bool is_toggled; /* once was or is */
  bool is_shared;  /* had more than one reference; never freed by hand */
  uint8_t
      is_named; /* by a live object's word that does not count: 1 pointer-free,
                       2 typed */
  bool was_in_area;  /* when that was no root any more */
  bool has_link;     /* lies in it */
  bool is_queued;    /* its finaliser waits for GC_invoke_finalizers */
  bool is_pinned;    /* so it should, but it stayed by luck */
  bool was_excluded; /* is named in data that is no root */
};

/* A word that is a link of both sorts, or of one, or none. */
struct df_word {
  uint32_t holder; /* index + 1 of the object that it lies in */
  uint32_t target[DF_SORTS];
  uintptr_t hidden; /* what it should hold, complemented */
};

/* Expected, and what stayed nevertheless. */
struct df_count {
  size_t expected, stayed;
};

struct df_world {
  uint64_t seed, call, rnd, hash, serial;
  unsigned id;
  bool is_automatic, is_on_demand, is_threaded, has_area, is_child;
  bool trace;
  uint32_t root[DF_ROOTS], root_off[DF_ROOTS];
  uint32_t fixed[DF_FIXED];
  uint32_t toggle[DF_TOGGLES];
  struct guest *guest[DF_GUESTS];
  uint32_t guest_word[DF_GUESTS][DF_GUEST_WORDS]; /* what they hold */
  struct df_word word[DF_WORDS];
  void **plain;          /* the words of links outside of objects */
  void *volatile *stack; /* those in the frame */
  void *volatile *local; /* and in variables of the thread */
  void *area_memory; /* these are in one page, the pushed ones in the next */
  void *volatile *pushed;
  void *volatile *area; /* and those in the added memory */
  struct df_object object[DF_OBJECTS];
  uint32_t top, spare;        /* entries in use are below; first free one */
  uint32_t queue[DF_OBJECTS]; /* of the search for reachable ones */
  _Atomic uint64_t
      event[DF_EVENTS]; /* keys of what was finalised; 0: not yet */
  _Atomic uint32_t n_events;
  uint32_t n_seen;
  _Atomic(const char *) fault; /* found by a finaliser */
  uint64_t told[DF_OBJECTS];   /* keys that the function for ready ones got */
  uint32_t n_told, n_pins;
  struct df_count of_family[DF_FAMILIES], of_form[5], of_sort[DF_SORTS];
  struct df_count of_toggled, of_named[2], of_holders, of_led, of_area,
      of_excluded;
  size_t n_ran, n_cleared, n_collections;
  _Atomic uint32_t n_notified; /* calls of the function for ready finalisers */
  uint32_t *fate;              /* by serial, see dying.c */
  _Atomic uint64_t told_dead[DF_EVENTS];
  _Atomic uint32_t n_told_dead;
  uint32_t n_told_seen;
  GC_word gc_no; /* of the last collection that was asked for */
};

extern struct df_world *df_worlds[DF_WORLDS];
extern bool df_whole_only;
/* Which families there are: libgc takes a plain pointer-free object in the place of
 * a debugging one for that, damaged, and crashes when it tells of it. */
extern enum df_choice { DF_WITHOUT_DEBUG, DF_WITH_DEBUG, DF_ALL } df_choice;
extern bool df_is_logging; /* faults end the process and are part of the log */

/* Once, before any world; makes the client kinds and sets the procedures. With
 * whole references only, objects have no spare byte and are referred to by their
 * first byte. Without debugging families or without plain pointer-free ones. */
void df_init(bool whole_only, enum df_choice choice);

struct df_world *df_new(unsigned id, uint64_t seed);

/* Makes the calls from..to-1, of those that chosen (if any) has; ends segments
 * unless the world is one of several threads. */
void df_run(struct df_world *w, uint64_t from, uint64_t to,
            bool (*chosen)(uint64_t));

/* One call, whatever was before. */
void df_call(struct df_world *w, uint64_t i);

/* Nineteen in twenty of what should have happened did. */
void df_check_counts(struct df_world *w);

/* ---- Between the parts ---- */

/* Ends the run: the seed, the call and the text. */
__attribute__((noreturn, format(printf, 2, 3))) void
df_fail(struct df_world *w, const char *fmt, ...);

/* A number below the given one; an entry of the log. */
uint32_t df_rnd(struct df_world *w, uint32_t below);
void df_log(struct df_world *w, const char *what, uint64_t value);
/* The same, for what the contract settles. */
void df_expect(struct df_world *w, const char *what, uint64_t want,
               uint64_t got);

static inline void *df_address(const struct df_object *o) {
  return gu_reveal(o->hidden);
}
static inline struct df_object *df_at(struct df_world *w, uint32_t number) {
  return &w->object[number - 1];
}
static inline uint32_t df_number(struct df_world *w,
                                 const struct df_object *o) {
  return (uint32_t)(o - w->object) + 1;
}

/* families.c: the base (as links want it), ways to be rid of it or to resize it;
 * the key of the object at a base or at what the program has of it. */
void df_init_kinds(void);
void *df_base(const struct df_object *o);
void df_release(const struct df_object *o);
void *df_resize(const struct df_object *o, size_t n);
uint64_t df_key_at(const void *obj);
bool df_has_table(const struct df_object *o);
df_family df_chosen(df_family family); /* that, or one that there is */
bool df_is_debug(const struct df_object *o);
bool df_is_told(
    const struct df_object *o); /* when it dies: is kept meanwhile */

/* dying.c */
void df_init_dying(void);
void *df_make_disclaimed(size_t n);
void *df_make_closed(size_t n);
void df_note_made(struct df_world *w, const struct df_object *o);
void df_note_freed(struct df_world *w, const struct df_object *o);
void df_judge_told(struct df_world *w, unsigned marks);
void df_check_told(struct df_world *w);
void df_lose_told(struct df_world *w);

/* objects.c */
uint64_t df_key(struct df_world *w, const struct df_object *o);
bool df_has_pattern(const struct df_object *o, const char *p, size_t bytes);
bool df_is_base(const struct df_object *o); /* may have a finaliser or links */
bool df_is_atomic(const struct df_object *o);
bool df_is_intact(struct df_world *w, const struct df_object *o, int depth);
void df_check(struct df_world *w, const struct df_object *o);
void *volatile *df_root_word(struct df_world *w, uint32_t r);
void df_set_root(struct df_world *w, uint32_t r, uint32_t number);
uint32_t df_some_root(struct df_world *w);
uint32_t df_pick(struct df_world *w); /* number of a live object, or 0 */
void df_forget(struct df_world *w, struct df_object *o);
void **df_word_in(const struct df_object *o);
void df_op_allocate(struct df_world *w);
void df_op_fixed(struct df_world *w);
void df_free_fixed(struct df_world *w, uint32_t slot);
void df_op_edge(struct df_world *w);
void df_op_false(struct df_world *w);
void df_op_root(struct df_world *w);
void df_op_free(struct df_world *w);
void df_op_smash(struct df_world *w);
void df_op_realloc(struct df_world *w);

/* links.c */
void df_init_links(void);
void df_set_form(struct df_world *w, struct df_object *o, int form, int proc,
                 uint32_t data);
void df_effect(struct df_world *w, struct df_object *o, int proc);
void df_strip(struct df_world *w, struct df_object *o);
void df_op_finaliser(struct df_world *w);
void df_op_link(struct df_world *w);
void df_op_toggle(struct df_world *w);
void df_drop_links(struct df_world *w);
void df_settle(struct df_world *w, uint32_t k);
void **df_link_place(struct df_world *w, uint32_t k);
int df_unlink(struct df_world *w, uint32_t k, int sort);
void df_take_finaliser(struct df_world *w, struct df_object *o);
void df_lose_finaliser(struct df_world *w, struct df_object *o); /* if any */

/* collect.c */
void df_reach(struct df_world *w);   /* the mark DF_LIVE, all else cleared */
void df_predict(struct df_world *w); /* all marks */
void df_look(struct df_world *w);    /* at what happened by itself */
void df_collect(struct df_world *w, void (*how)(struct df_world *));
void df_gcollect(struct df_world *w);
void df_invoke(struct df_world *w);
void df_sweep(struct df_world *w);
void df_lose_running(struct df_world *w);
void df_judge_finalisers(struct df_world *w, bool may_stay);
void df_unpin(struct df_world *w);
void df_op_collect(struct df_world *w);

/* whole.c */
void df_enumerate(struct df_world *w);
void df_finalise_all(struct df_world *w);

/* guests.c */
void df_op_guest(struct df_world *w);
void df_op_fork(struct df_world *w);
void df_send_all_away(struct df_world *w);

/* reports.c: what the library says on standard error, from df_init on. How often it
 * has the word since the last question; df_check_silence: nothing was said. */
void df_listen(void);
size_t df_count_said(const char *word);
void df_check_silence(struct df_world *w);

/* segment.c */
void df_begin_segment(struct df_world *w, uint64_t number);
void df_end_segment(struct df_world *w);

/* queries.c */
void df_op_query(struct df_world *w);
void df_op_setting(struct df_world *w);
void df_op_area(struct df_world *w);
void df_drop_area(struct df_world *w);
void df_op_call(struct df_world *w);
void df_init_queries(void);
void df_init_areas(void);

#endif
