/* examples/foreign_buffer.c: memory of another allocator. SPDX-License-Identifier: MIT */
/* An image of a few bytes owns its pixels, which malloc keeps and the collector
 * does not see. The program counts them, and collects when they are many. Before
 * the allocator's end no notifier may be left that would call it: quiesce. */
#include <gc.h>
#include <gcx/reclaim.h>

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

struct image {
  size_t bytes;
  unsigned char *pixels; /* of malloc; null: none any more */
};

static gcx_kind *image_kind;
static atomic_size_t foreign; /* bytes that images own */
static const size_t many = 8u << 20;

static void image_clear(struct image *m) {
  free(m->pixels);
  foreign -= m->bytes;
  *m = (struct image){0, NULL};
}

static gcx_verdict on_dead(void *object, size_t bytes, void *calls) {
  (void)bytes;
  image_clear(object);
  ++*(atomic_int *)calls;
  return GCX_DONE;
}

static struct image *image_new(size_t bytes) {
  if (foreign + bytes > many) {
    GC_gcollect();
    if (gcx_drain(10000) != 0)
      return NULL;
  }
  struct image *m = gcx_kind_alloc(image_kind, sizeof *m);
  if (m == NULL)
    return NULL;
  *m = (struct image){0, malloc(bytes)};
  if (m->pixels == NULL)
    return NULL;
  m->bytes = bytes;
  foreign += bytes;
  return m;
}

int main(void) {
  static atomic_int calls;
  gcx_kind_opts opts = {.struct_size = sizeof opts,
                        .name = "image",
                        .layout = GCX_LAYOUT_LEAF,
                        .notify = on_dead,
                        .cd = &calls};
  struct image *last = NULL;
  size_t most = 0, total = 0;
  GC_INIT();
  image_kind = gcx_kind_new(&opts, NULL);
  if (image_kind == NULL)
    return 1;
  for (int i = 0; i < 1000; i++) {
    last = image_new(256u << 10);
    if (last == NULL)
      return 1;
    last->pixels[i] = 1;
    total += last->bytes;
    most = most > foreign ? most : foreign;
  }
  printf("%zu MB of pixels, at most %zu MB at once\n", total >> 20, most >> 20);
  /* From here on nothing is notified; what still lives is ours to free. */
  if (gcx_kind_quiesce(image_kind, 10000) != 0)
    return 1;
  printf("%d images told by their notifier, the last one cleared by hand\n",
         calls);
  image_clear(last);
  return most <= 2 * many ? EXIT_SUCCESS : EXIT_FAILURE;
}
