/* extra/hcons/hcons.h: weak unique tables of immutable nodes. SPDX-License-Identifier: MIT */
/* A table keeps at most one live node for every key, so that equality of
 * nodes is equality of pointers. A key is a class, a small tag and a sequence
 * of words; words may be addresses of other nodes. The table does not keep its
 * nodes alive: when the collector finds one dead it is notified and the entry
 * leaves the table. A dead node whose entry is still there can be found again,
 * which revives it in constant time.
 *
 * Layout of a node: one header word, the key words, the extra words of the
 * class, and with HC_CLASS_IDS a word for the id. Header, from the low end: 1 bit
 * always set (a cell that is no node has an even first word), 7 bits class,
 * 8 bits tag, 16 bits number of key words, 32 bits hash. The hash mixes the key
 * words as they are, so children are never read; it is therefore not the same in
 * two runs.
 *
 * Threads: a table is shared by all threads, however they were made, unless it
 * was made with HC_SINGLE. No thread has to announce itself, at its start or at
 * its end: the collector learns of it by its first call here. After a fork, the
 * child has the table as it was.
 *
 * Which calls may collect: those that make nodes, tables, classes and memory, and
 * hc_each on the old door. None may be made from a callback of this library unless
 * the callback's contract says so, nor while holding the collector's allocation lock.
 *
 * Doors: on a collector with gcx/reclaim.h ("proper") deaths are told on a thread
 * of the collector; the adapter in bdwgc-patch makes one of an unmodified libgc. On
 * another libgc, or with HCONS_BACKEND=disclaim in the environment, its disclaim
 * interface is used ("the old door"): one lock, the collector's, and callbacks under
 * it. */
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
  HC_MAX_EXTRA_WORDS = 15,
  HC_MAX_MAPPED_WORDS = 61 /* that a pointer map can speak of */
};

/* ---- Tables ---- */

/* The table has one user at a time: calls on it, from whatever thread, never
 * overlap. Then they take no lock. Deaths are told at any time all the same. */
#define HC_SINGLE 1u

/* Zero is the default everywhere. */
typedef struct hc_table_opts {
  size_t hint;     /* about so many nodes */
  unsigned flags;  /* HC_SINGLE */
  unsigned shards; /* parts with a lock each, rounded up to a power of two, at
                    * most 64; default four for each processor, at least 8.
                    * HC_SINGLE and the old door have one */
} hc_table_opts;

/* A new empty table with room for about HINT nodes; NULL without memory. The
 * first call initialises the collector if the program has not done so. */
HC_API hc_table *hc_table_new(size_t hint);

/* The same with options; NULL for unknown flags, too. */
HC_API hc_table *hc_table_open(const hc_table_opts *opts);

/* Drops the table and its classes. Nodes that the program still holds stay valid
 * to read, their hc_class_of too, but are unique no more, and are not told of: no
 * callback of the table's classes runs any more or will be called when this
 * returns. No other thread may be using the table. Waits for callbacks that run;
 * in one of its own callbacks it ends the process with a message. NULL is
 * allowed. */
HC_API void hc_table_free(hc_table *table);

typedef struct hc_stats {
  size_t live;      /* entries now, condemned ones included */
  size_t slots;     /* size of the table in entries */
  size_t bytes;     /* memory of the table itself */
  uint64_t hits;    /* look-ups that found a node */
  uint64_t misses;  /* look-ups that did not */
  uint64_t made;    /* nodes entered */
  uint64_t revived; /* hits on a node that had no mark: condemned, or
                               on the old door of others, just made */
  uint64_t late;    /* look-ups that found a node too late to revive it */
  uint64_t removed; /* nodes notified dead, or of a class that was freed */
  uint64_t probes;  /* slots looked at, all look-ups together */
  uint64_t grown;   /* times that the table, or a shard, grew */
  uint64_t shrunk;  /* times that it shrank */
} hc_stats;

/* Any thread; exact only while nobody changes the table. */
HC_API void hc_get_stats(hc_table *table, hc_stats *out_stats);

/* Gives memory of a table that has become sparse back at once; otherwise this
 * happens, in small steps, as nodes are made. */
HC_API void hc_trim(hc_table *table);

/* Returns when the nodes that collections found dead until now have left their
 * tables: 0, or an errno value: ETIMEDOUT after MS, EDEADLK in a callback. Does not
 * collect. Old door: 0, at once; there deaths are told when the collector comes upon
 * them. Any other thread, without locks that callbacks take. */
HC_API int hc_drain(unsigned ms);

/* Checks the whole table with all of it locked. Returns the number of faults, and
 * describes the first one in WHY when there is one. */
HC_API int hc_check(hc_table *table, char *why, size_t why_bytes);

/* ---- Classes ---- */

/* Computes the extra words of a node from its key. It runs when a node is made
 * and again whenever a node without a mark is found, then with the table locked,
 * so it must be a pure function of the key and of the nodes that the key names; it
 * may not allocate collected memory or call this library. */
typedef void (*hc_fill_fn)(void *node, void *closure);

/* Told of every node that died, after its entry left the table. It may read
 * the node, but not what the node points to. Proper door: it runs on a thread of
 * the collector without a lock, may block, and may do what a notifier may, such as
 * intern other keys. Old door: it may not allocate, lock or call this library. */
typedef void (*hc_reclaim_fn)(const void *node, void *closure);

/* Told, with the table locked, of a condemned node that a look-up found and
 * revived, before the look-up returns; after `fill`. For extra words that speak of
 * nodes other than the key's: those may be gone, and another node may have their
 * address. May write the extra words; may not allocate collected memory, lock or call this
 * library. On the old door of others also told of nodes that were just made. */
typedef void (*hc_revive_fn)(void *node, void *closure);

/* A hash and an equality of one's own, for leaf classes only: a node found by a
 * key that is not its own, word for word, would have children that the caller does
 * not hold. The key that was first is kept. Pure functions of the words; `equal` may run
 * with the table locked; keys of different lengths or tags are always different. */
typedef uint64_t (*hc_hash_fn)(const uintptr_t *key, size_t words,
                               void *closure);
typedef bool (*hc_equal_fn)(const uintptr_t *a, const uintptr_t *b,
                            size_t words, void *closure);

/* Nodes have ids, see hc_id. */
#define HC_CLASS_IDS 1u
/* `pointers` tells which words refer to nodes or other collected memory. */
#define HC_CLASS_MAPPED 2u

typedef struct hc_class_desc {
  const char *name;         /* for messages; copied */
  bool leaf;                /* neither key nor extra words hold addresses */
  unsigned extra_words;     /* non-key words after the key, zero at first */
  hc_fill_fn fill;          /* may be NULL */
  hc_reclaim_fn on_reclaim; /* may be NULL */
  void *closure;            /* kept alive as long as the class */
  hc_revive_fn on_revive;   /* may be NULL */
  hc_hash_fn hash;          /* with `equal`, or both NULL: by words */
  hc_equal_fn equal;
  unsigned flags;
  uint64_t pointers;  /* bit i: word i after the header, key words first; bits
                         * up to HC_MAX_MAPPED_WORDS - 1, no pointer behind.
                         * A promise that spares work: the old door scans all */
  unsigned min_words; /* shortest key */
  unsigned max_words; /* longest key; 0: HC_MAX_WORDS */
} hc_class_desc;

/* A new class of nodes in TABLE; NULL when the description is out of range,
 * when all class numbers are taken or without memory. It lives as long as its
 * table, or until it is freed. Any thread, also while others use the table. */
HC_API hc_class *hc_class_new(hc_table *table, const hc_class_desc *desc);

/* Drops the class and takes its nodes out of the table, whose other classes may be in use
 * meanwhile. Nodes that the program still holds stay as hc_table_free says: valid to read,
 * unique no more, not told of. Their number is given to another class when the collector
 * has found all of them dead; until then hc_class_of and hc_class_name know them. No other
 * thread may be using the class. Locks the whole table and looks at all of it; waits for
 * callbacks of the class that run; in one of them it ends the process with a message. Does not
 * collect. NULL is allowed. */
HC_API void hc_class_free(hc_class *cls);

/* The class of a node, given its number in the header. */
HC_API hc_class *hc_class_of(const void *node);
HC_API const char *hc_class_name(const hc_class *cls);
HC_API unsigned hc_class_number(const hc_class *cls);

/* ---- Nodes ---- */

/* The node with this key, made if there is none. NULL when the key is longer or
 * shorter than its class allows, the tag is over HC_MAX_TAG or memory is out; the table is
 * then unchanged. The caller holds all nodes that the key names. Any thread, or
 * see HC_SINGLE; may collect, and then calls back what the collector calls. */
HC_API const void *hc_intern(hc_class *cls, unsigned tag, const uintptr_t *key,
                             size_t words);
HC_API const void *hc_intern0(hc_class *cls, unsigned tag);
HC_API const void *hc_intern1(hc_class *cls, unsigned tag, uintptr_t a);
HC_API const void *hc_intern2(hc_class *cls, unsigned tag, uintptr_t a,
                              uintptr_t b);
HC_API const void *hc_intern3(hc_class *cls, unsigned tag, uintptr_t a,
                              uintptr_t b, uintptr_t c);

/* The node with this key if there is one, else NULL. Does not collect. */
HC_API const void *hc_find(hc_class *cls, unsigned tag, const uintptr_t *key,
                           size_t words);

/* N keys of WORDS words each, one after the other in KEYS, as hc_intern for each;
 * OUT[i], in memory that the collector scans, becomes the node. Cold look-ups
 * overlap. Returns how many were done; less than N when one had to fail. */
HC_API size_t hc_intern_batch(hc_class *cls, unsigned tag,
                              const uintptr_t *keys, size_t words, size_t n,
                              const void **out);

/* P is the address of a node that is in a table: for any word, in constant time.
 * Any thread; does not collect. */
HC_API bool hc_is_interned(const void *p);

/* A number of the node's own, given when it is first asked for: larger than all
 * that were given before in its table, and never given again, also when the node
 * dies and its key comes back. 0: its class has no HC_CLASS_IDS, or its table was
 * freed. Any thread. */
HC_API uint64_t hc_id(const void *node);

/* Not 0: no further call is wanted. */
typedef int (*hc_each_fn)(const void *node, void *cd);

/* Calls FN, without a lock, for every node that was in the table from the start to
 * the end, once, and for some that came meanwhile. Condemned nodes are refused: one
 * that is not found by its key cannot be revived, for what it points to may be gone.
 * FN may do what any code may do but free the table. The answer is 0, or what FN returned
 * to end the walk, or -1 without memory. Any thread; a resize that is under way is
 * finished first. Old door: collects first, and refuses what was made since. */
HC_API int hc_each(hc_table *table, hc_each_fn fn, void *cd);

/* Zeroed memory that the collector scans for nodes, and its early release; the
 * caller holds a pointer to the start. For tables of nodes in progress. */
HC_API void *hc_scanned_alloc(size_t bytes);
HC_API void hc_scanned_free(void *memory);

/* ---- Memos ---- */

/* Notes a word about a node, or about two or three together, and forgets it with any of
 * them: an entry does not keep its keys, also not through the value, which otherwise
 * counts as a reference while all keys live (a true ephemeron, after Hayes 1997). So a
 * value may contain its keys. A key that died and was revived has no value any more,
 * and one that is condemned has none from the collection on that condemned it; a value
 * is never that of another object that has the address now. Keys may be any objects of
 * the collected heap, each told by its address; their order counts. Any thread; only
 * making memos and the functions handed to hc_memo_compute may collect. After a fork
 * the child has the memo as it was. */
typedef struct hc_memo hc_memo;

/* Notes everything that is put, until a key dies; takes memory for it. Not on collectors
 * without gcx/weak_map.h, which the adapter has, too; there keys are not to be freed by hand. */
#define HC_MEMO_EXACT 0u

/* Has a fixed size, at any number of results: an entry gives way to others that fall
 * into its place, and each collection empties the memo. So it keeps nothing alive
 * between collections and costs nothing in them; for results that are cheap to find
 * again, and asked for soon. Keys and values are not to be freed by hand, and a key is
 * told by the very address given. On every collector. */
#define HC_MEMO_LOSSY 1u

/* Zero is the default everywhere. */
typedef struct hc_memo_opts {
  unsigned keys;  /* of an entry: 1, the same as 0, to 3 */
  unsigned flags; /* HC_MEMO_EXACT or HC_MEMO_LOSSY */
  size_t
      hint; /* so many entries at first; HC_MEMO_LOSSY: for ever, rounded up to
                   * a power of two, 40 bytes each, 16384 by default */
} hc_memo_opts;

/* An empty memo, to be freed; NULL without memory, for options out of range, and for
 * exact ones on collectors without gcx/weak_map.h. hc_memo_new: exact, one key. */
HC_API hc_memo *hc_memo_open(const hc_memo_opts *opts);
HC_API hc_memo *hc_memo_new(void);

/* Frees the memo, not what is noted. Nobody may be using it. NULL is allowed. */
HC_API void hc_memo_free(hc_memo *memo);

/* Whether there is a value, and the value or NULL. The caller holds the keys. Here and
 * below N is the number of keys; when the memo has entries of another, nothing is found
 * or noted. */
HC_API bool hc_memo_get(hc_memo *memo, const void *key, void **out_value);
HC_API bool hc_memo_get_keys(hc_memo *memo, const void *const *keys, unsigned n,
                             void **out_value);

/* Notes a value in place of any other. False, and nothing has changed, without
 * memory or when a key is no object of the heap (exact) or NULL. */
HC_API bool hc_memo_put(hc_memo *memo, const void *key, const void *value);
HC_API bool hc_memo_put_keys(hc_memo *memo, const void *const *keys, unsigned n,
                             const void *value);

/* Entries whose keys lived at the last collection, or are younger. */
HC_API size_t hc_memo_count(hc_memo *memo);

/* The result for a key. It runs without a lock and may use the memo, for this key
 * too. NULL is not noted. */
typedef const void *(*hc_memo_fn)(const void *key, void *cd);
typedef const void *(*hc_memo_keys_fn)(const void *const *keys, void *cd);

/* The value noted, or else what FN returns, which is then noted. Threads that
 * compute at the same time all get the one that was noted first (from a lossy memo,
 * while it is not forgotten). Without memory the result is returned all the same. NULL
 * for a NULL key and for another number of keys. */
HC_API const void *hc_memo_compute(hc_memo *memo, const void *key,
                                   hc_memo_fn fn, void *cd);
HC_API const void *hc_memo_compute_keys(hc_memo *memo, const void *const *keys,
                                        unsigned n, hc_memo_keys_fn fn,
                                        void *cd);

static inline bool hc_memo_get2(hc_memo *memo, const void *a, const void *b,
                                void **out_value) {
  const void *keys[2] = {a, b};
  return hc_memo_get_keys(memo, keys, 2, out_value);
}

static inline bool hc_memo_put2(hc_memo *memo, const void *a, const void *b,
                                const void *value) {
  const void *keys[2] = {a, b};
  return hc_memo_put_keys(memo, keys, 2, value);
}

static inline bool hc_memo_get3(hc_memo *memo, const void *a, const void *b,
                                const void *c, void **out_value) {
  const void *keys[3] = {a, b, c};
  return hc_memo_get_keys(memo, keys, 3, out_value);
}

static inline bool hc_memo_put3(hc_memo *memo, const void *a, const void *b,
                                const void *c, const void *value) {
  const void *keys[3] = {a, b, c};
  return hc_memo_put_keys(memo, keys, 3, value);
}

/* ---- Taking nodes apart ---- */

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

/* The payload: not part of the key, and the caller's to write; threads that share
 * it agree among themselves. */
static inline uintptr_t *hc_extra(const void *node) {
  return (uintptr_t *)node + 1 + hc_words(node);
}

#ifdef __cplusplus
}
#endif

#endif
