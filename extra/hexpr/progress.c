/* extra/hexpr/progress.c: the line that tells how far the command is. SPDX-License-Identifier: MIT */
/* A subcommand says what it begins, and that is shown a few times a second at most. While
 * one piece of work takes long, a thread goes on showing it, with the number of nodes
 * that were looked up and the time, so that it can be seen to move. The thread never
 * holds collected memory. */
#include "hexpr/cmd.h"

#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Seconds between two lines, after which a piece of work takes long, and between looks. */
static const double between = 0.2;
static const double is_long = 1;
static const struct timespec nap = {0, 250000000};

/* All under the lock, which is held while a line is written. */
static struct {
  pthread_mutex_t lock;
  bool wanted;
  bool watched; /* the thread is there */
  bool shown;
  const char *what; /* NULL: nothing is at work */
  size_t done;
  size_t total;
  double began; /* this piece of work */
  double last;  /* a line was written */
} progress = {.lock = PTHREAD_MUTEX_INITIALIZER};

static double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void show(double now) {
  hc_stats s;
  progress.last = now;
  progress.shown = true;
  fprintf(stderr, "\r\033[Khexpr: %s %zu", progress.what, progress.done);
  if (progress.total > 0)
    fprintf(stderr, " of %zu", progress.total);
  if (now - progress.began >= is_long) {
    hc_get_stats(ex_table(), &s);
    fprintf(stderr, ", %.1f million nodes looked up, %.0f s",
            (double)(s.hits + s.misses) / 1e6, now - progress.began);
  }
  fflush(stderr);
}

static void *watch(void *unused) {
  for (;;) {
    nanosleep(&nap, NULL);
    pthread_mutex_lock(&progress.lock);
    if (progress.what != NULL && seconds() - progress.began >= is_long)
      show(seconds());
    pthread_mutex_unlock(&progress.lock);
  }
  return unused;
}

static void start_watching(void) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, watch, NULL) == 0)
    pthread_detach(thread);
  progress.watched = true;
}

void cmd_progress_start(bool wanted) {
  pthread_mutex_lock(&progress.lock);
  progress.wanted = wanted || isatty(STDERR_FILENO);
  progress.last = wanted ? 0 : seconds();
  if (progress.wanted && !progress.watched && ex_table() != NULL)
    start_watching();
  pthread_mutex_unlock(&progress.lock);
}

void cmd_progress(const char *what, size_t done, size_t total) {
  double now;
  if (!progress.wanted)
    return;
  now = seconds();
  pthread_mutex_lock(&progress.lock);
  progress.what = what;
  progress.done = done;
  progress.total = total;
  progress.began = now;
  if (now - progress.last >= between)
    show(now);
  pthread_mutex_unlock(&progress.lock);
}

void cmd_progress_end(void) {
  pthread_mutex_lock(&progress.lock);
  if (progress.shown)
    fputs("\r\033[K", stderr);
  progress.shown = false;
  progress.what = NULL;
  pthread_mutex_unlock(&progress.lock);
}
