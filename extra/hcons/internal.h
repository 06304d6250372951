/* extra/hcons/internal.h: tables and classes behind hcons.h. SPDX-License-Identifier: MIT */
/* The collector's allocation lock is the one lock of this library: every field
 * below that is not constant after set-up is read and written under it, and
 * reclaim callbacks run under it too.
 *
 * A class lies in uncollectable memory so that its closure is a root. The
 * class number in a node's header leads to its class and so to its table; a
 * class whose table was dropped is retired (table NULL) and its number is free
 * for use again once no node has it any more. */
#ifndef HCONS_INTERNAL_H
#define HCONS_INTERNAL_H

#include "hcons/hcons.h"
#include "hcons/slots.h"

enum { HC_CLASS_NAME_BYTES = 32 };

struct hc_class {
  struct hc_table *table;
  struct hc_class_desc desc;
  unsigned number;
  size_t nodes; /* nodes of this class not yet notified */
  char name[HC_CLASS_NAME_BYTES];
};

struct hc_table {
  struct hc_slots slots;
  struct hc_stats stats;
  uint64_t strays; /* notified nodes that were not in the table */
};

extern struct hc_class *hc_table_classes[HC_MAX_CLASSES + 1];

uint64_t hc_table_header(const struct hc_class *cls, unsigned tag,
                         const uintptr_t *key, size_t words);

#endif
