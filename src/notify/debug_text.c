/* src/notify/debug_text.c: what is told about mistakes with objects of debug kinds.
 * SPDX-License-Identifier: MIT
 *
 * Three lines: what happened to which object, how that was seen, what to do.
 */
#include "notify/debug.h"

#include "base/format.h"

struct text {
  char *buffer;
  size_t size, used;
};

gc_printf_like(2, 3) static void add(struct text *t, const char *format, ...) {
  va_list args;
  va_start(args, format);
  t->used +=
      gc_format_args(t->buffer + t->used, t->size - t->used, format, args);
  va_end(args);
}

static void add_site(struct text *t, const struct gc_debug_site *s) {
  add(t, "object %p", (const void *)s->start);
  if (s->kind[0] != '\0')
    add(t, " of kind \"%s\"", s->kind);
  add(t, " (%zu bytes", s->bytes);
  if (s->file != NULL)
    add(t, ", made at %s:%u, collection %u", s->file, s->line, s->born);
  add(t, ")");
}

static const char *text_of_state(enum gc_slot_state state) {
  switch (state) {
  case ST_NONE:
    return "it is live";
  case ST_COND:
    return "its notifier is still to be called";
  case ST_CLAIM:
    return "its notifier is being called";
  case ST_DONE:
  case ST_QUARANTINE:
    return "its notifier has returned";
  case ST_LOST:
    break;
  }
  return "its notifier never returned";
}

static void add_death(struct text *t, const struct gc_debug_fact *f) {
  if (f->state == ST_NONE)
    add(t, "\n  It is live");
  else
    add(t, "\n  %s; %s",
        f->is_freed ? "It was freed by hand before"
                    : "A collection had found it dead",
        text_of_state(f->state));
}

static void add_place(struct text *t, const struct gc_debug_fact *f) {
  switch (f->place) {
  case PLACE_OBJECT:
    add(t, "\n  At offset %zu, live ", (size_t)(f->word - f->from.start));
    add_site(t, &f->from);
    break;
  case PLACE_STATIC:
    add(t, "\n  The word at %p, in static data or a registered root,",
        (const void *)f->word);
    break;
  case PLACE_KIND:
    add(t, "\n  The data (cd) of the notifier of kind \"%s\"", f->from.kind);
    break;
  case PLACE_THREAD:
    add(t,
        "\n  For some collections, the word at %p on the stack or in the "
        "thread-local data of thread %d",
        (const void *)f->word, f->thread);
    break;
  case PLACE_NONE:
  case PLACE_UNKNOWN:
    add(t,
        "\n  For some collections, a root that the program pushes, or what it "
        "leads to,");
    break;
  }
  add(t, " refers to offset %zu of it", f->offset);
}

static void write_smashed(struct text *t, const struct gc_debug_fact *f) {
  add_site(t, &f->object);
  add(t, " was written beyond its end");
  add(t, "\n  The first changed byte is at offset %zu; %s", f->offset,
      text_of_state(f->state));
  add(t,
      "\n  Look for an index or a length that is too large, in what writes to "
      "this object or to the one before it.");
}

static void write_freed(struct text *t, const struct gc_debug_fact *f) {
  add_site(t, &f->object);
  add(t, " was freed again, which is ignored");
  add_death(t, f);
  add(t,
      "\n  Remove the second call, or the pointer that outlived the object.");
}

static void write_referenced(struct text *t, const struct gc_debug_fact *f) {
  add_site(t, &f->object);
  add(t, " is dead, but there is a reference to it");
  add_place(t, f);
  if (f->place == PLACE_THREAD)
    add(t,
        "\n  A stack may hold a word that nobody uses any more; else some code "
        "took the address from where it was hidden, without gcx_revive.");
  else
    add(t, "\n  Its notifier returned GCX_DONE, and it or somebody else stored "
           "the "
           "address: let it return GCX_KEEP, or remove the reference first.");
}

static void write_written(struct text *t, const struct gc_debug_fact *f) {
  add_site(t, &f->object);
  add(t, " was written after its death");
  add(t,
      "\n  The first changed byte is at offset %zu; the object is in "
      "quarantine",
      f->offset);
  add(t, "\n  Look for a pointer that was hidden or stored by its notifier, or "
         "for a thread that goes on after its last reference is gone.");
}

static void write_kept(struct text *t, const struct gc_debug_fact *f) {
  add_site(t, &f->object);
  add(t, " must not be kept; it is treated as GCX_DONE");
  add(t, "\n  Its kind is GCX_REFS_NONE, so what it refers to may be gone "
         "already");
  add(t, "\n  Make the kind GCX_REFS_HELD, or GCX_LAYOUT_LEAF if it has no "
         "references.");
}

void gc_debug_write_text(const struct gc_debug_fact *f, char *buffer,
                         size_t size) {
  struct text t = {buffer, size, 0};
  switch (f->mistake) {
  case MISTAKE_SMASHED:
    write_smashed(&t, f);
    break;
  case MISTAKE_FREED_TWICE:
    write_freed(&t, f);
    break;
  case MISTAKE_REFERENCED:
    write_referenced(&t, f);
    break;
  case MISTAKE_WRITTEN:
    write_written(&t, f);
    break;
  case MISTAKE_KEPT:
    write_kept(&t, f);
    break;
  }
}
