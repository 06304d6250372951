/* src/heap/sited.c: objects that know where they were allocated. SPDX-License-Identifier: MIT
 */
#include "heap/sited.h"

#define RED_BYTE 0xfdu
#define GUARD UINT64_C(0x5ab3f06d91c7e284)

unsigned gc_sited_frames;

/* By plain kind; 0: not made. */
static _Atomic unsigned sited_kinds[KIND_FIRST_NEW];

static unsigned make_sited_kind(unsigned plain) {
  unsigned flags = gc_kind_flags(plain);
  bool is_leaf = flags & KIND_LEAF;
  unsigned k = gc_kind_new(0, !is_leaf, flags & KIND_CLEAR);
  if (k != 0)
    gc_or_rlx(&gc_kinds[k].flags, flags & KIND_UNCOLLECTABLE);
  return k;
}

unsigned gc_sited_kind(unsigned plain) {
  return gc_load_acq(&sited_kinds[plain]);
}

unsigned gc_sited_make_kind(unsigned plain) {
  unsigned k = gc_load_rlx(&sited_kinds[plain]);
  if (k == 0) {
    k = make_sited_kind(plain);
    gc_store_rel(&sited_kinds[plain], k);
  }
  return k;
}

bool gc_sited_is_kind(unsigned kind) {
  return gc_sited_plain_kind(kind) != kind;
}

unsigned gc_sited_plain_kind(unsigned kind) {
  for (unsigned i = 0; i < KIND_FIRST_NEW; i++)
    if (kind != 0 && gc_load_rlx(&sited_kinds[i]) == kind)
      return i;
  return kind;
}

bool gc_sited_is_used(void) {
  unsigned any = 0;
  for (unsigned i = 0; i < KIND_FIRST_NEW; i++)
    any |= gc_load_rlx(&sited_kinds[i]);
  return any != 0;
}

static uint64_t guard_of(const struct gc_object *o) {
  return GUARD ^ (uintptr_t)o->start;
}

void gc_sited_forget(unsigned kind, char *slots, size_t slot_bytes,
                     unsigned n) {
  if (!gc_sited_is_kind(kind) || slot_bytes < sizeof(struct gc_sited))
    return;
  for (unsigned i = 0; i < n; i++)
    ((struct gc_sited *)(void *)(slots + i * slot_bytes))->guard = 0;
  gc_compiler_barrier();
}

/* Behind the red zone. */
static char *trace_of(const struct gc_object *o) {
  return o->start + o->bytes - gc_sited_frames * sizeof(void *);
}

void gc_sited_get_trace(const struct gc_object *o,
                        const void *trace[static GC_TRACE_MAX]) {
  __builtin_memset(trace, 0, GC_TRACE_MAX * sizeof *trace);
  __builtin_memcpy(trace, trace_of(o), gc_sited_frames * sizeof *trace);
}

void gc_sited_fill(const struct gc_object *o, size_t bytes, const char *file,
                   unsigned line, const void *const *trace) {
  struct gc_sited *s = gc_sited_of(o);
  size_t used = sizeof *s + bytes;
  s->guard = 0;
  gc_compiler_barrier();
  __builtin_memset(o->start + used, RED_BYTE,
                   (size_t)(trace_of(o) - (o->start + used)));
  __builtin_memcpy(trace_of(o), trace, gc_sited_frames * sizeof *trace);
  s->file = file;
  s->bytes = bytes;
  s->line = line;
  s->is_freed = 0;
  gc_compiler_barrier();
  s->guard = guard_of(o);
}

/* A red zone in the last bytes says that there was a header. */
static bool has_red_end(const struct gc_object *o) {
  const unsigned char *end = (const unsigned char *)trace_of(o);
  for (unsigned i = 1; i <= GC_SITED_ZONE; i++)
    if (end[-(int)i] != RED_BYTE)
      return false;
  return true;
}

gc_scans_memory enum gc_sited_state gc_sited_look(const struct gc_object *o,
                                                  size_t *out_offset) {
  const struct gc_sited *s = gc_sited_of(o);
  const unsigned char *bytes = (const unsigned char *)o->start;
  *out_offset = 0;
  if (o->bytes < sizeof *s + GC_SITED_ZONE + gc_sited_frames * sizeof(void *))
    return SITED_NONE;
  size_t end = (size_t)(trace_of(o) - o->start);
  if (s->guard != guard_of(o))
    return s->guard != 0 && has_red_end(o) ? SITED_UNDER : SITED_NONE;
  if (s->is_freed)
    return SITED_FREED;
  for (size_t i = sizeof *s + s->bytes; i < end; i++)
    if (bytes[i] != RED_BYTE) {
      *out_offset = i - sizeof *s;
      return SITED_SMASHED;
    }
  return SITED_GOOD;
}

bool gc_sited_has_site(const struct gc_object *o) {
  size_t offset;
  return (gc_sited_is_kind(o->kind) || o->kind >= KIND_FIRST_NEW) &&
         gc_sited_look(o, &offset) == SITED_GOOD;
}
