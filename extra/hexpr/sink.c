/* extra/hexpr/sink.c: where text and bytes go. SPDX-License-Identifier: MIT */
#include "hexpr/sink.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static bool make_room(struct ex_sink *s, size_t more) {
  size_t need = s->length + more + 1;
  char *bigger;
  if (need <= s->room)
    return true;
  need = need < 64 ? 64 : 2 * need;
  bigger = realloc(s->buffer, need);
  if (bigger == NULL)
    return false;
  s->buffer = bigger;
  s->room = need;
  return true;
}

void ex_sink_bytes(struct ex_sink *s, const void *data, size_t n) {
  if (s->failed)
    return;
  if (s->file != NULL)
    s->failed = fwrite(data, 1, n, s->file) != n;
  else if (n > s->limit - s->length || !make_room(s, n))
    s->failed = true;
  else {
    memcpy(s->buffer + s->length, data, n);
    s->length += n;
    s->buffer[s->length] = '\0';
  }
}

void ex_sink_text(struct ex_sink *s, const char *text) {
  ex_sink_bytes(s, text, strlen(text));
}

void ex_sink_number(struct ex_sink *s, uint64_t value) {
  char text[24];
  snprintf(text, sizeof text, "%" PRIu64, value);
  ex_sink_text(s, text);
}

char *ex_sink_string(struct ex_sink *s) {
  ex_sink_bytes(s, "", 0);
  if (!s->failed)
    return s->buffer;
  free(s->buffer);
  return NULL;
}
