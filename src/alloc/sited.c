/* src/alloc/sited.c: allocation with a header that tells where. SPDX-License-Identifier: MIT
 */
#include "alloc/sited.h"

#include "alloc/alloc.h"
#include "alloc/free_realloc.h"
#include "base/check.h"
#include "cycle/api_lock.h"
#include "cycle/gc_start.h"
#include "heap/sited.h"
#include "plat/plat.h"

/* A program that asked for debugging wants to know the site of the first mistake. */
static void report_sited(const char *what, const struct gc_object *o,
                         size_t offset) {
  const struct gc_sited *s = gc_sited_of(o);
  const void *frames[GC_TRACE_MAX];
  gc_plat_message("%s: object at %p (%s:%u, %zu bytes), offset %zu", what,
                  (void *)(o->start + sizeof *s), s->file, s->line, s->bytes,
                  offset);
  gc_sited_get_trace(o, frames);
  gc_plat_say_trace(frames, GC_TRACE_MAX);
}

static unsigned kind_for(unsigned kind) {
  if (kind >= KIND_FIRST_NEW)
    return kind;
  unsigned sited = gc_sited_kind(kind);
  if (gc_likely(sited != 0))
    return sited;
  gc_start();
  gc_api_lock();
  sited = gc_sited_make_kind(kind);
  gc_api_unlock();
  if (sited == 0)
    gc_fatal("no memory for the kind of debugging objects");
  return sited;
}

static gc_noinline void take_trace(const void *frames[static GC_TRACE_MAX]) {
  unsigned n = gc_plat_trace(frames, gc_sited_frames);
  for (; n < gc_sited_frames; n++)
    frames[n] = NULL;
}

/* The trace is taken before any lock: unwinding may want the loader's and malloc's. */
void *gc_sited_alloc(size_t bytes, unsigned kind, const char *file,
                     unsigned line) {
  struct gc_object o;
  const void *frames[GC_TRACE_MAX];
  unsigned sited = kind_for(kind);
  size_t extra = gc_sited_frames * sizeof *frames;
  size_t all = sizeof(struct gc_sited) + bytes + GC_SITED_ZONE + extra;
  if (all < bytes)
    return gc_alloc_failed(bytes);
  if (extra != 0)
    take_trace(frames);
  void *p = gc_alloc(all, sited);
  if (p == NULL || !gc_find(p, &o) || o.start != p || o.kind != sited)
    return p;
  gc_sited_fill(&o, bytes, file, line, frames);
  return o.start + sizeof(struct gc_sited);
}

static bool find_sited(const void *object, struct gc_object *out) {
  return object != NULL && gc_find(object, out) &&
         (const char *)object == out->start + sizeof(struct gc_sited);
}

bool gc_sited_has(const void *object) {
  struct gc_object o;
  return gc_sited_is_used() && gc_find(object, &o) && gc_sited_is_kind(o.kind);
}

/* What has no header was not allocated for debugging: it is freed all the same. */
void gc_sited_free(void *object) {
  struct gc_object o;
  size_t offset;
  if (!find_sited(object, &o)) {
    gc_free(object);
    return;
  }
  switch (gc_sited_look(&o, &offset)) {
  case SITED_SMASHED:
    report_sited("smashed behind its end, found when it is freed", &o, offset);
    break;
  case SITED_UNDER:
    gc_plat_message("smashed before its start, found when it is freed: "
                    "object at %p",
                    object);
    break;
  case SITED_FREED:
    report_sited("freed twice", &o, 0);
    return;
  case SITED_GOOD:
  case SITED_NONE:
    break;
  }
  gc_sited_of(&o)->is_freed = 1;
  gc_free(o.start);
}

void *gc_sited_realloc(void *object, size_t bytes, const char *file,
                       unsigned line) {
  struct gc_object o;
  size_t offset;
  if (object == NULL)
    return gc_sited_alloc(bytes, KIND_NORMAL, file, line);
  if (bytes == 0) {
    gc_sited_free(object);
    return NULL;
  }
  if (!find_sited(object, &o) || gc_sited_look(&o, &offset) == SITED_NONE)
    return gc_realloc(object, bytes);
  size_t old = gc_sited_of(&o)->bytes;
  size_t room = o.bytes - sizeof(struct gc_sited);
  if (old > room)
    old = room; /* damaged */
  /* Its kind is one for headers already; new bytes of it are zero if it clears. */
  void *to = gc_sited_alloc(bytes, o.kind, file, line);
  if (to == NULL)
    return NULL;
  __builtin_memcpy(to, object, old < bytes ? old : bytes);
  gc_sited_free(object);
  return to;
}
