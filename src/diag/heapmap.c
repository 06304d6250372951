/* src/diag/heapmap.c: a picture of the heap. SPDX-License-Identifier: MIT
 *
 * One square a block, row by row from the lowest address; the colour is what the
 * block holds, the filled height how much of it is in use. Text is made piece by
 * piece in a small buffer: no memory is needed.
 */
#include "diag/heapmap.h"

#include <stdarg.h>

#include "base/format.h"
#include "cycle/api_lock.h"
#include "cycle/gc_start.h"
#include "diag/stats.h"
#include "heap/find.h"
#include "heap/space.h"
#include "plat/plat.h"

#define COLUMNS 64u
#define CELL 12u
#define TOP 64u
#define MARGIN 16u

struct picture {
  int fd;
  size_t used;
  char text[8192];
};

static void flush(struct picture *p) {
  gc_plat_write_text(p->fd, p->text, p->used);
  p->used = 0;
}

gc_printf_like(2, 3) static void put(struct picture *p, const char *format,
                                     ...) {
  if (sizeof p->text - p->used < 1024)
    flush(p);
  va_list args;
  va_start(args, format);
  p->used +=
      gc_format_args(p->text + p->used, sizeof p->text - p->used, format, args);
  va_end(args);
}

/* ---- What a block looks like ---- */

struct look {
  const char *name, *colour;
};

enum {
  LOOK_NORMAL,
  LOOK_ATOMIC,
  LOOK_UNCOLL,
  LOOK_OTHER,
  LOOK_NOTIFIED,
  LOOK_LARGE,
  LOOK_FREE,
  LOOK_COUNT
};

static const struct look looks[LOOK_COUNT] = {{"pointerful", "#2f6fb3"},
                                              {"pointer-free", "#3f9e6b"},
                                              {"uncollectable", "#8a5fb5"},
                                              {"client kinds", "#5aa7c7"},
                                              {"notified kinds", "#d9822b"},
                                              {"large", "#1f3f66"},
                                              {"free", "#d8dde3"}};

static unsigned look_of(uint64_t hot) {
  if (gc_hot_state(hot) == BLK_FREE)
    return LOOK_FREE;
  unsigned kind = gc_hot_kind(hot), flags = gc_kind_flags(kind);
  if (flags & KIND_NOTIFIED)
    return LOOK_NOTIFIED;
  if (gc_hot_state(hot) != BLK_SMALL)
    return LOOK_LARGE;
  if (flags & KIND_UNCOLLECTABLE)
    return LOOK_UNCOLL;
  return kind == KIND_NORMAL   ? LOOK_NORMAL
         : kind == KIND_ATOMIC ? LOOK_ATOMIC
                               : LOOK_OTHER;
}

/* Filled part of the square, in pixels. */
static unsigned fill_of(gc_block_id b, uint64_t hot) {
  unsigned slots = gc_heap.blocks[b].slots;
  if (gc_hot_state(hot) != BLK_SMALL)
    return CELL - 1;
  unsigned used = gc_map_count(b, gc_map_alloc());
  return used == 0 ? 0 : 1 + (CELL - 2) * used / slots;
}

static void draw_block(struct picture *p, gc_block_id b) {
  uint64_t hot = gc_block_hot(b);
  unsigned x = MARGIN + (b - 1) % COLUMNS * CELL;
  unsigned y = TOP + (b - 1) / COLUMNS * CELL, look = look_of(hot);
  put(p, "<rect x='%u' y='%u' width='%u' height='%u' fill='#eef1f4'/>\n", x, y,
      CELL - 1, CELL - 1);
  unsigned h = look == LOOK_FREE ? CELL - 1 : fill_of(b, hot);
  if (h != 0)
    put(p, "<rect x='%u' y='%u' width='%u' height='%u' fill='%s'/>\n", x,
        y + CELL - 1 - h, CELL - 1, h, looks[look].colour);
}

static void draw_legend(struct picture *p, const struct gc_stats *s) {
  put(p,
      "<text x='%u' y='22' font-size='15'>heap %zu KB, in use %zu KB, %lu "
      "collections; a square is a block of 64 KB</text>\n",
      MARGIN, s->heap_bytes / 1024, (s->heap_bytes - s->free_bytes) / 1024,
      (unsigned long)s->collections);
  for (unsigned i = 0; i < LOOK_COUNT; i++) {
    unsigned x = MARGIN + i * 108;
    put(p,
        "<rect x='%u' y='36' width='11' height='11' fill='%s'/>"
        "<text x='%u' y='46' font-size='12'>%s</text>\n",
        x, looks[i].colour, x + 16, looks[i].name);
  }
}

static void draw(struct picture *p) {
  struct gc_stats s;
  gc_stats_read(&s);
  unsigned blocks =
      (unsigned)(gc_load_rlx(&gc_heap.used) >> GC_BLOCK_SHIFT) - 1;
  unsigned rows = (blocks + COLUMNS - 1) / COLUMNS;
  put(p,
      "<svg xmlns='http://www.w3.org/2000/svg' width='%u' height='%u' "
      "font-family='sans-serif' fill='#20303f'>\n"
      "<rect width='100%%' height='100%%' fill='white'/>\n",
      2 * MARGIN + COLUMNS * CELL, TOP + rows * CELL + MARGIN);
  draw_legend(p, &s);
  for (gc_block_id b = 1; b <= blocks; b++)
    draw_block(p, b);
  put(p, "</svg>\n");
  flush(p);
}

int gc_heapmap_write(const char *path) {
  int error = 0;
  gc_start();
  struct picture p = {.fd = gc_plat_open_file(path, false, &error)};
  if (p.fd < 0)
    return error;
  gc_api_lock();
  draw(&p);
  gc_api_unlock();
  gc_plat_close_file(p.fd);
  return 0;
}
