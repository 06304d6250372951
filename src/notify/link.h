/* src/notify/link.h: words of the program that are cleared when an object dies.
 * SPDX-License-Identifier: MIT
 *
 * A link is found by its own address: for 64 KB of addresses with any there is a
 * region, in it a line of bits and a packed array for 64 words at a time. An entry
 * is the place of the object, so that the stop looks at its mark bit without
 * looking for it first; the addresses of links and objects are not stored at all. The
 * regions are walked in the order in which they came into use, which mostly is that
 * of addresses.
 *
 * From an object there is no way to its links, only a bit that there are or were some
 * (see notify/final). Who frees such an object by hand leaves its slot allocated until
 * the next collection, which clears the links; only what would never be collected, or
 * is large, is worth a walk over all links.
 */
#ifndef GC_NOTIFY_LINK_H
#define GC_NOTIFY_LINK_H

#include "heap/find.h"

/* Short ones are cleared before finalisers revive what dead objects refer to, long
 * ones after it. */
enum gc_link_kind { LINK_SHORT, LINK_LONG, GC_LINK_KINDS };

/* The numbers are those of libgc's GC_SUCCESS and the like. */
enum gc_link_answer {
  LINK_DONE = 0,
  LINK_DUPLICATE = 1, /* the link leads to the new object now */
  LINK_NO_MEMORY = 2,
  LINK_NOT_FOUND = 4
};

/* `link` is a multiple of the word size. An object that is none never dies. */
enum gc_link_answer gc_link_add(enum gc_link_kind kind, void **link,
                                const void *object);
bool gc_link_remove(enum gc_link_kind kind, void **link);
enum gc_link_answer gc_link_move(enum gc_link_kind kind, void **link,
                                 void **to);

/* An object is freed by hand: it loses its finaliser, its toggle
 * references and the links that lie in it.
 * False: links lead to it, so the slot must stay allocated until a collection. The
 * caller keeps stops away. */
bool gc_link_forget_object(const struct gc_object *o, bool may_stay);

/* [lock final] Calls f with each link and its object, null when it leads to none. */
void gc_link_each(enum gc_link_kind kind,
                  void (*f)(void **link, void *object, void *cx), void *cx);

/* World stopped. Clears links to what is not marked. */
void gc_link_clear_unmarked(enum gc_link_kind kind);
/* Forgets links that lie in objects that are not marked. */
void gc_link_drop_unmarked(enum gc_link_kind kind);

#endif
