/* src/notify/debug.c: objects of debug kinds: records, red zones, reports.
 * SPDX-License-Identifier: MIT
 */
#include "notify/debug.h"

#include "base/check.h"
#include "base/format.h"
#include "heap/meta.h"
#include "notify/pending.h"
#include "world/stop.h"

/* No heap address, and no text. */
#define RED_BYTE 0xfdu

#define MAX_WAITING 64u
#define TEXT_BYTES 1024u

/* The notifiers that the kinds were made with. [const] after registration */
static gc_notify_fn notifiers[GC_MAX_KINDS];

static void print(const struct gc_debug_fact *fact, const char *text) {
  char message[TEXT_BYTES + 32];
  (void)fact;
  size_t n = gc_format(message, sizeof message, "Reclaim: %s\n", text);
  if (gc_message_sink != NULL)
    gc_message_sink(message, n);
}

void (*gc_debug_sink)(const struct gc_debug_fact *, const char *) = print;

_Atomic bool gc_debug_is_on;

/* ---- The queue ---- */

/* In memory that is no root: facts name dead objects. */
static struct {
  struct gc_lock lock;
  struct gc_debug_fact *of;
  _Atomic uint32_t count;
  unsigned lost;
} queued = {.lock = GC_LOCK_INIT(RANK_LEAF)};

/* The thread that passes facts on; 0: none. */
static _Atomic uint32_t flusher;

static bool start_queue(void) {
  struct gc_debug_fact *of = gc_meta_alloc(MAX_WAITING * sizeof *of);
  gc_lock(&queued.lock);
  bool is_first = queued.of == NULL;
  if (is_first)
    queued.of = of;
  bool ok = queued.of != NULL;
  gc_unlock(&queued.lock);
  if (!is_first)
    gc_meta_free(of, MAX_WAITING * sizeof *of);
  return ok;
}

void gc_debug_report(const struct gc_object *o, const struct gc_debug_fact *f) {
  struct gc_debug_record *r = gc_debug_record_of(o);
  uint8_t bit = (uint8_t)(1u << f->mistake);
  gc_lock(&queued.lock);
  uint32_t n = gc_load_rlx(&queued.count);
  bool is_new = !(r->told & bit);
  if (is_new && n == MAX_WAITING) {
    queued.lost++;
  } else if (is_new) {
    r->told |= bit;
    queued.of[n] = *f;
    gc_store_rel(&queued.count, n + 1);
  }
  gc_unlock(&queued.lock);
}

/* In the order in which they came. */
static bool take_first(struct gc_debug_fact *out, unsigned *out_lost) {
  gc_lock(&queued.lock);
  uint32_t n = gc_load_rlx(&queued.count);
  *out_lost = queued.lost;
  queued.lost = 0;
  if (n > 0) {
    *out = queued.of[0];
    for (uint32_t i = 1; i < n; i++)
      queued.of[i - 1] = queued.of[i];
    gc_store_rel(&queued.count, n - 1);
  }
  gc_unlock(&queued.lock);
  return n > 0;
}

static void tell_lost(unsigned lost) {
  if (lost > 0)
    gc_plat_message("%u more mistakes with objects of debug kinds were found "
                    "at the same time; they are reported when they are found "
                    "again",
                    lost);
}

static void pass_on(void) {
  struct gc_debug_fact f;
  char text[TEXT_BYTES];
  unsigned lost;
  while (take_first(&f, &lost)) {
    gc_debug_write_text(&f, text, sizeof text);
    gc_debug_sink(&f, text);
    tell_lost(lost);
  }
  __builtin_memset(&f, 0, sizeof f);
}

/* Who comes while another thread passes facts on leaves them to that one, which
 * looks again after it has let go. */
void gc_debug_flush(void) {
  while (gc_unlikely(gc_load_acq(&queued.count) != 0)) {
    uint32_t nobody = 0;
    if (gc_nostop_inside() ||
        !gc_cas_acq_rel(&flusher, &nobody, (uint32_t)gc_plat_tid()))
      return;
    pass_on();
    gc_store_rel(&flusher, 0);
  }
}

void gc_debug_clean_up(void) {
  gc_debug_flush();
  gc_plat_scrub_stack();
}

void gc_debug_flush_all(void) {
  uint32_t me = (uint32_t)gc_plat_tid(), who;
  gc_debug_leave();
  while ((who = gc_load_acq(&flusher)) != 0 && who != me) {
    gc_plat_yield();
    if (GC_TSAN_BUILD)
      gc_stop_poll();
  }
}

void gc_debug_reset_in_child(void) {
  if (gc_load_rlx(&flusher) != (uint32_t)gc_plat_tid())
    gc_store_rlx(&flusher, 0);
  gc_lock_reset(&queued.lock);
}

/* ---- Facts ---- */

struct gc_debug_site gc_debug_site_of(const struct gc_object *o) {
  struct gc_debug_site s = {.kind = gc_kinds[o->kind].notifier.name,
                            .start = o->start,
                            .bytes = o->bytes};
  if (!gc_debug_is_kind(o->kind))
    return s;
  const struct gc_debug_record *r = gc_debug_record_of(o);
  if (!gc_load_acq(&r->is_full))
    return s;
  s.file = r->file;
  s.bytes = r->asked;
  s.line = r->line;
  s.born = r->born;
  return s;
}

struct gc_debug_fact gc_debug_fact_of(const struct gc_object *o,
                                      enum gc_debug_mistake mistake) {
  return (struct gc_debug_fact){.mistake = mistake,
                                .object = gc_debug_site_of(o),
                                .state =
                                    gc_state_code(gc_load_acq(gc_state_of(o))),
                                .is_freed = gc_debug_record_of(o)->is_freed};
}

/* ---- Records and red zones ---- */

void gc_debug_fill_record(const struct gc_object *o, size_t asked,
                          const char *file, unsigned line) {
  struct gc_debug_record *r = gc_debug_record_of(o);
  __builtin_memset(o->start + asked, RED_BYTE, o->bytes - asked);
  r->file = file;
  r->line = line;
  r->asked = asked;
  r->born = gc_heap.epoch;
  r->is_freed = false;
  r->told = 0;
  r->sightings = 0;
  gc_store_rel(&r->is_full, (uint8_t)1);
}

size_t gc_debug_usable(const struct gc_object *o) {
  const struct gc_debug_record *r = gc_debug_record_of(o);
  return gc_load_acq(&r->is_full) ? r->asked : o->bytes;
}

/* Where the first byte differs, or the end. The program may be writing there. */
gc_scans_memory static size_t first_change(const struct gc_object *o,
                                           size_t from) {
  const unsigned char *bytes = (const unsigned char *)o->start;
  while (from < o->bytes && bytes[from] == RED_BYTE)
    from++;
  return from;
}

bool gc_debug_check_red_zone(const struct gc_object *o) {
  const struct gc_debug_record *r = gc_debug_record_of(o);
  if (!gc_load_acq(&r->is_full))
    return true;
  size_t at = first_change(o, r->asked);
  if (at == o->bytes)
    return true;
  struct gc_debug_fact f = gc_debug_fact_of(o, MISTAKE_SMASHED);
  f.offset = at;
  gc_debug_report(o, &f);
  return false;
}

/* ---- Notifiers, freeing, keeping ---- */

bool gc_debug_register(unsigned kind, gc_notify_fn notify) {
  notifiers[kind] = notify;
  gc_store_rel(&gc_debug_is_on, true);
  return start_queue();
}

static gc_noinline int notify_object(void *object, size_t bytes, void *cd) {
  struct gc_object o;
  bool found = gc_find(object, &o);
  gc_check(found && gc_debug_is_kind(o.kind) && bytes == o.bytes);
  gc_debug_check_red_zone(&o);
  gc_debug_flush();
  int keep = notifiers[o.kind](object, gc_debug_usable(&o), cd);
  if (keep)
    keep = !gc_debug_refuses_keep(&o);
  if (keep)
    gc_debug_record_of(&o)->is_freed = false;
  gc_debug_flush();
  return keep;
}

/* The next notifier of the thread may take long, with the address in its frames. */
int gc_debug_notify(void *object, size_t bytes, void *cd) {
  int keep = notify_object(object, bytes, cd);
  gc_plat_scrub_stack();
  return keep;
}

bool gc_debug_on_free(const struct gc_object *o) {
  struct gc_debug_record *r = gc_debug_record_of(o);
  if (!gc_load_acq(&r->is_full))
    return true;
  struct gc_debug_fact f = gc_debug_fact_of(o, MISTAKE_FREED_TWICE);
  bool is_first = f.state == ST_NONE;
  if (is_first) {
    gc_debug_check_red_zone(o);
    r->is_freed = true;
  } else {
    gc_debug_report(o, &f);
  }
  gc_debug_flush();
  return is_first;
}

/* What such an object refers to may be freed already, so it must not come back; one
 * without references may. */
bool gc_debug_refuses_keep(const struct gc_object *o) {
  if (gc_kind_flags(o->kind) & (KIND_HELD | KIND_LEAF))
    return false;
  struct gc_debug_fact f = gc_debug_fact_of(o, MISTAKE_KEPT);
  gc_debug_report(o, &f);
  return true;
}
