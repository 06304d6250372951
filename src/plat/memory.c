/* src/plat/memory.c: address space and pages. SPDX-License-Identifier: MIT
 *
 * Reserving maps without access, so that no accounting mode charges for it;
 * committing makes pages accessible, and that is the step which strict
 * overcommit may refuse. Reserved memory stays out of core dumps, committed
 * memory is in them.
 */
#include "plat/plat.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#if !defined(MAP_FIXED_NOREPLACE)
#define MAP_FIXED_NOREPLACE 0x100000
#endif

#if !defined(MADV_POPULATE_WRITE)
#define MADV_POPULATE_WRITE 23 /* Linux 5.14; older kernels refuse it */
#endif

#define RESERVE_FLAGS (MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE)

static _Atomic uint32_t fail_period, fail_count;

void gc_plat_fail_every(unsigned n) {
  gc_store_rlx(&fail_count, 0);
  gc_store_rlx(&fail_period, n);
}

static bool is_to_fail(void) {
  uint32_t period = gc_load_rlx(&fail_period);
  return period != 0 && (gc_add_rlx(&fail_count, 1) + 1) % period == 0;
}

static void *map_without_access(void *addr, size_t bytes, int more_flags) {
  void *p = mmap(addr, bytes, PROT_NONE, RESERVE_FLAGS | more_flags, -1, 0);
  if (p == MAP_FAILED)
    return NULL;
  madvise(p, bytes, MADV_DONTDUMP);
  return p;
}

void *gc_plat_reserve(void *hint, size_t bytes) {
  int saved = errno;
  void *p = is_to_fail() ? NULL : map_without_access(hint, bytes, 0);
  errno = saved;
  return p;
}

/* Kernels before 4.17 take the flag for a mere hint, hence the comparison. */
bool gc_plat_reserve_at(void *addr, size_t bytes) {
  int saved = errno;
  void *p = is_to_fail() ? NULL
                         : map_without_access(addr, bytes, MAP_FIXED_NOREPLACE);
  if (p != NULL && p != addr) {
    munmap(p, bytes);
    p = NULL;
  }
  errno = saved;
  return p != NULL;
}

static _Atomic int more_access; /* PROT_EXEC, or 0 */

void gc_plat_set_executable(bool on) {
  gc_store_rlx(&more_access, on ? PROT_EXEC : 0);
}

bool gc_plat_is_executable(void) { return gc_load_rlx(&more_access) != 0; }

bool gc_plat_commit(void *addr, size_t bytes) {
  int saved = errno;
  int access = PROT_READ | PROT_WRITE | gc_load_rlx(&more_access);
  bool done = !is_to_fail() && mprotect(addr, bytes, access) == 0;
  if (done)
    madvise(addr, bytes, MADV_DODUMP);
  errno = saved;
  return done;
}

void gc_plat_populate(void *addr, size_t bytes) {
  int saved = errno;
  madvise(addr, bytes, MADV_POPULATE_WRITE);
  errno = saved;
}

void gc_plat_discard(void *addr, size_t bytes) {
  int saved = errno;
  madvise(addr, bytes, MADV_DONTNEED);
  errno = saved;
}

void gc_plat_release(void *addr, size_t bytes) {
  int saved = errno;
  munmap(addr, bytes);
  errno = saved;
}

size_t gc_plat_page_bytes(void) {
  static _Atomic size_t page_bytes;
  size_t n = gc_load_rlx(&page_bytes);
  if (n == 0) {
    n = (size_t)sysconf(_SC_PAGESIZE);
    gc_store_rlx(&page_bytes, n);
  }
  return n;
}

/* ---- Limits ---- */

/* The first number of /proc/self/statm is the size in pages. */
static size_t mapped_bytes(void) {
  char text[64];
  int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return 0;
  ssize_t n = read(fd, text, sizeof text);
  close(fd);
  size_t pages = 0;
  for (ssize_t i = 0; i < n && text[i] >= '0' && text[i] <= '9'; i++)
    pages = pages * 10 + (size_t)(text[i] - '0');
  return pages * gc_plat_page_bytes();
}

size_t gc_plat_address_space_left(void) {
  int saved = errno;
  struct rlimit limit;
  size_t left = SIZE_MAX;
  if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
    size_t used = mapped_bytes();
    left = limit.rlim_cur > used ? limit.rlim_cur - used : 0;
  }
  errno = saved;
  return left;
}
