/* extra/hcons/threads.c: threads that the collector was not told of. SPDX-License-Identifier: MIT */
/* A collector has to know a thread to find nodes on its stack. Reclaim learns of one that
 * plain pthread_create made when it first allocates, but a look-up that hits allocates
 * nothing. Other libraries want to be called by each thread at its start and at its end,
 * or to have pthread_create replaced where the program is compiled. So a thread that
 * nobody has registered is registered when it first calls hcons, with all of its stack;
 * it leaves by itself on Reclaim, and else by the destructor of a key, which hands in
 * its counts, too. What it held before that call was held for it by those who gave it. */
#include "hcons/tally.h"

#include <pthread.h>

_Thread_local bool hc_thread_is_known;

static pthread_key_t leaving; /* [const] after set-up */

static char joined, was_here; /* what a thread's key says */

static void leave(void *how) {
  hc_thread_is_known = false;
  hc_tally_end();
  if (how == &joined)
    hc_backend_leave_thread();
}

bool hc_threads_set_up(void) {
  hc_backend_allow_threads();
  return pthread_key_create(&leaving, leave) == 0;
}

/* A thread that was here before only learns that it is known. */
void hc_thread_introduce(void) {
  bool leaves = hc_backend_join_thread() && !hc_backend_is_reclaim();
  pthread_setspecific(leaving, leaves ? &joined : &was_here);
  hc_tally_begin();
  hc_thread_is_known = true;
}
