/* examples/find_mistake.c: a notifier that stores its object. SPDX-License-Identifier: MIT */
/* The notifier of a session remembers the last one that ended, by its address, and
 * says GCX_DONE: soon that address is another session. With GCX_DEBUG the kind is a
 * debug kind, and the library tells who made which object, and where the reference
 * is. Status 0 says that it was told. */
#define GCX_DEBUG
#include <gc.h>
#include <gcx/debug.h>

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

struct session {
  int user;
  char name[12];
};

static gcx_kind *session_kind;
static struct session *last_ended; /* the mistake */
static atomic_int reports;

static gcx_verdict on_dead(void *object, size_t bytes, void *cd) {
  (void)bytes, (void)cd;
  last_ended = object;
  return GCX_DONE;
}

static void on_mistake(const gcx_debug_facts *facts) {
  printf("%s\n", facts->text);
  reports++;
}

static void begin_session(int user) {
  struct session *s = GCX_KIND_ALLOC(session_kind, sizeof *s);
  if (s != NULL)
    s->user = user;
}

int main(void) {
  gcx_kind_opts opts = {.struct_size = sizeof opts,
                        .name = "session",
                        .notify = on_dead,
                        .flags = GCX_KIND_DEBUG_IF};
  GC_INIT();
  gcx_debug_set_report(on_mistake);
  session_kind = gcx_kind_new(&opts, NULL);
  if (session_kind == NULL)
    return 1;
  for (int user = 0; user < 100; user++)
    begin_session(user);
  for (int i = 0; i < 2; i++) {
    GC_gcollect();
    if (gcx_drain(10000) != 0)
      return 1;
  }
  if (last_ended != NULL)
    printf("the last user was %d\n", last_ended->user);
  return reports == 1 ? EXIT_SUCCESS : EXIT_FAILURE;
}
