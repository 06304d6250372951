/* examples/destructors.c: classes with destructors. SPDX-License-Identifier: MIT */
/* A kind for each class, with the class as closure data: objects need no pointer
 * to it. With GCX_REFS_HELD a destructor may look at all that its object refers
 * to, and a group is destroyed before the shapes in it. */
#include <gc.h>
#include <gcx/reclaim.h>

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { GROUPS = 1000, SHAPES = 5 };

struct class {
  const char *name;
  size_t bytes;
  const struct class *base;
  void (*destroy)(void *object);
  gcx_kind *kind;
};

struct shape {
  int is_destroyed;
};
struct group {
  struct shape *member[SHAPES];
};

static atomic_int shapes, circles, groups, intact;

static void destroy_shape(void *object) {
  ((struct shape *)object)->is_destroyed = 1;
  shapes++;
}
static void destroy_circle(void *object) {
  circles += !((struct shape *)object)->is_destroyed;
}
static void destroy_group(void *object) {
  for (int i = 0; i < SHAPES; i++)
    intact += !((struct group *)object)->member[i]->is_destroyed;
  groups++;
}

static struct class shape = {"shape", sizeof(struct shape), 0, destroy_shape,
                             0};
static struct class circle = {"circle", sizeof(struct shape), &shape,
                              destroy_circle, 0};
static struct class group = {"group", sizeof(struct group), 0, destroy_group,
                             0};

static gcx_verdict on_dead(void *object, size_t bytes, void *cd) {
  (void)bytes;
  for (const struct class *c = cd; c != NULL; c = c->base)
    c->destroy(object);
  return GCX_DONE;
}

static void *make(struct class *c) {
  gcx_kind_opts opts = {.struct_size = sizeof opts, .notify = on_dead, .cd = c};
  opts.name = c->name;
  opts.refs = GCX_REFS_HELD;
  if (c->kind == NULL && (c->kind = gcx_kind_new(&opts, NULL)) == NULL)
    abort();
  return gcx_kind_alloc(c->kind, c->bytes);
}

int main(void) {
  GC_INIT();
  for (int i = 0; i < GROUPS; i++) {
    struct group *g = make(&group);
    for (int k = 0; k < SHAPES; k++)
      g->member[k] = make(&circle);
  }
  GC_gcollect();
  int waited = gcx_drain(10000);
  printf("%d groups, %d circles, %d shapes died\n", groups, circles, shapes);
  printf("%d members found intact by their group\n", intact);
  return waited != 0 || groups < GROUPS * 9 / 10 || intact != groups * SHAPES ||
         circles != shapes;
}
