/* bench/micro/weak_table.c: weak unique table on disclaim. SPDX-License-Identifier: MIT */
/*
 * Hash-consing with a table of this program's own, so that the collector is
 * measured under such a load whatever the hash-consing library does.  Scheme:
 * a new node is allocated before any lock; look-up, revival (setting the mark
 * bit of what was found) and insertion happen in GC_call_with_alloc_lock; the
 * disclaim procedure runs under that lock as well, takes none, and removes the
 * entry by the node's address.  The table is memory of malloc: not scanned.
 *
 * Load: pairs over a window of recent nodes.  About half of the requests find
 * an existing node; one new node in ten stays alive for a long time.
 */
#include "../bench.h"

#include <gc/gc.h>
#include <gc/gc_disclaim.h>
#include <gc/gc_mark.h>
#include <stdlib.h>

#define WINDOW 8192
#define LEAVES 4096

/* `tag` is (hash << 32) | (operator << 1) | 1: odd from construction on. */
struct node {
  uintptr_t tag;
  const struct node *left, *right;
};

struct slot {
  uint64_t hash;
  const struct node *node;
};

static struct bench_param params[] = {
    {"ops", 4000000, "look-ups"},
    {"live", 200000, "long-lived nodes"},
};

static struct slot *slots;
static size_t mask, used, hits, misses, removed;
static const struct node **window, **kept;

static uint64_t hash_key(const struct node *key) {
  uint64_t h = (uintptr_t)key->left * UINT64_C(0x9E3779B97F4A7C15);
  h ^= h >> 29;
  h = (h + (uintptr_t)key->right + (key->tag & 0xffffffff)) *
      UINT64_C(0xD6E8FEB86659FD93);
  return h >> 32;
}

/* ---- Table: linear probing, removal shifts followers back ---- */

static void table_put(uint64_t hash, const struct node *node) {
  size_t i = hash & mask;
  while (slots[i].node)
    i = (i + 1) & mask;
  slots[i] = (struct slot){hash, node};
}

static void table_grow(void) {
  struct slot *old = slots;
  size_t n = mask + 1;
  mask = 2 * n - 1;
  slots = bench_need(calloc(2 * n, sizeof *slots));
  for (size_t i = 0; i < n; i++)
    if (old[i].node)
      table_put(old[i].hash, old[i].node);
  free(old);
}

static void table_remove(uint64_t hash, const struct node *node) {
  size_t hole = hash & mask;
  while (slots[hole].node != node) {
    if (!slots[hole].node)
      bench_fail("a dead node is not in the table");
    hole = (hole + 1) & mask;
  }
  for (size_t i = (hole + 1) & mask; slots[i].node; i = (i + 1) & mask) {
    size_t from_home = (i - (slots[i].hash & mask)) & mask;
    if (from_home < ((i - hole) & mask))
      continue;
    slots[hole] = slots[i];
    hole = i;
  }
  slots[hole].node = NULL;
  used--;
}

/* ---- Contact with the collector ---- */

static int on_dead(void *object) {
  struct node *node = object;
  if (node->tag & 1) {
    /* A node that lost the race for its key is complete but not entered. */
    if (node->tag & 2) {
      table_remove(node->tag >> 32, node);
      removed++;
    }
    node->tag = 0;
  }
  return 0;
}

static void *intern_locked(void *arg) {
  struct node *fresh = arg;
  uint64_t hash = hash_key(fresh);
  for (size_t i = hash & mask; slots[i].node; i = (i + 1) & mask) {
    const struct node *found = slots[i].node;
    if (slots[i].hash == hash && found->left == fresh->left &&
        found->right == fresh->right) {
      GC_set_mark_bit(found);
      hits++;
      return (void *)found;
    }
  }
  fresh->tag |= (hash << 32) | 2;
  if (++used > (mask + 1) / 4 * 3)
    table_grow();
  table_put(hash, fresh);
  misses++;
  return fresh;
}

static const struct node *intern(int kind, const struct node *left,
                                 const struct node *right) {
  struct node *fresh = bench_need(GC_generic_malloc(sizeof *fresh, kind));
  fresh->left = left;
  fresh->right = right;
  fresh->tag = 1;
  return GC_call_with_alloc_lock(intern_locked, fresh);
}

/* ---- Load ---- */

static int make_kind(void) {
  unsigned kind = GC_new_kind(GC_new_free_list(), 0 | GC_DS_LENGTH, 1, 1);
  GC_register_disclaim_proc((int)kind, on_dead, 0);
  return (int)kind;
}

static void churn(int kind, size_t n, size_t live) {
  uint64_t seed = 17;
  for (size_t i = 0; i < WINDOW; i++)
    window[i] = intern(kind, (struct node *)(i % LEAVES * 2 + 1), NULL);
  for (size_t i = 0; i < n; i++) {
    /* The right operand of a request that repeats is tied to the left one. */
    size_t a = bench_below(&seed, WINDOW);
    size_t b = i % 2 ? (a * 7 + 1) % WINDOW : bench_below(&seed, WINDOW);
    const struct node *p = intern(kind, window[a], window[b]);
    if (i % 10 == 0)
      kept[bench_below(&seed, live)] = p;
    if (i % 64 == 0)
      window[bench_below(&seed, WINDOW)] = p;
  }
}

int main(int argc, char **argv) {
  bench_init(argc, argv, params, sizeof params / sizeof *params);
  int kind = make_kind();
  mask = 65535;
  slots = bench_need(calloc(mask + 1, sizeof *slots));
  window = bench_need(GC_MALLOC(WINDOW * sizeof *window));
  kept = bench_need(GC_MALLOC(params[1].value * sizeof *kept));
  bench_start();
  churn(kind, params[0].value, params[1].value);
  bench_stop();
  bench_use(kept);
  if (used + removed != misses)
    bench_fail("the table lost count of its nodes");
  bench_report((double)params[0].value, "hits=%zu misses=%zu removed=%zu", hits,
               misses, removed);
  return 0;
}
