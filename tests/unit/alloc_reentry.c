/* tests/unit/alloc_reentry.c: allocation where the collector was interrupted.
 * SPDX-License-Identifier: MIT
 *
 * A signal handler that strikes inside a stop-deferring region of the library
 * may not allocate: it gets null and one message that says so, and the
 * client's out-of-memory function is not asked.
 */
#include "lib/tap.h"

#include <signal.h>
#include <string.h>

#include "alloc/alloc.h"
#include "base/check.h"
#include "base/switches.h"
#include "cycle/gc_start.h"
#include "heap/heap.h"
#include "plat/self.h"

static char said[2000];
static unsigned n_messages, n_asked;

static void keep_message(const char *text, size_t len) {
  size_t at = strlen(said);
  n_messages++;
  if (at + len < sizeof said)
    memcpy(said + at, text, len);
}

static void *count_question(size_t bytes) {
  (void)bytes;
  n_asked++;
  return NULL;
}

static void start(void) {
  gc_start();
  tap_require(gc_start_thread());
  gc_message_sink = keep_message;
  *gc_switches.oom_fn = count_question;
}

static void *(*attempt)(void);
static void *volatile result;

static void on_signal(int signo) {
  (void)signo;
  result = attempt();
}

/* The handler strikes in a region of the library. */
static void *attempt_in_handler(void *(*fn)(void)) {
  static char no_answer;
  attempt = fn;
  result = &no_answer;
  gc_nostop_enter();
  raise(SIGUSR1);
  gc_nostop_leave();
  return result;
}

static void *large(void) { return gc_alloc(100000, KIND_NORMAL); }
static void *aligned(void) { return gc_alloc_aligned(4096, 8192, KIND_NORMAL); }
static void *first_page(void) {
  return gc_alloc_ignore_off_page(100000, KIND_ATOMIC);
}

static void *list(void) {
  void *p = gc_alloc_many(64, KIND_NORMAL);
  return p != NULL ? p : gc_alloc_failed(64);
}

static void check_attempts(void *(*const *fns)(void), size_t n) {
  for (size_t i = 0; i < n; i++) {
    tap_eq_p(attempt_in_handler(fns[i]), NULL);
    tap_check(fns[i]() != NULL);
  }
}

static void handlers_get_null_and_one_message(void) {
  static void *(*const fns[])(void) = {large, aligned, first_page, list};
  struct sigaction sa = {.sa_handler = on_signal};
  start();
  tap_require(sigaction(SIGUSR1, &sa, NULL) == 0);
  check_attempts(fns, sizeof fns / sizeof fns[0]);
  tap_eq_u(n_asked, 0);
  tap_eq_u(n_messages, 1);
  tap_check(strstr(said, "signal handler") != NULL);
  tap_check(strstr(said, "emory") == NULL);
}

/* What has run out elsewhere is the client's affair, as before. */
static void elsewhere_the_client_is_asked(void) {
  start();
  tap_eq_p(gc_alloc((size_t)1 << 50, KIND_NORMAL), NULL);
  tap_eq_u(n_asked, 1);
  tap_eq_u(n_messages, 0);
}

TAP_MAIN(TAP_CASE(handlers_get_null_and_one_message),
         TAP_CASE(elsewhere_the_client_is_asked))
