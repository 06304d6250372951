/* bdwgc-patch/threads.c: threads that libgc does not know. SPDX-License-Identifier: MIT
 *
 * A thread made by plain pthread_create is made known to libgc when it first asks
 * for an object or whether one lives, and unknown by the destructor of a key when it
 * ends. Other destructors may run later and use objects again: then it is made known
 * once more, and the key set, for which its destructor is called again.
 */
#include "adapter.h"

#include <pthread.h>

static pthread_key_t key;
static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static _Thread_local bool is_known;

static void leave(void *arg) {
  (void)arg;
  is_known = false;
  GC_unregister_my_thread();
}

static void make_key(void) { pthread_key_create(&key, leave); }

static void enter(void) {
  struct GC_stack_base base;
  pthread_once(&key_once, make_key);
  if (!GC_thread_is_registered() && GC_get_stack_base(&base) == GC_SUCCESS &&
      GC_register_my_thread(&base) == GC_SUCCESS)
    pthread_setspecific(key, &key);
  is_known = true;
}

void bdw_enter_thread(void) {
  if (!is_known)
    enter();
}
