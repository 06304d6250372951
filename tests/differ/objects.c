/* tests/differ/objects.c: objects of all families, their contents and references. SPDX-License-Identifier: MIT */

/*
 * Layout: word 0 is the key of the object, which no collector takes for an
 * address. With references (40 bytes and more): words 1 to 3 are those, in the
 * last element of an array; word 4 of precise families is an address that does
 * not count. Pointer-free objects: word 1 is such an address, word 2 may be a
 * link. Objects with a table have its address in word 0 and their key in word 5.
 * The rest, or its beginning and end, is a pattern of the key. Objects under 8
 * bytes are not looked at.
 */
#include "differ/families.h"

#include <string.h>

#include "lib/tap.h"

enum {
  FALSE_AT = 4,
  MIN_BYTES = 48, /* of precise families */
  MIN_TAGGED_BYTES = 64,
  FRONT_WORDS = 24
};

static bool is_fixed(const struct df_object *o) {
  return o->family >= DF_COLLECTABLE;
}
bool df_is_atomic(const struct df_object *o) { return df_has(o, IS_ATOMIC); }
bool df_is_base(const struct df_object *o) {
  return !df_has(o, IS_ALIGNED) && o->size >= WORD;
}

/* ---- Contents ---- */

/* The upper bits 10 make a word that is no address. */
static uint64_t no_address(uint64_t x) {
  return (x >> 2) | UINT64_C(0x8000000000000000);
}

uint64_t df_key(struct df_world *w, const struct df_object *o) {
  return UINT64_C(0x8000000000000000) | (uint64_t)w->id << 56 |
         o->serial << 14 | (uint64_t)(o - w->object);
}

/* Words of pattern: [from, to), and all bytes behind when the object is small. */
static size_t pattern_from(const struct df_object *o) {
  if (o->size < 40 || df_has(o, IS_LEAF))
    return 1;
  if (o->family == DF_ARRAY)
    return o->size / WORD;
  return HEAD_WORDS + df_has(o, IS_TAGGED);
}
static size_t pattern_to(const struct df_object *o) {
  size_t n = o->size / WORD;
  return n < FRONT_WORDS ? n : FRONT_WORDS;
}
static uint64_t pattern(const struct df_object *o, size_t i) {
  return no_address((o->serial + 1) * UINT64_C(0x9e3779b97f4a7c15) +
                    i * 0x1234567);
}

static void fill(struct df_world *w, struct df_object *o) {
  char *p = df_address(o);
  uint64_t *words = (uint64_t *)(void *)p;
  if (o->size < WORD)
    return;
  *df_key_word(o) = df_key(w, o);
  for (size_t i = pattern_from(o); i < pattern_to(o); i++)
    words[i] = pattern(o, i);
  uint64_t end = pattern(o, 0);
  if (o->size > (HEAD_WORDS + 1) * WORD && o->family != DF_ARRAY)
    memcpy(p + o->size - WORD, &end, WORD);
}

bool df_has_pattern(const struct df_object *o, const char *p, size_t bytes) {
  const uint64_t *words = (const uint64_t *)(const void *)p;
  uint64_t end = pattern(o, 0);
  bool has_end = o->size > (HEAD_WORDS + 1) * WORD && o->family != DF_ARRAY;
  size_t to = pattern_to(o);
  if (has_end && to > (o->size - WORD) / WORD)
    to = (o->size - WORD) / WORD;
  if (to > bytes / WORD)
    to = bytes / WORD;
  for (size_t i = pattern_from(o); i < to; i++)
    if (words[i] != pattern(o, i))
      return false;
  return !has_end || bytes < o->size ||
         memcmp(p + o->size - WORD, &end, WORD) == 0;
}

void **df_word_in(const struct df_object *o) {
  return (void **)df_address(o) + 2;
}

static void **false_word(const struct df_object *o) {
  return (void **)df_address(o) + (df_is_atomic(o) ? 1 : FALSE_AT);
}

static void *edge_value(struct df_world *w, const struct df_object *o,
                        size_t e) {
  return o->edge[e] == 0
             ? NULL
             : (char *)df_address(df_at(w, o->edge[e])) + o->edge_off[e];
}

/* Follows references so many steps. */
bool df_is_intact(struct df_world *w, const struct df_object *o, int depth) {
  void **words = df_address(o);
  if (o->size < WORD)
    return true;
  if (*df_key_word(o) != df_key(w, o) || !df_has_table(o) ||
      !df_has_pattern(o, (const char *)words, o->size))
    return false;
  if (o->false_ref != 0 && *false_word(o) != gu_reveal(o->false_ref))
    return false;
  for (size_t e = 0; e < DF_EDGES && o->edge_at != 0; e++) {
    if (words[o->edge_at + e] != edge_value(w, o, e))
      return false;
    if (depth > 0 && o->edge[e] != 0 &&
        !df_is_intact(w, df_at(w, o->edge[e]), depth - 1))
      return false;
  }
  return true;
}

void df_check(struct df_world *w, const struct df_object *o) {
  if (!df_is_intact(w, o, 1))
    df_fail(w, "object %llu of family %u and %zu bytes is not intact",
            (unsigned long long)o->serial, o->family, o->size);
}

/* ---- References ---- */

void *volatile *df_root_word(struct df_world *w, uint32_t r) {
  static void *volatile words[DF_WORLDS][DF_STACK_FROM];
  return r < DF_STACK_FROM    ? &words[w->id][r]
         : r < DF_LOCAL_FROM  ? &w->stack[r - DF_STACK_FROM]
         : r < DF_PUSHED_FROM ? &w->local[r - DF_LOCAL_FROM]
         : r < DF_AREA_FROM   ? &w->pushed[r - DF_PUSHED_FROM]
                              : &w->area[r - DF_AREA_FROM];
}

static uint32_t random_offset(struct df_world *w, const struct df_object *o) {
  size_t end = df_has(o, IS_NEAR) && o->size > 200 ? 200 : o->size;
  bool has_spare =
      !is_fixed(o) && !df_has(o, IS_ALIGNED | IS_PRECISE | IS_EXACT | IS_DEBUG);
  if (df_whole_only || df_rnd(w, 4) != 0 || o->size == 0)
    return 0;
  return df_rnd(w, (uint32_t)end + has_spare);
}

/* Shared, unless the object is new. */
void df_set_root(struct df_world *w, uint32_t r, uint32_t number) {
  uint32_t off = number == 0 ? 0 : random_offset(w, df_at(w, number));
  w->root[r] = number;
  w->root_off[r] = off;
  *df_root_word(w, r) =
      number == 0 ? NULL : (char *)df_address(df_at(w, number)) + off;
}

uint32_t df_some_root(struct df_world *w) {
  return df_rnd(w, w->has_area ? DF_ROOTS : DF_AREA_FROM);
}

/* A walk from a random root: what it meets is live. */
uint32_t df_pick(struct df_world *w) {
  uint32_t r = df_rnd(w, (w->has_area ? DF_ROOTS : DF_AREA_FROM) + DF_FIXED);
  uint32_t at = r < DF_FIXED ? w->fixed[r] : w->root[r - DF_FIXED];
  if (df_rnd(w, 20) == 0)
    at = w->guest_word[df_rnd(w, DF_GUESTS)][df_rnd(w, DF_GUEST_WORDS)];
  for (uint32_t steps = df_rnd(w, 4); at != 0 && steps > 0; steps--) {
    struct df_object *o = df_at(w, at);
    uint32_t next = o->edge_at == 0 ? 0 : o->edge[df_rnd(w, DF_EDGES)];
    if (next != 0)
      at = next;
  }
  return at;
}

static void set_edge(struct df_world *w, struct df_object *o, size_t e,
                     uint32_t number) {
  o->edge[e] = number;
  o->edge_off[e] = 0;
  if (number != 0) {
    df_at(w, number)->is_shared = true;
    o->edge_off[e] = random_offset(w, df_at(w, number));
  }
  void *volatile *words = df_address(o);
  if (o->edge_off[e] % 2 != 0) {
    GC_ptr_store_and_dirty((void **)df_address(o) + o->edge_at + e,
                           edge_value(w, o, e));
    return;
  }
  words[o->edge_at + e] = edge_value(w, o, e);
  GC_end_stubborn_change(df_address(o));
}

void df_forget(struct df_world *w, struct df_object *o) {
  uint32_t i = df_number(w, o) - 1;
  o->serial = 0;
  if (i < w->spare)
    w->spare = i;
  while (w->top > 0 && w->object[w->top - 1].serial == 0)
    w->top--;
}

/* ---- Making ---- */

static size_t random_size(struct df_world *w, unsigned traits) {
  uint32_t dice = df_rnd(w, 1000);
  if (traits & IS_STRING)
    return 1 + df_rnd(w, 48);
  size_t n = dice < 30    ? df_rnd(w, 9)
             : dice < 780 ? 8 + df_rnd(w, 120)
             : dice < 985 ? 40 + df_rnd(w, 900)
             : dice < 998 ? 40 + df_rnd(w, 9000)
                          : 40 + df_rnd(w, 150000);
  if (traits & IS_NEAR && df_rnd(w, 16) == 0)
    n += 120000;
  return n;
}

static size_t size_for(struct df_world *w, df_family family) {
  unsigned traits = df_families[family].traits;
  size_t n = random_size(w, traits);
  if (family == DF_ARRAY)
    return ELEMENT_WORDS * WORD * (1 + df_rnd(w, 4));
  if (family == DF_MANY || family == DF_GENERIC_MANY)
    return n < 16 ? 16 : n > 2000 ? 2000 : (n + 15) / 16 * 16;
  size_t least = traits & IS_TAGGED ? MIN_TAGGED_BYTES : MIN_BYTES;
  return traits & IS_PRECISE && n < least ? least : n;
}

static struct df_object *spare_entry(struct df_world *w) {
  while (w->spare < w->top && w->object[w->spare].serial != 0)
    w->spare++;
  if (w->spare >= DF_OBJECTS)
    df_fail(w, "the table of objects is full");
  if (w->spare == w->top)
    w->top++;
  return &w->object[w->spare++];
}

static void lay_out(struct df_object *o) {
  bool has_edges = !df_has(o, IS_ATOMIC | IS_LEAF) && o->size >= 40;
  o->edge_at = !has_edges ? 0
               : o->family == DF_ARRAY
                   ? (uint32_t)(o->size / WORD) - ELEMENT_WORDS + 1
                   : 1;
}

/* What the interface says of a new or resized object. */
static void check_new(struct df_world *w, struct df_object *o, char *p) {
  size_t told = 0;
  char *base = GC_base(p);
  if (((uintptr_t)p & (o->family == DF_ALIGNED     ? 127
                       : o->family == DF_POSIX     ? 63
                       : o->family == DF_FINALIZED ? 7
                                                   : 15)) != 0)
    df_fail(w, "address %p is not aligned", (void *)p);
  if (base == NULL || base > p ||
      (!df_has(o, IS_ALIGNED) && base != df_base(o)))
    df_fail(w, "the base of %p is %p", (void *)p, (void *)base);
  int kind = GC_get_kind_and_size(base, &told);
  if (GC_size(base) != told || base + told < p + o->size)
    df_fail(w, "the size is %zu and %zu, want %zu", GC_size(base), told,
            o->size);
  if (!is_fixed(o) && o->size > 0 && GC_base(p + o->size - 1) != base)
    df_fail(w, "the last byte has another base");
  int want = df_families[o->family].kind;
  if (want >= 0 && kind != want)
    df_fail(w, "the kind is %d, want %d", kind, want);
  if (o->family == DF_BITMAP || o->family == DF_PROC)
    df_log(w, "kind", (uint64_t)kind);
}

static bool is_zeroed(const char *p, size_t n) {
  enum { LOOK = 2048 };
  return n <= 2 * LOOK ? gu_is_zero(p, n)
                       : gu_is_zero(p, LOOK) && gu_is_zero(p + n - LOOK, LOOK);
}

/* What is new and in no root yet; another thread may collect meanwhile. */
static void *volatile fresh[DF_WORLDS];

static uint32_t make(struct df_world *w, df_family family) {
  struct df_object *o = spare_entry(w);
  memset(o, 0, sizeof *o);
  o->family = (uint8_t)family;
  o->size = size_for(w, family);
  o->serial = ++w->serial;
  lay_out(o);
  char *p = df_families[family].make(o->size);
  if (p == NULL)
    df_fail(w, "family %u gives no %zu bytes", (unsigned)family, o->size);
  fresh[w->id] = p;
  o->hidden = gu_hide(p);
  check_new(w, o, p);
  size_t head = df_has(o, IS_TAGGED) ? WORD : 0;
  if (!df_is_atomic(o) && !is_zeroed(p + head, o->size - head))
    df_fail(w, "a new object of family %u and %zu bytes is not clear",
            (unsigned)family, o->size);
  fill(w, o);
  if (df_has(o, IS_TOLD))
    df_note_made(w, o);
  if (df_is_atomic(o) && o->size >= 40)
    memset(p + WORD, 0, (HEAD_WORDS - 1) * WORD);
  df_log(w, "family", family);
  df_log(w, "bytes", o->size);
  return df_number(w, o);
}

void df_op_allocate(struct df_world *w) {
  uint32_t r = df_some_root(w), dice = df_rnd(w, 3);
  df_family family = dice == 0   ? DF_NORMAL
                     : dice == 1 ? (df_family)df_rnd(w, DF_ATOMIC)
                                 : (df_family)df_rnd(w, DF_COLLECTABLE);
  df_set_root(w, r, make(w, df_chosen(family)));
  fresh[w->id] = NULL;
}

void df_free_fixed(struct df_world *w, uint32_t slot) {
  struct df_object *o = df_at(w, w->fixed[slot]);
  df_check(w, o);
  df_strip(w, o); /* while it is live */
  w->fixed[slot] = 0;
  df_release(o);
  df_forget(w, o);
}

/* ---- Changing ---- */

void df_op_edge(struct df_world *w) {
  uint32_t from = df_pick(w), to = df_rnd(w, 4) == 0 ? 0 : df_pick(w);
  uint32_t e = df_rnd(w, DF_EDGES);
  if (from != 0 && df_at(w, from)->edge_at != 0)
    set_edge(w, df_at(w, from), e, to);
}

/* Within a page of data that is no root. */
enum { EXCLUDED_WORDS = 64 };
static void *volatile excluded[DF_WORLDS][EXCLUDED_WORDS]
    __attribute__((aligned(4096)));

void df_init_areas(void) {
  GC_exclude_static_roots((void *)excluded, (void *)(excluded + DF_WORLDS));
}

/* An address where the collector does not look. */
void df_op_false(struct df_world *w) {
  uint32_t in = df_pick(w), to = df_pick(w);
  if (to != 0 && df_rnd(w, 16) == 0) {
    excluded[w->id][df_rnd(w, EXCLUDED_WORDS)] = df_address(df_at(w, to));
    df_at(w, to)->was_excluded = true;
    return;
  }
  struct df_object *o = in == 0 ? NULL : df_at(w, in);
  if (o == NULL || to == 0 || o->size < 40 ||
      !df_has(o, IS_ATOMIC | IS_PRECISE))
    return;
  *false_word(o) = df_address(df_at(w, to));
  o->false_ref = df_at(w, to)->hidden;
  o->false_to = to;
  o->false_serial = df_at(w, to)->serial;
}

void df_op_root(struct df_world *w) {
  uint32_t r = df_some_root(w), from = df_rnd(w, 5) < 2 ? df_pick(w) : 0;
  if (from != 0)
    df_at(w, from)->is_shared = true;
  df_set_root(w, r, from);
}

/* An object that nothing but this root has ever referred to. */
static struct df_object *sole(struct df_world *w, uint32_t r) {
  struct df_object *o = w->root[r] == 0 ? NULL : df_at(w, w->root[r]);
  return o == NULL || o->is_shared || is_fixed(o) ? NULL : o;
}

void df_op_free(struct df_world *w) {
  uint32_t r = df_some_root(w);
  struct df_object *o = sole(w, r);
  if (o == NULL)
    return;
  df_check(w, o);
  df_strip(w, o);
  df_log(w, "free", o->serial);
  if (df_has(o, IS_TOLD))
    df_note_freed(w, o);
  df_release(o); /* another thread may collect before it: it must not be dead */
  w->root[r] = 0;
  *df_root_word(w, r) = NULL;
  df_forget(w, o);
}

/* A debugging object that is new and is freed with a word behind it changed. */
void df_op_smash(struct df_world *w) {
  size_t n = 8 * (1 + df_rnd(w, 30));
  if (df_choice == DF_WITHOUT_DEBUG || w->is_automatic || TAP_ASAN || TAP_TSAN)
    return;
  df_check_silence(w);
  uint64_t *p = GC_debug_malloc(n, "smashed.c", 9);
  p[n / 8] = 0x5a5a5a5a5a5a5a5a;
  GC_debug_free(p);
  df_expect(w, "smashed", 1, df_count_said("smashed.c:9"));
}

static void check_resized(struct df_world *w, struct df_object *o, char *p,
                          size_t n) {
  size_t common = o->size < n ? o->size : n;
  if (common >= WORD && (((uint64_t *)(void *)p)[0] != df_key(w, o) ||
                         !df_has_pattern(o, p, common)))
    df_fail(w, "contents are lost from %zu to %zu bytes", o->size, n);
  for (size_t e = 0; e < DF_EDGES && o->edge_at != 0 && common >= 40; e++)
    if (((void **)(void *)p)[o->edge_at + e] != edge_value(w, o, e))
      df_fail(w, "references are lost from %zu to %zu bytes", o->size, n);
  if (!df_is_atomic(o) && n > o->size && !is_zeroed(p + o->size, n - o->size))
    df_fail(w, "what is new from %zu to %zu bytes is not clear", o->size, n);
}

/* The same entry for the object at p. */
static void become(struct df_world *w, struct df_object *o, char *p, size_t n) {
  bool had_edges = o->edge_at != 0;
  o->hidden = gu_hide(p);
  o->size = n;
  o->false_ref = 0;
  lay_out(o);
  if (o->edge_at == 0 || !had_edges) {
    memset(o->edge, 0, sizeof o->edge);
    if (n >= 40)
      memset(p + WORD, 0, (HEAD_WORDS - 1) * WORD);
  }
  if (n >= 40)
    ((GC_word *)(void *)p)[FALSE_AT] = 0;
  check_new(w, o, p);
  fill(w, o);
}

/* NULL: it was freed. */
static char *resize(struct df_world *w, struct df_object *o, size_t n) {
  df_check(w, o);
  df_strip(w, o);
  df_log(w, "from", o->size);
  df_log(w, "to", n);
  char *p = df_resize(o, n);
  fresh[w->id] = p;
  if ((p == NULL) != (n == 0))
    df_fail(w, "%p for %zu bytes", (void *)p, n);
  if (p != NULL) {
    check_resized(w, o, p, n);
    become(w, o, p, n);
  }
  return p;
}

void df_op_realloc(struct df_world *w) {
  uint32_t r = df_some_root(w);
  struct df_object *o = sole(w, r);
  if (o == NULL || !df_has(o, IS_RESIZED))
    return;
  size_t n = df_rnd(w, 30) == 0 ? 0 : size_for(w, (df_family)o->family);
  if (n == 0 && df_has(o, IS_PRECISE))
    n = MIN_BYTES;
  if (resize(w, o, n) != NULL) {
    df_set_root(w, r, df_number(w, o));
    fresh[w->id] = NULL;
    return;
  }
  w->root[r] = 0;
  *df_root_word(w, r) = NULL;
  df_forget(w, o);
}

void df_op_fixed(struct df_world *w) {
  uint32_t slot = df_rnd(w, DF_FIXED), dice = df_rnd(w, 3);
  df_family family =
      (df_family)(DF_COLLECTABLE + df_rnd(w, DF_FAMILIES - DF_COLLECTABLE));
  size_t n = size_for(w, family);
  if (w->fixed[slot] == 0)
    w->fixed[slot] = make(w, df_chosen(family));
  else if (!df_at(w, w->fixed[slot])->is_shared && dice == 0 && n != 0)
    resize(w, df_at(w, w->fixed[slot]), n);
  else if (!df_at(w, w->fixed[slot])->is_shared)
    df_free_fixed(w, slot);
  fresh[w->id] = NULL;
}
