/* bdwgc-patch/object.c: tags, and the disclaim procedures. SPDX-License-Identifier: MIT
 *
 * Layouts are kinds of libgc, which has room for sixteen; so kinds of ours share
 * them, and at most BDW_MAX_LAYOUTS are taken. All clear new memory, so that no
 * cell begins its life with an old tag.
 */
#include "adapter.h"

#include <gc/gc_typed.h>

#include <errno.h>

#define MAGIC UINT64_C(0xa5c31e0700000000)
#define MAGIC_MASK UINT64_C(0xffffffff00000000)

enum { BDW_MAX_LAYOUTS = 8, MAX_LIBGC_KINDS = 64 };
enum { SMALL_BYTES = 4096 }; /* at most one libgc block, and aligned in it */
enum { TYPED_LAYOUTS = 5 };  /* the others are always there */

enum where { NOT_OURS, TAG_LAST, TAG_FIRST };

/* By libgc's kind: where the tag is. Written under the lock, before the first
 * object of it exists. */
static unsigned char where_of[MAX_LIBGC_KINDS];
static bool is_leaf[MAX_LIBGC_KINDS]; /* likewise, and libgc's own */

/* ---- Tags ---- */

static _Atomic uint64_t *tag_of(const void *base, size_t bytes,
                                enum where where) {
  const char *at = base;
  if (where == TAG_LAST)
    at += bytes - sizeof(uint64_t);
  return (_Atomic uint64_t *)(void *)(uintptr_t)at;
}

static uint64_t make_tag(unsigned kind, enum bdw_state state) {
  return MAGIC | (uint64_t)kind << 8 | (uint64_t)state << 4 | 1;
}

enum bdw_state bdw_state_of(const struct bdw_object *o) {
  return (enum bdw_state)(
      atomic_load_explicit(o->tag, memory_order_relaxed) >> 4 & 15);
}

void bdw_set_state(const struct bdw_object *o, enum bdw_state s) {
  uint64_t tag = s == BDW_NOTHING ? 0 : make_tag(o->kind->number, s);
  atomic_store_explicit(o->tag, tag, memory_order_relaxed);
}

/* The object in a cell, if there is one. */
static bool look(const void *base, size_t bytes, enum where where,
                 struct bdw_object *out) {
  _Atomic uint64_t *tag = tag_of(base, bytes, where);
  uint64_t value = atomic_load_explicit(tag, memory_order_relaxed);
  if ((value & MAGIC_MASK) != MAGIC)
    return false;
  out->base = (char *)(uintptr_t)base;
  out->start = out->base + (where == TAG_FIRST ? BDW_HEAD_BYTES : 0);
  out->bytes = bytes - (where == TAG_FIRST ? BDW_HEAD_BYTES : sizeof(uint64_t));
  out->tag = tag;
  out->kind = atomic_load(&bdw_kinds[value >> 8 & 255]);
  return out->kind != NULL;
}

bool bdw_is_ours(int libgc_kind) {
  return libgc_kind < MAX_LIBGC_KINDS && where_of[libgc_kind] != NOT_OURS;
}

bool bdw_is_leaf(int libgc_kind) {
  return libgc_kind < MAX_LIBGC_KINDS && is_leaf[libgc_kind];
}

void bdw_learn_leaf(void) {
  const void *leaf = GC_malloc_atomic(1);
  if (leaf != NULL)
    is_leaf[GC_get_kind_and_size(leaf, NULL)] = true;
}

bool bdw_look(const void *base, size_t bytes, int libgc_kind,
              struct bdw_object *out) {
  return bdw_is_ours(libgc_kind) &&
         look(base, bytes, where_of[libgc_kind], out);
}

bool bdw_find(const void *base, struct bdw_object *out) {
  size_t bytes;
  if (base == NULL)
    return false;
  int kind = GC_get_kind_and_size(base, &bytes);
  return bdw_look(base, bytes, kind, out);
}

/* ---- What libgc asks ---- */

/* Whether the unmarked cell is kept; libgc holds its lock. */
static int disclaim(void *cell, enum where where) {
  struct bdw_object o;
  if (!look(cell, GC_size(cell), where, &o))
    return 0;
  if (bdw_state_of(&o) != BDW_LIVE)
    return 1;
  if (atomic_load(&o.kind->is_closed)) {
    bdw_set_state(&o, BDW_NOTHING);
    return 0;
  }
  bdw_condemn_locked(&o); /* without memory it is found dead again */
  return 1;
}

static int GC_CALLBACK disclaim_tag_last(void *cell) {
  return disclaim(cell, TAG_LAST);
}

static int GC_CALLBACK disclaim_tag_first(void *cell) {
  return disclaim(cell, TAG_FIRST);
}

/* ---- Layouts ---- */

static struct {
  GC_word descriptor;
  bool adds_size, has_head;
  int kind;
} layouts[BDW_MAX_LAYOUTS];
static unsigned n_layouts, n_typed; /* [lock kinds] */

static int take_kind(GC_word descriptor, bool adds_size, bool has_head) {
  int kind =
      (int)GC_new_kind(GC_new_free_list(), descriptor, adds_size, /*clear*/ 1);
  is_leaf[kind] = descriptor == 0 && !adds_size;
  where_of[kind] = has_head ? TAG_FIRST : TAG_LAST;
  GC_register_disclaim_proc(
      kind, has_head ? disclaim_tag_first : disclaim_tag_last, has_head);
  return kind;
}

static int find_layout(GC_word descriptor, bool adds_size, bool has_head,
                       bool is_typed, int *out) {
  unsigned i = 0;
  while (i < n_layouts &&
         (layouts[i].descriptor != descriptor ||
          layouts[i].adds_size != adds_size || layouts[i].has_head != has_head))
    i++;
  if (i == n_layouts) {
    if (is_typed && n_typed == TYPED_LAYOUTS)
      return ENOTSUP;
    n_typed += is_typed;
    layouts[i].descriptor = descriptor;
    layouts[i].adds_size = adds_size;
    layouts[i].has_head = has_head;
    layouts[i].kind = take_kind(descriptor, adds_size, has_head);
    n_layouts++;
  }
  *out = layouts[i].kind;
  return 0;
}

/* What the head shifts can not be said any more: bits that fall off the end, and
 * procedures, which would be given the head. */
int bdw_libgc_kind(const gcx_kind_opts *o, bool has_head, int *out) {
  GC_word bits = o->layout_word;
  switch (o->layout) {
  case GCX_LAYOUT_BITMAP:
    if (has_head && bits >> 60 != 0)
      return ENOTSUP;
    bits <<= has_head ? BDW_HEAD_BYTES / sizeof(GC_word) : 0;
    return find_layout(GC_make_descriptor(&bits, 62), false, has_head, true,
                       out);
  case GCX_LAYOUT_PROC:
    if (has_head)
      return ENOTSUP;
    return find_layout(o->layout_word, false, false, true, out);
  case GCX_LAYOUT_LEAF:
    return find_layout(0 | GC_DS_LENGTH, false, false, false, out);
  case GCX_LAYOUT_CONSERVATIVE:
    break;
  }
  return find_layout(0 | GC_DS_LENGTH, true, has_head, false, out);
}

/* ---- Making objects ---- */

/* libgc may add a byte of its own behind what is asked for; the tag serves as that
 * byte where it comes last. Until the tag is there the cell is no object, and this
 * thread's reference keeps it. */
void *bdw_new_object(struct gcx_kind *kind, size_t bytes, const void *closure) {
  size_t own = kind->has_head ? BDW_HEAD_BYTES : sizeof(uint64_t);
  size_t spare = !kind->has_head && GC_get_all_interior_pointers() ? 1 : 0;
  if (bytes > PTRDIFF_MAX - 4096)
    own = spare = 0; /* let libgc refuse it */
  char *base = GC_generic_malloc(bytes + own - spare, kind->libgc_kind);
  if (base == NULL)
    return NULL;
  if (GC_size(base) <= SMALL_BYTES && !bdw_note_block(base)) {
    GC_free(base);
    return NULL;
  }
  enum where where = kind->has_head ? TAG_FIRST : TAG_LAST;
  if (closure != NULL)
    ((const void **)(void *)base)[1] = closure;
  atomic_store_explicit(tag_of(base, GC_size(base), where),
                        make_tag(kind->number, BDW_LIVE), memory_order_release);
  return base + (kind->has_head ? BDW_HEAD_BYTES : 0);
}

const gcx_closure *bdw_closure_of(const void *object) {
  return ((const gcx_closure *const *)object)[-1];
}
