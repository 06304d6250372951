/* src/heap/sited.h: objects that know where they were allocated. SPDX-License-Identifier: MIT
 *
 * For libgc's debugging functions: a header, the bytes of the program, a red zone, and
 * at the end of the slot, if wished, the calls that led to the allocation. Such objects
 * have kinds of their own, one for each of the four that always exist, so that a
 * collection knows which slots to look at. Slots get no header before they are handed
 * out, so what they held when their block had slots of another size is not taken for
 * one. Objects of a program's own kinds have a header, too, and are looked at when they
 * are freed.
 */
#ifndef GC_HEAP_SITED_H
#define GC_HEAP_SITED_H

#include "heap/find.h"
#include "plat/plat.h"

struct gc_sited {
  const char *file;
  size_t bytes; /* that the program asked for */
  uint32_t line;
  uint32_t is_freed;
  uint64_t guard; /* stored last; tells that there is a header */
};
_Static_assert(sizeof(struct gc_sited) == 32, "as libgc tells programs");

/* Bytes of the red zone at least; the last one of the slot may be the spare byte. */
#define GC_SITED_ZONE 8u

/* Calls that are remembered, up to GC_TRACE_MAX; [const] after the start. */
extern unsigned gc_sited_frames gc_hidden;

enum gc_sited_state {
  SITED_NONE, /* no header */
  SITED_GOOD,
  SITED_FREED,   /* by hand */
  SITED_SMASHED, /* the red zone was written */
  SITED_UNDER    /* the header was */
};

/* The kind for objects with a header instead of one of the first four; 0: not made. */
unsigned gc_sited_kind(unsigned plain_kind);
/* Makes it, by one thread at a time. 0: no memory. */
unsigned gc_sited_make_kind(unsigned plain_kind);
/* One of these kinds. */
bool gc_sited_is_kind(unsigned kind);
/* The one of the first four that its objects stand for; any other kind: itself. */
unsigned gc_sited_plain_kind(unsigned kind);
/* There is one. */
bool gc_sited_is_used(void);

/* If it is one of these kinds: n slots that are not allocated yet hold no header, of
 * whatever was there before. A collection may look at them as soon as they are. */
void gc_sited_forget(unsigned kind, char *slots, size_t slot_bytes, unsigned n);

/* `trace` has gc_sited_frames entries, null behind the last call. */
void gc_sited_fill(const struct gc_object *o, size_t bytes, const char *file,
                   unsigned line, const void *const *trace);
/* The same back; the object has a header. */
void gc_sited_get_trace(const struct gc_object *o,
                        const void *trace[static GC_TRACE_MAX]);
/* What the header and the red zone say; *out_offset, where the damage is. */
enum gc_sited_state gc_sited_look(const struct gc_object *o,
                                  size_t *out_offset);

/* It has a header that nobody has damaged, whatever its kind: objects of a program's
 * own kind may have one, too. */
bool gc_sited_has_site(const struct gc_object *o);

gc_inline struct gc_sited *gc_sited_of(const struct gc_object *o) {
  return (struct gc_sited *)(void *)o->start;
}

#endif
