/* tests/stress/model.h: shadow of an object graph, kept outside the heap. SPDX-License-Identifier: MIT */

/*
 * A graph owns a set of objects in the collected heap and knows, in memory of
 * malloc (which is no root) and only in complemented form, where each is, what
 * it holds and what it refers to. Whatever the model says is reachable must be
 * there with exactly the right contents; the rest may be gone.
 *
 * Layout of an object that can refer to others: word 0 is its serial number,
 * words 1 to MODEL_EDGES are references, the rest is a pattern of the serial.
 * Pointer-free objects are pattern throughout. The middle of large objects is
 * not looked at.
 *
 * A graph belongs to one thread at a time. Roots [0, MODEL_STACK_ROOTS) lie in
 * the frame of that thread, the others in uncollectable memory; between two
 * threads all of them lie in the latter.
 */
#ifndef TESTS_STRESS_MODEL_H
#define TESTS_STRESS_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  MODEL_OBJECTS = 1500,
  MODEL_EDGES = 6,
  MODEL_ROOTS = 160,
  MODEL_STACK_ROOTS = 40
};

/* How an object was made; the order is that of the table in model.c. */
typedef enum {
  FAM_MALLOC,
  FAM_OFF_PAGE,
  FAM_MANY,
  FAM_BITMAP,
  FAM_PROC,
  FAM_UNCOLLECTABLE,
  FAM_ATOMIC,
  FAM_ATOMIC_OFF_PAGE,
  FAM_ATOMIC_UNCOLLECTABLE,
  FAM_ALIGNED,
  FAM_COUNT
} model_family;

struct model_object {
  uintptr_t hidden; /* complemented address; 0: entry not in use */
  size_t size;
  uint64_t serial;
  uint32_t edge[MODEL_EDGES]; /* index + 1 of the target, 0: none */
  uint32_t in_degree;         /* roots and edges of entries in use */
  uint8_t family;
  bool reached;
};

struct model_graph {
  struct model_object object[MODEL_OBJECTS];
  uint32_t root[MODEL_ROOTS];    /* index + 1, 0: none */
  size_t root_at[MODEL_ROOTS];   /* offset of an interior reference */
  uint32_t queue[MODEL_OBJECTS]; /* of the reachability search */
  uint32_t spare;                /* where the search for a free entry starts */
  uint64_t rand;
  uint64_t serial;
  size_t n_steps, n_verified, n_made, n_freed;
  bool whole_only;             /* no interior references */
  void *volatile *stack_roots; /* of the owning thread */
  void *volatile *heap_roots;  /* MODEL_ROOTS words, uncollectable */
};

/* Must run once before any graph; makes the client kinds. */
void model_init(void);

/* Without interior references if the library was set up to ignore them. */
struct model_graph *model_new(uint64_t seed);

/* The thread with this frame takes the graph over, or gives it up. */
void model_enter(struct model_graph *g, void *volatile *stack_roots);
void model_leave(struct model_graph *g);

/* One random operation. */
void model_step(struct model_graph *g);

/*
 * Checks the contents of everything reachable, forgets the rest. Returns the
 * number of objects that the program holds on to.
 */
size_t model_verify(struct model_graph *g);

/* Drops all references and frees what only free gives back. */
void model_drop(struct model_graph *g);

#endif
