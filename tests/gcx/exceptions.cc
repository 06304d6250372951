/* tests/gcx/exceptions.cc: C++ exceptions that leave a notifier. SPDX-License-Identifier: MIT */

/*
 * Contract: an exception that leaves a notifier on a notifier thread costs its
 * object: what the frames in between own is destroyed, the exception as well, the
 * client is told, and the thread goes on. An end of the thread is none of them.
 * Where an allocating thread calls the notifier, the process ends with a message.
 */
#ifndef GC_THREADS
#define GC_THREADS
#endif
#define GC_NO_THREAD_REDIRECTS
#include <gc/gc.h>
#include <gcx/reclaim.h>

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include <atomic>
#include <exception>
#include <stdexcept>
#include <string>

#include "lib/gcutil.h"
#include "lib/tap.h"

namespace {

constexpr size_t N = 1000, EVERY = 10;
constexpr unsigned PATIENCE_MS = 50000;

std::atomic<size_t> n_called, n_guards, n_exceptions, n_told, n_strange;
std::atomic<size_t> n_still_in_flight;
pthread_t first_thread;

/* Counts those that exist. */
struct guard {
  guard() { n_guards++; }
  ~guard() { n_guards--; }
  guard(const guard &) = delete;
  guard &operator=(const guard &) = delete;
};

struct own_exception : std::runtime_error {
  explicit own_exception(const std::string &text) : std::runtime_error(text) {
    n_exceptions++;
  }
  own_exception(const own_exception &other) : std::runtime_error(other) {
    n_exceptions++;
  }
  ~own_exception() override { n_exceptions--; }
};

/* ---- Ways to throw ---- */

void throw_object() { throw own_exception(std::string(100, 'x')); }

void throw_number() { throw 42; }

void throw_again() {
  guard g;
  try {
    throw_object();
  } catch (const own_exception &) {
    guard h;
    throw;
  }
}

void throw_nested() {
  try {
    throw_object();
  } catch (...) {
    std::throw_with_nested(own_exception("outer"));
  }
}

void throw_shared() {
  std::exception_ptr p;
  try {
    throw_object();
  } catch (...) {
    p = std::current_exception();
  }
  std::rethrow_exception(p);
}

void leave_thread() {
  guard g;
  pthread_exit(nullptr);
}

/* ---- Notifiers ---- */

typedef void (*throw_fn)();

void note_call() {
  n_called++;
  if (std::uncaught_exceptions() != 0)
    n_still_in_flight++;
  if (!gcx_in_notifier())
    n_strange++;
}

bool is_unlucky(const void *object) {
  return *static_cast<const size_t *>(object) % EVERY == 0;
}

gcx_verdict GC_CALLBACK throw_sometimes(void *object, size_t, void *cd) {
  guard g;
  note_call();
  if (is_unlucky(object))
    reinterpret_cast<throw_fn>(cd)();
  return GCX_DONE;
}

gcx_verdict GC_CALLBACK keep_and_throw(void *object, size_t, void *cd) {
  size_t &serial = *static_cast<size_t *>(object);
  note_call();
  if (is_unlucky(object)) {
    serial++;
    if (gcx_keep(object) != 1)
      n_strange++;
    throw_object();
  }
  static_cast<std::atomic<size_t> *>(cd)->fetch_add(1);
  return GCX_DONE;
}

gcx_verdict GC_CALLBACK catch_own(void *object, size_t, void *) {
  note_call();
  try {
    if (is_unlucky(object))
      throw_again();
  } catch (const own_exception &) {
  }
  return GCX_DONE;
}

/* ---- Making deaths ---- */

void GC_CALLBACK on_event(gcx_event event, void *object, const char *name) {
  if (event != GCX_EVENT_LOST || object == nullptr ||
      strcmp(name, "unlucky") != 0)
    n_strange++;
  n_told++;
}

void begin(gcx_event_fn fn) {
  GC_INIT();
  gcx_finaliser_opts opts = {};
  opts.struct_size = sizeof opts;
  opts.stuck_ms = 600000;
  opts.on_event = fn;
  tap_eq_u(gcx_finaliser_config(&opts), 0);
}

gcx_kind *new_kind(gcx_notify_fn notify, void *cd, gcx_refs refs,
                   gcx_mode mode) {
  gcx_kind_opts opts = {};
  int error = 0;
  opts.struct_size = sizeof opts;
  opts.name = "unlucky";
  opts.notify = notify;
  opts.cd = cd;
  opts.refs = refs;
  opts.mode = mode;
  gcx_kind *kind = gcx_kind_new(&opts, &error);
  tap_require(kind != nullptr);
  return kind;
}

void *allocate(void *kind) {
  for (size_t i = 0; i < N; i++) {
    void *p = gcx_kind_alloc(static_cast<gcx_kind *>(kind), 48);
    tap_require(p != nullptr);
    *static_cast<size_t *>(p) = i;
  }
  return nullptr;
}

/* In a thread that ends, so that no stack remembers them. */
void make(gcx_kind *kind) {
  pthread_t t;
  tap_require(GC_pthread_create(&t, nullptr, allocate, kind) == 0);
  tap_eq_u(GC_pthread_join(t, nullptr), 0);
}

void settle() {
  gu_collect();
  tap_eq_u(gcx_drain(PATIENCE_MS), 0);
}

gcx_finaliser_stats stats() {
  gcx_finaliser_stats s = {};
  s.struct_size = sizeof s;
  gcx_get_finaliser_stats(&s);
  return s;
}

/* The event comes a little later. */
void wait_for_events(size_t n) {
  for (int i = 0; i < 5000 && n_told < n; i++) {
    timespec t = {0, 10000000};
    nanosleep(&t, nullptr);
  }
  tap_eq_u(n_told.load(), n);
}

void check_nothing_is_left() {
  tap_eq_u(n_guards.load(), 0);
  tap_eq_u(n_exceptions.load(), 0);
  tap_eq_u(n_still_in_flight.load(), 0);
  tap_eq_u(n_strange.load(), 0);
}

/* ---- Cases ---- */

constexpr size_t ROUNDS = 3;

void lose_some(throw_fn fn, gcx_refs refs) {
  begin(on_event);
  gcx_kind *kind = new_kind(throw_sometimes, reinterpret_cast<void *>(fn), refs,
                            GCX_MODE_PROPER);
  for (size_t round = 1; round <= ROUNDS; round++) {
    make(kind);
    settle();
    tap_eq_u(n_called.load(), round * N);
    tap_eq_u(stats().lost, round * N / EVERY);
    tap_eq_u(stats().notified, round * (N - N / EVERY));
  }
  check_nothing_is_left();
  tap_eq_u(stats().threads, 1);
}

void an_exception_costs_its_object() { lose_some(throw_object, GCX_REFS_NONE); }
void an_exception_of_a_held_object() { lose_some(throw_object, GCX_REFS_HELD); }
void an_exception_that_is_no_object() {
  lose_some(throw_number, GCX_REFS_NONE);
}
void an_exception_thrown_again() { lose_some(throw_again, GCX_REFS_NONE); }
void an_exception_in_an_exception() { lose_some(throw_nested, GCX_REFS_NONE); }
void an_exception_with_other_owners() {
  lose_some(throw_shared, GCX_REFS_NONE);
}
gcx_verdict GC_CALLBACK throw_on_one_thread(void *object, size_t, void *) {
  if (n_called++ == 0)
    first_thread = pthread_self();
  else if (!pthread_equal(pthread_self(), first_thread))
    n_strange++;
  if (is_unlucky(object))
    throw_object();
  return GCX_DONE;
}

void the_thread_goes_on() {
  begin(on_event);
  gcx_kind *kind =
      new_kind(throw_on_one_thread, nullptr, GCX_REFS_NONE, GCX_MODE_PROPER);
  make(kind);
  settle();
  tap_eq_u(n_called.load(), N);
  tap_eq_u(stats().threads, 1);
  check_nothing_is_left();
}

gcx_verdict GC_CALLBACK throw_for_the_first(void *object, size_t, void *) {
  note_call();
  if (*static_cast<size_t *>(object) == 0)
    throw_object();
  return GCX_DONE;
}

void the_client_is_told() {
  begin(on_event);
  gcx_kind *kind =
      new_kind(throw_for_the_first, nullptr, GCX_REFS_NONE, GCX_MODE_PROPER);
  for (size_t round = 1; round <= ROUNDS; round++) {
    make(kind);
    settle();
    wait_for_events(round);
  }
  check_nothing_is_left();
}

/* The decision to keep was made before. */
void an_object_that_was_kept_lives() {
  static std::atomic<size_t> n_done;
  begin(on_event);
  gcx_kind *kind =
      new_kind(keep_and_throw, &n_done, GCX_REFS_HELD, GCX_MODE_PROPER);
  make(kind);
  settle();
  tap_eq_u(n_done.load(), N - N / EVERY);
  settle();
  tap_ge(n_done.load(), N - 5); /* stray words may name some */
  tap_le(n_done.load(), N);
  tap_eq_u(stats().kept, N / EVERY);
  tap_eq_u(stats().lost, 0);
  check_nothing_is_left();
}

void what_is_caught_inside_is_nobodys_business() {
  begin(on_event);
  make(new_kind(catch_own, nullptr, GCX_REFS_NONE, GCX_MODE_PROPER));
  settle();
  tap_eq_u(n_called.load(), N);
  tap_eq_u(stats().lost, 0);
  check_nothing_is_left();
}

void in_simple_mode_too() {
  begin(on_event);
  make(new_kind(catch_own, nullptr, GCX_REFS_NONE, GCX_MODE_SIMPLE));
  settle();
  tap_eq_u(n_called.load(), N);
  tap_eq_u(stats().lost, 0);
  check_nothing_is_left();
}

/* The frames are left by the end of the thread, not by an exception. */
void an_end_of_the_thread_is_no_exception() {
  begin(on_event);
  gcx_kind *kind =
      new_kind(throw_sometimes, reinterpret_cast<void *>(leave_thread),
               GCX_REFS_NONE, GCX_MODE_PROPER);
  make(kind);
  settle();
  tap_eq_u(n_called.load(), N);
  tap_eq_u(stats().lost, N / EVERY);
  tap_eq_u(n_guards.load(), 0);
  tap_eq_u(n_strange.load(), 0);
}

void end_by_simple_notifier() {
  begin(on_event);
  make(new_kind(throw_sometimes, reinterpret_cast<void *>(throw_object),
                GCX_REFS_NONE, GCX_MODE_SIMPLE));
  try {
    GC_gcollect();
  } catch (...) {
    tap_note("it came out of GC_gcollect");
  }
}

void an_exception_in_simple_mode_ends_the_process() {
  static char out[2048];
  gu_exec x = {"end_by_simple_notifier", nullptr, 0, out, sizeof out};
  int status = gu_run_role(&x);
  tap_check(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
  if (!tap_check(strstr(out, "an exception leaves a notifier") != nullptr))
    tap_note("%s", out);
}

/* A simple notifier that a notifier thread happens to call is none of its own. */
gcx_verdict GC_CALLBACK collect_inside(void *, size_t, void *) {
  n_called++;
  GC_gcollect();
  return GCX_DONE;
}

void end_by_simple_notifier_inside() {
  begin(on_event);
  gcx_kind *simple =
      new_kind(throw_sometimes, reinterpret_cast<void *>(throw_object),
               GCX_REFS_NONE, GCX_MODE_SIMPLE);
  gcx_kind *proper =
      new_kind(collect_inside, nullptr, GCX_REFS_NONE, GCX_MODE_PROPER);
  GC_disable();
  make(proper);
  make(simple);
  GC_enable();
  GC_gcollect();
  gcx_drain(PATIENCE_MS);
}

void nor_inside_another_notifier() {
  static char out[2048];
  gu_exec x = {"end_by_simple_notifier_inside", nullptr, 0, out, sizeof out};
  int status = gu_run_role(&x);
  tap_check(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
  tap_check(strstr(out, "an exception leaves a notifier") != nullptr);
}

/* An exception that nobody is told of would be hard to find. */
void lose_one_silently() {
  begin(nullptr);
  make(new_kind(throw_for_the_first, nullptr, GCX_REFS_NONE, GCX_MODE_PROPER));
  settle();
  tap_eq_u(stats().lost, 1);
}

void without_a_listener_there_is_a_message() {
  static char out[2048];
  gu_exec x = {"lose_one_silently", nullptr, 0, out, sizeof out};
  tap_eq_u(gu_run_role(&x), 0);
  if (!tap_check(strstr(out, "an exception left a notifier") != nullptr))
    tap_note("%s", out);
  tap_check(strstr(out, "\"unlucky\"") != nullptr);
}

} // namespace

int main(int argc, char **argv) {
  static const tap_case roles[] = {TAP_CASE(end_by_simple_notifier),
                                   TAP_CASE(end_by_simple_notifier_inside),
                                   TAP_CASE(lose_one_silently)};
  static const tap_case cases[] = {
      TAP_CASE(an_exception_costs_its_object),
      TAP_CASE(an_exception_of_a_held_object),
      TAP_CASE(an_exception_that_is_no_object),
      TAP_CASE(an_exception_thrown_again),
      TAP_CASE(an_exception_in_an_exception),
      TAP_CASE(an_exception_with_other_owners),
      TAP_CASE(the_thread_goes_on),
      TAP_CASE(the_client_is_told),
      TAP_CASE(an_object_that_was_kept_lives),
      TAP_CASE(what_is_caught_inside_is_nobodys_business),
      TAP_CASE(in_simple_mode_too),
      TAP_CASE(an_end_of_the_thread_is_no_exception),
      TAP_CASE(an_exception_in_simple_mode_ends_the_process),
      TAP_CASE(nor_inside_another_notifier),
      TAP_CASE(without_a_listener_there_is_a_message)};
  tap_set_roles(roles, sizeof roles / sizeof roles[0]);
  return tap_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
