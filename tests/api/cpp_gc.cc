/* tests/api/cpp_gc.cc: classes gc and gc_cleanup, operators new with placements. SPDX-License-Identifier: MIT */

/*
 * Contract: objects of classes derived from gc die when nothing refers to them;
 * destructors of those derived from gc_cleanup and clean-up functions are called
 * once, in the order of ordered finalisers; delete does both at once. It is
 * compiled twice, the second time with GC_DEBUG.
 */
#define GC_ATOMIC_UNCOLLECTABLE
#include <gc/gc_allocator.h>
#include <gc/gc_cpp.h>
#include <gc/gc_mark.h>

#include <cstdint>
#include <cstring>
#include <new>
#include <stdexcept>
#include <vector>

#include "lib/gcutil.h"
#include "lib/tap.h"

namespace {

constexpr std::size_t N = 500, BYTES = 40;

uintptr_t hidden[N];
unsigned ran[3 * N];

/* Where the collector does not look: counters belong to ids. */
std::size_t count_ran(std::size_t from, std::size_t to) {
  std::size_t n = 0;
  for (std::size_t i = from; i < to; i++)
    n += ran[i] != 0;
  return n;
}

void check_most_ran(std::size_t from, std::size_t to) {
  tap_ge(count_ran(from, to), (to - from) * 95 / 100);
}

void check_few_ran(std::size_t from, std::size_t to) {
  tap_le(count_ran(from, to), (to - from) * 5 / 100);
}

void check_once() {
  for (unsigned times : ran)
    tap_require(times <= 1);
}

void *child(std::size_t i) {
  void *p = GC_malloc_atomic(BYTES);
  gu_fill(p, BYTES, i);
  return p;
}

void overwrite_what_is_free() {
  for (std::size_t i = 0; i < 20 * N; i++)
    std::memset(GC_malloc(BYTES), 0x7f, BYTES);
}

/* ---- Class gc ---- */

struct plain : public gc {
  void *first, *second;
  explicit plain(void *p) : first(nullptr), second(p) {}
};

plain *volatile keep[N];

void make_plain(void *) {
  for (std::size_t i = 0; i < N; i++) {
    keep[i] = new plain(child(i));
    plain *dropped = i % 2 ? new plain(nullptr) : new (GC) plain(nullptr);
    hidden[i] = gu_hide(GC_base(dropped));
  }
}

void objects_of_class_gc_are_collected() {
  GC_INIT();
  gu_apart(make_plain, nullptr);
  gu_collect();
  gu_check_most_dead(hidden, N, "dropped objects of class gc");
  overwrite_what_is_free();
  for (std::size_t i = 0; i < N; i++) {
    tap_require(gu_is_intact(keep[i]->second, BYTES, i));
    delete keep[i];
  }
}

int kind_of(const void *p) {
  return GC_get_kind_and_size(GC_base(const_cast<void *>(p)), nullptr);
}

void make_uncollectable(void *) {
  for (std::size_t i = 0; i < N; i++) {
    plain *p = new (NoGC) plain(child(i));
    hidden[i] = gu_hide(p);
  }
}

void without_collector_objects_stay() {
  GC_INIT();
  gu_apart(make_uncollectable, nullptr);
  gu_collect();
  overwrite_what_is_free();
  for (std::size_t i = 0; i < N; i++) {
    plain *p = static_cast<plain *>(gu_reveal(hidden[i]));
    tap_require(gu_is_intact(p->second, BYTES, i));
    delete p;
  }
}

/* Objects with sites have kinds of their own, but of one sort one kind. */
void placements_choose_the_kind() {
  GC_INIT();
  const void *normal = GC_MALLOC(8), *leaf = GC_MALLOC_ATOMIC(8);
  tap_check(kind_of(new plain(nullptr)) == kind_of(normal));
  tap_check(kind_of(new (UseGC) plain(nullptr)) == kind_of(normal));
  tap_check(kind_of(new (PointerFreeGC) plain(nullptr)) == kind_of(leaf));
  tap_check(kind_of(new (GC) long) == kind_of(normal));
  tap_check(kind_of(new (GC) long[10]) == kind_of(normal));
  tap_check(kind_of(new (PointerFreeGC) long) == kind_of(leaf));
  tap_check(kind_of(new (PointerFreeGC) long[10]) == kind_of(leaf));
  tap_check(kind_of(new (NoGC) long) == kind_of(GC_MALLOC_UNCOLLECTABLE(8)));
  tap_check(kind_of(new (PointerFreeNoGC) long[10]) ==
            kind_of(GC_MALLOC_ATOMIC_UNCOLLECTABLE(8)));
  tap_check(kind_of(new (PointerFreeNoGC) plain(nullptr)) ==
            kind_of(GC_MALLOC_ATOMIC_UNCOLLECTABLE(8)));
}

void arrays_and_addresses() {
  struct item : public gc {
    void *p;
    item() : p(this) {}
  };
  GC_INIT();
  item *items = new item[20];
  tap_check(GC_base(items) != nullptr);
  tap_check(items[19].p == items + 19);
  delete[] items;
  items = new (NoGC) item[3];
  tap_check(items[2].p == items + 2);
  delete[] items;
  alignas(item) char memory[2 * sizeof(item)];
  tap_check(static_cast<void *>(new (static_cast<void *>(memory)) item) ==
            memory);
  tap_check(GC_base(memory) == nullptr);
}

/* ---- Class gc_cleanup ---- */

struct counted : public gc_cleanup {
  std::size_t id;
  counted *next;
  void *data;
  explicit counted(std::size_t i, counted *n = nullptr)
      : id(i), next(n), data(child(i)) {}
  counted(const counted &) = default;
  counted &operator=(const counted &) = default;
  ~counted() override { ran[id] += gu_is_intact(data, BYTES, id) ? 1u : 100u; }
};

struct derived : public counted {
  void *more;
  explicit derived(std::size_t i) : counted(i), more(child(i + N)) {}
  ~derived() override {
    ran[id + N] += gu_is_intact(more, BYTES, id + N) ? 1u : 100u;
  }
};

void make_counted(void *) {
  for (std::size_t i = 0; i < N; i++)
    new derived(i);
}

void destructors_are_called() {
  GC_INIT();
  gu_apart(make_counted, nullptr);
  gu_collect();
  check_most_ran(0, N);
  for (std::size_t i = 0; i < N; i++)
    tap_require(ran[i] == ran[i + N]);
  gu_collect();
  check_once();
}

void make_chains(void *) {
  for (std::size_t i = 0; i < N; i++)
    new counted(i, new counted(i + N));
}

void what_refers_goes_first() {
  GC_INIT();
  gu_apart(make_chains, nullptr);
  gu_collect();
  check_most_ran(0, N);
  check_few_ran(N, 2 * N);
  gu_collect();
  check_most_ran(N, 2 * N);
  check_once();
}

void make_loops(void *) {
  for (std::size_t i = 0; i < N; i++) {
    counted *loop = new counted(i);
    loop->next = loop;
  }
}

void references_to_oneself_do_not_count() {
  GC_INIT();
  gu_apart(make_loops, nullptr);
  gu_collect();
  check_most_ran(0, N);
  check_once();
}

void delete_by_hand(void *) {
  for (std::size_t i = 0; i < N; i++)
    delete new counted(i);
  check_most_ran(0, N);
}

void delete_destroys_at_once() {
  GC_INIT();
  gu_apart(delete_by_hand, nullptr);
  for (std::size_t i = 0; i < N; i++)
    tap_require(ran[i] == 1);
  gu_collect();
  gu_collect();
  check_once();
}

/* A member and a second base lie inside the object. */
struct with_member : public gc {
  char filler[40];
  counted member;
  explicit with_member(std::size_t i) : filler(), member(i) {}
};

struct tag {
  char text[24];
  virtual ~tag() {}
};

struct second_base : public tag, public counted {
  explicit second_base(std::size_t i) : tag(), counted(i) {}
};

struct both : public counted {
  counted member; /* is destroyed by its owner */
  explicit both(std::size_t i) : counted(i), member(i + N) {}
};

void make_inner(void *) {
  for (std::size_t i = 0; i < N; i++) {
    if (i % 2)
      new with_member(i);
    else
      new second_base(i);
    new both(i + N);
  }
}

void objects_inside_others_are_destroyed() {
  GC_INIT();
  gu_apart(make_inner, nullptr);
  gu_collect();
  gu_collect();
  check_most_ran(0, N);
  check_most_ran(N, 3 * N);
  check_once();
}

void elsewhere_only_the_language_destroys() {
  GC_INIT();
  static counted forever(0);
  {
    counted local(1);
    gu_collect();
    tap_check(ran[1] == 0);
  }
  tap_check(ran[1] == 1);
  counted *by_hand = new (NoGC) counted(2);
  hidden[0] = gu_hide(by_hand);
  by_hand = nullptr;
  gu_collect();
  tap_check(ran[2] == 0);
  delete static_cast<counted *>(gu_reveal(hidden[0]));
  tap_check(ran[2] == 1);
  gu_collect();
  tap_check(ran[0] == 0);
  check_once();
}

void make_copies(void *) {
  counted original(0);
  for (std::size_t i = 0; i < N; i++) {
    counted *copy = new counted(original);
    *copy = original;
    copy->id = i + N;
    copy->data = child(i + N);
  }
}

void copies_are_destroyed_too() {
  GC_INIT();
  gu_apart(make_copies, nullptr);
  gu_collect();
  check_most_ran(N, 2 * N);
  check_once();
}

/* ---- Constructors that throw ---- */

struct throwing : public counted {
  explicit throwing(std::size_t i) : counted(i) {
    throw std::runtime_error("no");
  }
};

struct throwing_plain : public gc {
  throwing_plain() { throw std::runtime_error("no"); }
};

struct throwing_other {
  long number;
  throwing_other() : number(0) { throw std::runtime_error("no"); }
};

void count_clean_up(void *, void *id) {
  ran[reinterpret_cast<std::size_t>(id)]++;
}

template <class F> void check_throws(F make) {
  bool was_thrown = false;
  try {
    make();
  } catch (const std::runtime_error &) {
    was_thrown = true;
  }
  tap_require(was_thrown);
}

void throw_much(void *) {
  for (std::size_t i = 0; i < N; i++) {
    check_throws([i] { new throwing(i); });
    check_throws([i] { new (GC) throwing(i + N); });
    check_throws([] { new (NoGC) throwing_plain; });
    check_throws([] { new throwing_plain[2]; });
    check_throws([] { new (GC) throwing_other; });
  }
}

/* The base was made and is destroyed by the language, and that is all. */
void constructors_may_throw() {
  GC_INIT();
  gu_apart(throw_much, nullptr);
  for (std::size_t i = 0; i < 2 * N; i++)
    tap_require(ran[i] == 1);
  gu_collect();
  gu_collect();
  check_once();
}

/* ---- Clean-up functions ---- */

void throw_with_clean_up(void *) {
  for (std::size_t i = 0; i < N; i++)
    check_throws([i] {
      new (GC, count_clean_up, reinterpret_cast<void *>(i)) throwing_other;
    });
}

void what_was_not_made_is_not_cleaned_up() {
  GC_INIT();
  gu_apart(throw_with_clean_up, nullptr);
  gu_collect();
  gu_collect();
  tap_eq_u(count_ran(0, N), 0);
}

void make_with_clean_up(void *) {
  for (std::size_t i = 0; i < N; i++) {
    void **p = new (GC, count_clean_up, reinterpret_cast<void *>(i)) void *;
    *p = p;
    long *array =
        new (UseGC, count_clean_up, reinterpret_cast<void *>(i + N)) long[5];
    array[4] = 1;
    new (NoGC, count_clean_up, reinterpret_cast<void *>(i + 2 * N)) long;
  }
}

void clean_up_functions_are_called() {
  GC_INIT();
  gu_apart(make_with_clean_up, nullptr);
  gu_collect();
  check_most_ran(0, 2 * N);
  gu_collect();
  tap_eq_u(count_ran(2 * N, 3 * N), 0);
  check_once();
}

std::size_t n_wrong, n_right;

void check_object(void *object, void *data) {
  bool is_right = data == &n_right && gu_is_intact(object, BYTES, BYTES) &&
#ifdef GC_DEBUG
                  GC_USR_PTR_FROM_BASE(GC_base(object)) == object;
#else
                  GC_base(object) == object;
#endif
  (is_right ? n_right : n_wrong)++;
}

struct bytes {
  char text[BYTES];
};

void make_checked(void *) {
  for (std::size_t i = 0; i < N; i++)
    gu_fill(new (GC, check_object, &n_right) bytes, BYTES, BYTES);
}

void clean_up_functions_get_the_object() {
  GC_INIT();
  gu_apart(make_checked, nullptr);
  gu_collect();
  tap_ge(n_right, N * 95 / 100);
  tap_eq_u(n_wrong, 0);
}

/* ---- No memory ---- */

void *no_memory(size_t) { return nullptr; }

template <class F> void check_no_memory(F make) {
  bool was_thrown = false;
  try {
    make();
  } catch (const std::bad_alloc &) {
    was_thrown = true;
  }
  tap_check(was_thrown);
}

void without_memory_bad_alloc_is_thrown() {
  volatile std::size_t huge = static_cast<std::size_t>(1) << 62;
  GC_INIT();
  GC_set_oom_fn(no_memory);
  check_no_memory([=] { new (GC) char[huge]; });
  check_no_memory([=] { new (NoGC) char[huge]; });
  check_no_memory([=] { new (PointerFreeGC) char[huge]; });
  check_no_memory([=] { new (GC, count_clean_up) char[huge]; });
  check_no_memory([=] { gc::operator new(huge); });
  check_no_memory([] { GC_throw_bad_alloc(); });
  check_no_memory([=] { gc_allocator<char>().allocate(huge); });
  check_no_memory([=] { gc_allocator_ignore_off_page<char>().allocate(huge); });
  check_no_memory([=] { traceable_allocator<char>().allocate(huge); });
}

/* ---- Containers ---- */

struct pair_of_numbers {
  long a, b;
};

} // namespace

GC_DECLARE_PTRFREE(pair_of_numbers);

namespace {

void types_may_be_declared_free_of_pointers() {
  GC_INIT();
  const void *normal = GC_MALLOC(8), *leaf = GC_MALLOC_ATOMIC(8);
  std::vector<pair_of_numbers, gc_allocator<pair_of_numbers>> pairs(10);
  std::vector<plain *, gc_allocator_ignore_off_page<plain *>> plains(10);
  std::vector<double, gc_allocator_ignore_off_page<double>> numbers(10);
  std::vector<long, traceable_allocator<long>> kept(10);
  tap_check(kind_of(pairs.data()) == kind_of(leaf));
  tap_check(kind_of(plains.data()) == kind_of(normal));
  tap_check(kind_of(numbers.data()) == kind_of(leaf));
  tap_check(kind_of(kept.data()) == kind_of(GC_MALLOC_UNCOLLECTABLE(8)));
  gc_allocator<long>::rebind<int>::other ints;
  tap_check(ints == gc_allocator<long>(ints));
}

} // namespace

TAP_MAIN(TAP_CASE(objects_of_class_gc_are_collected),
         TAP_CASE(without_collector_objects_stay),
         TAP_CASE(placements_choose_the_kind), TAP_CASE(arrays_and_addresses),
         TAP_CASE(destructors_are_called), TAP_CASE(what_refers_goes_first),
         TAP_CASE(references_to_oneself_do_not_count),
         TAP_CASE(delete_destroys_at_once),
         TAP_CASE(objects_inside_others_are_destroyed),
         TAP_CASE(elsewhere_only_the_language_destroys),
         TAP_CASE(copies_are_destroyed_too), TAP_CASE(constructors_may_throw),
         TAP_CASE(what_was_not_made_is_not_cleaned_up),
         TAP_CASE(clean_up_functions_are_called),
         TAP_CASE(clean_up_functions_get_the_object),
         TAP_CASE(without_memory_bad_alloc_is_thrown),
         TAP_CASE(types_may_be_declared_free_of_pointers))
