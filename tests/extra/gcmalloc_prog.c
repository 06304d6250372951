/* tests/extra/gcmalloc_prog.c: a program that knows nothing of a collector, for gcmalloc.sh. SPDX-License-Identifier: MIT */
/* Linked with the C library only. Its one argument says which of its parts runs; status 0
 * says that all was as the C library's manual has it. Whether memory is the collector's
 * is asked of the preloaded library. */
#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ENSURE(c)                                                              \
  do                                                                           \
    if (!(c)) {                                                                \
      fprintf(stderr, "line %d: %s\n", __LINE__, #c);                          \
      exit(1);                                                                 \
    }                                                                          \
  while (0)

static int is_collectors(const void *p) {
  int (*has)(const void *);
  *(void **)&has = dlsym(RTLD_DEFAULT, "GC_is_heap_ptr");
  return has != NULL && has(p);
}

/* What the compiler cannot see through, so that no call is left out. */
static void *volatile sink;
static void *seen(void *p) {
  sink = p;
  return sink;
}

static int calls(void) {
  volatile size_t huge = SIZE_MAX / 2;
  char *p = seen(malloc(100));
  ENSURE(is_collectors(p) && malloc_usable_size(p) >= 100);
  memset(p, 'x', 100);
  p = seen(realloc(p, 100000));
  ENSURE(is_collectors(p) && p[0] == 'x' && p[99] == 'x');
  free(p);
  free(NULL);
  ENSURE(seen(malloc(0)) != NULL && malloc_usable_size(NULL) == 0);
  p = seen(calloc(1000, 8));
  for (int i = 0; i < 8000; i++)
    ENSURE(p[i] == 0);
  ENSURE(is_collectors(p) && realloc(p, 0) == NULL);
  errno = 0;
  ENSURE(seen(calloc(huge, 4)) == NULL && errno == ENOMEM);
  errno = 0;
  ENSURE(seen(malloc(huge)) == NULL && errno == ENOMEM);
  p = strdup("text");
  ENSURE(is_collectors(p) && strcmp(p, "text") == 0);
  free(p);
  p = strndup("text", 2);
  ENSURE(is_collectors(p) && strcmp(p, "te") == 0);
  free(p);
  return 0;
}

static void check_aligned(void *p, size_t alignment, size_t bytes) {
  ENSURE(is_collectors(p) && (uintptr_t)p % alignment == 0);
  ENSURE(malloc_usable_size(p) >= bytes);
  memset(p, 'y', bytes);
  char *moved = seen(realloc(p, bytes + 1));
  ENSURE(moved[0] == 'y' && moved[bytes - 1] == 'y');
  free(moved);
}

static int alignment(void) {
  void *p;
  for (size_t a = 8; a <= 65536; a *= 2) {
    ENSURE(posix_memalign(&p, a, 200) == 0);
    check_aligned(p, a, 200);
    check_aligned(memalign(a, 48), a, 48);
    check_aligned(aligned_alloc(a, 2 * a), a, 2 * a);
    free(seen(memalign(a, 1000)));
  }
  check_aligned(valloc(10), 4096, 10);
  check_aligned(pvalloc(5000), 4096, 8192);
  volatile size_t odd = 24;
  ENSURE(posix_memalign(&p, odd, 8) == EINVAL);
  errno = 0;
  ENSURE(seen(memalign(odd, 8)) == NULL && errno == EINVAL);
  return 0;
}

static pthread_key_t key;

/* Runs when the collector may have seen the thread off already. */
static void at_end(void *p) {
  static _Thread_local int rounds;
  free(p);
  if (++rounds < 6)
    pthread_setspecific(key, seen(malloc(100)));
}

static void *in_thread(void *unused) {
  pthread_attr_t attr;
  (void)unused;
  ENSURE(pthread_getattr_np(pthread_self(), &attr) == 0);
  pthread_attr_destroy(&attr);
  char *kept[100] = {0};
  for (int i = 0; i < 20000; i++) {
    char **p = &kept[i % 100];
    ENSURE(*p == NULL || **p == (char)(i - 100));
    free(*p);
    ENSURE((*p = malloc((size_t)(i % 500) + 1)) != NULL);
    **p = (char)i;
  }
  for (int i = 0; i < 100; i++)
    free(kept[i]);
  pthread_setspecific(key, malloc(100));
  return NULL;
}

static int threads(void) {
  pthread_t id[4];
  ENSURE(pthread_key_create(&key, at_end) == 0);
  for (int round = 0; round < 5; round++) {
    for (int i = 0; i < 4; i++)
      ENSURE(pthread_create(&id[i], NULL, in_thread, NULL) == 0);
    for (int i = 0; i < 4; i++)
      ENSURE(pthread_join(id[i], NULL) == 0);
  }
  return 0;
}

static int forks(void) {
  pthread_t id;
  int status;
  ENSURE(pthread_key_create(&key, at_end) == 0);
  ENSURE(pthread_create(&id, NULL, in_thread, NULL) == 0);
  for (int i = 0; i < 20; i++) {
    char *p = strdup("before");
    pid_t child = fork();
    if (child == 0) {
      p = realloc(p, 100000);
      _exit(strcmp(p, "before") == 0 && malloc(10) != NULL ? 0 : 1);
    }
    ENSURE(child > 0 && waitpid(child, &status, 0) == child && status == 0);
    free(p);
  }
  ENSURE(pthread_join(id, NULL) == 0);
  return 0;
}

static int libraries(void) {
  for (int i = 0; i < 20; i++) {
    void *m = dlopen("libm.so.6", RTLD_NOW);
    ENSURE(m != NULL && dlsym(m, "cos") != NULL && dlclose(m) == 0);
    ENSURE(dlopen("/no/such/library.so", RTLD_NOW) == NULL &&
           dlerror() != NULL);
  }
  return 0;
}

/* Ten blocks are lost and a hundred are freed; one is kept to the end. */
static char *kept_to_the_end;
static __attribute__((noinline)) void lose(void) {
  for (int i = 0; i < 10; i++)
    memset(seen(malloc(7000)), 1, 7000);
  for (int i = 0; i < 100; i++)
    free(seen(malloc(7000)));
}
static int leaks(void) {
  kept_to_the_end = malloc(9000);
  lose();
  for (int i = 0; i < 100; i++)
    free(seen(malloc(16)));
  return kept_to_the_end == NULL;
}

/* A list of a megabyte is lost again and again. */
static int loses(void) {
  for (int round = 0; round < 300; round++) {
    void **list = NULL;
    for (int i = 0; i < 1000; i++) {
      void **node = malloc(1000);
      ENSURE(node != NULL);
      *node = list;
      list = node;
    }
    seen(list);
  }
  FILE *f = fopen("/proc/self/statm", "r");
  long pages, resident;
  ENSURE(f != NULL && fscanf(f, "%ld %ld", &pages, &resident) == 2);
  fclose(f);
  printf("%ld MB\n", resident / 256);
  return 0;
}

int main(int argc, char **argv) {
  static const struct {
    const char *name;
    int (*run)(void);
  } parts[] = {{"calls", calls}, {"alignment", alignment}, {"threads", threads},
               {"forks", forks}, {"libraries", libraries}, {"leaks", leaks},
               {"loses", loses}};
  for (size_t i = 0; argc == 2 && i < sizeof parts / sizeof *parts; i++)
    if (strcmp(argv[1], parts[i].name) == 0)
      return parts[i].run();
  return 2;
}
