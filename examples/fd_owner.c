/* examples/fd_owner.c: files that close themselves. SPDX-License-Identifier: MIT */
/* A file descriptor is scarcer than memory, and the collector does not know how
 * many there are. So the notifier closes what was forgotten, and whoever opens
 * collects when too many are open. Where the end is known, file_close stays the
 * better way; the notifier then finds nothing to do. */
#include <gc.h>
#include <gcx/reclaim.h>

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { MANY = 64 };

struct file {
  int fd; /* negative: closed */
};

static gcx_kind *file_kind;
/* Shared with the notifier, which runs on a thread of its own. */
static atomic_int open_now, closed_by_hand, closed_by_notifier;

static int file_close(struct file *f) {
  if (f->fd < 0)
    return 0;
  close(f->fd);
  f->fd = -1;
  open_now--;
  return 1;
}

static gcx_verdict on_dead(void *object, size_t bytes, void *cd) {
  (void)bytes, (void)cd;
  closed_by_notifier += file_close(object);
  return GCX_DONE;
}

static struct file *file_open(const char *path) {
  if (open_now >= MANY) {
    GC_gcollect();
    if (gcx_drain(10000) != 0)
      return NULL;
  }
  struct file *f = gcx_kind_alloc(file_kind, sizeof *f);
  if (f == NULL)
    return NULL;
  f->fd = open(path, O_RDONLY | O_CLOEXEC);
  if (f->fd >= 0)
    open_now++;
  return f;
}

int main(void) {
  gcx_kind_opts opts = {.struct_size = sizeof opts,
                        .name = "file",
                        .layout = GCX_LAYOUT_LEAF,
                        .notify = on_dead};
  int opened = 0, most = 0;
  GC_INIT();
  file_kind = gcx_kind_new(&opts, NULL);
  if (file_kind == NULL)
    return 1;
  for (int i = 0; i < 2000; i++) {
    struct file *f = file_open("/dev/null");
    if (f == NULL || f->fd < 0)
      return 1;
    opened++;
    most = most > open_now ? most : open_now;
    if (i % 4 == 0)
      closed_by_hand += file_close(f);
  }
  printf("%d files opened, never more than %d at once\n", opened, most);
  printf("%d closed by hand, %d by their notifier\n", closed_by_hand,
         closed_by_notifier);
  return most <= 2 * MANY ? EXIT_SUCCESS : EXIT_FAILURE;
}
