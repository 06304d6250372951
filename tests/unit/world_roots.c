/* tests/unit/world_roots.c: static roots. SPDX-License-Identifier: MIT
 *
 * The random test keeps client ranges and exclusions as two bitmaps over one
 * array of words; images are left out of it by no_dls and a clear.
 */
#include "unit/world.h"

#include "base/switches.h"

#include <dlfcn.h>
#include <string.h>

#define WORDS 1024u

static char *words;
static bool added[WORDS], excluded[WORDS];
static void *static_variable;
static void *const constant_table[] = {&static_variable, &words};

static void start_without_images(void) {
  start_world_layer();
  *gc_switches.no_dls = 1;
  gc_roots_clear();
  gc_roots_prepare();
  tap_eq_u(gc_roots_bytes(), 0);
  words = gc_plat_reserve(NULL, WORDS * 8);
  tap_require(words != NULL && gc_plat_commit(words, WORDS * 8));
}

static unsigned visited[WORDS];

static void note_range(char *lo, char *hi, void *cx) {
  (void)cx;
  for (char *p = lo; p < hi; p += 8)
    if (p >= words && p < words + WORDS * 8)
      visited[(p - words) / 8]++;
}

static void compare_roots(void) {
  size_t bytes = 0;
  memset(visited, 0, sizeof visited);
  gc_roots_each_stopped(note_range, NULL);
  for (unsigned i = 0; i < WORDS; i++) {
    bool want = added[i] && !excluded[i];
    bytes += want ? 8 : 0;
    if (visited[i] != want || gc_roots_contain(words + i * 8 + 3) != want)
      tap_require(!"a word differs");
  }
  tap_eq_u(gc_roots_bytes(), bytes);
}

/* Ends that are not words shrink the range; the model does the same. */
static void change_at_random(void) {
  size_t lo = tap_rand() % (WORDS * 8);
  size_t hi = lo + tap_rand() % (tap_rand() % 4 == 0 ? WORDS * 8 : 100);
  hi = hi > WORDS * 8 ? WORDS * 8 : hi;
  size_t from = (lo + 7) / 8, to = hi / 8, n = from < to ? to - from : 0;
  switch (tap_rand() % 8) {
  case 0:
    gc_roots_remove(words + lo, words + hi);
    memset(&added[from], false, n);
    break;
  case 1:
    tap_require(gc_roots_exclude(words + lo, words + hi));
    memset(&excluded[from], true, n);
    break;
  default:
    tap_require(gc_roots_add(words + lo, words + hi));
    memset(&added[from], true, n);
  }
  if (tap_rand() % 40 == 0) {
    gc_roots_clear_exclusions();
    memset(excluded, 0, sizeof excluded);
  }
  if (tap_rand() % 200 == 0) {
    gc_roots_clear();
    memset(added, 0, sizeof added);
  }
}

static void random_changes(void) {
  start_without_images();
  for (unsigned i = 0; i < (tap_long() ? 50000 : 3000); i++) {
    change_at_random();
    if (tap_rand() % 16 == 0)
      gc_roots_prepare();
    compare_roots();
  }
}

/* ---- Images ---- */

static void the_programs_data_are_roots(void) {
  start_world_layer();
  tap_check(gc_roots_contain((char *)&static_variable));
  tap_check(!gc_roots_contain((const char *)(const void *)constant_table));
  tap_check(!gc_roots_contain((char *)__builtin_frame_address(0)));
  size_t before = gc_roots_bytes();
  gc_roots_prepare();
  tap_eq_u(gc_roots_bytes(), before);
}

/* Loads an image that the program does not need. */
static void *load_image(void) {
  uint64_t before = gc_plat_images_generation();
  void *image = dlopen("libresolv.so.2", RTLD_NOW | RTLD_LOCAL);
  if (image == NULL || gc_plat_images_generation() == before)
    tap_skip("needs libresolv.so.2, not loaded yet");
  return image;
}

static void find_by_name(const struct gc_image_segment *s, void *cx) {
  if (strstr(s->name, "libresolv") != NULL)
    *(char **)cx = s->lo;
}

static char *image_data(void) {
  char *data = NULL;
  gc_plat_each_image(find_by_name, NULL, &data);
  tap_require(data != NULL);
  return data;
}

static void no_dls_leaves_the_program(void) {
  start_world_layer();
  *gc_switches.no_dls = 1;
  gc_roots_prepare();
  tap_check(gc_roots_contain((char *)&static_variable));
  size_t program_only = gc_roots_bytes();
  *gc_switches.no_dls = 0;
  gc_roots_prepare();
  tap_ge(gc_roots_bytes(), program_only + 1);
}

static void a_clear_forgets_for_good_with_no_dls(void) {
  start_world_layer();
  *gc_switches.no_dls = 1;
  tap_require(gc_roots_add((char *)&words, (char *)(&words + 1)));
  gc_roots_clear();
  tap_eq_u(gc_roots_bytes(), 0);
  gc_roots_prepare();
  tap_eq_u(gc_roots_bytes(), 0);
  tap_require(gc_roots_add((char *)&words, (char *)(&words + 1)));
  gc_roots_prepare();
  tap_eq_u(gc_roots_bytes(), sizeof words);
}

static void a_clear_lets_images_be_read_again(void) {
  start_world_layer();
  size_t before = gc_roots_bytes();
  gc_roots_clear();
  tap_eq_u(gc_roots_bytes(), 0);
  gc_roots_prepare();
  tap_eq_u(gc_roots_bytes(), before);
  tap_check(gc_roots_contain((char *)&static_variable));
}

static void exclusions_hold_for_images(void) {
  start_world_layer();
  char *p = (char *)&static_variable;
  tap_require(gc_roots_exclude(p, p + 8));
  tap_check(!gc_roots_contain(p));
  gc_roots_clear();
  gc_roots_prepare();
  tap_check(!gc_roots_contain(p));
  gc_roots_clear_exclusions();
  tap_check(gc_roots_contain(p));
}

static void removing_a_range_keeps_the_images(void) {
  start_world_layer();
  char *p = (char *)&static_variable;
  tap_require(gc_roots_add(p, p + 8));
  gc_roots_remove(p, p + 8);
  tap_check(gc_roots_contain(p));
}

static void loaded_images_come_and_go(void) {
  start_world_layer();
  void *image = load_image();
  char *p = image_data();
  tap_check(!gc_roots_contain(p));
  gc_roots_prepare();
  tap_check(gc_roots_contain(p));
  tap_require(gc_roots_add(p, p + 8));
  dlclose(image);
  gc_roots_prepare();
  tap_eq_u(gc_roots_contain(p), 1);
  gc_roots_remove(p, p + 8);
  tap_check(!gc_roots_contain(p));
}

/* The image appears after the roots were read and before the world stands. */
static void a_stop_notices_new_images(void) {
  start_world_layer();
  gc_roots_prepare();
  void *image = load_image();
  char *p = image_data();
  stop_all();
  tap_check(gc_world_is_stopped());
  start_all();
  tap_check(gc_roots_contain(p));
  dlclose(image);
  stop_all();
  start_all();
  tap_check(!gc_roots_contain(p));
}

/* ---- Two threads that read ---- */

static void *prepare_elsewhere(void *arg) {
  gc_roots_prepare();
  tap_check(gc_stack_is_prepared());
  return arg;
}

static void the_stopping_thread_reads_last(void) {
  pthread_t thread;
  start_world_layer();
  gc_roots_prepare();
  tap_check(gc_stack_is_prepared());
  pthread_create(&thread, NULL, prepare_elsewhere, NULL);
  pthread_join(thread, NULL);
  tap_check(!gc_stack_is_prepared());
  stop_all();
  tap_check(gc_stack_is_prepared());
  start_all();
}

/* ---- The filter ---- */

static unsigned filter_calls;

static int refuse_libraries(const char *image, void *section, size_t bytes) {
  filter_calls++;
  tap_check(section != NULL && bytes > 0);
  return image[0] == '\0';
}

static void the_filter_is_asked(void) {
  start_world_layer();
  size_t all = gc_roots_bytes();
  gc_hooks.has_static_roots = refuse_libraries;
  gc_roots_prepare();
  tap_check(filter_calls > 0);
  tap_check(gc_roots_contain((char *)&static_variable));
  tap_le(gc_roots_bytes(), all - 1);
  gc_hooks.has_static_roots = NULL;
  gc_roots_prepare();
  tap_eq_u(gc_roots_bytes(), all);
}

TAP_MAIN(TAP_CASE_T(random_changes, 120), TAP_CASE(the_programs_data_are_roots),
         TAP_CASE(no_dls_leaves_the_program),
         TAP_CASE(a_clear_forgets_for_good_with_no_dls),
         TAP_CASE(a_clear_lets_images_be_read_again),
         TAP_CASE(exclusions_hold_for_images),
         TAP_CASE(removing_a_range_keeps_the_images),
         TAP_CASE(loaded_images_come_and_go),
         TAP_CASE(a_stop_notices_new_images),
         TAP_CASE(the_stopping_thread_reads_last),
         TAP_CASE(the_filter_is_asked))
