/* src/plat/trace.c: the calls that led somewhere, and their names. SPDX-License-Identifier: MIT
 *
 * The C library's backtrace loads the compiler's unwinder when it is first called,
 * which is why the first call is made at start. Frames of the collector's own are left
 * out where it is an image of its own.
 */
#if !defined(_GNU_SOURCE)
#define _GNU_SOURCE 1
#endif
#include "plat/plat.h"

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <link.h>
#include <sys/auxv.h>

/* Calls of our own before the program's, at most. */
#define OWN_FRAMES 8u

static struct {
  uintptr_t base,
      end; /* of the collector's image; equal: it is in the program's */
} own_image;

static int find_own_end(struct dl_phdr_info *image, size_t size, void *base) {
  (void)size;
  if (image->dlpi_addr != *(uintptr_t *)base)
    return 0;
  for (unsigned i = 0; i < image->dlpi_phnum; i++) {
    const ElfW(Phdr) *p = &image->dlpi_phdr[i];
    uintptr_t end = image->dlpi_addr + p->p_vaddr + p->p_memsz;
    if (p->p_type == PT_LOAD && end > own_image.end)
      own_image.end = end;
  }
  return 1;
}

void gc_plat_trace_start(void) {
  Dl_info self, program;
  void *frame[1];
  int saved = errno;
  (void)backtrace(frame, 1);
  if (dladdr((void *)(uintptr_t)gc_plat_trace_start, &self) != 0 &&
      dladdr((void *)getauxval(AT_ENTRY), &program) != 0 &&
      self.dli_fbase != program.dli_fbase) {
    own_image.base = (uintptr_t)self.dli_fbase;
    dl_iterate_phdr(find_own_end, &own_image.base);
  }
  errno = saved;
}

static bool is_own_code(const void *p) {
  return (uintptr_t)p >= own_image.base && (uintptr_t)p < own_image.end;
}

gc_noinline unsigned gc_plat_trace(const void **frames, unsigned max) {
  void *all[GC_TRACE_MAX + OWN_FRAMES];
  int saved = errno;
  int n = backtrace(all, (int)(max + OWN_FRAMES));
  int i = 1;
  errno = saved;
  while (i < n && is_own_code(all[i]))
    i++;
  unsigned count = 0;
  for (; i < n && count < max; i++)
    frames[count++] = all[i];
  return count;
}

/* The address is behind the call, perhaps already in another function. */
static void say_frame(const void *frame) {
  Dl_info info;
  const char *p = (const char *)frame - 1;
  if (dladdr(p, &info) == 0)
    gc_plat_message("    called from %p", frame);
  else if (info.dli_sname == NULL)
    gc_plat_message("    called from %s+0x%lx", info.dli_fname,
                    (unsigned long)(p - (const char *)info.dli_fbase));
  else
    gc_plat_message("    called from %s (%s+0x%lx)", info.dli_sname,
                    info.dli_fname,
                    (unsigned long)(p - (const char *)info.dli_fbase));
}

void gc_plat_say_trace(const void *const *frames, unsigned n) {
  for (unsigned i = 0; i < n && frames[i] != NULL; i++)
    say_frame(frames[i]);
}
