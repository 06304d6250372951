/* extra/hexpr/acmatch.h: search for matches modulo the laws of operators. SPDX-License-Identifier: MIT */
/* A machine with a list of goals, a stack of choices and a trail of what to undo.
 * Goals made after a choice are dropped with it, so all four lie in arrays that
 * grow and shrink at their ends. */
#ifndef HEXPR_ACMATCH_H
#define HEXPR_ACMATCH_H

#include "hexpr/pattern.h"

enum { SEA_NONE = UINT32_MAX };

struct sea_goal {
  uint32_t kind;
  uint32_t next; /* goal after this one */
  uint32_t place;
  uint32_t depth; /* binders of the pattern around */
  uint32_t i;     /* operand of the pattern */
  uint32_t j;     /* operand of the subject */
  uint32_t frame; /* commutative: where the counts lie */
  ex subject;
};

struct sea_choice {
  uint32_t goal;
  uint32_t alternative;
  size_t trail;
  size_t goals;
  size_t words;
};

struct sea_undo {
  uint32_t at;  /* a variable, or a word */
  uint32_t old; /* of a word */
  bool is_word;
};

struct ex_search {
  const struct ex_pattern *pattern;
  ex *value;       /* scanned, by variable; NULL: free */
  bool idempotent; /* operands of idempotent operators may be taken again */
  size_t max_steps;
  size_t steps;
  uint32_t head; /* goals to begin with */
  struct sea_goal *goal;
  size_t goals, goal_room;
  struct sea_choice *choice;
  size_t choices, choice_room;
  struct sea_undo *trail;
  size_t trails, trail_room;
  uint32_t *word;
  size_t words, word_room;
  bool failed; /* ex_errno says why */
};

/* Begins a search for PATTERN; VALUE may hold values already. The arrays of a
 * former search are used again; a zeroed struct is a new one. */
void ex_search_start(struct ex_search *s, const struct ex_pattern *pattern,
                     ex *value);

/* The part of the pattern at PLACE must match SUBJECT, too. */
void ex_search_add(struct ex_search *s, uint32_t place, ex subject,
                   uint32_t depth);

/* Calls FN at every solution until it returns true. Returns whether it did. */
bool ex_search_run(struct ex_search *s, bool (*fn)(void *cd), void *cd);
void ex_search_drop(struct ex_search *s);

#endif
