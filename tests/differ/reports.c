/* tests/differ/reports.c: what the library says on standard error. SPDX-License-Identifier: MIT */

#define _GNU_SOURCE
#include "differ/world.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/tap.h"

enum { MOST = 1 << 16 };

static int said = -1, before = -1;
static off_t heard;
static char text[MOST];

/* A message that ends the process has to be seen. */
static void GC_CALLBACK on_abort(const char *message) {
  if (message != NULL)
    dprintf(before, "%s\n", message);
}

/* Sanitizers tell of themselves there. */
void df_listen(void) {
  if (TAP_ASAN || TAP_TSAN)
    return;
  before = dup(STDERR_FILENO);
  said = memfd_create("said", MFD_CLOEXEC);
  if (before < 0 || said < 0 || dup2(said, STDERR_FILENO) < 0)
    _exit(4);
  GC_set_abort_func(on_abort);
}

/* All that was said since the last call, cut off at the end of the buffer. The
 * descriptor is shared with children, so their position is not asked for. */
static const char *listen(void) {
  off_t end = said < 0 ? 0 : lseek(said, 0, SEEK_END);
  ssize_t n = end > heard ? pread(said, text, MOST - 1, heard) : 0;
  text[n > 0 ? n : 0] = '\0';
  heard = end;
  return text;
}

size_t df_count_said(const char *word) {
  size_t n = 0;
  for (const char *at = listen(); (at = strstr(at, word)) != NULL; at++)
    n++;
  return n;
}

/* What libgc finds where a pointer-free object took the place of a debugging one
 * is the latter's header. */
void df_check_silence(struct df_world *w) {
  const char *t = listen();
  if (*t != '\0' && gu_on_reclaim())
    df_fail(w, "it was said: %.200s", t);
}
