/* tests/api/cpp.cc: operators new and delete, allocators of containers. SPDX-License-Identifier: MIT */

/*
 * Contract: with libgccpp, new gives scanned memory that lives until delete;
 * containers with gc_allocator keep what they hold alive and are collected;
 * with traceable_allocator they do so from anywhere.
 */
#include <gc/gc.h>
#include <gc/gc_allocator.h>
#include <gc/gc_inline.h>
#include <gc/gc_mark.h>

#include <cstdlib>
#include <list>
#include <map>
#include <new>
#include <vector>

#include "lib/gcutil.h"
#include "lib/tap.h"

namespace {

constexpr size_t N = 1000, BYTES = 40;

void *child(size_t i) {
  void *p = GC_malloc_atomic(BYTES);
  gu_fill(p, BYTES, i);
  return p;
}

struct holder {
  void *first, *second;
};

uintptr_t hidden[N];

void skip_where_new_is_another() {
  if (TAP_ASAN || TAP_TSAN)
    tap_skip("the sanitiser has an operator new of its own");
}

void new_gives_scanned_memory() {
  skip_where_new_is_another();
  GC_INIT();
  for (size_t i = 0; i < N; i++) {
    holder *h = i % 2 ? new holder : new holder[3];
    h->second = child(i);
    hidden[i] = gu_hide(h);
  }
  gu_collect();
  for (size_t i = 0; i < 10 * N; i++)
    child(i);
  for (size_t i = 0; i < N; i++) {
    holder *h = static_cast<holder *>(gu_reveal(hidden[i]));
    tap_require(GC_base(h) == h);
    tap_require(gu_is_intact(h->second, BYTES, i));
    if (i % 2)
      delete h;
    else
      delete[] h;
  }
}

void *no_memory(size_t) { return nullptr; }

void without_memory_bad_alloc_is_thrown() {
  skip_where_new_is_another();
  volatile size_t huge = static_cast<size_t>(1) << 62;
  bool was_thrown = false;
  GC_INIT();
  GC_set_oom_fn(no_memory);
  try {
    void *volatile p = ::operator new(huge);
    tap_check(p == nullptr);
  } catch (const std::bad_alloc &) {
    was_thrown = true;
  }
  tap_check(was_thrown);
  was_thrown = false;
  try {
    gc_allocator<long>().allocate(huge / 16);
  } catch (const std::bad_alloc &) {
    was_thrown = true;
  }
  tap_check(was_thrown);
}

using vector = std::vector<void *, gc_allocator<void *>>;

void containers_keep_what_they_hold() {
  GC_INIT();
  vector v;
  std::list<void *, gc_allocator_ignore_off_page<void *>> l;
  for (size_t i = 0; i < N; i++) {
    v.push_back(child(i));
    l.push_back(child(i));
    if (i % 100 == 0)
      gu_collect();
  }
  size_t i = 0;
  for (void *p : l) {
    tap_require(gu_is_intact(p, BYTES, i) && gu_is_intact(v[i], BYTES, i));
    i++;
  }
  gc_allocator<int> a;
  gc_allocator<char> b(a);
  tap_check(a == b && !(a != b));
  tap_eq_u(
      static_cast<size_t>(GC_get_kind_and_size(GC_base(v.data()), nullptr)),
      GC_I_NORMAL);
  std::vector<int, gc_allocator<int>> numbers(100);
  tap_eq_u(static_cast<size_t>(
               GC_get_kind_and_size(GC_base(numbers.data()), nullptr)),
           GC_I_PTRFREE);
}

void traceable_containers_lie_anywhere() {
  using tree = std::map<size_t, void *, std::less<size_t>,
                        traceable_allocator<std::pair<const size_t, void *>>>;
  GC_INIT();
  /* Where the collector does not look, but for the nodes. */
  tree *t = new (std::malloc(sizeof(tree))) tree;
  hidden[0] = gu_hide(t);
  for (size_t i = 0; i < N; i++)
    (*t)[i] = child(i);
  t = nullptr;
  gu_collect();
  for (size_t i = 0; i < 10 * N; i++)
    child(i);
  t = static_cast<tree *>(gu_reveal(hidden[0]));
  for (size_t i = 0; i < N; i++)
    tap_require(gu_is_intact((*t)[i], BYTES, i));
}

} // namespace

TAP_MAIN(TAP_CASE(new_gives_scanned_memory),
         TAP_CASE(without_memory_bad_alloc_is_thrown),
         TAP_CASE(containers_keep_what_they_hold),
         TAP_CASE(traceable_containers_lie_anywhere))
