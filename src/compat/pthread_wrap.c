/* src/compat/pthread_wrap.c: the pthread calls that clients' calls become.
 * SPDX-License-Identifier: MIT
 *
 * A thread that is created here has a record in uncollectable memory. It keeps
 * the argument alive until the thread can hold it itself, and afterwards the
 * result until somebody joins the thread. It is listed by the creator or by
 * the thread, whoever comes first, so that everybody who can know the thread's
 * number finds it. It is freed when three things have happened, in whatever
 * order: the creator has left it, the thread is over, and it is released
 * (joined, detached or created detached). Until the thread has registered, it is
 * listed in any case, so that who wants to suspend it can wait for that.
 *
 * The list is guarded by the allocator lock, which fork knows how to handle.
 * Numbers are used again after a join: a new record goes to the front, so the
 * newest of a number is found first; it is taken out by address.
 */
#include "alloc/alloc.h"
#include "alloc/free_realloc.h"
#include "compat/compat.h"
#include "cycle/api_lock.h"
#include "world/stop.h"
#include "world/thread.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>

struct record {
  struct record *next;    /* [lock api] */
  pthread_t id;           /* [lock api] */
  void *(*start)(void *); /* [const] */
  void *arg;              /* [thread] */
  void *result;           /* [thread] until it is over */
  int pid;        /* [const] a child of fork has none of these threads */
  bool is_listed; /* [lock api] as the other four */
  bool is_known, is_left, is_over, is_released;
};

#define BUCKETS 64u

static struct record *buckets[BUCKETS];    /* [lock api] */
static __thread struct record *own_record; /* null in other threads than ours */

/* ---- The list ---- */

static struct record **bucket_of(pthread_t id) {
  return &buckets[(id >> 12) % BUCKETS];
}

static void list_locked(struct record *r, pthread_t id) {
  if (r->is_listed || (r->is_released && r->is_known))
    return;
  struct record **bucket = bucket_of(id);
  r->id = id;
  r->next = *bucket;
  *bucket = r;
  r->is_listed = true;
}

static void unlist_locked(struct record *r) {
  struct record **link = bucket_of(r->id);
  while (*link != r)
    link = &(*link)->next;
  *link = r->next;
  r->is_listed = false;
}

static struct record *find_locked(pthread_t id) {
  struct record *r = *bucket_of(id);
  while (r != NULL && !pthread_equal(r->id, id))
    r = r->next;
  return r;
}

/* Who makes the last of the three true frees the record. */
static void free_if_done_locked(struct record *r) {
  if (r->is_left && r->is_over && r->is_released)
    gc_free(r);
}

static void unlist_if_unwanted_locked(struct record *r) {
  if (r->is_listed && r->is_released && r->is_known)
    unlist_locked(r);
}

static void release_locked(struct record *r) {
  r->is_released = true;
  unlist_if_unwanted_locked(r);
  free_if_done_locked(r);
}

/* ---- Life of a thread ---- */

static void end(void *record) {
  struct record *r = record;
  own_record = NULL;
  gc_api_lock();
  r->is_over = true;
  free_if_done_locked(r);
  gc_api_unlock_only();
}

/* The registration ends by itself, after the client's destructors of thread
 * data, which may use the heap. */
static void *run(void *record) {
  struct record *r = record;
  bool oom = false;
  gc_thread_redeem_promise();
  gc_thread_register(NULL, true, &oom);
  if (oom)
    gc_fatal("no memory to register a thread; raise the memory limit");
  own_record = r;
  gc_api_lock();
  r->is_known = true;
  unlist_if_unwanted_locked(r);
  list_locked(r, pthread_self());
  gc_api_unlock_only();
  void *value = r->arg;
  r->arg = NULL;
  pthread_cleanup_push(end, r);
  value = r->start(value);
  r->result = value;
  pthread_cleanup_pop(1);
  return value;
}

static bool is_created_detached(const pthread_attr_t *attr) {
  int state = PTHREAD_CREATE_JOINABLE;
  if (attr != NULL)
    pthread_attr_getdetachstate(attr, &state);
  return state == PTHREAD_CREATE_DETACHED;
}

static struct record *new_record(const pthread_attr_t *attr,
                                 void *(*entry)(void *), void *arg) {
  struct record *r = gc_alloc(sizeof *r, KIND_UNCOLL);
  if (r == NULL)
    return NULL;
  bool is_detached = is_created_detached(attr);
  *r = (struct record){.start = entry,
                       .arg = arg,
                       .pid = gc_plat_pid(),
                       .is_released = is_detached};
  return r;
}

static void leave(struct record *r, pthread_t id) {
  gc_api_lock();
  list_locked(r, id);
  r->is_left = true;
  free_if_done_locked(r);
  gc_api_unlock_only();
}

int GC_pthread_create(pthread_t *id, const pthread_attr_t *attr,
                      void *(*entry)(void *), void *arg) {
  struct record *r = new_record(attr, entry, arg);
  bool is_promised = r != NULL && gc_thread_promise_record();
  int error = is_promised ? pthread_create(id, attr, run, r) : EAGAIN;
  if (error == 0) {
    leave(r, *id);
    return 0;
  }
  if (is_promised)
    gc_thread_redeem_promise();
  gc_free(r);
  return error;
}

static bool is_starting(pthread_t id) {
  gc_api_lock();
  const struct record *r = find_locked(id);
  bool is_new = r != NULL && !r->is_known && r->pid == gc_plat_pid();
  gc_api_unlock_only();
  return is_new;
}

void gc_compat_await_start(pthread_t id) {
  while (is_starting(id))
    gc_plat_yield();
}

/* ---- Other calls ---- */

static struct record *find(pthread_t id) {
  gc_api_lock();
  struct record *r = find_locked(id);
  gc_api_unlock_only();
  return r;
}

static void release(struct record *r) {
  gc_api_lock();
  release_locked(r);
  gc_api_unlock_only();
}

int GC_pthread_join(pthread_t id, void **result) {
  struct record *r = find(id);
  int error = pthread_join(id, result);
  if (error == 0 && r != NULL)
    release(r);
  return error;
}

int GC_pthread_detach(pthread_t id) {
  struct record *r = find(id);
  int error = pthread_detach(id);
  if (error == 0 && r != NULL)
    release(r);
  return error;
}

int GC_pthread_cancel(pthread_t id) { return pthread_cancel(id); }

void GC_pthread_exit(void *result) {
  if (own_record != NULL)
    own_record->result = result;
  pthread_exit(result);
}

/* The signals that the collector sends stay deliverable. */
int GC_pthread_sigmask(int how, const sigset_t *set, sigset_t *old) {
  sigset_t blocked;
  if (set != NULL && how != SIG_UNBLOCK) {
    blocked = *set;
    sigdelset(&blocked, gc_stop_signal());
    sigdelset(&blocked, gc_stop_restart_signal());
    set = &blocked;
  }
  return pthread_sigmask(how, set, old);
}

/* Images are read with the world running and under the loader's own lock, so
 * nothing has to be kept away from them. */
void *GC_dlopen(const char *path, int mode) { return dlopen(path, mode); }
