/* tests/gcx/shadow.h: what a test knows of its notified objects. SPDX-License-Identifier: MIT */

/*
 * Every object has a serial number. Beside the heap, in malloc's memory, stands
 * for each serial how many holders the test knows of, how often the object was
 * notified, and when. A holder is a root of the test or a HELD object that
 * refers to it; whatever has one is live, so its notification is an error at
 * once. What has none must be notified once; so that no stray word holds it,
 * tests build in threads that end.
 *
 * The tests run on every library that has gcx/reclaim.h. Where that can not give
 * what a case is about, the case is skipped and names the capability; where it
 * only takes another collection, these functions wait for it.
 */
#ifndef TESTS_GCX_SHADOW_H
#define TESTS_GCX_SHADOW_H

#ifndef GC_THREADS
#define GC_THREADS
#endif
#define GC_NO_THREAD_REDIRECTS
#include <gc/gc.h>
#include <gcx/backend.h>
#include <gcx/reclaim.h>

#include <pthread.h>
#include <stdatomic.h>

#include "lib/gcutil.h"
#include "lib/tap.h"

enum { SH_DATA_BYTES = 24 };
/* For whatever is sure to come, however loaded the machine is. */
enum { SH_PATIENCE_MS = 50000 };

struct sh_node {
  uint64_t serial;
  struct sh_node *ref[2]; /* such nodes, or ordinary objects of this form */
  unsigned char data[SH_DATA_BYTES];
};

/* Starts the library and the tables; a stuck notifier is none for minutes. */
void sh_begin(size_t max_serials);

/* A kind, or the end of the case. Only struct_size is filled in. */
gcx_kind *sh_kind(gcx_kind_opts opts);
gcx_kind *sh_counting_kind(gcx_refs refs);

/* The library has the GCX_CAP_ bits. */
bool sh_can(unsigned caps);
/* Ends the case as skipped if it has not. */
void sh_need(unsigned caps, const char *what);
/* GCX_RELEASE_BATCH where a kind without references can have it. */
gcx_release sh_batch(void);

/* Serial numbers, in order. */
size_t sh_take_serial(void);
size_t sh_taken(void);

/* A filled node of that serial; its memory must come cleared. The references
 * count as holders of what they refer to when `held` is set. */
struct sh_node *sh_node(gcx_kind *kind, size_t bytes, size_t serial);
/* An ordinary object of the same form, in between. */
struct sh_node *sh_box(struct sh_node *to);
bool sh_is_intact(const struct sh_node *n);

void sh_hold(size_t serial);
void sh_drop(size_t serial); /* before the reference goes */
bool sh_is_held(size_t serial);

/* The body of a notifier: counts, and looks at the object. Call it first. */
void sh_note(const void *object, size_t bytes);
/* The same, and looks at what it refers to. */
void sh_note_held(const void *object, size_t bytes);
/* Notifiers that do only this. */
gcx_verdict GC_CALLBACK sh_count(void *object, size_t bytes, void *cd);
gcx_verdict GC_CALLBACK sh_count_held(void *object, size_t bytes, void *cd);

/* How often a serial was notified, and as which of all, from 1 on (0: never). */
unsigned sh_notified(size_t serial);
size_t sh_place(size_t serial);
size_t sh_total(void);
/* How many of the serials [from, to) were notified exactly so often. */
size_t sh_count_notified(size_t from, size_t to, unsigned times);

/* No live object was notified, none was damaged. */
void sh_check_errors(void);
/* [from, to): all were notified once; but on a library that scans what
 * is left on stacks, one in a thousand, and four, may still wait. */
void sh_check_once(size_t from, size_t to);

/* Calls fn in a thread that ends, so no stack remembers what it saw. */
void sh_apart(void (*fn)(void *), void *arg);
void sh_start(pthread_t *t, void *(*fn)(void *), void *arg);
void sh_join(pthread_t t);

/* Takes a lock that others hold while they may be stopped: ThreadSanitizer delays
 * signals in a thread that waits for a lock, so there it is tried again and again. */
void sh_lock(pthread_mutex_t *lock);

/* One collection, which condemns what is dead; where that is not prompt, two. */
void sh_collect(void);
/* The same, and the wait for what was condemned. */
void sh_settle(void);
/* The same, for objects and what they refer to, so many links deep. */
void sh_settle_deep(unsigned links);
/* The same until so many were notified, at most ten times. */
void sh_settle_until(size_t total);

gcx_finaliser_stats sh_stats(void);
/* After a drain: every death was decided. */
void sh_check_stats(void);
void sh_configure(gcx_finaliser_opts opts);

/* A notifier that keeps the only notifier thread busy from sh_close_gate to
 * sh_open_gate, so that what dies meanwhile stays condemned. */
void sh_close_gate(void);
void sh_open_gate(void);

void sh_sleep_us(unsigned us);

#endif
