/* tests/gcx/mistakes.c: objects of debug kinds whose notifiers make mistakes. SPDX-License-Identifier: MIT */
#define GCX_DEBUG
#include "gcx/mistakes.h"

#include <string.h>

static __thread struct node *volatile in_thread;

struct node *mk_stored;
void **volatile mk_box;
int mk_line, mk_kept_now;
uintptr_t mk_last;
atomic_size_t mk_told, mk_wrong, mk_facts_before;

GU_NOINLINE char *mk_byte_of(const void *object, size_t offset) {
  return (char *)(uintptr_t)object + offset;
}

gcx_verdict GC_CALLBACK mk_on_death(void *object, size_t bytes, void *cd) {
  struct node *n = object;
  (void)cd;
  atomic_fetch_add(&mk_told, 1);
  atomic_store(&mk_facts_before, facts_count());
  if (bytes != sizeof *n && bytes < MK_MB)
    atomic_fetch_add(&mk_wrong, 1);
  switch (n->what) {
  case STORE:
    mk_stored = n;
    break;
  case STORE_IN_BOX:
    mk_box[5] = n->text;
    break;
  case STORE_IN_THREAD:
    in_thread = n;
    break;
  case CLEAR_IN_THREAD:
    in_thread = NULL;
    break;
  case KEEP:
    return GCX_KEEP;
  case KEEP_EARLY:
    mk_kept_now = gcx_keep(n);
    break;
  case SMASH:
    *mk_byte_of(object, bytes + 3) = 0;
    break;
  case FREE:
    GC_free(n);
    break;
  case NEW_KIND:
    gcx_kind_new(&(gcx_kind_opts){.struct_size = sizeof(gcx_kind_opts),
                                  .name = "new",
                                  .notify = mk_on_death,
                                  .cd = n},
                 NULL);
    break;
  }
  return GCX_DONE;
}

gcx_kind *mk_kind(gcx_kind_opts opts) {
  opts.notify = mk_on_death;
  opts.name = "node";
  opts.flags = GCX_KIND_DEBUG_IF;
  return sh_kind(opts);
}

gcx_kind *mk_begin(gcx_kind_opts opts) {
  sh_begin(1);
  facts_begin();
  return mk_kind(opts);
}

struct node *mk_make(gcx_kind *kind, int what) {
  mk_line = __LINE__ + 1;
  struct node *n = GCX_KIND_ALLOC(kind, sizeof *n);
  tap_require(n != NULL);
  n->what = what;
  mk_last = gu_hide(n);
  return n;
}

struct plan {
  gcx_kind *kind;
  int what;
  size_t n;
};

static void make_and_drop(void *arg) {
  const struct plan *p = arg;
  for (size_t i = 0; i < p->n; i++)
    mk_make(p->kind, p->what);
}

void mk_drop_one(gcx_kind *kind, int what) {
  struct plan p = {kind, what, 1};
  sh_apart(make_and_drop, &p);
}

struct poke {
  size_t offset;
  unsigned char value, seen;
};

static void poke_last(void *arg) {
  struct poke *p = arg;
  char *at = mk_byte_of(gu_reveal(mk_last), p->offset);
  p->seen = (unsigned char)*at;
  *at = (char)p->value;
}

unsigned char mk_write_dead(size_t offset, unsigned char value) {
  struct poke p = {offset, value, 0};
  sh_apart(poke_last, &p);
  return p.seen;
}

void mk_check_too_late(void *arg) {
  (void)arg;
  tap_eq_u(gcx_revive(gu_reveal(mk_last)), 0);
}

void mk_check_site(const struct fact *f) {
  tap_eq_s(f->kind, "node");
  tap_eq_s(strrchr(f->file, '/') + 1, "mistakes.c");
  tap_eq_u(f->line, mk_line);
  tap_eq_u(f->bytes, sizeof(struct node));
  tap_le(f->collection, GC_get_gc_no());
  tap_check(strstr(f->text, "kind \"node\"") != NULL);
}

static void make_others(void *kind) {
  for (int i = 0; i < 20; i++)
    tap_require(gcx_kind_alloc(kind, 16) != NULL);
}

static gcx_verdict GC_CALLBACK on_other(void *object, size_t bytes, void *cd) {
  (void)object, (void)bytes, (void)cd;
  return GCX_DONE;
}

void mk_settle(unsigned times) {
  static gcx_kind *other[2];
  for (int i = 0; i < 2; i++)
    if (other[i] == NULL)
      other[i] = sh_kind(
          (gcx_kind_opts){.notify = on_other,
                          .flags = GCX_KIND_DEBUG,
                          .mode = i == 0 ? GCX_MODE_SIMPLE : GCX_MODE_PROPER});
  for (unsigned i = 0; i < times; i++) {
    sh_apart(make_others, other[0]);
    sh_apart(make_others, other[1]);
    sh_settle();
  }
}

void mk_end(void) {
  mk_settle(4);
  tap_eq_u(gcx_debug_check(), 0);
  tap_eq_u(atomic_load(&mk_wrong), 0);
  facts_check_none();
}
