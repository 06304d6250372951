/* extra/hexpr/seq.h: what collections share with sequences. SPDX-License-Identifier: MIT */
#ifndef HEXPR_SEQ_H
#define HEXPR_SEQ_H

#include "hexpr/collect.h"
#include "hexpr/node.h"

/* Defines the operators; false when the program has others of these names. */
bool ex_seq_define(void);

/* Whether E is a sequence, as far as its topmost node tells. */
bool ex_seq_is(ex e);

/* Of what ex_seq_is is true for. */
size_t ex_seq_size(ex e);
int ex_seq_each(ex seq, ex_entry_fn fn, void *cd);

#endif
