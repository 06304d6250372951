/* extra/hexpr/sink.h: where text and bytes go. SPDX-License-Identifier: MIT */
/* A stream or a malloc'ed buffer of at most `limit` bytes. After the first
 * failure, `failed`, everything is dropped. */
#ifndef HEXPR_SINK_H
#define HEXPR_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct ex_sink {
  FILE *file; /* or NULL, then into `buffer` */
  char *buffer;
  size_t length;
  size_t room;
  size_t limit;
  bool failed;
};

void ex_sink_bytes(struct ex_sink *s, const void *data, size_t n);
void ex_sink_text(struct ex_sink *s, const char *text);
void ex_sink_number(struct ex_sink *s, uint64_t value);

/* The buffer as a string, or NULL after a failure. */
char *ex_sink_string(struct ex_sink *s);

#endif
