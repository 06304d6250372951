/* tests/gcx/facts.c: mistakes with objects of debug kinds, as they are reported. SPDX-License-Identifier: MIT */
#include "gcx/facts.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_FACTS = 1000 };

static struct fact *facts;
static atomic_size_t n_facts;

static uintptr_t hide(const void *p) { return p == NULL ? 0 : gu_hide(p); }

static void copy(char *to, size_t size, const char *from) {
  if (from != NULL)
    strncpy(to, from, size - 1);
}

static void GC_CALLBACK collect(const gcx_debug_facts *f) {
  size_t i = atomic_load(&n_facts);
  if (i == MAX_FACTS)
    return;
  struct fact *to = &facts[i];
  memset(to, 0, sizeof *to);
  to->mistake = f->mistake;
  to->object = hide(f->object);
  to->word = hide(f->word);
  to->from = hide(f->from);
  to->bytes = f->bytes;
  to->offset = f->offset;
  to->line = f->line;
  to->from_line = f->from_line;
  to->thread = f->thread;
  to->collection = f->collection;
  to->place = f->place;
  copy(to->kind, sizeof to->kind, f->kind);
  copy(to->file, sizeof to->file, f->file);
  copy(to->from_kind, sizeof to->from_kind, f->from_kind);
  copy(to->from_file, sizeof to->from_file, f->from_file);
  copy(to->text, sizeof to->text, f->text);
  if (f->struct_size != sizeof *f)
    to->mistake = (gcx_debug_mistake)-1;
  atomic_store(&n_facts, i + 1);
}

void facts_begin(void) {
  facts = calloc(MAX_FACTS, sizeof *facts);
  tap_require(facts != NULL);
  gcx_debug_set_report(collect);
}

size_t facts_count(void) { return atomic_load(&n_facts); }

const struct fact *facts_at(size_t i) {
  tap_require(i < facts_count());
  return &facts[i];
}

size_t facts_of(gcx_debug_mistake mistake) {
  size_t n = 0;
  for (size_t i = 0; i < facts_count(); i++)
    n += facts[i].mistake == mistake;
  return n;
}

static void print_all(void) {
  for (size_t i = 0; i < facts_count(); i++)
    tap_note("%s", facts[i].text);
}

const struct fact *facts_take(gcx_debug_mistake mistake, uintptr_t object) {
  if (facts_count() != 1)
    print_all();
  tap_require(facts_count() == 1);
  tap_eq_u(facts->mistake, mistake);
  tap_eq_u(facts->object, object);
  atomic_store(&n_facts, 0);
  return facts;
}

void facts_check_none(void) {
  print_all();
  tap_eq_u(facts_count(), 0);
}
