/* src/diag/report.c: the observers that options switch on: a line for each collection,
 * the verifier. SPDX-License-Identifier: MIT
 */
#include "base/option.h"
#include "base/switches.h"
#include "cycle/collect.h"
#include "cycle/gc_start.h"
#include "diag/dump.h"
#include "diag/leak.h"
#include "diag/sited_check.h"
#include "diag/stats.h"
#include "diag/told.h"
#include "diag/verify.h"
#include "heap/heap.h"
#include "plat/plat.h"

static void print_collection(bool at_end) {
  struct gc_stats s;
  gc_stats_read(&s);
  if (!at_end) {
    gc_plat_message("Initiating full collection %lu after %zu allocated bytes",
                    (unsigned long)s.collections + 1, s.since_gc);
    return;
  }
  gc_plat_message("collection %lu: pause %lu us, live %zu, heap %zu, "
                  "returned to the system %zu bytes",
                  (unsigned long)s.collections,
                  (unsigned long)(gc_cycle_stats.last_pause_ns / 1000),
                  gc_load_rlx(&gc_heap.live), s.heap_bytes, s.unmapped_bytes);
}

static void note_mistakes(void) {
  gc_sited_check();
  if (*gc_switches.find_leak != 0)
    gc_leak_search();
  gc_told_keep_described();
}

static void tell_and_dump(void) {
  gc_told_tell();
  gc_dump_all("after a collection");
}

/* What is lost when the program ends is a leak, too. */
static void collect_at_exit(void) {
  if (*gc_switches.find_leak != 0)
    gc_collect(COLLECT_EXPLICIT);
}

static void install_observers(void) {
  gc_collect_leaks = note_mistakes;
  gc_collect_tell =
      gc_options.dump_regularly.number != 0 ? tell_and_dump : gc_told_tell;
  if (*gc_switches.find_leak != 0)
    gc_plat_at_exit(collect_at_exit);
  if (gc_options.print_stats.number != 0 ||
      gc_options.verbose_stats.number != 0)
    gc_collect_report = print_collection;
  if (gc_options.verify.number != 0 || GC_DEBUG_BUILD)
    gc_collect_verify = gc_verify_after_mark;
}

__attribute__((constructor)) static void register_observers(void) {
  gc_start_observers = install_observers;
}
