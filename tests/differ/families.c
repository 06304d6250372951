/* tests/differ/families.c: the ways of making objects. SPDX-License-Identifier: MIT */

#include "differ/families.h"

#include <gc/gc_gcj.h>
#include <gc/gc_inline.h>
#include <gc/gc_typed.h>

#include <string.h>

#include "lib/edges.h"

/* What GC_get_kind_and_size says of those that are freed by hand. */
enum { UNCOLLECTABLE = 2, ATOMIC_UNCOLLECTABLE = 3, SITE_LINE = 7 };

static int bitmap_kind, proc_kind;
static GC_descr descriptor;

/* The place where debugging objects are made, and the table of tagged ones. */
static const char site[] = "somewhere.c";
static GC_word table[2];

static void *make_many(size_t n) {
  void **list = GC_malloc_many(n), **cell = list;
  for (size_t count = 0; cell != NULL && count < 1000; count++) {
    if (!gu_is_zero(cell + 1, (n < 512 ? n : 512) / WORD * WORD - WORD))
      return NULL;
    cell = GC_NEXT(cell);
  }
  GC_NEXT(list) = NULL;
  return list;
}
static void *make_generic_many(size_t n) {
  void *list = NULL;
  GC_generic_malloc_many(n, GC_I_NORMAL, &list);
  if (list != NULL)
    GC_NEXT(list) = NULL;
  return list;
}
static void *make_aligned(size_t n) { return GC_memalign(128, n); }
static void *make_posix(size_t n) {
  void *p = NULL;
  return GC_posix_memalign(&p, 64, n) == 0 ? p : NULL;
}
static void *make_from_null(size_t n) { return GC_realloc(NULL, n); }
static void *make_generic(size_t n) {
  return GC_generic_malloc(n, GC_I_NORMAL);
}
static void *make_generic_atomic(size_t n) {
  return GC_generic_or_special_malloc(n, GC_I_PTRFREE);
}
static void *make_typed(size_t n) {
  return GC_malloc_explicitly_typed(n, descriptor);
}
static void *make_typed_off_page(size_t n) {
  return GC_malloc_explicitly_typed_ignore_off_page(n, descriptor);
}
static void *make_array(size_t n) {
  size_t element = ELEMENT_WORDS * WORD;
  return GC_calloc_explicitly_typed(n / element, element, descriptor);
}
static void *make_bitmap(size_t n) { return GC_generic_malloc(n, bitmap_kind); }
static void *make_proc(size_t n) { return GC_generic_malloc(n, proc_kind); }
static void *make_fixed_generic(size_t n) {
  return GC_generic_malloc_uncollectable(n, UNCOLLECTABLE);
}

/* Strings of n bytes with the end; the contents are replaced then. */
static const char letters[] =
    "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuv";
static void *make_strdup(size_t n) {
  const char *from = letters + sizeof letters - n;
  char *p = GC_strdup(from);
  return p != NULL && memcmp(p, from, n) == 0 ? p : NULL;
}
static void *make_strndup(size_t n) {
  char *p = GC_strndup(letters, n - 1);
  return p != NULL && strlen(p) == n - 1 && memcmp(p, letters, n - 1) == 0
             ? p
             : NULL;
}

/* ---- With a table ---- */

static void *make_gcj(size_t n) { return GC_gcj_malloc(n, table); }
static void *make_gcj_off_page(size_t n) {
  return GC_gcj_malloc_ignore_off_page(n, table);
}
static void *make_debug_gcj(size_t n) {
  return GC_debug_gcj_malloc(n, table, site, SITE_LINE);
}

/* ---- With a site ---- */

static void *make_debug(size_t n) {
  return GC_debug_malloc(n, site, SITE_LINE);
}
static void *make_debug_off_page(size_t n) {
  return GC_debug_malloc_ignore_off_page(n, site, SITE_LINE);
}
static void *make_debug_generic(size_t n) {
  return GC_debug_generic_or_special_malloc(n, GC_I_NORMAL, site, SITE_LINE);
}
static void *make_debug_from_null(size_t n) {
  return GC_debug_realloc(NULL, n, site, SITE_LINE);
}
static void *make_debug_stubborn(size_t n) {
  return GC_debug_malloc_stubborn(n, site, SITE_LINE);
}
static void *make_debug_atomic(size_t n) {
  return GC_debug_malloc_atomic(n, site, SITE_LINE);
}
static void *make_debug_atomic_off_page(size_t n) {
  return GC_debug_malloc_atomic_ignore_off_page(n, site, SITE_LINE);
}
static void *make_debug_strdup(size_t n) {
  const char *from = letters + sizeof letters - n;
  char *p = GC_debug_strdup(from, site, SITE_LINE);
  return p != NULL && memcmp(p, from, n) == 0 ? p : NULL;
}
static void *make_debug_strndup(size_t n) {
  char *p = GC_debug_strndup(letters, n - 1, site, SITE_LINE);
  return p != NULL && strlen(p) == n - 1 && memcmp(p, letters, n - 1) == 0
             ? p
             : NULL;
}
static void *make_fixed_debug(size_t n) {
  return GC_debug_malloc_uncollectable(n, site, SITE_LINE);
}
static void *make_fixed_debug_atomic(size_t n) {
  return GC_debug_malloc_atomic_uncollectable(n, site, SITE_LINE);
}

void *df_base(const struct df_object *o) {
  return (char *)df_address(o) -
         (df_has(o, IS_DEBUG) ? GC_get_debug_header_size() : 0);
}

void df_release(const struct df_object *o) {
  if (df_has(o, IS_DEBUG))
    GC_debug_free(df_address(o));
  else
    GC_free(GC_base(df_address(o)));
}

void *df_resize(const struct df_object *o, size_t n) {
  return df_has(o, IS_DEBUG)
             ? GC_debug_realloc(df_address(o), n, site, SITE_LINE)
             : GC_realloc(df_address(o), n);
}

/* ---- All ---- */

const struct df_family_info df_families[DF_FAMILIES] = {
    [DF_NORMAL] = {GC_malloc, IS_RESIZED, GC_I_NORMAL},
    [DF_OFF_PAGE] = {GC_malloc_ignore_off_page, IS_NEAR | IS_RESIZED,
                     GC_I_NORMAL},
    [DF_GENERIC] = {make_generic, IS_RESIZED, GC_I_NORMAL},
    [DF_MANY] = {make_many, IS_RESIZED, GC_I_NORMAL},
    [DF_GENERIC_MANY] = {make_generic_many, IS_EXACT | IS_RESIZED, GC_I_NORMAL},
    [DF_ALIGNED] = {make_aligned, IS_ALIGNED, GC_I_NORMAL},
    [DF_POSIX] = {make_posix, IS_ALIGNED, GC_I_NORMAL},
    [DF_FROM_NULL] = {make_from_null, IS_RESIZED, GC_I_NORMAL},
    [DF_TYPED] = {make_typed, IS_PRECISE, -1},
    [DF_TYPED_OFF_PAGE] = {make_typed_off_page, IS_PRECISE | IS_NEAR, -1},
    [DF_ARRAY] = {make_array, IS_PRECISE, -1},
    [DF_BITMAP] = {make_bitmap, IS_PRECISE | IS_RESIZED, -1},
    [DF_PROC] = {make_proc, IS_PRECISE | IS_RESIZED, -1},
    [DF_GCJ] = {make_gcj, IS_PRECISE | IS_TAGGED, -1},
    [DF_GCJ_OFF_PAGE] = {make_gcj_off_page, IS_PRECISE | IS_TAGGED | IS_NEAR,
                         -1},
    [DF_DEBUG] = {make_debug, IS_DEBUG | IS_RESIZED, -1},
    [DF_DEBUG_OFF_PAGE] = {make_debug_off_page, IS_DEBUG | IS_NEAR | IS_RESIZED,
                           -1},
    [DF_DEBUG_GENERIC] = {make_debug_generic, IS_DEBUG | IS_RESIZED, -1},
    [DF_DEBUG_FROM_NULL] = {make_debug_from_null, IS_DEBUG | IS_RESIZED, -1},
    [DF_DEBUG_STUBBORN] = {make_debug_stubborn, IS_DEBUG | IS_RESIZED, -1},
    [DF_DEBUG_GCJ] = {make_debug_gcj, IS_DEBUG | IS_PRECISE | IS_TAGGED, -1},
    [DF_DISCLAIM] = {df_make_disclaimed, IS_LEAF | IS_TOLD, -1},
    [DF_FINALIZED] = {df_make_closed, IS_ALIGNED | IS_LEAF | IS_TOLD, -1},
    [DF_ATOMIC] = {GC_malloc_atomic, IS_ATOMIC | IS_RESIZED, GC_I_PTRFREE},
    [DF_ATOMIC_OFF_PAGE] = {GC_malloc_atomic_ignore_off_page,
                            IS_ATOMIC | IS_NEAR | IS_RESIZED, GC_I_PTRFREE},
    [DF_GENERIC_ATOMIC] = {make_generic_atomic, IS_ATOMIC | IS_RESIZED,
                           GC_I_PTRFREE},
    [DF_STRDUP] = {make_strdup, IS_ATOMIC | IS_STRING | IS_RESIZED,
                   GC_I_PTRFREE},
    [DF_STRNDUP] = {make_strndup, IS_ATOMIC | IS_STRING | IS_RESIZED,
                    GC_I_PTRFREE},
    [DF_DEBUG_ATOMIC] = {make_debug_atomic, IS_ATOMIC | IS_DEBUG | IS_RESIZED,
                         -1},
    [DF_DEBUG_ATOMIC_OFF_PAGE] = {make_debug_atomic_off_page,
                                  IS_ATOMIC | IS_DEBUG | IS_NEAR | IS_RESIZED,
                                  -1},
    [DF_DEBUG_STRDUP] = {make_debug_strdup,
                         IS_ATOMIC | IS_DEBUG | IS_STRING | IS_RESIZED, -1},
    [DF_DEBUG_STRNDUP] = {make_debug_strndup,
                          IS_ATOMIC | IS_DEBUG | IS_STRING | IS_RESIZED, -1},
    [DF_FIXED_NORMAL] = {GC_malloc_uncollectable, IS_RESIZED, UNCOLLECTABLE},
    [DF_FIXED_ATOMIC] = {GC_malloc_atomic_uncollectable, IS_ATOMIC | IS_RESIZED,
                         ATOMIC_UNCOLLECTABLE},
    [DF_FIXED_GENERIC] = {make_fixed_generic, IS_RESIZED, -1},
    [DF_FIXED_DEBUG] = {make_fixed_debug, IS_DEBUG | IS_RESIZED, -1},
    [DF_FIXED_DEBUG_ATOMIC] = {make_fixed_debug_atomic,
                               IS_ATOMIC | IS_DEBUG | IS_RESIZED, -1},
};

/* ---- Kinds ---- */

/* Those with a table and a site. */
static struct GC_ms_entry *mark_tagged(GC_word *addr, struct GC_ms_entry *sp,
                                       struct GC_ms_entry *limit, GC_word env) {
  if (env & 1)
    addr += GC_get_debug_header_size() / WORD;
  return addr[0] == 0 ? sp : gu_mark_edges(addr, sp, limit, DF_EDGES);
}

void df_init_kinds(void) {
  GC_init_gcj_malloc(GC_GCJ_RESERVED_MARK_PROC_INDEX, (void *)mark_tagged);
  GC_word bits = (GC_word)7 << 60, map = 14;
  bitmap_kind = (int)GC_new_kind(GC_new_free_list(), bits | GC_DS_BITMAP, 0, 1);
  GC_word proc = GC_MAKE_PROC(GC_new_proc(gu_mark_edges), DF_EDGES);
  proc_kind = (int)GC_new_kind(GC_new_free_list(), proc, 0, 1);
  table[1] = bits | GC_DS_BITMAP;
  descriptor = GC_make_descriptor(&map, HEAD_WORDS);
}

/* The header begins with the site, on either library. */
uint64_t df_key_at(const void *obj) {
  const uint64_t *words = obj;
  if (words[0] == (uintptr_t)site)
    words += GC_get_debug_header_size() / WORD;
  return words[0] == (uintptr_t)table ? words[HEAD_WORDS] : words[0];
}

bool df_has_table(const struct df_object *o) {
  return !df_has(o, IS_TAGGED) || *(GC_word **)df_address(o) == table;
}

bool df_is_debug(const struct df_object *o) { return df_has(o, IS_DEBUG); }
bool df_is_told(const struct df_object *o) { return df_has(o, IS_TOLD); }

df_family df_chosen(df_family family) {
  unsigned traits = df_families[family].traits;
  bool is_fixed = family >= DF_COLLECTABLE;
  if (df_choice == DF_WITHOUT_DEBUG && traits & IS_DEBUG)
    return traits & IS_ATOMIC ? is_fixed ? DF_FIXED_ATOMIC : DF_ATOMIC
           : is_fixed         ? DF_FIXED_NORMAL
                              : DF_NORMAL;
  if (df_choice == DF_WITH_DEBUG && traits & IS_ATOMIC && !(traits & IS_DEBUG))
    return is_fixed ? DF_FIXED_DEBUG_ATOMIC : DF_DEBUG_ATOMIC;
  return family;
}
