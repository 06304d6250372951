/* src/diag/told.c: what a stop found wrong, told when the world runs. SPDX-License-Identifier: MIT
 *
 * The notes have room for one collection. While a thread tells what is in them, which
 * may take the program as long as it likes, the next collection only counts.
 */
#include "diag/told.h"

#include "base/check.h"
#include "base/option.h"
#include "mark/mark.h"
#include "plat/plat.h"

struct told_note {
  enum gc_told_sort sort;
  struct gc_object object;
  struct gc_sited site;
  bool has_site, is_kept;
  size_t offset;
  const void *frames[GC_TRACE_MAX];
};

static struct {
  _Atomic int teller; /* the process that is telling, or 0 */
  unsigned notes, leaks_named, smashed_named;
  size_t leaks, leaked_bytes, smashed;
  struct told_note at[GC_TOLD_SMASHED + GC_TOLD_LEAKS];
} told; /* [stw], then the teller's */

static gc_told_describe_fn _Atomic describe_fns[GC_MAX_KINDS];
static void (*_Atomic release_fn)(void *);

void gc_told_set_describe(unsigned kind, gc_told_describe_fn describe,
                          void (*release)(void *)) {
  gc_store_rel(&release_fn, release);
  gc_store_rel(&describe_fns[kind], describe);
}

static gc_told_describe_fn describer_of(const struct gc_object *o) {
  return gc_load_acq(&describe_fns[gc_sited_plain_kind(o->kind)]);
}

/* ---- In the stop ---- */

static void fill_note(struct told_note *n, enum gc_told_sort sort,
                      const struct gc_object *o, size_t offset) {
  __builtin_memset(n, 0, sizeof *n);
  n->sort = sort;
  n->object = *o;
  n->offset = offset;
  n->has_site =
      sort == TOLD_SMASHED || (sort == TOLD_LEAK && gc_sited_has_site(o));
  if (!n->has_site)
    return;
  n->site = *gc_sited_of(o);
  gc_sited_get_trace(o, n->frames);
}

/* After the search for leaks, which goes by the marks. A leak lives until it and those
 * that refer to it have been described, and with it what it refers to: some of that may
 * have found no room here, and be named after the next collection. */
void gc_told_keep_described(void) {
  struct gc_marker *m = &gc_marker_main;
  if (told.leaks_named == 0 || gc_load_acq(&release_fn) == NULL ||
      gc_load_rlx(&told.teller) != 0)
    return;
  m->poll = NULL; /* this may not be given up any more */
  for (unsigned i = 0; i < told.notes; i++) {
    struct told_note *n = &told.at[i];
    n->is_kept = n->sort == TOLD_LEAK;
    if (n->is_kept)
      gc_mark_object(m, &n->object);
  }
  gc_mark_drain(m);
}

static bool has_room_to_name(enum gc_told_sort sort) {
  if (sort == TOLD_LEAK)
    return told.leaks_named < GC_TOLD_LEAKS;
  return told.smashed_named < GC_TOLD_SMASHED;
}

static void count_it(enum gc_told_sort sort, size_t bytes) {
  if (sort == TOLD_LEAK) {
    told.leaks++;
    told.leaked_bytes += bytes;
  } else {
    told.smashed++;
  }
}

/* Who forks while another thread tells has nobody in the child who would end it. */
static bool is_being_told(void) {
  int teller = gc_load_acq(&told.teller);
  if (teller == 0)
    return false;
  if (teller == gc_plat_pid())
    return true;
  told.notes = told.leaks_named = told.smashed_named = 0;
  gc_store_rel(&told.teller, 0);
  return false;
}

void gc_told_note(enum gc_told_sort sort, const struct gc_object *o,
                  size_t offset) {
  bool is_busy = is_being_told();
  count_it(sort, o->bytes);
  if (is_busy || !has_room_to_name(sort))
    return;
  struct told_note *n = &told.at[told.notes++];
  fill_note(n, sort, o, offset);
  if (sort == TOLD_LEAK)
    told.leaks_named++;
  else
    told.smashed_named++;
}

/* ---- While the world runs ---- */

/* The program's text, or an empty one; a text that is too long is cut off. */
static void describe_note(const struct told_note *n, void *object,
                          char text[static 2 * GC_TOLD_TEXT_BYTES]) {
  gc_told_describe_fn fn = n->is_kept ? describer_of(&n->object) : NULL;
  __builtin_memset(text, 0, 2 * GC_TOLD_TEXT_BYTES);
  if (fn != NULL) {
    text[0] = text[1] = ' ';
    fn(object, text + 2);
    text[1 + GC_TOLD_TEXT_BYTES] = 0;
  }
}

static void tell_leak(const struct told_note *n) {
  const struct gc_object *o = &n->object;
  const char *sort =
      gc_kind_flags(o->kind) & KIND_LEAF ? "pointer-free" : "pointerful";
  char text[2 * GC_TOLD_TEXT_BYTES];
  char *object = n->has_site ? o->start + sizeof n->site : o->start;
  describe_note(n, object, text);
  if (n->has_site)
    gc_plat_message("leaked %s object at %p, %zu bytes (%s:%u)%s", sort,
                    (const void *)object, n->site.bytes, n->site.file,
                    n->site.line, text);
  else
    gc_plat_message("leaked %s object at %p, %zu bytes%s", sort,
                    (const void *)object, o->bytes, text);
}

static void tell_smashed(const struct told_note *n) {
  const void *object = n->object.start + sizeof n->site;
  if (n->sort == TOLD_SMASHED)
    gc_plat_message("smashed: object at %p (%s:%u, %zu bytes) was written at "
                    "offset %zu",
                    object, n->site.file, n->site.line, n->site.bytes,
                    n->offset);
  else
    gc_plat_message("smashed: object at %p was written before its start",
                    object);
}

static void tell_note(const struct told_note *n) {
  if (n->sort == TOLD_LEAK)
    tell_leak(n);
  else
    tell_smashed(n);
  gc_plat_say_trace(n->frames, GC_TRACE_MAX);
}

static void release_leaks(void) {
  void (*release)(void *) = gc_load_acq(&release_fn);
  for (unsigned i = 0; i < told.notes; i++)
    if (told.at[i].is_kept)
      release(told.at[i].object.start);
}

static void tell_totals(void) {
  if (told.smashed > 0)
    gc_plat_message("found %zu smashed objects", told.smashed);
  if (told.leaks > told.leaks_named)
    gc_plat_message("%zu more leaked objects are not named",
                    told.leaks - told.leaks_named);
  if (told.leaks > 0)
    gc_plat_message("found %zu leaked objects, %zu bytes", told.leaks,
                    told.leaked_bytes);
}

/* Addresses do not stay in the notes: in a static library these are a root. */
void gc_told_tell(void) {
  int nobody = 0;
  if (told.smashed + told.leaks == 0 ||
      !gc_cas_acq_rel(&told.teller, &nobody, gc_plat_pid()))
    return;
  for (unsigned i = 0; i < told.notes; i++)
    tell_note(&told.at[i]);
  tell_totals();
  release_leaks();
  __builtin_memset(told.at, 0, told.notes * sizeof told.at[0]);
  told.notes = told.leaks_named = told.smashed_named = 0;
  told.leaks = told.smashed = told.leaked_bytes = 0;
  gc_store_rel(&told.teller, 0);
  if (gc_options.abort_on_leak.number != 0)
    gc_fatal("leaked or smashed objects were found");
}
