/* src/plat/catch.c: ways out of a client's function that are no return.
 * SPDX-License-Identifier: MIT
 *
 * Exceptions of C++ and the like are thrown in two phases, and in both the thrower's
 * unwinder asks the personality routines of the frames that it meets: first who will
 * take the exception, then everybody on the way to that frame, for cleaning up. Our
 * frames are those of the calls in plat/arch_x86_64.c. When the second phase has come
 * to them, all frames inside are done with, and a jump out of the routine ends the
 * unwinding: so it takes no function of the unwinder, and any unwinder will do.
 *
 * An end of the thread is a phase of its own, which nobody may stop.
 */
#if !defined(_GNU_SOURCE)
#define _GNU_SOURCE 1
#endif
#include "plat/plat.h"

#include "base/check.h"
#include "plat/self.h"

#include <dlfcn.h>
#include <setjmp.h>
#include <string.h>
#include <unwind.h>

struct landing {
  jmp_buf here;
  enum gc_plat_end end;
  struct _Unwind_Exception *exception;
};

void gc_plat_call_catching(void (*fn)(void *arg), void *arg);
_Unwind_Reason_Code gc_plat_personality_catch(
    int version, _Unwind_Action actions, _Unwind_Exception_Class language,
    struct _Unwind_Exception *exception, struct _Unwind_Context *context);
_Unwind_Reason_Code gc_plat_personality_refuse(
    int version, _Unwind_Action actions, _Unwind_Exception_Class language,
    struct _Unwind_Exception *exception, struct _Unwind_Context *context);

/* ---- Destroying an exception ---- */

typedef void *(*begin_catch_fn)(void *);
typedef void (*end_catch_fn)(void);

static bool are_of_one_image(void *a, void *b) {
  Dl_info of_a, of_b;
  return a != NULL && b != NULL && dladdr(a, &of_a) != 0 &&
         dladdr(b, &of_b) != 0 && of_a.dli_fbase == of_b.dli_fbase;
}

/* A function of the runtime that the exception's own cleanup belongs to: there may be
 * several, and what is global may be another's. */
static void *find_beside(void *cleanup, const char *name) {
  Dl_info image;
  if (dladdr(cleanup, &image) == 0)
    return NULL;
  void *handle = dlopen(image.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
  if (handle == NULL) /* the program itself */
    handle = dlopen(NULL, RTLD_LAZY);
  if (handle == NULL)
    return NULL;
  void *found = dlsym(handle, name);
  dlclose(handle); /* the exception comes from it: it stays */
  return are_of_one_image(found, cleanup) ? found : NULL;
}

/* Catching it as C++ does ends its being in flight, which the thread's count of
 * uncaught exceptions tells. Without that function its memory is given back only. */
static void destroy(struct _Unwind_Exception *e) {
  void *cleanup = *(void **)&e->exception_cleanup;
  if (cleanup == NULL)
    return;
  begin_catch_fn begin_catch;
  end_catch_fn end_catch;
  *(void **)&begin_catch = find_beside(cleanup, "__cxa_begin_catch");
  *(void **)&end_catch = find_beside(cleanup, "__cxa_end_catch");
  if (begin_catch != NULL && end_catch != NULL) {
    begin_catch(e);
    end_catch();
  } else {
    e->exception_cleanup(_URC_FOREIGN_EXCEPTION_CAUGHT, e);
  }
}

/* ---- Landing ---- */

static gc_noreturn void land(enum gc_plat_end end,
                             struct _Unwind_Exception *exception) {
  struct landing *l = gc_self()->escape;
  l->end = end;
  l->exception = exception;
  _longjmp(l->here, 1);
}

enum gc_plat_end gc_plat_catch(void (*fn)(void *arg), void *arg) {
  struct landing landing = {.end = END_RETURNED};
  gc_self()->escape = &landing;
  if (_setjmp(landing.here) == 0)
    gc_plat_call_catching(fn, arg);
  gc_self()->escape = NULL;
  if (landing.end == END_EXCEPTION)
    destroy(landing.exception);
  return landing.end;
}

gc_noreturn void gc_plat_escape(void) { land(END_ESCAPED, NULL); }

/* ---- What the unwinder asks ---- */

/* The assembler's tables name them, which the compiler does not see. */
__attribute__((used)) _Unwind_Reason_Code gc_plat_personality_catch(
    int version, _Unwind_Action actions, _Unwind_Exception_Class language,
    struct _Unwind_Exception *exception, struct _Unwind_Context *context) {
  (void)version, (void)language, (void)context;
  if (actions & _UA_FORCE_UNWIND)
    return _URC_CONTINUE_UNWIND;
  if (actions & _UA_SEARCH_PHASE)
    return _URC_HANDLER_FOUND;
  land(END_EXCEPTION, exception);
}

/* In the first phase nothing has been unwound: whoever looks at the process finds it
 * where it threw. */
__attribute__((used)) _Unwind_Reason_Code gc_plat_personality_refuse(
    int version, _Unwind_Action actions, _Unwind_Exception_Class language,
    struct _Unwind_Exception *exception, struct _Unwind_Context *context) {
  (void)version, (void)language, (void)exception, (void)context;
  if (actions & _UA_FORCE_UNWIND)
    return _URC_CONTINUE_UNWIND;
  gc_fatal("an exception leaves a notifier that an allocating or collecting "
           "thread calls; catch it there");
}
