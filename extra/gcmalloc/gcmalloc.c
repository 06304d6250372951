/* extra/gcmalloc/gcmalloc.c: malloc and its relatives by the collector, to be preloaded. SPDX-License-Identifier: MIT */
/* A program that runs with this library in LD_PRELOAD has the collector's objects where
 * it asks for memory of malloc. By default they are uncollectable: they are searched
 * for references and live until they are freed, so nothing can go wrong with programs that
 * keep addresses where no collector looks. With GCX_MALLOC=collect they are ordinary
 * objects, and what is lost is taken. With GC_FIND_LEAK they are, too, but nothing is
 * taken before the end of the program, when what was lost is reported.
 *
 * The C library's own functions (__libc_malloc and so on) serve who must not call the
 * collector: the collector itself, when it starts and when it makes a thread known,
 * calls functions of the C library that may ask for memory. Such blocks are not searched
 * and are told from objects by their addresses. After that the collector asks for none.
 *
 * The loader refers to what it asks for from places of its own, the thread-local blocks
 * of libraries among it; that is always uncollectable.
 *
 * An alignment above 16 is had by an address inside of a larger object. So an address
 * that is given back may be an inner one, and its object is looked up.
 *
 * Public functions have their names by assembler labels: the compiler must not think that
 * it knows what they do, and this file must not call them by accident. */
#include <gc/gc.h>

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#define EXPORT(name) __asm__(#name) __attribute__((visibility("default")))

void *gcm_malloc(size_t bytes) EXPORT(malloc);
void *gcm_calloc(size_t count, size_t bytes) EXPORT(calloc);
void *gcm_realloc(void *old, size_t bytes) EXPORT(realloc);
void gcm_free(void *object) EXPORT(free);
void *gcm_memalign(size_t alignment, size_t bytes) EXPORT(memalign);
void *gcm_aligned_alloc(size_t alignment, size_t bytes) EXPORT(aligned_alloc);
int gcm_posix_memalign(void **out, size_t alignment, size_t bytes)
    EXPORT(posix_memalign);
void *gcm_valloc(size_t bytes) EXPORT(valloc);
void *gcm_pvalloc(size_t bytes) EXPORT(pvalloc);
size_t gcm_usable_size(void *object) EXPORT(malloc_usable_size);
char *gcm_strdup(const char *text) EXPORT(strdup);
char *gcm_strndup(const char *text, size_t bytes) EXPORT(strndup);
int gcm_getattr(pthread_t thread, pthread_attr_t *out)
    EXPORT(pthread_getattr_np);

/* The C library's, under the names that nobody takes. */
extern void *__libc_malloc(size_t bytes);
extern void *__libc_calloc(size_t count, size_t bytes);
extern void *__libc_realloc(void *old, size_t bytes);
extern void *__libc_memalign(size_t alignment, size_t bytes);
extern void __libc_free(void *block);

#define NATURAL_ALIGNMENT 16u

/* ---- What malloc gives ---- */

enum contents { PLAIN, TEXT, OF_LOADER }; /* TEXT: no references */

static void *(*const kept[])(size_t) = {GC_malloc_uncollectable,
                                        GC_malloc_atomic_uncollectable,
                                        GC_malloc_uncollectable};
static void *(*const collected[])(size_t) = {GC_malloc, GC_malloc_atomic,
                                             GC_malloc_uncollectable};
/* By contents; null: not chosen yet. The first call has no other thread beside it. */
static void *(*const *makers)(size_t);

static uintptr_t loader_low, loader_high;

static enum contents contents_for(const void *caller) {
  uintptr_t at = (uintptr_t)caller;
  return loader_low <= at && at < loader_high ? OF_LOADER : PLAIN;
}

static bool is_on(const char *name, const char *value) {
  const char *is = secure_getenv(name);
  if (is == NULL)
    return false;
  return value != NULL ? strcmp(is, value) == 0 : strcmp(is, "0") != 0;
}

static int find_loader(struct dl_phdr_info *image, size_t bytes, void *unused) {
  (void)bytes;
  (void)unused;
  if (image->dlpi_addr != getauxval(AT_BASE))
    return 0;
  for (unsigned i = 0; i < image->dlpi_phnum; i++) {
    const ElfW(Phdr) *part = &image->dlpi_phdr[i];
    if (part->p_type != PT_LOAD)
      continue;
    loader_low = image->dlpi_addr;
    loader_high = image->dlpi_addr + part->p_vaddr + part->p_memsz;
  }
  return 1;
}

/* The first thread's descriptor, which has the second level of its keys, lies in memory
 * of the loader; those of others are a part of their stacks. */
static void add_descriptor(void) {
  const uint32_t *bytes = dlsym(RTLD_DEFAULT, "_thread_db_sizeof_pthread");
  char *self = (char *)pthread_self();
  if (bytes != NULL)
    GC_add_roots(self, self + *bytes);
}

/* A leak that is reported is freed, and whoever hides addresses would lose objects in use;
 * so the one collection is that of the end. Called before the collector's own exit
 * function, which is older. */
static void enable_collections(void) { GC_enable(); }

static void start(void) {
  bool finds_leaks = is_on("GC_FIND_LEAK", NULL);
  if (finds_leaks && atexit(enable_collections) == 0)
    GC_disable();
  if (finds_leaks || is_on("GCX_MALLOC", "collect")) {
    dl_iterate_phdr(find_loader, NULL);
    add_descriptor();
    makers = collected;
  } else {
    makers = kept;
  }
}

/* ---- Who may call the collector ---- */

/* A thread's first allocation makes it known to the collector, and so does one after its
 * leave at its end. The collector may ask for memory meanwhile, and not later. */
static __thread bool is_joining __attribute__((tls_model("initial-exec")));

static void *make_and_join(size_t bytes, enum contents contents) {
  is_joining = true;
  GC_init();
  if (makers == NULL)
    start();
  void *object = makers[contents](bytes);
  is_joining = false;
  return object;
}

/* Null is either a full heap, or `*out_must_pass`: the collector must be left alone. */
static void *make(size_t bytes, enum contents contents, bool *out_must_pass) {
  *out_must_pass = is_joining;
  if (is_joining)
    return NULL;
  if (makers == NULL || !GC_thread_is_registered())
    return make_and_join(bytes, contents);
  return makers[contents](bytes);
}

/* This function of the C library allocates under the thread's own lock. If that is the
 * thread's first allocation, the collector asks it for the bounds of the stack. */
int gcm_getattr(pthread_t thread, pthread_attr_t *out) {
  static int (*get)(pthread_t thread, pthread_attr_t * out);
  bool before = is_joining;
  is_joining = true;
  if (get == NULL)
    *(void **)&get = dlsym(RTLD_NEXT, "pthread_getattr_np");
  int error = get == NULL ? ENOSYS : get(thread, out);
  is_joining = before;
  return error;
}

static void *or_no_memory(void *object) {
  if (object == NULL)
    errno = ENOMEM;
  return object;
}

/* ---- Objects ---- */

/* The start of the object that an address was given for; null: it is the C library's. */
static void *start_of(void *object) {
  return GC_is_heap_ptr(object) ? GC_base(object) : NULL;
}

static void *allocate(size_t bytes, enum contents contents) {
  bool must_pass;
  void *object = make(bytes, contents, &must_pass);
  if (must_pass)
    return __libc_malloc(bytes);
  return or_no_memory(object);
}

void *gcm_malloc(size_t bytes) {
  return allocate(bytes, contents_for(__builtin_return_address(0)));
}

/* What the collector gives is clear. */
void *gcm_calloc(size_t count, size_t bytes) {
  bool must_pass;
  size_t all;
  if (__builtin_mul_overflow(count, bytes, &all))
    return or_no_memory(NULL);
  enum contents contents = contents_for(__builtin_return_address(0));
  void *object = make(all, contents, &must_pass);
  if (must_pass)
    return __libc_calloc(count, bytes);
  return or_no_memory(object);
}

void gcm_free(void *object) {
  int saved = errno;
  void *start = object == NULL ? NULL : start_of(object);
  if (start != NULL)
    GC_free(start);
  else if (object != NULL)
    __libc_free(object);
  errno = saved;
}

/* Of the C library's blocks it only tells the size. */
static size_t size_of_block(void *block) {
  static size_t (*size_of)(void *);
  if (size_of == NULL)
    *(void **)&size_of = dlsym(RTLD_NEXT, "malloc_usable_size");
  return size_of == NULL ? 0 : size_of(block);
}

size_t gcm_usable_size(void *object) {
  if (object == NULL)
    return 0;
  char *start = start_of(object);
  if (start == NULL)
    return size_of_block(object);
  return GC_size(start) - (size_t)((char *)object - start);
}

static void *move(void *old, size_t bytes) {
  size_t held = gcm_usable_size(old);
  void *object = allocate(bytes, PLAIN);
  if (object == NULL)
    return NULL;
  memcpy(object, old, held < bytes ? held : bytes);
  gcm_free(old);
  return object;
}

void *gcm_realloc(void *old, size_t bytes) {
  if (old == NULL)
    return allocate(bytes, contents_for(__builtin_return_address(0)));
  void *start = start_of(old);
  if (start == NULL)
    return __libc_realloc(old, bytes);
  if (bytes == 0) {
    gcm_free(old);
    return NULL;
  }
  if (start != old)
    return move(old, bytes);
  return or_no_memory(GC_realloc(old, bytes));
}

/* ---- Alignment ---- */

static bool is_power_of_two(size_t n) { return n != 0 && (n & (n - 1)) == 0; }

static void *aligned(size_t alignment, size_t bytes, enum contents contents) {
  bool must_pass;
  size_t all;
  if (alignment <= NATURAL_ALIGNMENT)
    return allocate(bytes, contents);
  if (__builtin_add_overflow(bytes, alignment, &all))
    return or_no_memory(NULL);
  char *object = make(all, contents, &must_pass);
  if (must_pass)
    return __libc_memalign(alignment, bytes);
  if (object == NULL)
    return or_no_memory(NULL);
  return object + (-(uintptr_t)object & (alignment - 1));
}

void *gcm_memalign(size_t alignment, size_t bytes) {
  if (is_power_of_two(alignment))
    return aligned(alignment, bytes, contents_for(__builtin_return_address(0)));
  errno = EINVAL;
  return NULL;
}

void *gcm_aligned_alloc(size_t alignment, size_t bytes) {
  if (is_power_of_two(alignment))
    return aligned(alignment, bytes, PLAIN);
  errno = EINVAL;
  return NULL;
}

int gcm_posix_memalign(void **out, size_t alignment, size_t bytes) {
  int saved = errno;
  if (!is_power_of_two(alignment) || alignment % sizeof(void *) != 0)
    return EINVAL;
  void *object = aligned(alignment, bytes, PLAIN);
  errno = saved;
  if (object == NULL)
    return ENOMEM;
  *out = object;
  return 0;
}

static size_t page_bytes(void) { return (size_t)sysconf(_SC_PAGESIZE); }

void *gcm_valloc(size_t bytes) { return aligned(page_bytes(), bytes, PLAIN); }

void *gcm_pvalloc(size_t bytes) {
  size_t page = page_bytes();
  if (bytes > SIZE_MAX - page)
    return or_no_memory(NULL);
  return aligned(page, (bytes + page - 1) & ~(page - 1), PLAIN);
}

/* ---- Text ---- */

static char *copy_of(const char *text, size_t bytes) {
  bool must_pass;
  char *copy = make(bytes + 1, TEXT, &must_pass);
  if (must_pass)
    copy = __libc_malloc(bytes + 1);
  if (copy == NULL)
    return or_no_memory(NULL);
  memcpy(copy, text, bytes);
  copy[bytes] = '\0';
  return copy;
}

char *gcm_strdup(const char *text) { return copy_of(text, strlen(text)); }

char *gcm_strndup(const char *text, size_t bytes) {
  return copy_of(text, strnlen(text, bytes));
}
