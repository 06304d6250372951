/* src/world/frame.c: whether a frame of this thread's stack is still in use.
 * SPDX-License-Identifier: MIT
 */
#include "world/frame.h"

#include "world/thread.h"

struct gc_frame_mark gc_frame_enter(uint64_t *word) {
  static _Atomic uint64_t marks;
  *word = (gc_add_rlx(&marks, 1) + 1) * UINT64_C(0x9e3779b97f4a7c15);
  gc_compiler_barrier();
  return (struct gc_frame_mark){word, *word};
}

static bool is_on(const struct gc_thread *thread, const char *place) {
  return place >= thread->stack_low && place < thread->stack_top;
}

gc_scans_memory enum gc_frame_use
gc_frame_use(const struct gc_frame_mark *mark) {
  const struct gc_thread *me = gc_self()->thread;
  const char *here = __builtin_frame_address(0);
  const char *word = (const char *)mark->word;
  if (!is_on(me, here) || !is_on(me, word))
    return FRAME_ELSEWHERE;
  return here < word && *mark->word == mark->number ? FRAME_USED : FRAME_LEFT;
}
