/* src/plat/mappings.c: the kernel's table of mappings.
 * SPDX-License-Identifier: MIT
 *
 * Read piece by piece into a small buffer with plain system calls, because it
 * may be needed with the world stopped. The one user is the scan of a stack of
 * which nothing is known but an address in it, so speed does not matter.
 */
#include "plat/plat.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

struct map_reader {
  int fd;
  size_t at, len;
  char text[1024];
};

/* The next character, or -1 at the end. */
static int next_map_char(struct map_reader *r) {
  if (r->at == r->len) {
    ssize_t n;
    do
      n = read(r->fd, r->text, sizeof r->text);
    while (n < 0 && errno == EINTR);
    if (n <= 0)
      return -1;
    r->at = 0;
    r->len = (size_t)n;
  }
  return (unsigned char)r->text[r->at++];
}

/* A hexadecimal number and the character that ends it. */
static uintptr_t next_map_address(struct map_reader *r, int *out_end) {
  uintptr_t n = 0;
  int c;
  while ((c = next_map_char(r)) != -1) {
    if (c >= '0' && c <= '9')
      n = n << 4 | (uintptr_t)(c - '0');
    else if (c >= 'a' && c <= 'f')
      n = n << 4 | (uintptr_t)(c - 'a' + 10);
    else
      break;
  }
  *out_end = c;
  return n;
}

struct map_line {
  uintptr_t lo, hi;
  bool is_readable;
};

/* Lines read "lo-hi rwxp ...". */
static bool next_map_line(struct map_reader *r, struct map_line *out_line) {
  int c;
  out_line->lo = next_map_address(r, &c);
  if (c != '-')
    return false;
  out_line->hi = next_map_address(r, &c);
  out_line->is_readable = next_map_char(r) == 'r';
  do
    c = next_map_char(r);
  while (c != '\n' && c != -1);
  return true;
}

/* Joins readable lines that touch, until the joined piece holds p. */
static bool find_mapping(struct map_reader *r, uintptr_t p,
                         struct map_line *out_found) {
  struct map_line run = {0, 0, false}, line;
  while (next_map_line(r, &line)) {
    if (!line.is_readable)
      continue;
    if (line.lo != run.hi) {
      if (run.lo <= p && p < run.hi)
        break;
      run.lo = line.lo;
    }
    run.hi = line.hi;
  }
  *out_found = run;
  return run.lo <= p && p < run.hi;
}

bool gc_plat_mapping_of(const char *p, char **out_lo, char **out_hi) {
  int saved = errno;
  struct map_reader r = {.fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC)};
  struct map_line found;
  bool is_found = r.fd >= 0 && find_mapping(&r, (uintptr_t)p, &found);
  if (r.fd >= 0)
    close(r.fd);
  errno = saved;
  if (!is_found)
    return false;
  *out_lo = (char *)found.lo;
  *out_hi = (char *)found.hi;
  return true;
}
