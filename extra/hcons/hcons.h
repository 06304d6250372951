/* extra/hcons/hcons.h: weak unique tables of immutable nodes. SPDX-License-Identifier: MIT */
/* A table keeps at most one live node for every key, so that equality of
 * nodes is equality of pointers. A key is a class, a small tag and a sequence
 * of words; words may be addresses of other nodes. The table does not keep its
 * nodes alive: when the collector finds one dead it is notified and the entry
 * leaves the table. A dead node whose entry is still there can be found again,
 * which revives it in constant time.
 *
 * Layout of a node: one header word, the key words, then the extra words of
 * the class. Header, from the low end: 1 bit always set (a free cell of the
 * collector has an even first word), 7 bits class, 8 bits tag, 16 bits number
 * of key words, 32 bits hash. The hash mixes the key words as they are, so
 * children are never read; it is therefore not the same in two runs.
 *
 * All functions are safe with several threads that the collector knows. None
 * may be called from a reclaim callback or while holding the collector's
 * allocation lock. */
#ifndef HCONS_HCONS_H
#define HCONS_HCONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HC_API __attribute__((visibility("default")))

typedef struct hc_table hc_table;
typedef struct hc_class hc_class;

enum {
  HC_MAX_CLASSES = 127, /* in a process, over all tables */
  HC_MAX_TAG = 255,     /* largest tag */
  HC_MAX_WORDS = 65535, /* key words of a node */
  HC_MAX_EXTRA_WORDS = 15
};

/* Computes the extra words of a node from its key. It runs with the table
 * locked, and again whenever a node without a mark is found, so it must be a
 * pure function of the key and of the nodes that the key names; it may not
 * allocate collected memory or call this library. */
typedef void (*hc_fill_fn)(void *node, void *closure);

/* Told of every node that died, after its entry left the table. It may read
 * the node, but not what the node points to, and may not allocate, lock or
 * call this library. It runs on whatever thread the collector uses. */
typedef void (*hc_reclaim_fn)(const void *node, void *closure);

typedef struct hc_class_desc {
  const char *name;         /* for messages; copied */
  bool leaf;                /* the key holds no addresses */
  unsigned extra_words;     /* non-key words after the key, zero at first */
  hc_fill_fn fill;          /* may be NULL */
  hc_reclaim_fn on_reclaim; /* may be NULL */
  void *closure;            /* kept alive as long as the class */
} hc_class_desc;

typedef struct hc_stats {
  size_t live;      /* entries now, condemned ones included */
  size_t slots;     /* size of the table in entries */
  size_t bytes;     /* memory of the table itself */
  uint64_t hits;    /* look-ups that found a node */
  uint64_t misses;  /* look-ups that did not */
  uint64_t made;    /* nodes entered */
  uint64_t revived; /* hits on a node that had no mark: condemned, or
                               on collectors with lazy marks, just made */
  uint64_t removed; /* nodes notified dead */
  uint64_t probes;  /* slots looked at, all look-ups together */
  uint64_t grown;   /* times that the table grew */
  uint64_t shrunk;  /* times that it shrank */
} hc_stats;

/* A new empty table with room for about HINT nodes; NULL without memory. The
 * first call initialises the collector if the program has not done so. */
HC_API hc_table *hc_table_new(size_t hint);

/* Drops the table. Nodes that the program still holds stay valid to read, but
 * are unique no more. No other thread may be using the table. */
HC_API void hc_table_free(hc_table *table);

/* A new class of nodes in TABLE; NULL when the description is out of range,
 * when all class numbers are taken or without memory. */
HC_API hc_class *hc_class_new(hc_table *table, const hc_class_desc *desc);

/* The node with this key, made if there is none. NULL when the key is longer
 * than HC_MAX_WORDS, the tag is over HC_MAX_TAG or memory is out; the table is
 * then unchanged. The caller holds all nodes that the key names. */
HC_API const void *hc_intern(hc_class *cls, unsigned tag, const uintptr_t *key,
                             size_t words);
HC_API const void *hc_intern1(hc_class *cls, unsigned tag, uintptr_t a);
HC_API const void *hc_intern2(hc_class *cls, unsigned tag, uintptr_t a,
                              uintptr_t b);

/* The node with this key if there is one, else NULL. */
HC_API const void *hc_find(hc_class *cls, unsigned tag, const uintptr_t *key,
                           size_t words);

/* The class of a node, given its number in the header. */
HC_API hc_class *hc_class_of(const void *node);
HC_API const char *hc_class_name(const hc_class *cls);
HC_API unsigned hc_class_number(const hc_class *cls);

HC_API void hc_get_stats(hc_table *table, hc_stats *out_stats);

/* Gives memory of a table that has become sparse back at once; otherwise this
 * happens when the next node is made. */
HC_API void hc_trim(hc_table *table);

/* Checks the whole table. Returns the number of faults, and describes the
 * first one in WHY when there is one. */
HC_API int hc_check(hc_table *table, char *why, size_t why_bytes);

/* Zeroed memory that the collector scans for nodes, and its early release; the
 * caller holds a pointer to the start. For tables of nodes in progress. */
HC_API void *hc_scanned_alloc(size_t bytes);
HC_API void hc_scanned_free(void *memory);

/* Keeps P alive up to this point even if the compiler needs it no more. */
#define hc_keep(p) __asm__ volatile("" : : "g"(p) : "memory")

static inline uint64_t hc_header(const void *node) {
  return *(const uint64_t *)node;
}

static inline unsigned hc_node_class(const void *node) {
  return (unsigned)(hc_header(node) >> 1 & 127);
}

static inline unsigned hc_tag(const void *node) {
  return (unsigned)(hc_header(node) >> 8 & 255);
}

static inline size_t hc_words(const void *node) {
  return (size_t)(hc_header(node) >> 16 & 65535);
}

static inline uint32_t hc_hash(const void *node) {
  return (uint32_t)(hc_header(node) >> 32);
}

static inline const uintptr_t *hc_key(const void *node) {
  return (const uintptr_t *)node + 1;
}

static inline uintptr_t *hc_extra(const void *node) {
  return (uintptr_t *)node + 1 + hc_words(node);
}

#ifdef __cplusplus
}
#endif

#endif
