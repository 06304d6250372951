/* src/world/stack.c: the ranges of a thread that hold roots; blocking calls.
 * SPDX-License-Identifier: MIT
 *
 * A stack is scanned from its hot to its cold end. Four things complicate
 * that:
 *
 * Alternate signal stacks. A thread that waits on one has its frames in two
 * places: the alternate stack from its pointer up, and the ordinary stack from
 * where the signal struck. If that place is not found, the whole ordinary stack
 * is scanned.
 *
 * AddressSanitizer. It may keep locals in frames elsewhere; the frames that the
 * stack refers to are visited with it.
 *
 * Fibers. A client moves the cold end to another stack, whose low end we do not
 * know; or it forgets to, and the stack pointer is in memory of which nothing
 * is known. Then the kernel's table of mappings bounds what may be read.
 *
 * Blocking calls. A blocked thread counts as stopped at the place where it
 * blocked. If it becomes active inside, the part above that place stays a root,
 * the part between is nobody's, and a new part begins.
 *
 * Static TLS lies at the same distance from every thread's pointer; the
 * distances are learnt from the collecting thread. In threads of pthread_create
 * the blocks are inside the stack's mapping, mostly within what is scanned
 * anyway. The blocks of libraries that were loaded later lie in memory of malloc; a
 * thread has one when it has used it, and only its own vector tells where.
 */
#include "world/stack.h"

#include "base/bits.h"
#include "base/check.h"
#include "base/switches.h"
#include "world/ranges.h"
#include "world/stop.h"
#include "world/suspend.h"

static struct gc_ranges own_tls; /* blocks of the thread that prepared last */
static void *_Atomic own_tls_owner; /* its thread pointer */
static struct gc_ranges static_tls; /* distances from the thread pointer, which
                                       are negative, plus TLS_BIAS */
#define TLS_BIAS ((uintptr_t)1 << 40)
/* Modules whose blocks are made one by one, as ranges of the size of a block in an
 * address space where the module's number is the upper half. */
static struct gc_ranges dynamic_tls;
#define MODULE_SHIFT 32
static uint64_t static_tls_images; /* the loader's number they belong to */

/* ---- Ends of stacks ---- */

void gc_stack_start(void) {
  if (*gc_switches.stackbottom == NULL)
    *gc_switches.stackbottom = gc_plat_main_stack_cold_end();
}

static char *cold_end_of(const struct gc_thread *t) {
  if (t->is_main && *gc_switches.stackbottom != NULL)
    return *gc_switches.stackbottom;
  return t->stack_cold;
}

/* The low end, or null when the cold end is not on the system's stack. */
static char *low_end_of(const struct gc_thread *t) {
  char *cold = cold_end_of(t);
  return cold > t->stack_low && cold <= t->stack_top ? t->stack_low : NULL;
}

static bool is_on_known_stack(const struct gc_thread *t, const char *sp) {
  const char *low = low_end_of(t);
  return low != NULL && sp >= low && sp < cold_end_of(t);
}

void gc_stack_set_cold(struct gc_thread *thread, char *cold) {
  struct gc_thread *t = thread != NULL ? thread : gc_thread_self();
  if (t == NULL)
    return;
  if (t->is_main)
    *gc_switches.stackbottom = cold;
  t->stack_cold = cold;
  if (t->part_cold != NULL)
    t->part_cold = cold;
}

char *gc_stack_get_cold(void) {
  const struct gc_thread *t = gc_thread_self();
  char *low, *cold = NULL;
  if (t != NULL)
    return cold_end_of(t);
  if (gc_plat_is_main_thread() && *gc_switches.stackbottom != NULL)
    return *gc_switches.stackbottom;
  return gc_plat_stack_bounds(&low, &cold) ? cold : NULL;
}

/* The kernel is asked only when the pointer is not where it usually is. */
void gc_stack_publish(struct gc_thread *t, char *sp) {
  t->sp = sp;
  t->alt_low = t->alt_sp = t->alt_high = NULL;
  t->fake_stack = gc_plat_fake_stack();
  if (is_on_known_stack(t, sp) ||
      !gc_plat_on_altstack(&t->alt_low, &t->alt_high))
    return;
  t->alt_sp = sp;
  t->sp = gc_plat_altstack_interrupted_sp(t->alt_low, t->alt_high,
                                          low_end_of(t), cold_end_of(t));
}

/* ---- Visiting ---- */

struct stack_visit {
  gc_range_visitor visit;
  void *cx;
  char *lo, *hi; /* the largest piece of stack visited so far */
  void *fake_stack;
};

/* The frames of a fake stack whose addresses the true one has. */
gc_scans_memory static void visit_fake_frames(const struct stack_visit *v,
                                              char *lo, char *hi) {
  char *frame_lo, *frame_hi;
  for (; lo < hi; lo += sizeof(void *))
    if (gc_plat_fake_frame_of(v->fake_stack, *(void **)(void *)lo, &frame_lo,
                              &frame_hi))
      v->visit(frame_lo, frame_hi, v->cx);
}

static void visit_piece(struct stack_visit *v, char *lo, char *hi) {
  lo = (char *)gc_round_down((uintptr_t)lo, sizeof(void *));
  hi = (char *)gc_round_down((uintptr_t)hi, sizeof(void *));
  if (lo >= hi)
    return;
  v->visit(lo, hi, v->cx);
  if (gc_unlikely(v->fake_stack != NULL))
    visit_fake_frames(v, lo, hi);
  if (hi - lo > v->hi - v->lo) {
    v->lo = lo;
    v->hi = hi;
  }
}

/* All that is accessible below a cold end. */
static void visit_whole_stack(struct stack_visit *v, char *cold) {
  char *map_lo, *map_hi;
  if (gc_plat_mapping_of(cold - 1, &map_lo, &map_hi))
    visit_piece(v, map_lo, cold);
}

/* From a pointer into memory that we know nothing about. */
static void visit_unknown_stack(struct stack_visit *v, char *sp, char *cold) {
  char *map_lo, *map_hi;
  if (gc_plat_mapping_of(sp, &map_lo, &map_hi)) {
    if (sp < cold && cold <= map_hi) {
      visit_piece(v, sp, cold);
      return;
    }
    visit_piece(v, sp, map_hi);
  }
  visit_whole_stack(v, cold);
}

static void visit_hot_part(struct stack_visit *v, const struct gc_thread *t) {
  char *cold = t->part_cold != NULL ? t->part_cold : cold_end_of(t);
  if (t->alt_sp != NULL)
    visit_piece(v, t->alt_sp, t->alt_high);
  if (t->sp == NULL)
    visit_whole_stack(v, cold);
  else if (is_on_known_stack(t, t->sp))
    visit_piece(v, t->sp, cold);
  else
    visit_unknown_stack(v, t->sp, cold);
}

static void visit_outer_parts(struct stack_visit *v,
                              const struct gc_thread *t) {
  const struct gc_stack_segment *s;
  for (s = t->segments; s != NULL; s = s->outer)
    visit_piece(v, s->sp, s->cold != NULL ? s->cold : cold_end_of(t));
}

static void visit_words(struct stack_visit *v, char *lo, size_t bytes) {
  uintptr_t from = gc_round_up((uintptr_t)lo, sizeof(void *));
  uintptr_t to = gc_round_down((uintptr_t)lo + bytes, sizeof(void *));
  if (from < to)
    v->visit((char *)from, (char *)to, v->cx);
}

static void visit_dynamic_tls(struct stack_visit *v,
                              const struct gc_thread *t) {
  for (size_t i = 0; i < dynamic_tls.count; i++) {
    const struct gc_range *r = &dynamic_tls.at[i];
    size_t bytes = (size_t)(r->hi - r->lo);
    char *block = gc_plat_tls_block_of(t->thread_pointer,
                                       (uintptr_t)r->lo >> MODULE_SHIFT, bytes);
    if (block != NULL)
      visit_words(v, block, bytes);
  }
}

static void visit_tls(struct stack_visit *v, const struct gc_thread *t) {
  bool is_own = t == gc_thread_self();
  const struct gc_ranges *blocks = is_own ? &own_tls : &static_tls;
  if (t->thread_pointer == NULL)
    return; /* the main thread, before its first call */
  if (t->tls_low != NULL)
    v->visit(t->tls_low, t->thread_pointer, v->cx);
  uintptr_t base = is_own ? 0 : (uintptr_t)t->thread_pointer - TLS_BIAS;
  for (size_t i = 0; i < blocks->count; i++) {
    char *lo = (char *)((uintptr_t)blocks->at[i].lo + base);
    char *hi = (char *)((uintptr_t)blocks->at[i].hi + base);
    if (lo < v->lo || hi > v->hi)
      v->visit(lo, hi, v->cx);
  }
  if (!is_own)
    visit_dynamic_tls(v, t);
}

void gc_stack_each_range(struct gc_thread *thread, char *own_sp,
                         gc_range_visitor visit, void *cx) {
  struct stack_visit v = {visit, cx, NULL, NULL, NULL};
  if (thread->is_gone)
    return;
  if (thread == gc_thread_self())
    gc_stack_publish(thread, own_sp);
  v.fake_stack = thread->fake_stack;
  visit_hot_part(&v, thread);
  visit_outer_parts(&v, thread);
  visit_tls(&v, thread);
}

/* ---- Thread-local storage ---- */

static void note_tls_block(const struct gc_image_tls *tls, void *is_complete) {
  uintptr_t base = (uintptr_t)gc_plat_thread_pointer() - TLS_BIAS;
  uintptr_t lo = gc_round_up((uintptr_t)tls->lo, sizeof(void *));
  uintptr_t hi = gc_round_down((uintptr_t)tls->hi, sizeof(void *));
  bool done = gc_ranges_add(&own_tls, (char *)lo, (char *)hi);
  if (tls->is_static && lo < hi)
    done &=
        gc_ranges_add(&static_tls, (char *)(lo - base), (char *)(hi - base));
  else
    done &= gc_ranges_add(&dynamic_tls, (char *)(tls->module << MODULE_SHIFT),
                          (char *)((tls->module << MODULE_SHIFT) + tls->bytes));
  *(bool *)is_complete &= done;
}

/* A block that this thread has not touched yet may be unknown to the loader,
 * so what other collecting threads found is kept as long as the images stay. */
void gc_stack_prepare(uint64_t images) {
  bool is_complete = true;
  /* First the owner: whoever stops the world now finds that it is not he. */
  gc_store_rel(&own_tls_owner, gc_plat_thread_pointer());
  gc_ranges_clear(&own_tls);
  gc_ranges_clear(&dynamic_tls);
  if (images != static_tls_images)
    gc_ranges_clear(&static_tls);
  static_tls_images = images;
  gc_plat_each_image(NULL, note_tls_block, &is_complete);
  if (!is_complete)
    gc_fatal("no memory for the table of thread-local blocks");
}

bool gc_stack_is_prepared(void) {
  return gc_load_acq(&own_tls_owner) == gc_plat_thread_pointer();
}

/* ---- Blocking calls ---- */

struct stack_call {
  void *(*fn)(void *);
  void *arg, *result;
};

/* A stop-deferring region, so the signal handler never sees a half-made change;
 * see stop.c for the order of the last two steps. */
static void become_blocked(struct gc_thread *t) {
  /* Pairs with the stopper's look at the state. */
  gc_store_seq(&t->state, THR_BLOCKED);
  gc_stop_answer_still(t);
  gc_suspend_answer(t);
}

/* Waits until the thread may run. The list is locked on return. */
static void lock_to_run(struct gc_thread *t) {
  gc_thread_lock_list();
  while (gc_load_rlx(&t->suspension) != SUSP_NO) {
    gc_thread_unlock_list();
    gc_suspend_await_resumption(t);
    gc_thread_lock_list();
  }
}

static void become_running(struct gc_thread *t) {
  lock_to_run(t);
  gc_store_rlx(&t->state, THR_RUNNING);
  gc_thread_unlock_list();
}

static void call_blocked(void *cx, char *sp) {
  struct stack_call *call = cx;
  struct gc_thread *t = gc_thread_self();
  gc_nostop_enter();
  gc_stack_publish(t, sp);
  become_blocked(t);
  gc_nostop_leave();
  call->result = call->fn(call->arg);
  become_running(t);
}

static bool is_blocked(const struct gc_thread *t) {
  return t != NULL && gc_load_rlx(&t->state) == THR_BLOCKED;
}

void *gc_blocking_call(void *(*fn)(void *), void *arg) {
  const struct gc_thread *t = gc_thread_self();
  struct stack_call call = {fn, arg, NULL};
  if (t == NULL || is_blocked(t))
    return fn(arg);
  gc_plat_with_registers(call_blocked, &call);
  return call.result;
}

/* Not inlined: its frame is the cold end of the new part. */
gc_noinline void *gc_active_call(void *(*fn)(void *), void *arg) {
  struct gc_thread *t = gc_thread_self();
  if (!is_blocked(t))
    return fn(arg);
  struct gc_stack_segment outer = {t->segments, t->sp, t->part_cold};
  lock_to_run(t);
  t->segments = &outer;
  t->part_cold = __builtin_frame_address(0);
  gc_store_rlx(&t->state, THR_RUNNING);
  gc_thread_unlock_list();
  void *result = fn(arg);
  gc_nostop_enter();
  t->segments = outer.outer;
  t->part_cold = outer.cold;
  t->sp = outer.sp;
  t->alt_low = t->alt_sp = t->alt_high = NULL;
  become_blocked(t);
  gc_nostop_leave();
  return result;
}
