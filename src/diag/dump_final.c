/* src/diag/dump_final.c: finalisers and links as text. SPDX-License-Identifier: MIT
 *
 * Lines are written with the lock of the tables held, so that each is told once; only
 * a stop waits for that.
 */
#include "diag/dump.h"

#include "cycle/gc_start.h"
#include "notify/final.h"
#include "notify/link.h"

static void say_link(void **link, void *object, void *count) {
  gc_dump_say("  %p to %p\n", (void *)link, object);
  ++*(size_t *)count;
}

static void say_links(enum gc_link_kind kind, const char *name) {
  size_t n = 0;
  gc_dump_say("---- %s links ----\n", name);
  gc_link_each(kind, say_link, &n);
  gc_dump_say("%zu in all\n", n);
}

static void say_finalisers(struct gc_final_block *fb, void *count) {
  static const char *const modes[] = {"ordered", "ignoring itself", "no order",
                                      "unreachable"};
  for (unsigned i = 0; i < fb->groups; i++) {
    const struct gc_final_group *g = &fb->at[i];
    for (uint64_t left = g->entries.used; left != 0; left &= left - 1) {
      struct gc_final f;
      gc_final_read(fb, i, gc_bits_lowest(left), &f);
      gc_dump_say("  %p, %s%s\n", f.object, modes[f.mode],
                  g->ready & left & -left ? ", ready" : "");
      ++*(size_t *)count;
    }
  }
}

static void say_stray(const struct gc_final *f, void *count) {
  gc_dump_say("  %p, ready\n", f->object);
  ++*(size_t *)count;
}

void gc_dump_finals(void) {
  size_t n = 0;
  gc_start();
  gc_final_lock();
  say_links(LINK_SHORT, "Short");
  say_links(LINK_LONG, "Long");
  gc_dump_say("---- Objects with finalisers ----\n");
  gc_final_each(say_finalisers, &n);
  gc_final_each_stray(say_stray, &n);
  gc_final_unlock();
  gc_dump_say("%zu in all\n", n);
}
