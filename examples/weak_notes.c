/* examples/weak_notes.c: notes about objects that others own. SPDX-License-Identifier: MIT */
/* Shapes come from elsewhere and have no room for a colour, a cached area, a label:
 * these are noted in a weak map. A note refers back to its shape; that does not keep
 * the shape, because the note counts only while the shape lives. */
#include <gc.h>
#include <gcx/weak_map.h>

#include <stdio.h>
#include <string.h>

enum { SHAPES = 20000, IN_USE = 500 };

struct shape {
  double width, height;
};

struct note {
  const struct shape *shape;
  double area;
};

static gcx_weak_map *notes;
static unsigned computed;

static const struct note *note_of(const struct shape *s) {
  void *found;
  if (gcx_weak_map_get(notes, s, &found))
    return found;
  struct note *n = GC_MALLOC(sizeof *n);
  *n = (struct note){s, s->width * s->height};
  computed++;
  return gcx_weak_map_put(notes, s, n, NULL) < 0 ? NULL : n;
}

static int add_area(void *shape, void *note, void *sum) {
  *(double *)sum += ((struct note *)note)->area;
  return ((struct note *)note)->shape != shape;
}

int main(void) {
  static struct shape *in_use[IN_USE]; /* references count here */
  unsigned wrong = 0;
  double sum = 0;
  GC_INIT();
  if ((notes = gcx_weak_map_new(NULL, NULL)) == NULL)
    return 1;
  for (unsigned i = 0; i < SHAPES; i++) {
    struct shape *s = in_use[i % IN_USE] = GC_MALLOC(sizeof *s);
    *s = (struct shape){i, 2};
    const struct note *n = note_of(s);
    wrong += n == NULL || n->area != 2.0 * i || note_of(s) != n;
  }
  GC_gcollect();
  wrong += gcx_weak_map_each(notes, add_area, &sum) != 0;
  size_t left = gcx_weak_map_count(notes);
  printf("%u areas computed, %u wrong\n", computed, wrong);
  printf("%zu of %d notes left, %d of them of shapes in use\n", left, SHAPES,
         IN_USE);
  memset(in_use, 0, sizeof in_use);
  gcx_weak_map_free(notes);
  return wrong != 0 || left < IN_USE || left > IN_USE * 2;
}
