/* src/diag/back.c: who keeps an object alive. SPDX-License-Identifier: MIT
 *
 * The objects of the search are nodes, in the order in which they were found: each but
 * the first refers to an earlier one. Those of a level are looked for together, first
 * in roots, then in all live objects, whose finders are the next level. Threads come
 * last, since a stack may hold a stale copy, and the caller's has a good one always.
 */
#include "diag/back.h"

#include "base/bits.h"
#include "base/format.h"
#include "diag/search.h"
#include "heap/sited.h"
#include "notify/final.h"

#define MAX_NODES 1024u
#define TABLE_SIZE (2 * MAX_NODES)
#define NOBODY MAX_NODES

struct back_node {
  struct gc_object object;
  const char *word; /* of it, that refers to */
  unsigned to;      /* this node */
};

/* What a search is told and what it has found. */
struct back_search {
  uintptr_t hidden; /* the address that it is about: no reference to itself */
  struct gc_back_link *links;
  unsigned max, count;
  const char *own_end;
  enum gc_back_sort by; /* the best end so far */
  const char *word;
  int thread;
  unsigned node; /* that it refers to, or NOBODY */
};

static struct {
  struct back_node at[MAX_NODES];
  unsigned count, level;      /* the last level's first */
  uint16_t table[TABLE_SIZE]; /* by start; number plus one */
} nodes;                      /* [lock api] */

/* ---- Nodes ---- */

static unsigned place_of(const char *start) {
  return (unsigned)(((uintptr_t)start >> GC_GRANULE_SHIFT) *
                        UINT64_C(0x9e3779b97f4a7c15) >>
                    40) %
         TABLE_SIZE;
}

static unsigned find_node(const char *start) {
  unsigned i = place_of(start);
  for (; nodes.table[i] != 0; i = (i + 1) % TABLE_SIZE)
    if (nodes.at[nodes.table[i] - 1].object.start == start)
      return nodes.table[i] - 1u;
  return NOBODY;
}

static void add_node(const struct gc_object *o, const char *word, unsigned to) {
  unsigned i = place_of(o->start);
  if (nodes.count == MAX_NODES)
    return;
  while (nodes.table[i] != 0)
    i = (i + 1) % TABLE_SIZE;
  nodes.at[nodes.count] = (struct back_node){*o, word, to};
  nodes.table[i] = (uint16_t)++nodes.count;
}

/* In a static library they lie in the program's data. */
static bool is_in_nodes(const char *word) {
  return word >= (const char *)&nodes && word < (const char *)(&nodes + 1);
}

static unsigned node_of_value(const char *value) {
  struct gc_object o;
  return gc_find(value, &o) ? find_node(o.start) : NOBODY;
}

/* ---- Looking ---- */

static void note_end(struct back_search *b, enum gc_back_sort by,
                     const char *word, int thread, unsigned node) {
  bool is_better = b->by == BACK_REGISTER && by == BACK_THREAD;
  if (node == NOBODY || node > b->node || (node == b->node && !is_better))
    return;
  b->by = by;
  b->word = word;
  b->thread = thread;
  b->node = node;
}

static void look_in_roots(const struct gc_search *s, const char *word,
                          const char *value) {
  struct back_search *b = s->cx;
  unsigned node = node_of_value(value);
  if (gc_likely(node == NOBODY) || is_in_nodes(word))
    return;
  if (s->place == PLACE_STATIC)
    note_end(b, BACK_STATIC, word, 0, node);
  else if (s->place == PLACE_KIND)
    note_end(b, BACK_KIND, word, 0, node);
  else if (!(word >= s->own_low && word < s->own_end))
    note_end(b, BACK_THREAD, word, s->thread->tid, node);
  else if (s->thread == gc_thread_self())
    note_end(b, BACK_REGISTER, NULL, 0, node);
}

static void look_in_final(const struct gc_final *f, void *search) {
  note_end(search, BACK_FINAL, NULL, 0, node_of_value(f->data));
}

static void look_in_stray(const struct gc_final *f, void *search) {
  note_end(search, BACK_FINAL, NULL, 0, node_of_value(f->object));
  look_in_final(f, search);
}

static void look_in_finals(struct gc_final_block *fb, void *search) {
  for (unsigned i = 0; i < fb->groups; i++) {
    const struct gc_final_group *g = &fb->at[i];
    for (uint64_t left = g->entries.used; left != 0; left &= left - 1) {
      struct gc_final f;
      gc_final_read(fb, i, gc_bits_lowest(left), &f);
      if (g->ready & left & -left)
        look_in_stray(&f, search);
      else
        look_in_final(&f, search);
    }
  }
}

static void look_in_object(const struct gc_search *s, const char *word,
                           const char *value) {
  unsigned to = node_of_value(value);
  if (gc_likely(to == NOBODY) || to < nodes.level)
    return;
  if (find_node(s->from->start) == NOBODY && !gc_search_is_claimed(s->from))
    add_node(s->from, word, to);
}

static void look_for_kept(struct back_search *b) {
  for (unsigned i = nodes.level > 0 ? nodes.level : 1; i < nodes.count; i++)
    if (gc_kind_flags(nodes.at[i].object.kind) & KIND_UNCOLLECTABLE)
      note_end(b, BACK_KEPT, NULL, 0, i);
}

/* False when an end was found, or there is no further level. */
static bool search_level(struct back_search *b) {
  struct gc_search s = {.look = look_in_roots, .cx = b};
  gc_search_static(&s);
  gc_search_kinds(&s);
  gc_final_each(look_in_finals, b);
  gc_final_each_stray(look_in_stray, b);
  look_for_kept(b);
  if (b->node != NOBODY || nodes.count == MAX_NODES)
    return false;
  unsigned before = nodes.count;
  s.look = look_in_object;
  gc_search_heap(&s, gc_search_is_live);
  nodes.level = before;
  return nodes.count > before;
}

/* ---- The way ---- */

/* As the program knows it. */
static struct gc_debug_site site_of(const struct gc_object *o) {
  struct gc_debug_site site = gc_debug_site_of(o);
  if (gc_sited_has_site(o)) {
    const struct gc_sited *s = gc_sited_of(o);
    site.start = o->start + sizeof *s;
    site.file = s->file;
    site.line = s->line;
    site.bytes = s->bytes;
  }
  return site;
}

/* Link i is about the node, and the link before it has the reference from there. */
static void write_node(struct back_search *b, unsigned i, unsigned n) {
  const struct back_node *node = &nodes.at[n];
  struct gc_debug_site site = site_of(&node->object);
  if (i < b->max) {
    b->links[i].object = site;
    if (gc_sited_has_site(&node->object))
      gc_sited_get_trace(&node->object, b->links[i].frames);
  }
  if (i > 0 && i - 1 < b->max) {
    b->links[i - 1].by = BACK_OBJECT;
    b->links[i - 1].word = node->word;
    b->links[i - 1].from = site;
  }
}

/* The way from the end goes towards the object, and is wanted the other way round. */
static void write_way(struct back_search *b) {
  unsigned last = b->node == NOBODY ? 0 : b->node, length = 1;
  for (unsigned n = last; n != 0; n = nodes.at[n].to)
    length++;
  b->count = length < b->max ? length : b->max;
  __builtin_memset(b->links, 0, b->count * sizeof *b->links);
  if (length <= b->max) {
    b->links[length - 1].by = b->by;
    b->links[length - 1].word = b->word;
    b->links[length - 1].thread = b->thread;
  }
  for (unsigned i = length, n = last; i-- > 0; n = nodes.at[n].to)
    write_node(b, i, n);
}

/* With one link wanted, the question is who refers to the object itself: its first
 * referrer is an end, and otherwise the last one without a referrer of its own. */
static void end_somewhere(struct back_search *b) {
  if (b->node == NOBODY && nodes.count > 1)
    note_end(b, BACK_NONE, NULL, 0, b->max > 1 ? nodes.count - 1 : 1);
}

static void search_stopped(void *search, char *own_sp) {
  struct back_search *b = search;
  struct gc_object o;
  struct gc_search stacks = {.look = look_in_roots, .cx = b};
  if (!gc_find((const void *)~b->hidden, &o))
    return;
  add_node(&o, NULL, 0);
  while (search_level(b) && b->max > 1)
    continue;
  if (b->max == 1)
    end_somewhere(b);
  if (b->node == NOBODY)
    gc_search_threads(&stacks, own_sp, b->own_end);
  end_somewhere(b);
  write_way(b);
  __builtin_memset(&nodes, 0, sizeof nodes);
}

gc_noinline static unsigned
find_back(uintptr_t hidden, struct gc_back_link *links, unsigned max) {
  struct back_search b = {.hidden = hidden,
                          .links = links,
                          .max = max,
                          .own_end = __builtin_frame_address(0),
                          .node = NOBODY};
  gc_search_with_stopped_world(search_stopped, &b);
  return b.count;
}

unsigned gc_back_find(const void *p, struct gc_back_link *links, unsigned max) {
  return find_back(~(uintptr_t)p, links, max);
}

/* ---- Printing ---- */

#define MAX_PRINTED 64u

static void say_object(const char *before, const struct gc_debug_site *o) {
  if (o->file != NULL)
    gc_plat_message("%s object at %p, %zu bytes (%s:%u)", before,
                    (const void *)o->start, o->bytes, o->file, o->line);
  else
    gc_plat_message("%s object at %p, %zu bytes", before,
                    (const void *)o->start, o->bytes);
}

static void print_link(const struct gc_back_link *l) {
  static const char *const texts[] = {
      [BACK_NONE] = "  and nobody else was found who refers to it",
      [BACK_REGISTER] = "  from a register of this thread",
      [BACK_FINAL] = "  from the table of finalisers",
      [BACK_KEPT] = "  which lives until it is freed by hand"};
  char before[64];
  switch (l->by) {
  case BACK_OBJECT:
    gc_format(before, sizeof before, "  from offset %d of the",
              (int)(l->word - l->from.start));
    say_object(before, &l->from);
    break;
  case BACK_STATIC:
    gc_plat_message("  from static data, at %p", (const void *)l->word);
    break;
  case BACK_KIND:
    gc_plat_message("  from the data of a kind, at %p", (const void *)l->word);
    break;
  case BACK_THREAD:
    gc_plat_message("  from thread %d, at %p", l->thread,
                    (const void *)l->word);
    break;
  default:
    gc_plat_message("%s", texts[l->by]);
  }
}

void gc_back_print(const void *p) {
  struct gc_back_link links[MAX_PRINTED];
  unsigned n = gc_back_find(p, links, MAX_PRINTED);
  if (n == 0) {
    gc_plat_message("%p is the address of no object", p);
    return;
  }
  say_object("reached:", &links[0].object);
  for (unsigned i = 0; i < n; i++) {
    gc_plat_say_trace(links[i].frames, GC_TRACE_MAX);
    print_link(&links[i]);
  }
}
