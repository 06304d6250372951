/* src/plat/text.c: messages, files, environment. SPDX-License-Identifier: MIT
 */
#if !defined(_GNU_SOURCE)
#define _GNU_SOURCE 1
#endif
#include "plat/plat.h"

#include "base/check.h"
#include "base/format.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

static void write_to_stderr(const char *text, size_t len) {
  gc_plat_write_text(STDERR_FILENO, text, len);
}

void (*gc_message_sink)(const char *text, size_t len) = write_to_stderr;

void gc_plat_write_text(int fd, const char *text, size_t len) {
  int saved = errno;
  while (len > 0) {
    ssize_t n = write(fd, text, len);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      break;
    text += n;
    len -= (size_t)n;
  }
  errno = saved;
}

void gc_plat_message(const char *format, ...) {
  char text[512];
  va_list args;
  va_start(args, format);
  size_t len = gc_format_message(text, sizeof text, format, args);
  va_end(args);
  if (gc_message_sink != NULL)
    gc_message_sink(text, len);
}

void gc_plat_abort(void) { abort(); }

const char *gc_plat_getenv(const char *name) { return secure_getenv(name); }

int gc_plat_open_file(const char *path, bool append, int *out_errno) {
  int saved = errno;
  int how = O_WRONLY | O_CREAT | O_CLOEXEC | (append ? O_APPEND : O_TRUNC);
  int fd = open(path, how, 0666);
  *out_errno = fd < 0 ? errno : 0;
  errno = saved;
  return fd;
}

void gc_plat_close_file(int fd) {
  int saved = errno;
  close(fd);
  errno = saved;
}
