/* tests/gcx/mistakes.h: objects of debug kinds whose notifiers make mistakes. SPDX-License-Identifier: MIT */
#ifndef TESTS_GCX_MISTAKES_H
#define TESTS_GCX_MISTAKES_H

#include "gcx/facts.h"

enum { MK_MB = 1024 * 1024 };

struct node {
  struct node *ref[2];
  int what; /* the notifier is to do */
  char text[20];
};

/* What a notifier does with its object: stores it in mk_stored, mk_box[5] or
 * thread-local data; keeps it by verdict or gcx_keep; writes behind its end; frees it
 * by hand; makes it the data of a new kind. */
enum {
  NOTHING,
  STORE,
  STORE_IN_BOX,
  STORE_IN_THREAD,
  CLEAR_IN_THREAD,
  KEEP,
  KEEP_EARLY,
  SMASH,
  FREE,
  NEW_KIND
};

extern struct node *mk_stored;
extern void **volatile mk_box;
/* Where nodes are made; what gcx_keep said. */
extern int mk_line, mk_kept_now;
/* The last node that was made, hidden. */
extern uintptr_t mk_last;
/* Calls of notifiers; those with a wrong size; reports before the last call. */
extern atomic_size_t mk_told, mk_wrong, mk_facts_before;

/* Starts the library, and a debug kind of such nodes. */
gcx_kind *mk_begin(gcx_kind_opts opts);
gcx_kind *mk_kind(gcx_kind_opts opts);
gcx_verdict GC_CALLBACK mk_on_death(void *object, size_t bytes, void *cd);

struct node *mk_make(gcx_kind *kind, int what);
/* One that dies, in a thread that ends. */
void mk_drop_one(gcx_kind *kind, int what);

/* Compilers see mistakes, too, when they see the allocation. */
char *mk_byte_of(const void *object, size_t offset);

/* Whoever looks at a dead object does so in a thread that ends, too: a stack that
 * goes on may show the address for long. This one returns what was there in mk_last. */
unsigned char mk_write_dead(size_t offset, unsigned char value);
/* For sh_apart: it is not to be revived. */
void mk_check_too_late(void *unused);

/* The fact is about a node as mk_make makes them. */
void mk_check_site(const struct fact *f);

/* Collections and drains. Others die in each of them, and of later kinds: so the
 * registers of the notifier thread remember one of them. */
void mk_settle(unsigned times);
/* Everything has left the quarantine, and was told. */
void mk_end(void);

#endif
