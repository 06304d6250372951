/* tests/gcx/debug.c: mistakes with objects of debug kinds are reported. SPDX-License-Identifier: MIT */

/*
 * Contract: gcx/debug.h. Every mistake is made once, and is reported once, with the
 * right object and site. References to dead objects have a program of their own.
 */
#define GCX_DEBUG
#include "gcx/mistakes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_REPORTED_AT_ONCE = 64 };

/* ---- Beyond the end ---- */

static void smash_one(void *kind) {
  struct node *n = mk_make(kind, NOTHING);
  *mk_byte_of(n, sizeof *n + 1) = 'x';
}

static void smashed_is_seen_when_notified(void) {
  gcx_kind *kind = mk_begin((gcx_kind_opts){.refs = GCX_REFS_HELD});
  sh_apart(smash_one, kind);
  mk_settle(1);
  const struct fact *f = facts_take(GCX_DEBUG_SMASHED, mk_last);
  mk_check_site(f);
  tap_eq_u(f->offset, sizeof(struct node) + 1);
  tap_eq_u(f->place, GCX_DEBUG_NOWHERE);
  tap_check(strstr(f->text, "written beyond its end") != NULL);
  tap_eq_u(atomic_load(&mk_facts_before), 1);
  tap_eq_u(atomic_load(&mk_told), 1);
  mk_end();
}

static void smash_and_free(void *kind) {
  struct node *n = mk_make(kind, NOTHING);
  *mk_byte_of(n, sizeof *n) = 'x';
  GC_free(n);
  tap_eq_u(facts_take(GCX_DEBUG_SMASHED, gu_hide(n))->offset, sizeof *n);
}

static void smashed_is_seen_when_freed(void) {
  gcx_kind *kind = mk_begin((gcx_kind_opts){0});
  sh_close_gate();
  sh_apart(smash_and_free, kind);
  sh_open_gate();
  mk_end();
}

static void smashed_by_its_notifier(void) {
  gcx_kind *kind = mk_begin((gcx_kind_opts){0});
  mk_drop_one(kind, SMASH);
  mk_settle(1);
  const struct fact *f = facts_take(GCX_DEBUG_SMASHED, mk_last);
  tap_eq_u(f->offset, sizeof(struct node) + 3);
  mk_end();
}

static void smashed_is_seen_by_a_check(void) {
  gcx_kind *kind = mk_begin((gcx_kind_opts){.layout = GCX_LAYOUT_LEAF});
  struct node *volatile n = mk_make(kind, NOTHING);
  tap_eq_u(gcx_debug_check(), 0);
  facts_check_none();
  char *last_byte = mk_byte_of(n, sizeof *n + 15);
  *last_byte ^= 1;
  for (int i = 0; i < 3; i++)
    tap_eq_u(gcx_debug_check(), 1);
  mk_check_site(facts_take(GCX_DEBUG_SMASHED, gu_hide(n)));
  *last_byte ^= 1;
  tap_eq_u(gcx_debug_check(), 0);
  n->what = NOTHING;
}

/* As many as are found are told, some at a time. */
static void many_are_told_after_all(void) {
  enum { N = 3 * N_REPORTED_AT_ONCE };
  static struct node *volatile all[N];
  gcx_kind *kind = mk_begin((gcx_kind_opts){0});
  for (int i = 0; i < N; i++) {
    all[i] = mk_make(kind, NOTHING);
    *mk_byte_of(all[i], sizeof *all[i] + 4) = 1;
  }
  for (size_t i = 1; i <= 3; i++) {
    tap_eq_u(gcx_debug_check(), N);
    tap_eq_u(facts_count(), i * N_REPORTED_AT_ONCE);
  }
  tap_eq_u(gcx_debug_check(), N);
  tap_eq_u(facts_of(GCX_DEBUG_SMASHED), N);
  for (size_t i = 0; i < N; i++)
    for (size_t j = 0; j < i; j++)
      tap_require(facts_at(i)->object != facts_at(j)->object);
}

/* ---- Freed twice ---- */

static void free_twice(void *kind) {
  struct node *n = mk_make(kind, NOTHING);
  GC_free(n);
  facts_check_none();
  GC_free(n);
  GC_free(n);
}

static void freed_twice_is_told_at_once(void) {
  gcx_kind *kind = mk_begin((gcx_kind_opts){.release = GCX_RELEASE_BATCH});
  sh_close_gate();
  sh_apart(free_twice, kind);
  const struct fact *f = facts_take(GCX_DEBUG_FREED_TWICE, mk_last);
  mk_check_site(f);
  tap_check(strstr(f->text, "freed by hand before") != NULL);
  tap_check(strstr(f->text, "still to be called") != NULL);
  sh_open_gate();
  mk_settle(1);
  tap_eq_u(atomic_load(&mk_told), 1);
  mk_end();
}

static void free_last(void *arg) {
  (void)arg;
  GC_free(gu_reveal(mk_last));
}

static void freed_in_quarantine(void) {
  gcx_kind *kind = mk_begin((gcx_kind_opts){0});
  mk_drop_one(kind, NOTHING);
  mk_settle(1);
  tap_eq_u(atomic_load(&mk_told), 1);
  sh_apart(free_last, NULL);
  const struct fact *f = facts_take(GCX_DEBUG_FREED_TWICE, mk_last);
  tap_check(strstr(f->text, "found it dead") != NULL);
  tap_check(strstr(f->text, "has returned") != NULL);
  mk_end();
}

static void freed_by_its_notifier(void) {
  gcx_kind *kind = mk_begin((gcx_kind_opts){.mode = GCX_MODE_SIMPLE});
  mk_drop_one(kind, FREE);
  mk_settle(1);
  facts_take(GCX_DEBUG_FREED_TWICE, mk_last);
  tap_eq_u(atomic_load(&mk_told), 1);
  mk_end();
}

static void make_and_free(void *kind) {
  mk_stored = mk_make(kind, NOTHING);
  GC_free(mk_stored);
}

/* As with malloc, a pointer that is not used is no mistake. */
static void freed_and_still_named(void) {
  gcx_kind *kind = mk_begin((gcx_kind_opts){.refs = GCX_REFS_HELD});
  sh_apart(make_and_free, kind);
  mk_settle(1);
  mk_write_dead(3, 0);
  tap_eq_u(gcx_debug_check(), 1);
  facts_take(GCX_DEBUG_WRITTEN, mk_last);
  mk_settle(4);
  mk_write_dead(3, 0);
  tap_eq_u(gcx_debug_check(), 0);
  facts_check_none();
}

/* ---- Writes after death ---- */

static void written_in_quarantine(void) {
  gcx_kind *kind = mk_begin((gcx_kind_opts){0});
  mk_drop_one(kind, NOTHING);
  mk_settle(1);
  mk_write_dead(offsetof(struct node, text) + 2, 'x');
  for (int i = 0; i < 2; i++)
    tap_eq_u(gcx_debug_check(), 1);
  const struct fact *f = facts_take(GCX_DEBUG_WRITTEN, mk_last);
  mk_check_site(f);
  tap_eq_u(f->offset, offsetof(struct node, text) + 2);
  mk_end();
}

static void written_before_it_leaves(void) {
  gcx_kind *kind = mk_begin((gcx_kind_opts){0});
  mk_drop_one(kind, NOTHING);
  mk_settle(1);
  mk_write_dead(0, 0);
  mk_settle(2);
  tap_eq_u(facts_take(GCX_DEBUG_WRITTEN, mk_last)->offset, 0);
  mk_end();
}

/* ---- Kept ---- */

static void check_not_kept(gcx_kind_opts opts, int what) {
  gcx_kind *kind = mk_begin(opts);
  mk_drop_one(kind, what);
  mk_kept_now = -1;
  mk_settle(1);
  mk_check_site(facts_take(GCX_DEBUG_KEPT, mk_last));
  tap_check(mk_kept_now == (what == KEEP ? -1 : 0));
  tap_eq_u(sh_stats().kept, 0);
  sh_apart(mk_check_too_late, NULL);
  mk_end();
  tap_eq_u(atomic_load(&mk_told), 1);
}

static void refs_none_is_not_kept(void) {
  check_not_kept((gcx_kind_opts){0}, KEEP);
}
static void nor_in_simple_mode(void) {
  check_not_kept((gcx_kind_opts){.mode = GCX_MODE_SIMPLE}, KEEP);
}
static void nor_early(void) { check_not_kept((gcx_kind_opts){0}, KEEP_EARLY); }

/* These may be kept, and are told again when they die again. */
static void check_kept(gcx_kind_opts opts, int what) {
  gcx_kind *kind = mk_begin(opts);
  mk_drop_one(kind, what);
  for (size_t i = 1; i <= 3; i++) {
    mk_settle(1);
    tap_eq_u(sh_stats().kept, i);
    tap_eq_u(atomic_load(&mk_told), i);
  }
  mk_write_dead(offsetof(struct node, what), NOTHING);
  mk_end();
  tap_eq_u(atomic_load(&mk_told), 4);
}

static void what_is_held_may_be_kept(void) {
  check_kept((gcx_kind_opts){.refs = GCX_REFS_HELD}, KEEP);
}
static void what_is_held_may_be_kept_early(void) {
  check_kept((gcx_kind_opts){.refs = GCX_REFS_HELD}, KEEP_EARLY);
}
static void leaves_may_be_kept(void) {
  check_kept((gcx_kind_opts){.layout = GCX_LAYOUT_LEAF}, KEEP);
}

/* ---- GC_realloc ---- */

static void reallocate(void *kind) {
  struct node *n = mk_make(kind, NOTHING);
  memcpy(n->text, "nineteen letters...", 20);
  struct node *m = GC_realloc(n, sizeof *n + 4);
  tap_require(m != NULL && m != n);
  tap_eq_u(GC_size(m), sizeof *n + 4);
  tap_eq_s(m->text, "nineteen letters...");
  tap_eq_u((unsigned char)*mk_byte_of(m, sizeof *m + 3), 0);
  tap_eq_p(GC_realloc(n, 100), NULL);
  facts_take(GCX_DEBUG_FREED_TWICE, gu_hide(n));
  *mk_byte_of(m, sizeof *n + 4) = 0;
  tap_eq_u(gcx_debug_check(), 1);
  const struct fact *f = facts_take(GCX_DEBUG_SMASHED, gu_hide(m));
  tap_eq_u(f->line, mk_line);
  tap_eq_u(f->bytes, sizeof *n + 4);
  *mk_byte_of(m, sizeof *n + 4) = (char)0xfd;
  m = GC_realloc(m, sizeof *n);
  tap_eq_s(m->text, "nineteen letters...");
}

static void realloc_always_moves(void) {
  gcx_kind *kind = mk_begin((gcx_kind_opts){0});
  sh_apart(reallocate, kind);
  mk_settle(1);
  tap_eq_u(atomic_load(&mk_told), 3);
  atomic_store(&mk_wrong, 0); /* one of another size */
  mk_end();
}

static const gcx_closure closure = {mk_on_death, NULL};

/* ---- How long, and without the program's doing ---- */

static void set_and_begin(const char *name, const char *value) {
  setenv(name, value, 1);
  sh_begin(1);
  facts_begin();
}

/* In the collection after the release it is the first time, ... */
static void check_quarantine(const char *length, unsigned collections) {
  set_and_begin("GCX_QUARANTINE", length);
  gcx_kind *kind = mk_kind((gcx_kind_opts){0});
  mk_drop_one(kind, NOTHING);
  mk_settle(1);
  for (unsigned i = 0; i < collections; i++) {
    tap_eq_u(mk_write_dead(0, 0), 0xde);
    tap_eq_u(gcx_debug_check(), 1);
    tap_eq_u(mk_write_dead(0, 0xde), 0);
    mk_settle(1);
  }
  mk_write_dead(0, 0);
  tap_eq_u(gcx_debug_check(), 0);
}

static void quarantine_as_long_as_wanted(void) { check_quarantine("5", 5); }
static void quarantine_of_one(void) { check_quarantine("1", 1); }
static void no_quarantine(void) { check_quarantine("0", 0); }

static void every_kind_by_the_environment(void) {
  set_and_begin("GCX_DEBUG_KINDS", "1");
  gcx_kind *kind =
      sh_kind((gcx_kind_opts){.notify = mk_on_death, .name = "plain"});
  struct node *volatile n = gcx_kind_alloc(kind, sizeof *n);
  struct node *volatile m = gcx_finalized_alloc(sizeof *m, &closure);
  *mk_byte_of(n, sizeof *n) = *mk_byte_of(m, sizeof *m) = 0;
  tap_eq_u(gcx_debug_check(), 2);
  tap_eq_u(facts_of(GCX_DEBUG_SMASHED), 2);
  for (size_t i = 0; i < 2; i++) {
    bool is_n = facts_at(i)->object == gu_hide(n);
    tap_eq_s(facts_at(i)->kind, is_n ? "plain" : "finalized");
    tap_eq_s(facts_at(i)->file, "");
    tap_eq_u(facts_at(i)->line, 0);
  }
}

static void kinds_without_the_flag_are_as_ever(void) {
  sh_begin(1);
  facts_begin();
  gcx_kind *kind = sh_kind((gcx_kind_opts){.notify = mk_on_death});
  struct node *volatile n = GCX_KIND_ALLOC(kind, 32);
  tap_ge(GC_size(n), 33);
  *mk_byte_of(n, 32) = 1;
  tap_eq_u(gcx_debug_check(), 0);
  facts_check_none();
}

/* ---- The text ---- */

static void role_mistake(void) {
  sh_begin(1);
  gcx_kind *kind = mk_kind((gcx_kind_opts){0});
  smash_one(kind);
  gcx_debug_check();
}

static const tap_case roles[] = {TAP_CASE(role_mistake)};

static void without_a_function_the_text_is_printed(void) {
  static char out[4096], site[64];
  gu_exec x = {.role = "role_mistake", .out = out, .out_size = sizeof out};
  tap_eq_u(gu_run_role(&x), 0);
  snprintf(site, sizeof site, "(%zu bytes, made at ", sizeof(struct node));
  tap_note("%s", out);
  tap_check(strncmp(out, "Reclaim: object 0x", 18) == 0);
  tap_check(strstr(out, site) != NULL);
  tap_check(strstr(out, "mistakes.c:") != NULL);
  tap_check(strstr(out, "\n  The first changed byte is at offset") != NULL);
  tap_check(strstr(out, "\n  Look for ") != NULL);
}

static const tap_case cases[] = {
    TAP_CASE(smashed_is_seen_when_notified),
    TAP_CASE(smashed_is_seen_when_freed),
    TAP_CASE(smashed_by_its_notifier),
    TAP_CASE(smashed_is_seen_by_a_check),
    TAP_CASE(many_are_told_after_all),
    TAP_CASE(freed_twice_is_told_at_once),
    TAP_CASE(freed_in_quarantine),
    TAP_CASE(freed_by_its_notifier),
    TAP_CASE(freed_and_still_named),
    TAP_CASE(written_in_quarantine),
    TAP_CASE(written_before_it_leaves),
    TAP_CASE(refs_none_is_not_kept),
    TAP_CASE(nor_in_simple_mode),
    TAP_CASE(nor_early),
    TAP_CASE(what_is_held_may_be_kept),
    TAP_CASE(what_is_held_may_be_kept_early),
    TAP_CASE(leaves_may_be_kept),
    TAP_CASE(realloc_always_moves),
    TAP_CASE(quarantine_as_long_as_wanted),
    TAP_CASE(quarantine_of_one),
    TAP_CASE(no_quarantine),
    TAP_CASE(every_kind_by_the_environment),
    TAP_CASE(kinds_without_the_flag_are_as_ever),
    TAP_CASE(without_a_function_the_text_is_printed)};

int main(int argc, char **argv) {
  tap_set_roles(roles, sizeof roles / sizeof roles[0]);
  return tap_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
