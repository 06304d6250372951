/* extra/hexpr/seq.c: sequences whose form follows from what is in them. SPDX-License-Identifier: MIT */
/* A sequence is a list of items, on several levels. On level 0 an item is an
 * element and how many times it stands there in a row, so that neighbours differ.
 * If there are more than SEQ_WIDTH, the list is cut before each item that is larger
 * than both neighbours, and where a part is SEQ_WIDTH long; the parts and how often
 * each stands in a row are the list of the next level, at most half as long. "Larger" is
 * by a hash and then by structure, and looks at elements and parts, not at how often
 * they stand there. So where the list is cut depends on what stands near only, but in
 * long rising or falling stretches, where it depends on where the stretch begins. (The
 * idea of cutting by contents: Mehlhorn, Sundar and Uhrig, Maintaining dynamic
 * sequences under equality tests, 1997.)
 *
 * Everything is made by one function, which puts a left part of one sequence, a list
 * of items and a right part of another one together. On each level it opens, of the
 * left part, the last parts as far as their end counts, and of the right part as many
 * as it takes until a cut falls on one that the sequence had there.
 *
 * Up to SEQ_WIDTH elements are written out in `seq_of`. Else the items of the topmost
 * level are operands of `seq_fork`, as are those of each part, after a number: how many
 * elements there are, and in the low six bits the level of the items. `seq_run` is a
 * number and what stands there that often; elements that are themselves such terms
 * are always written so. */
#include "hexpr/seq.h"

#include "hexpr/trie.h"

#include <pthread.h>
#include <string.h>

enum { SEQ_WIDTH = 8, SEQ_LEVELS = 64, SEQ_MOST_BITS = 56 };

struct item {
  uint64_t hash; /* of `what` on its level */
  ex what;
  int64_t times;
  bool begins; /* a part that the right sequence had here */
};

struct items {
  struct item *at; /* scanned */
  size_t n;
  size_t room;
};

/* What is left of one sequence, to be taken from the cut on outwards: the last item
 * of a level is the next one, and more of them are in what comes next above. */
struct side {
  bool leftwards;
  unsigned height; /* the topmost level */
  struct {
    struct item item[SEQ_WIDTH];
    unsigned n;
  } level[SEQ_LEVELS];
};

static ex_op op_of_seq, op_of_fork, op_of_run; /* [const] after set-up */
static pthread_once_t defined_once = PTHREAD_ONCE_INIT;

static void define_ops(void) {
  op_of_seq = ex_opdef("seq_of", EX_NARY, 0);
  op_of_fork = ex_opdef("seq_fork", EX_NARY, 0);
  op_of_run = ex_opdef("seq_run", 2, 0);
}

bool ex_seq_define(void) {
  pthread_once(&defined_once, define_ops);
  return op_of_seq != EX_NONE && op_of_fork != EX_NONE && op_of_run != EX_NONE;
}

/* ---- Nodes ---- */

static bool has_op(ex e, ex_op op) {
  return kind_of(e) == EX_TERM && term_op_of(e) == op;
}

static bool is_plain(ex e) { return has_op(e, op_of_seq); }

static bool is_fork(ex e) {
  return has_op(e, op_of_fork) && argc_of(e) > 1 &&
         argc_of(e) <= SEQ_WIDTH + 1 && kind_of(arg_of(e, 0)) == EX_INT &&
         ex_int_value(arg_of(e, 0)) >= SEQ_LEVELS &&
         ex_int_value(arg_of(e, 0)) >> (SEQ_MOST_BITS + 6) == 0;
}

bool ex_seq_is(ex e) {
  return ex_seq_define() &&
         (is_fork(e) || (is_plain(e) && argc_of(e) <= SEQ_WIDTH));
}

static unsigned level_of(ex e) {
  return is_plain(e) ? 0 : (unsigned)ex_int_value(arg_of(e, 0)) % SEQ_LEVELS;
}

size_t ex_seq_size(ex e) {
  return is_plain(e) ? argc_of(e)
                     : (size_t)ex_int_value(arg_of(e, 0)) / SEQ_LEVELS;
}

/* Elements in one of what stands on LEVEL. */
static int64_t width(ex what, unsigned level) {
  return level == 0 ? 1 : (int64_t)ex_seq_size(what);
}

static uint64_t hash_on(ex what, unsigned level) {
  uint64_t h = (ex_trie_hash(what) ^ level) * UINT64_C(0xbf58476d1ce4e5b9);
  return (h ^ h >> 29) * UINT64_C(0x94d049bb133111eb);
}

static struct item item_of(ex operand, unsigned level) {
  struct item it = {0, operand, 1, false};
  if (has_op(operand, op_of_run) && kind_of(arg_of(operand, 0)) == EX_INT) {
    it.times = ex_int_value(arg_of(operand, 0));
    it.what = arg_of(operand, 1);
  }
  it.hash = hash_on(it.what, level);
  return it;
}

static bool wrong(void) { return ex_node_fail(EX_ETYPE) != NULL; }

/* Of an item in a fork: what stands there fits the level, and the number of elements
 * does not run over. */
static bool is_sound(const struct item *it, unsigned level, int64_t *total) {
  int64_t all;
  if (it->times < 1 ||
      (level > 0 && (!is_fork(it->what) || level_of(it->what) != level - 1)))
    return false;
  return !__builtin_mul_overflow(it->times, width(it->what, level), &all) &&
         !__builtin_add_overflow(*total, all, total);
}

/* The items of a sequence or part; false for one that was put together wrongly. */
static bool open_node(ex e, struct item *out, unsigned *out_n) {
  unsigned level = level_of(e);
  int64_t total = 0;
  unsigned n = 0;
  size_t first = is_fork(e);
  for (size_t i = first; i < argc_of(e); i++) {
    struct item it = {0, arg_of(e, i), 1, false};
    if (first == 0)
      it.hash = hash_on(it.what, 0);
    else
      it = item_of(arg_of(e, i), level);
    if (!is_sound(&it, level, &total))
      return wrong();
    if (n > 0 && out[n - 1].what == it.what)
      out[n - 1].times += it.times;
    else
      out[n++] = it;
  }
  *out_n = n;
  return total == (int64_t)ex_seq_size(e) || wrong();
}

/* ---- Lists ---- */

static bool push(struct items *to, struct item it) {
  struct item *last = to->n == 0 ? NULL : &to->at[to->n - 1];
  if (last != NULL && last->what == it.what) {
    last->times += it.times;
    return true;
  }
  if (to->n == to->room) {
    size_t room = to->room == 0 ? 32 : 2 * to->room;
    struct item *bigger = hc_scanned_alloc(room * sizeof *bigger);
    if (bigger == NULL)
      return ex_node_fail(EX_ENOMEM) != NULL;
    if (to->at != NULL) {
      memcpy(bigger, to->at, to->n * sizeof *bigger);
      hc_scanned_free(to->at);
    }
    to->at = bigger;
    to->room = room;
  }
  to->at[to->n++] = it;
  return true;
}

static void drop(struct items *list) {
  if (list->at != NULL)
    hc_scanned_free(list->at);
}

static ex operand_of(const struct item *it) {
  if (it->times == 1 && !has_op(it->what, op_of_run))
    return it->what;
  return ex_2(op_of_run, ex_int(it->times), it->what);
}

/* The part of N items of LEVEL. */
static ex fork_of(const struct item *it, size_t n, unsigned level) {
  ex args[SEQ_WIDTH + 1];
  int64_t total = 0;
  for (size_t i = 0; i < n; i++) {
    int64_t all;
    if (__builtin_mul_overflow(it[i].times, width(it[i].what, level), &all) ||
        __builtin_add_overflow(total, all, &total) ||
        total >> SEQ_MOST_BITS != 0)
      return ex_node_fail(EX_ELIMIT);
    args[i + 1] = operand_of(&it[i]);
    if (args[i + 1] == NULL)
      return NULL;
  }
  args[0] = ex_int(total * SEQ_LEVELS + level);
  return args[0] == NULL ? NULL : ex_node_term(op_of_fork, args, n + 1);
}

/* The sequence of the topmost items. */
static ex root_of(const struct items *list, unsigned level) {
  ex args[SEQ_WIDTH] = {NULL};
  size_t n = 0;
  for (size_t i = 0; i < list->n; i++)
    for (int64_t k = 0; k < list->at[i].times; k++) {
      if (level > 0 || n == SEQ_WIDTH)
        return fork_of(list->at, list->n, level);
      args[n++] = list->at[i].what;
    }
  return ex_node_term(op_of_seq, args, n);
}

/* ---- Sides ---- */

/* OPENED is in the order of the sequence; the next item is the last one. */
static void put_level(struct side *s, unsigned level, const struct item *opened,
                      unsigned n) {
  for (unsigned i = 0; i < n; i++)
    s->level[level].item[i] = opened[s->leftwards ? i : n - 1 - i];
  s->level[level].n = n;
}

/* Leaves, of the N items of a level, those on the wanted side of element AT. What
 * stands across the cut is stored, and *AT is where in it the cut is; else NULL. */
static ex cut_level(struct side *s, unsigned level, struct item *items,
                    unsigned n, int64_t *at) {
  unsigned i = 0;
  int64_t before;
  bool across;
  while (i < n && *at >= items[i].times * width(items[i].what, level)) {
    *at -= items[i].times * width(items[i].what, level);
    i++;
  }
  if (i == n) {
    put_level(s, level, items, s->leftwards ? n : 0);
    *at = 0;
    return NULL;
  }
  before = *at / width(items[i].what, level);
  *at %= width(items[i].what, level);
  across = *at > 0;
  items[i].times = s->leftwards ? before : items[i].times - before - across;
  if (s->leftwards)
    put_level(s, level, items, i + (items[i].times > 0));
  else if (items[i].times > 0)
    put_level(s, level, items + i, n - i);
  else
    put_level(s, level, items + i + 1, n - i - 1);
  return across ? items[i].what : NULL;
}

/* What is on one side of element AT of SEQ. */
static bool start_side(struct side *s, ex seq, size_t at, bool leftwards) {
  int64_t where = (int64_t)at;
  ex e = seq;
  s->leftwards = leftwards;
  s->height = level_of(seq);
  for (unsigned i = 0; i <= s->height; i++)
    s->level[i].n = 0;
  while (e != NULL) {
    struct item items[SEQ_WIDTH];
    unsigned level = level_of(e);
    unsigned n;
    if (!open_node(e, items, &n))
      return false;
    e = cut_level(s, level, items, n, &where);
  }
  return true;
}

/* The lowest level above LEVEL that has items; beyond the height for none. */
static unsigned level_above(const struct side *s, unsigned level) {
  do
    level++;
  while (level <= s->height && s->level[level].n == 0);
  return level;
}

static bool has_more(const struct side *s, unsigned level) {
  return level <= s->height &&
         (s->level[level].n > 0 || level_above(s, level) <= s->height);
}

/* Takes one of the next item of LEVEL apart. */
static bool open_next(struct side *s, unsigned level) {
  struct item opened[SEQ_WIDTH];
  unsigned n;
  struct item *last = &s->level[level].item[s->level[level].n - 1];
  ex e = last->what;
  if (!open_node(e, opened, &n))
    return false;
  if (--last->times == 0)
    s->level[level].n--;
  put_level(s, level - 1, opened, n);
  return true;
}

/* The next item of LEVEL; there is one. */
static bool take(struct side *s, unsigned level, struct item *out) {
  bool fresh = s->level[level].n == 0;
  if (fresh)
    for (unsigned above = level_above(s, level); above > level; above--)
      if (!open_next(s, above))
        return false;
  *out = s->level[level].item[--s->level[level].n];
  out->begins = fresh && !s->leftwards;
  return true;
}

/* ---- Together ---- */

struct joining {
  struct side left;
  struct side right;
  struct items list; /* of this level */
  struct items next; /* of the next one */
  unsigned level;
};

/* What stands left of the list: whole parts, the first two items of which at least do
 * not change, so that the first one still begins a part; and so many that, if there are
 * more, there is another level. */
static bool take_left(struct joining *j) {
  struct side *s = &j->left;
  struct items taken = {NULL, 0, 0};
  struct items list = {NULL, 0, 0};
  struct item it;
  bool ok = true;
  while (ok && has_more(s, j->level) &&
         (taken.n <= SEQ_WIDTH || s->level[j->level].n > 0))
    ok = take(s, j->level, &it) && push(&taken, it);
  for (size_t i = taken.n; ok && i-- > 0;)
    ok = push(&list, taken.at[i]);
  for (size_t i = 0; ok && i < j->list.n; i++)
    ok = push(&list, j->list.at[i]);
  drop(&taken);
  drop(&j->list);
  j->list = list;
  return ok;
}

/* One more item from the right. */
static bool take_right(struct joining *j) {
  struct item it;
  return take(&j->right, j->level, &it) && push(&j->list, it);
}

static bool is_larger(const struct item *a, const struct item *b) {
  if (a->hash != b->hash)
    return a->hash > b->hash;
  return ex_compare(a->what, b->what) > 0;
}

/* The items from START to END become one item of the next level. */
static bool close_part(struct joining *j, size_t start, size_t end) {
  struct item it = {0, fork_of(j->list.at + start, end - start, j->level), 1,
                    false};
  if (it.what == NULL)
    return false;
  it.hash = hash_on(it.what, j->level + 1);
  return push(&j->next, it);
}

/* Whether item I is larger than both neighbours; both are in the list, or the
 * sequence ends there. */
static bool is_peak(const struct items *list, size_t i) {
  return i + 1 < list->n && is_larger(&list->at[i], &list->at[i - 1]) &&
         is_larger(&list->at[i], &list->at[i + 1]);
}

/* From START on, the cuts are those of the right sequence. */
static bool keep_cuts(struct joining *j, size_t start) {
  while (j->right.level[j->level].n > 0)
    if (!take_right(j))
      return false;
  for (size_t i = start + 1; i < j->list.n; i++)
    if (j->list.at[i].begins) {
      if (!close_part(j, start, i))
        return false;
      start = i;
    }
  return close_part(j, start, j->list.n);
}

static bool cut(struct joining *j) {
  size_t start = 0;
  for (size_t i = 1;; i++) {
    while (j->list.n < i + 2 && has_more(&j->right, j->level))
      if (!take_right(j))
        return false;
    if (i >= j->list.n)
      return close_part(j, start, j->list.n);
    if (i - start < SEQ_WIDTH && !is_peak(&j->list, i))
      continue;
    if (!close_part(j, start, i))
      return false;
    start = i;
    if (j->list.at[i].begins)
      return keep_cuts(j, start);
  }
}

/* One level: the sequence if this is the topmost one. False on failure. */
static bool join_level(struct joining *j, ex *out) {
  if (!take_left(j))
    return false;
  while (j->list.n <= SEQ_WIDTH && has_more(&j->right, j->level))
    if (!take_right(j))
      return false;
  if (j->list.n <= SEQ_WIDTH && !has_more(&j->left, j->level)) {
    *out = root_of(&j->list, j->level);
    return true;
  }
  if (j->level + 1 == SEQ_LEVELS)
    return ex_node_fail(EX_ELIMIT) != NULL;
  return cut(j);
}

/* The sides, which are large, are set by who calls. */
static void start_joining(struct joining *j) {
  j->list = (struct items){NULL, 0, 0};
  j->next = (struct items){NULL, 0, 0};
  j->level = 0;
}

static ex join(struct joining *j) {
  ex made = NULL;
  while (join_level(j, &made) && made == NULL && j->next.n > 0) {
    drop(&j->list);
    j->list = j->next;
    j->next = (struct items){NULL, 0, 0};
    j->level++;
  }
  drop(&j->list);
  drop(&j->next);
  return made;
}

/* ---- The interface ---- */

static ex checked(ex seq) {
  if (seq == NULL || ex_seq_is(seq))
    return seq;
  return ex_node_fail(EX_ETYPE);
}

static void no_side(struct side *s, bool leftwards) {
  s->leftwards = leftwards;
  s->height = 0;
  s->level[0].n = 0;
}

ex ex_seq(const ex *elements, size_t n) {
  struct joining j;
  if (!ex_seq_define())
    return ex_node_fail(EX_ETYPE);
  start_joining(&j);
  no_side(&j.left, true);
  no_side(&j.right, false);
  for (size_t i = 0; i < n; i++)
    if (elements[i] == NULL ||
        !push(&j.list,
              (struct item){hash_on(elements[i], 0), elements[i], 1, false})) {
      drop(&j.list);
      return NULL;
    }
  return join(&j);
}

/* The elements of A before the one at TO, and those of B from FROM on. */
static ex join_parts(ex a, size_t to, ex b, size_t from) {
  struct joining j;
  ex made = NULL;
  start_joining(&j);
  if (start_side(&j.left, a, to, true) && start_side(&j.right, b, from, false))
    made = join(&j);
  hc_keep(a);
  hc_keep(b);
  return made;
}

ex ex_seq_concat(ex a, ex b) {
  if (a == NULL || b == NULL || checked(a) == NULL || checked(b) == NULL)
    return NULL;
  return join_parts(a, ex_seq_size(a), b, 0);
}

ex ex_seq_slice(ex seq, size_t from, size_t to) {
  ex start;
  if (seq == NULL || checked(seq) == NULL)
    return NULL;
  if (from > to || to > ex_seq_size(seq))
    return ex_node_fail(EX_EARITY);
  start = join_parts(seq, to, seq, ex_seq_size(seq));
  if (start == NULL)
    return NULL;
  return join_parts(seq, 0, start, from);
}

ex ex_seq_splice(ex seq, size_t from, size_t to, ex with) {
  ex start;
  if (seq == NULL || with == NULL || checked(seq) == NULL ||
      checked(with) == NULL)
    return NULL;
  if (from > to || to > ex_seq_size(seq))
    return ex_node_fail(EX_EARITY);
  start = join_parts(seq, from, with, 0);
  if (start == NULL)
    return NULL;
  return join_parts(start, ex_seq_size(start), seq, to);
}

ex ex_seq_get(ex seq, size_t i) {
  int64_t at = (int64_t)i;
  if (seq == NULL || checked(seq) == NULL)
    return NULL;
  if (i >= ex_seq_size(seq))
    return ex_node_fail(EX_EARITY);
  for (unsigned level = level_of(seq);; level--) {
    struct item items[SEQ_WIDTH];
    unsigned n;
    unsigned k;
    if (!open_node(seq, items, &n))
      return NULL;
    for (k = 0; at >= items[k].times * width(items[k].what, level); k++)
      at -= items[k].times * width(items[k].what, level);
    seq = items[k].what;
    at %= width(seq, level);
    if (level == 0)
      return seq;
  }
}

int ex_seq_each(ex seq, ex_entry_fn fn, void *cd) {
  struct side s;
  struct item it;
  if (!start_side(&s, seq, 0, false))
    return -1;
  while (has_more(&s, 0)) {
    if (!take(&s, 0, &it))
      return -1;
    for (; it.times > 0; it.times--) {
      int answer = fn(it.what, NULL, cd);
      if (answer != 0)
        return answer;
    }
  }
  return 0;
}
