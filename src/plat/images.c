/* src/plat/images.c: what the loader has mapped. SPDX-License-Identifier: MIT
 *
 * The loader's own iteration is the only source. It holds the lock of the list
 * of images, which is recursive: whoever stops the world from inside it knows
 * that no stopped thread is changing the list, and that the numbers it was
 * given stay true until the restart.
 *
 * A TLS block is static, that is at the same distance from the thread pointer
 * in every thread, when the thread's vector of blocks says that there is
 * nothing to free. The vector's entry is compared with what the loader reports,
 * so with a C library that lays it out differently no block passes for static.
 *
 * Other blocks are made when a thread uses them first. Those of another thread are
 * found by its vector, in whatever state it is: between the moment when a vector that
 * grew was copied and the moment when the thread knows the new one, the old one is
 * memory that was freed, whose first entry, the length, is gone. So the length is not
 * asked; an entry counts if it can be read, and so does the block that it names. What
 * lies behind the end keeps too much at worst.
 */
#if !defined(_GNU_SOURCE)
#define _GNU_SOURCE 1
#endif
#include "plat/plat.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- Generation ---- */

static uint64_t generation_of(const struct dl_phdr_info *info) {
  return (uint64_t)info->dlpi_adds + info->dlpi_subs;
}

static int read_generation(struct dl_phdr_info *info, size_t size, void *cx) {
  (void)size;
  *(uint64_t *)cx = generation_of(info);
  return 1;
}

uint64_t gc_plat_images_generation(void) {
  uint64_t generation = 0;
  dl_iterate_phdr(read_generation, &generation);
  return generation;
}

struct locked_call {
  void (*fn)(uint64_t generation, void *cx);
  void *cx;
};

static int call_locked(struct dl_phdr_info *info, size_t size, void *cx) {
  const struct locked_call *call = cx;
  (void)size;
  call->fn(generation_of(info), call->cx);
  return 1;
}

void gc_plat_with_images_locked(void (*fn)(uint64_t generation, void *cx),
                                void *cx) {
  struct locked_call call = {fn, cx};
  dl_iterate_phdr(call_locked, &call);
}

/* ---- Segments ---- */

struct image_walk {
  void (*segment)(const struct gc_image_segment *, void *);
  void (*tls)(const struct gc_image_tls *, void *);
  void *cx;
  unsigned images; /* seen so far; the program comes first */
};

static const ElfW(Phdr) *
    find_header(const struct dl_phdr_info *info, unsigned type) {
  for (unsigned i = 0; i < info->dlpi_phnum; i++)
    if (info->dlpi_phdr[i].p_type == type)
      return &info->dlpi_phdr[i];
  return NULL;
}

static char *header_address(const struct dl_phdr_info *info,
                            const ElfW(Phdr) * header) {
  return (char *)(info->dlpi_addr + header->p_vaddr);
}

static bool image_contains(const struct dl_phdr_info *info, const void *p) {
  for (unsigned i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) *h = &info->dlpi_phdr[i];
    if (h->p_type == PT_LOAD &&
        (uintptr_t)p - (uintptr_t)header_address(info, h) < h->p_memsz)
      return true;
  }
  return false;
}

static void report_segment(const struct image_walk *walk,
                           struct gc_image_segment *segment, char *lo,
                           char *hi) {
  segment->lo = lo;
  segment->hi = hi;
  if (lo < hi)
    walk->segment(segment, walk->cx);
}

/* The loader protects whole pages, so the last partial page stays writable. */
static void report_without_relro(const struct image_walk *walk,
                                 const struct dl_phdr_info *info,
                                 const ElfW(Phdr) * load,
                                 struct gc_image_segment *segment) {
  const ElfW(Phdr) *relro = find_header(info, PT_GNU_RELRO);
  uintptr_t page_mask = ~(uintptr_t)(gc_plat_page_bytes() - 1);
  char *lo = header_address(info, load), *hi = lo + load->p_memsz;
  char *cut_lo = hi, *cut_hi = hi;
  if (relro != NULL) {
    uintptr_t start = (uintptr_t)header_address(info, relro);
    cut_lo = (char *)(start & page_mask);
    cut_hi = (char *)((start + relro->p_memsz) & page_mask);
  }
  if (cut_lo >= hi || cut_hi <= lo || cut_lo >= cut_hi) {
    report_segment(walk, segment, lo, hi);
    return;
  }
  report_segment(walk, segment, lo, cut_lo);
  report_segment(walk, segment, cut_hi, hi);
}

static void report_segments(const struct image_walk *walk,
                            const struct dl_phdr_info *info) {
  bool is_program = walk->images == 0;
  struct gc_image_segment segment = {
      NULL, NULL, is_program ? "" : info->dlpi_name,
      !is_program && image_contains(info, (void *)(uintptr_t)report_segment),
      is_program};
  for (unsigned i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) *h = &info->dlpi_phdr[i];
    if (h->p_type == PT_LOAD && h->p_flags & PF_W)
      report_without_relro(walk, info, h, &segment);
  }
}

/* ---- Thread-local storage ---- */

/* The second word of the thread control block points to the vector; its entries
 * are indexed by module number. */
struct tls_vector_entry {
  const void *block;
  const void *to_free;
};

#define NO_BLOCK ((const void *)~(uintptr_t)0)

/* The loader's word and the vector's agree for a block of this thread. */
static _Atomic bool is_vector_known;

gc_scans_memory static const struct tls_vector_entry *
vector_of(const void *thread_pointer) {
  return ((const struct tls_vector_entry *const *)thread_pointer)[1];
}

gc_scans_memory static bool is_static_block(size_t module, const void *block) {
  const struct tls_vector_entry *vector = vector_of(gc_plat_thread_pointer());
  if (block == NULL || vector[module].block != block)
    return false;
  gc_store_rlx(&is_vector_known, true);
  return vector[module].to_free == NULL &&
         (uintptr_t)gc_plat_thread_pointer() - (uintptr_t)block < 1u << 20;
}

static void report_tls(const struct image_walk *walk,
                       const struct dl_phdr_info *info) {
  const ElfW(Phdr) *header = find_header(info, PT_TLS);
  if (header == NULL)
    return;
  char *lo = info->dlpi_tls_data;
  struct gc_image_tls tls = {lo, lo != NULL ? lo + header->p_memsz : NULL,
                             is_static_block(info->dlpi_tls_modid, lo),
                             info->dlpi_tls_modid, header->p_memsz};
  walk->tls(&tls, walk->cx);
}

/* The kernel reads a set of signals before it looks at what is to be done with it, and
 * that is nothing it knows. */
static bool can_read_word(uintptr_t address) {
  return syscall(SYS_rt_sigprocmask, ~0, address & ~(uintptr_t)7, NULL, 8) !=
             0 &&
         errno == EINVAL;
}

static bool can_read(const void *block, size_t bytes) {
  size_t page = gc_plat_page_bytes();
  uintptr_t at = (uintptr_t)block, end = at + bytes;
  int saved = errno;
  bool ok = end > at;
  for (; ok && at < end; at = (at / page + 1) * page)
    ok = can_read_word(at);
  errno = saved;
  return ok;
}

gc_scans_memory char *gc_plat_tls_block_of(const void *thread_pointer,
                                           size_t module, size_t bytes) {
  const struct tls_vector_entry *vector = vector_of(thread_pointer);
  if (!gc_load_rlx(&is_vector_known) ||
      !can_read(&vector[module], sizeof vector[module]))
    return NULL;
  const void *block = vector[module].block;
  if (block == NULL || block == NO_BLOCK || !can_read(block, bytes))
    return NULL;
  return (char *)(uintptr_t)block;
}

static int visit_image(struct dl_phdr_info *info, size_t size, void *cx) {
  struct image_walk *walk = cx;
  (void)size;
  if (walk->segment != NULL)
    report_segments(walk, info);
  if (walk->tls != NULL)
    report_tls(walk, info);
  walk->images++;
  return 0;
}

void gc_plat_each_image(void (*segment)(const struct gc_image_segment *,
                                        void *),
                        void (*tls)(const struct gc_image_tls *, void *),
                        void *cx) {
  int saved = errno;
  struct image_walk walk = {segment, tls, cx, 0};
  dl_iterate_phdr(visit_image, &walk);
  errno = saved;
}
