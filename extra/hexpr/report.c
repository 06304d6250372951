/* extra/hexpr/report.c: the report on a file of formulas. SPDX-License-Identifier: MIT */
/* The light run derives every formula by each of its variables and simplifies;
 * it counts sizes while all results are held, then drops nine in ten and
 * collects. The heavy run takes a high derivative of one nested formula again
 * and again, each time with another number in it, and holds only the latest
 * result, so that most of what it allocates dies. */
#include "hexpr/cmd.h"

#include "hcons/backend.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { KEPT_ONE_IN = 10, MEGABYTE = 1 << 20 };

struct results {
  ex *at; /* scanned */
  size_t n;
};

struct snapshot {
  double seconds;
  unsigned long collections;
  size_t allocated;
  hc_stats table;
};

static double pause_start;
static double longest_pause;

/* ---- Measuring ---- */

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Runs within the collection: no allocation here. */
static void on_pause(int stopping) {
  if (stopping)
    pause_start = now();
  else if (now() - pause_start > longest_pause)
    longest_pause = now() - pause_start;
}

static void measure(struct snapshot *s) {
  s->seconds = now();
  s->collections = hc_backend_collections();
  s->allocated = hc_backend_allocated_bytes();
  hc_get_stats(ex_table(), &s->table);
}

static uint64_t look_ups(const hc_stats *s) { return s->hits + s->misses; }

/* ---- Output ---- */

static bool as_json;
static bool in_section;

static void end_section(void) {
  if (as_json && in_section)
    cmd_json_close('}');
  in_section = false;
}

/* The heading of the rows that follow; KEY is for JSON. */
static void section(const char *key, const char *title) {
  end_section();
  if (as_json)
    cmd_json_open(key, '{');
  else
    printf("%s\n", title);
  in_section = true;
}

static void row(const char *label, const char *value) {
  if (as_json)
    cmd_json_string(label, value);
  else
    printf("  %-26s %s\n", label, value);
}

static void row_count(const char *label, uint64_t value) {
  char text[32];
  snprintf(text, sizeof text, "%llu", (unsigned long long)value);
  if (as_json)
    cmd_json_number(label, text);
  else
    row(label, text);
}

/* UNIT begins with a blank, or is empty. */
static void row_number(const char *label, double value, const char *unit) {
  char text[64];
  char key[64];
  snprintf(key, sizeof key, "%s%s%s%s", label, unit[0] == '\0' ? "" : " (",
           unit[0] == '\0' ? "" : unit + 1, unit[0] == '\0' ? "" : ")");
  if (value < 1e15)
    snprintf(text, sizeof text, "%.*f%s", value < 100 ? 2 : 0, value,
             as_json ? "" : unit);
  else
    snprintf(text, sizeof text, "%.8g%s", value, as_json ? "" : unit);
  if (as_json && value <= 1e300)
    cmd_json_number(key, text);
  else
    row(label, text);
}

/* The sizes of some expressions together; tree sizes may have many digits. */
static void rows_of_sizes(const ex *roots, size_t n) {
  char text[96];
  char *tree = NULL;
  size_t dag = 0;
  if (!ex_count(roots, n, &dag, &tree))
    return;
  if (as_json) {
    cmd_json_string("tree nodes", tree);
    cmd_json_count("graph nodes", dag);
    free(tree);
    return;
  }
  if (strlen(tree) <= 40)
    snprintf(text, sizeof text, "%s nodes", tree);
  else
    snprintf(text, sizeof text, "%.1s.%.8se%zu nodes", tree, tree + 1,
             strlen(tree) - 1);
  row("tree size", text);
  snprintf(text, sizeof text, "%zu nodes", dag);
  row("graph size", text);
  if (dag > 0)
    row_number("sharing factor", strtod(tree, NULL) / (double)dag, "");
  free(tree);
}

static void rows_of_work(const struct snapshot *from) {
  struct snapshot to;
  double seconds;
  measure(&to);
  seconds = to.seconds - from->seconds;
  row_count("nodes looked up", look_ups(&to.table) - look_ups(&from->table));
  row_count("nodes made", to.table.made - from->table.made);
  row_count("nodes notified dead", to.table.removed - from->table.removed);
  row_count("nodes revived", to.table.revived - from->table.revived);
  row_number("interns per second",
             (double)(look_ups(&to.table) - look_ups(&from->table)) / seconds /
                 1e6,
             " million");
  row_number("allocated", (double)(to.allocated - from->allocated) / MEGABYTE,
             " MB");
  row_count("collections", to.collections - from->collections);
  row_number("seconds", seconds, "");
}

/* ---- The light run ---- */

static bool push_result(struct results *r, size_t *room, ex e) {
  if (r->n == *room) {
    size_t bigger_room = *room == 0 ? 256 : 2 * *room;
    ex *bigger = hc_scanned_alloc(bigger_room * sizeof *bigger);
    if (bigger == NULL)
      return false;
    if (r->n > 0)
      memcpy(bigger, r->at, r->n * sizeof *bigger);
    if (r->at != NULL)
      hc_scanned_free(r->at);
    r->at = bigger;
    *room = bigger_room;
  }
  r->at[r->n++] = e;
  return e != NULL;
}

/* Adds the simplified derivatives of one formula. */
static bool derive_all(struct results *r, size_t *room, ex formula) {
  size_t n = 0;
  ex *variables = ex_variables(formula, &n);
  bool ok = variables != NULL;
  for (size_t i = 0; ok && i < n; i++)
    ok = push_result(r, room, ex_simplify(ex_derive(formula, variables[i])));
  free(variables);
  return ok;
}

static void drop_most(struct results *r) {
  size_t kept = 0;
  for (size_t i = 0; i < r->n; i += KEPT_ONE_IN)
    r->at[kept++] = r->at[i];
  for (size_t i = kept; i < r->n; i++)
    r->at[i] = NULL;
  r->n = kept;
}

static bool light_run(const struct cmd_input *f, struct results *r) {
  struct snapshot before;
  size_t room = 0;
  bool ok = true;
  measure(&before);
  for (size_t i = 0; ok && i < f->formula.n; i++) {
    cmd_progress("formula", i + 1, f->formula.n);
    ok = push_result(r, &room, f->formula.at[i]) &&
         derive_all(r, &room, f->formula.at[i]);
  }
  cmd_progress_end();
  if (!ok)
    return false;
  section("light",
          "\nDerivatives of all formulas by each variable, simplified");
  row_count("derivatives", r->n - f->formula.n);
  rows_of_sizes(r->at, r->n);
  drop_most(r);
  hc_backend_collect();
  rows_of_work(&before);
  return true;
}

/* ---- The heavy run ---- */

static ex high_derivative(const struct ex_report_options *o, ex e, ex x) {
  for (long i = 1; e != NULL && i <= o->order; i++) {
    cmd_progress("derivative of the heavy run,", (size_t)i, (size_t)o->order);
    e = ex_derive(e, x);
    if (!o->unsimplified)
      e = ex_simplify(e);
  }
  return e;
}

static bool heavy_run(const struct ex_report_options *o, ex nested, ex *held) {
  struct snapshot before;
  char title[300];
  size_t round = 0;
  size_t limit = (size_t)o->volume_mb * MEGABYTE;
  ex x = ex_sym("x");
  ex k = ex_sym("k");
  measure(&before);
  do {
    ex e = ex_subst(nested, k, ex_int((int64_t)++round));
    *held = high_derivative(o, e, x);
    if (*held == NULL)
      return false;
  } while (hc_backend_allocated_bytes() - before.allocated < limit);
  cmd_progress_end();
  snprintf(title, sizeof title, "\nDerivative %ld by x of %.200s, k = 1..%zu%s",
           o->order, o->nested, round,
           o->unsimplified ? ", not simplified" : "");
  section("heavy", title);
  rows_of_sizes(held, 1);
  rows_of_work(&before);
  return true;
}

/* ---- The whole ---- */

/* Tries the picture's path before the work, and leaves no trace. */
static bool is_writable(const char *path) {
  bool existed = access(path, F_OK) == 0;
  int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  if (fd < 0) {
    cmd_cannot("write", path, errno);
    return false;
  }
  close(fd);
  if (!existed)
    unlink(path);
  return true;
}

static bool draw(const char *path) {
  int error;
  if (path == NULL)
    return true;
  if (!hc_backend_is_reclaim()) {
    row("picture of the heap", "none: this collector does not draw");
    return true;
  }
  error = hc_backend_draw_heap(path);
  if (error == 0)
    row("picture of the heap", path);
  else
    cmd_cannot("write", path, error);
  return error == 0;
}

static bool closing_rows(const struct ex_report_options *o) {
  struct rusage usage;
  unsigned version = hc_backend_version();
  char text[64];
  getrusage(RUSAGE_SELF, &usage);
  section("altogether", "\nAltogether");
  row_count("collections", hc_backend_collections());
  row_number("longest pause", longest_pause * 1e3, " ms");
  row_number("heap", (double)hc_backend_heap_bytes() / MEGABYTE, " MB");
  row_number("peak resident memory", (double)usage.ru_maxrss / 1024, " MB");
  snprintf(text, sizeof text, "interface %u.%u.%u", version >> 16,
           version >> 8 & 255, version & 255);
  row("collector", text);
  return draw(o->picture);
}

static size_t count_variables(const struct cmd_input *f) {
  size_t sum = 0;
  for (size_t i = 0; i < f->formula.n; i++) {
    size_t n = 0;
    free(ex_variables(f->formula.at[i], &n));
    sum += n;
  }
  return sum;
}

static bool opening_rows(const struct ex_report_options *o,
                         const struct cmd_input *f) {
  section("input", strcmp(o->file, "-") == 0 ? "standard input" : o->file);
  row_count("formulas", f->formula.n);
  row_count("with errors", f->errors);
  row_count("variables of each, added", count_variables(f));
  rows_of_sizes(f->formula.at, f->formula.n);
  return f->formula.n > 0;
}

static int run(const struct ex_report_options *o, const struct cmd_input *f,
               ex nested) {
  struct results results = {NULL, 0};
  ex held = NULL;
  bool ok;
  bool whole = (!opening_rows(o, f) || light_run(f, &results)) &&
               (o->order == 0 || heavy_run(o, nested, &held));
  if (!whole)
    cmd_no_memory();
  ok = whole && closing_rows(o);
  end_section();
  hc_keep(held);
  if (results.at != NULL)
    hc_scanned_free(results.at);
  if (!ok)
    return CMD_TROUBLE;
  return f->errors > 0 ? CMD_BAD_FORMULA : CMD_OK;
}

static int report(const struct ex_report_options *o,
                  const struct cmd_options *c, ex nested) {
  struct cmd_input in;
  int status;
  if (o->picture != NULL && !is_writable(o->picture))
    return CMD_TROUBLE;
  cmd_input_read(&in, c);
  if (!in.trouble)
    hc_backend_watch_pauses(on_pause);
  status = in.trouble ? CMD_TROUBLE : run(o, &in, nested);
  cmd_input_drop(&in);
  return status;
}

int ex_report(const struct ex_report_options *o) {
  struct cmd_options c = {.command = "report", .file = &o->file, .files = 1};
  ex_error error;
  size_t n = strlen(o->nested);
  ex nested = ex_parse(o->nested, n, &error);
  int status = CMD_BAD_FORMULA;
  c.json = as_json = o->json;
  c.progress = o->progress;
  c.may_be_empty = true;
  cmd_out_start(&c);
  if (nested == NULL)
    cmd_error("formula given with -e", o->nested, n, &error);
  else
    status = report(o, &c, nested);
  hc_keep(nested);
  return cmd_out_end(&c, status);
}
