/* extra/hcons/table.c: tables, classes and statistics. SPDX-License-Identifier: MIT */
/* Set-up and the slow calls; the paths of look-up and death are in intern.c. */
#include "hcons/backend.h"
#include "hcons/internal.h"

#include <stdlib.h>
#include <string.h>

struct hc_class *hc_table_classes[HC_MAX_CLASSES + 1];

struct class_request {
  struct hc_class *fresh;
};

struct table_request {
  struct hc_table *table;
  struct hc_stats *out_stats;
};

hc_table *hc_table_new(size_t hint) {
  struct hc_table *t = calloc(1, sizeof *t);
  hc_backend_init();
  if (t == NULL)
    return NULL;
  if (hc_slots_init(&t->slots, hint))
    return t;
  free(t);
  return NULL;
}

static void *retire_locked(void *arg) {
  struct table_request *r = arg;
  for (unsigned i = 1; i <= HC_MAX_CLASSES; i++) {
    struct hc_class *c = hc_table_classes[i];
    if (c != NULL && c->table == r->table)
      c->table = NULL;
  }
  return NULL;
}

void hc_table_free(hc_table *table) {
  struct table_request r = {table, NULL};
  if (table == NULL)
    return;
  hc_backend_locked(retire_locked, &r);
  hc_slots_drop(&table->slots);
  free(table);
}

/* Takes a class number for R->fresh and returns the retired class that had it
 * before, or the fresh one itself when no number is left. */
static void *number_locked(void *arg) {
  struct class_request *r = arg;
  for (unsigned i = 1; i <= HC_MAX_CLASSES; i++) {
    struct hc_class *old = hc_table_classes[i];
    if (old != NULL && (old->table != NULL || old->nodes != 0))
      continue;
    r->fresh->number = i;
    hc_table_classes[i] = r->fresh;
    return old;
  }
  return r->fresh;
}

hc_class *hc_class_new(hc_table *table, const hc_class_desc *desc) {
  struct class_request r;
  void *rest;
  if (desc->extra_words > HC_MAX_EXTRA_WORDS)
    return NULL;
  r.fresh = hc_backend_root_alloc(sizeof *r.fresh);
  if (r.fresh == NULL)
    return NULL;
  memset(r.fresh, 0, sizeof *r.fresh);
  r.fresh->table = table;
  r.fresh->desc = *desc;
  if (desc->name != NULL)
    strncpy(r.fresh->name, desc->name, HC_CLASS_NAME_BYTES - 1);
  r.fresh->desc.name = r.fresh->name;
  rest = hc_backend_locked(number_locked, &r);
  if (rest != NULL)
    hc_backend_free(rest);
  return rest == r.fresh ? NULL : r.fresh;
}

hc_class *hc_class_of(const void *node) {
  return hc_table_classes[hc_node_class(node)];
}

const char *hc_class_name(const hc_class *cls) { return cls->name; }

unsigned hc_class_number(const hc_class *cls) { return cls->number; }

static void *stats_locked(void *arg) {
  struct table_request *r = arg;
  *r->out_stats = r->table->stats;
  r->out_stats->live = r->table->slots.used;
  r->out_stats->slots = hc_slots_mask(&r->table->slots) + 1;
  r->out_stats->bytes = r->out_stats->slots * sizeof(uint64_t);
  return NULL;
}

void hc_get_stats(hc_table *table, hc_stats *out_stats) {
  struct table_request r = {table, out_stats};
  hc_backend_locked(stats_locked, &r);
}

static void *trim_locked(void *arg) {
  struct hc_table *t = arg;
  if (hc_slots_trim(&t->slots))
    t->stats.shrunk++;
  return NULL;
}

void hc_trim(hc_table *table) { hc_backend_locked(trim_locked, table); }

void *hc_scanned_alloc(size_t bytes) {
  hc_backend_init();
  return hc_backend_scanned_alloc(bytes);
}

void hc_scanned_free(void *memory) { hc_backend_free(memory); }
