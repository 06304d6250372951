/* tests/unit/plat_images.c: what the loader has mapped. SPDX-License-Identifier: MIT
 */
#include "plat/plat.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

#include "lib/tap.h"

static void *zero_variable;
static void *set_variable = &zero_variable;
static void *const relocated_table[] = {&zero_variable, &set_variable};
static const char constant[] = "constant";
static __thread long thread_variable = 1;
static __thread long thread_zero[64];

struct search {
  const char *address;
  bool is_found, is_program, is_static;
  unsigned count, programs, owns;
};

static void look_at_segment(const struct gc_image_segment *s, void *cx) {
  struct search *search = cx;
  tap_check(s->lo < s->hi && s->name != NULL);
  search->count++;
  search->programs += s->is_program;
  search->owns += s->is_own;
  tap_check(!s->is_program || s->name[0] == '\0');
  if (search->address >= s->lo && search->address < s->hi) {
    search->is_found = true;
    search->is_program = s->is_program;
  }
}

static struct search find_segment(const void *address) {
  struct search search = {.address = address};
  gc_plat_each_image(look_at_segment, NULL, &search);
  return search;
}

static void writable_data_are_found(void) {
  struct search search = find_segment(&zero_variable);
  tap_check(search.is_found && search.is_program);
  tap_check(find_segment(&set_variable).is_found);
  tap_ge(search.programs, 1);
  tap_ge(search.count, search.programs + 1);
  tap_eq_u(search.owns, 0);
}

static void constants_are_not(void) {
  tap_check(!find_segment(relocated_table).is_found);
  tap_check(!find_segment(constant).is_found);
  tap_check(!find_segment((void *)(uintptr_t)find_segment).is_found);
  int local;
  tap_check(!find_segment(&local).is_found);
}

gc_scans_memory static void
read_segment_at_intervals(const struct gc_image_segment *s, void *sum) {
  for (volatile char *p = s->lo; p < s->hi; p += 256)
    *(uint64_t *)sum += (unsigned char)*p;
}

static void segments_are_readable(void) {
  uint64_t sum = 0;
  gc_plat_each_image(read_segment_at_intervals, NULL, &sum);
  tap_check(sum > 0);
}

/* Writable data of an image that the program does not need. */
static void find_by_name(const struct gc_image_segment *s, void *cx) {
  if (strstr(s->name, "libresolv") != NULL)
    *(char **)cx = s->lo;
}

static void loading_changes_the_number(void) {
  char *data = NULL;
  uint64_t before = gc_plat_images_generation();
  tap_eq_u(gc_plat_images_generation(), before);
  void *image = dlopen("libresolv.so.2", RTLD_NOW | RTLD_LOCAL);
  if (image == NULL)
    tap_skip("no libresolv.so.2 here");
  gc_plat_each_image(find_by_name, NULL, &data);
  uint64_t loaded = gc_plat_images_generation();
  if (loaded == before)
    tap_skip("the library was loaded already");
  struct search search = find_segment(data);
  tap_check(search.is_found && !search.is_program);
  dlclose(image);
  tap_check(gc_plat_images_generation() != loaded);
  tap_check(!find_segment(data).is_found);
}

/* ---- With the list locked ---- */

static unsigned locked_calls;

static void read_again_inside(uint64_t generation, void *cx) {
  locked_calls++;
  tap_eq_u(generation, gc_plat_images_generation());
  tap_check(find_segment(cx).is_found);
}

static void the_list_can_be_read_while_locked(void) {
  gc_plat_with_images_locked(read_again_inside, &zero_variable);
  tap_eq_u(locked_calls, 1);
}

/* ---- Thread-local storage ---- */

static void look_at_block(const struct gc_image_tls *tls, void *cx) {
  struct search *search = cx;
  search->count++;
  if (search->address >= tls->lo && search->address < tls->hi) {
    search->is_found = true;
    search->is_static = tls->is_static;
  }
}

static struct search find_block(const void *address) {
  struct search search = {.address = address};
  gc_plat_each_image(NULL, look_at_block, &search);
  return search;
}

static void *own_blocks_are_found(void *arg) {
  tap_check(find_block(&thread_variable).is_found);
  tap_check(find_block(&thread_variable).is_static);
  tap_check(find_block(&thread_zero[63]).is_found);
  if (arg != NULL)
    tap_check(!find_block(arg).is_found);
  return NULL;
}

static void thread_blocks_are_found(void) {
  pthread_t thread;
  own_blocks_are_found(NULL);
  pthread_create(&thread, NULL, own_blocks_are_found, &thread_variable);
  pthread_join(thread, NULL);
}

TAP_MAIN(TAP_CASE(writable_data_are_found), TAP_CASE(constants_are_not),
         TAP_CASE(segments_are_readable), TAP_CASE(loading_changes_the_number),
         TAP_CASE(the_list_can_be_read_while_locked),
         TAP_CASE(thread_blocks_are_found))
