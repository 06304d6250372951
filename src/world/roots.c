/* src/world/roots.c: static roots: images, registered ranges, exclusions.
 * SPDX-License-Identifier: MIT
 *
 * Four sets. What clients added and what images hold are kept apart, so that an
 * unloaded image takes only its own ranges along; exclusions are a third, so
 * that they also hold for images read later. The fourth, which the marker
 * visits, is computed from them at each change.
 *
 * Images are read outside the roots lock, because the filter hook is user code,
 * under a lock of their own, which may be held by a thread that is stopped. The
 * thread-local blocks that are found at the same time are the calling thread's;
 * so a stop checks that it was the stopping thread which read last.
 */
#include "world/roots.h"

#include "base/bits.h"
#include "base/check.h"
#include "base/switches.h"
#include "world/ranges.h"

enum read_mode {
  ROO_NOTHING,
  ROO_PROGRAM, /* the program's own segments only */
  ROO_ALL
};

static struct gc_lock roots_lock = GC_LOCK_INIT(RANK_ROOTS);
static struct gc_ranges client_ranges;   /* [lock roots] */
static struct gc_ranges image_ranges;    /* [lock roots] */
static struct gc_ranges excluded_ranges; /* [lock roots] */
static struct gc_ranges visible_ranges;  /* [lock roots] */
static bool was_cleared;                 /* [lock roots] */
static bool must_read;                   /* [lock roots] */

/* What the last reading of images was made with. [lock images] */
static struct gc_lock images_lock = GC_LOCK_INIT(RANK_IMAGES);
static enum read_mode last_mode;
static int (*last_filter)(const char *, void *, size_t);
static uint64_t last_images;
static bool was_prepared;

/* ---- Sets ---- */

static bool compute_visible_locked(void) {
  gc_ranges_clear(&visible_ranges);
  return gc_ranges_add_all(&visible_ranges, &client_ranges) &&
         gc_ranges_add_all(&visible_ranges, &image_ranges) &&
         gc_ranges_remove_all(&visible_ranges, &excluded_ranges);
}

/* Half a set of roots would lose objects; there is nothing to go on with. */
static void compute_visible_or_die_locked(void) {
  if (!compute_visible_locked())
    gc_fatal("no memory for the table of root ranges");
}

static char *word_up(char *p) {
  return (char *)gc_round_up((uintptr_t)p, sizeof(void *));
}

static char *word_down(char *p) {
  return (char *)gc_round_down((uintptr_t)p, sizeof(void *));
}

static bool change_set(struct gc_ranges *set,
                       bool (*change)(struct gc_ranges *, char *, char *),
                       char *lo, char *hi) {
  gc_lock(&roots_lock);
  bool done = change(set, word_up(lo), word_down(hi));
  compute_visible_or_die_locked();
  gc_unlock(&roots_lock);
  return done;
}

bool gc_roots_add(char *lo, char *hi) {
  return change_set(&client_ranges, gc_ranges_add, lo, hi);
}

void gc_roots_remove(char *lo, char *hi) {
  if (!change_set(&client_ranges, gc_ranges_remove, lo, hi))
    gc_fatal("no memory for the table of root ranges");
}

bool gc_roots_exclude(char *lo, char *hi) {
  return change_set(&excluded_ranges, gc_ranges_add, lo, hi);
}

void gc_roots_clear_exclusions(void) {
  gc_lock(&roots_lock);
  gc_ranges_clear(&excluded_ranges);
  compute_visible_or_die_locked();
  gc_unlock(&roots_lock);
}

void gc_roots_clear(void) {
  gc_lock(&roots_lock);
  gc_ranges_clear(&client_ranges);
  gc_ranges_clear(&image_ranges);
  gc_ranges_clear(&visible_ranges);
  was_cleared = true;
  must_read = true;
  gc_unlock(&roots_lock);
}

size_t gc_roots_bytes(void) {
  gc_lock(&roots_lock);
  size_t bytes = gc_ranges_bytes(&visible_ranges);
  gc_unlock(&roots_lock);
  return bytes;
}

bool gc_roots_contain(const char *p) {
  gc_lock(&roots_lock);
  bool found = gc_ranges_contain(&visible_ranges, p);
  gc_unlock(&roots_lock);
  return found;
}

bool gc_roots_contain_in_image(const char *p) {
  gc_lock(&roots_lock);
  bool found = gc_ranges_contain(&image_ranges, p) &&
               !gc_ranges_contain(&client_ranges, p);
  gc_unlock(&roots_lock);
  return found;
}

/* ---- Images ---- */

struct image_reading {
  enum read_mode mode;
  int (*filter)(const char *, void *, size_t);
  struct gc_ranges found;
  bool is_short_of_memory;
};

static void read_segment(const struct gc_image_segment *s, void *cx) {
  struct image_reading *reading = cx;
  if (s->is_own || (reading->mode == ROO_PROGRAM && !s->is_program))
    return;
  if (reading->filter != NULL &&
      reading->filter(s->name, s->lo, (size_t)(s->hi - s->lo)) == 0)
    return;
  if (!gc_ranges_add(&reading->found, word_up(s->lo), word_down(s->hi)))
    reading->is_short_of_memory = true;
}

static void take_reading(struct image_reading *reading) {
  gc_lock(&roots_lock);
  struct gc_ranges old = image_ranges;
  image_ranges = reading->found;
  reading->found = old; /* its memory serves the next reading */
  must_read = false;
  compute_visible_or_die_locked();
  gc_unlock(&roots_lock);
}

static void read_images(enum read_mode mode) {
  static struct image_reading reading;
  gc_ranges_clear(&reading.found);
  reading.mode = mode;
  reading.filter = gc_hooks.has_static_roots;
  if (mode != ROO_NOTHING)
    gc_plat_each_image(read_segment, NULL, &reading);
  if (reading.is_short_of_memory)
    gc_fatal("no memory for the table of root ranges");
  take_reading(&reading);
}

static enum read_mode wanted_mode(void) {
  if (*gc_switches.no_dls == 0)
    return ROO_ALL;
  return was_cleared ? ROO_NOTHING : ROO_PROGRAM;
}

/* The number is read before the images: if they change in between, it is too
 * old, and the stop finds that out. */
static void read_again_if_needed(uint64_t images) {
  gc_lock(&roots_lock);
  enum read_mode mode = wanted_mode();
  bool is_current = was_prepared && !must_read && mode == last_mode &&
                    images == last_images &&
                    last_filter == gc_hooks.has_static_roots;
  gc_unlock(&roots_lock);
  if (!is_current) {
    last_mode = mode;
    last_images = images;
    last_filter = gc_hooks.has_static_roots;
    read_images(mode);
    was_prepared = true;
  }
}

void gc_roots_prepare(void) {
  gc_lock_stoppable(&images_lock);
  uint64_t images = gc_plat_images_generation();
  gc_stack_prepare(images);
  read_again_if_needed(images);
  gc_unlock_stoppable(&images_lock);
}

bool gc_roots_are_stale(uint64_t images) {
  return was_prepared && (images != last_images || !gc_stack_is_prepared());
}

void gc_roots_each_stopped(gc_range_visitor visit, void *cx) {
  for (size_t i = 0; i < visible_ranges.count; i++)
    visit(visible_ranges.at[i].lo, visible_ranges.at[i].hi, cx);
}

void gc_roots_start(void) { gc_roots_prepare(); }

/* ---- Fork ---- */

void gc_roots_lock_for_fork(void) {
  gc_lock_stoppable(&images_lock);
  gc_lock(&roots_lock);
}

void gc_roots_unlock_after_fork(void) {
  gc_unlock(&roots_lock);
  gc_unlock_stoppable(&images_lock);
}

void gc_roots_reset_locks(void) {
  gc_lock_reset(&roots_lock);
  gc_lock_reset(&images_lock);
}
