/* include/gc/gc_cpp.h: classes and operators new for C++. SPDX-License-Identifier: MIT */

/* Collectable objects for C++:
 *
 *   class node : public gc { ... };       new node is collectable;
 *   class file : public gc_cleanup {...}  so is this, and its destructor is called
 *                                         when nothing refers to the object;
 *   new (GC) double[100]                  for any other type;
 *   new (GC, fn, data) T                  with a function to be called instead
 *                                         of a destructor.
 *
 * Everything is inline over the functions of gc.h.  A program that links
 * libgccpp also gets scanned memory, which lives until it is deleted, from plain
 * `new': so objects of other classes may refer to collectable ones.
 *
 * Allocation may collect, calls finalisers as GC_malloc does, and may be done by
 * any thread that the collector knows.  When memory runs out it throws
 * std::bad_alloc; where exceptions are turned off, it calls GC_throw_bad_alloc
 * (of libgccpp or libgctba); where GC_NEW_ABORTS_ON_OOM is defined, it ends the
 * process.  `delete' destroys and frees at once; it is never needed.  Memory is
 * aligned as that of GC_malloc is, also for types that ask for more.
 *
 * Names are GC_NAMESPACE's choice: if the program defines it before this file,
 * classes, placements and GCCleanUpFunc are in namespace boehmgc.  If it defines
 * GC_NAME_CONFLICT, the placement is called UseGC only. */
#ifndef GC_CPP_H
#define GC_CPP_H

#include "gc.h"

#include <new>

#ifdef GC_NAMESPACE
# define GC_NS_QUALIFY(T) boehmgc::T
#else
# define GC_NS_QUALIFY(T) T
#endif

#ifndef GC_cdecl
# define GC_cdecl GC_CALLBACK
#endif

/* Every compiler for this system has operators for arrays, and calls operators
 * delete with a placement when a constructor throws. */
#if !defined(GC_NO_OPERATOR_NEW_ARRAY) && !defined(GC_OPERATOR_NEW_ARRAY)
# define GC_OPERATOR_NEW_ARRAY
#endif
#ifndef GC_PLACEMENT_DELETE
# define GC_PLACEMENT_DELETE
#endif

/* Throws std::bad_alloc.  [query], as in gc.h */
GC_API void GC_CALL GC_throw_bad_alloc();

#ifdef GC_NEW_ABORTS_ON_OOM
# define GC_OP_NEW_OOM_CHECK(obj) \
    do { if (!(obj)) GC_abort_on_oom(); } while (0)
#elif defined(__EXCEPTIONS) || defined(GC_INCLUDE_NEW)
# define GC_OP_NEW_OOM_CHECK(obj) \
    do { if (!(obj)) throw std::bad_alloc(); } while (0)
#else
# define GC_OP_NEW_OOM_CHECK(obj) \
    do { if (!(obj)) GC_throw_bad_alloc(); } while (0)
#endif

/* ---- Placements ---- */

#ifdef GC_NAMESPACE
namespace boehmgc {
#endif

enum GCPlacement {
  UseGC, /* scanned and collectable */
#ifndef GC_NAME_CONFLICT
  GC = UseGC,
#endif
  NoGC,         /* scanned; lives until it is deleted */
  PointerFreeGC /* collectable, not scanned: holds no references */
#ifdef GC_ATOMIC_UNCOLLECTABLE
  , PointerFreeNoGC /* not scanned; lives until it is deleted */
#endif
};

/* A clean-up function gets the object and the data that was given with it. */
extern "C" {
  typedef void (GC_CALLBACK *GCCleanUpFunc)(void * /* obj */,
                                            void * /* data */);
}

inline void *GC_place_(size_t size, GCPlacement placement) {
  void *p = 0;
  switch (placement) {
  case UseGC:
    p = GC_MALLOC(size);
    break;
  case PointerFreeGC:
    p = GC_MALLOC_ATOMIC(size);
    break;
#ifdef GC_ATOMIC_UNCOLLECTABLE
  case PointerFreeNoGC:
    p = GC_MALLOC_ATOMIC_UNCOLLECTABLE(size);
    break;
#endif
  case NoGC:
    p = GC_MALLOC_UNCOLLECTABLE(size);
    break;
  }
  GC_OP_NEW_OOM_CHECK(p);
  return p;
}

/* ---- Collectable classes ---- */

/* Objects of classes derived from this one are collectable, unless they are
 * made with another placement; no destructor is called when they die.  The
 * placement without collector (an address) is here since a class's operators
 * hide the global ones. */
class gc {
public:
  void *operator new(size_t size) { return GC_place_(size, UseGC); }
  void *operator new(size_t size, GCPlacement placement) {
    return GC_place_(size, placement);
  }
  void *operator new(size_t, void *p) GC_NOEXCEPT { return p; }
  void operator delete(void *p) GC_NOEXCEPT { GC_FREE(p); }
#ifdef GC_PLACEMENT_DELETE
  void operator delete(void *p, GCPlacement) GC_NOEXCEPT { GC_FREE(p); }
  void operator delete(void *, void *) GC_NOEXCEPT {}
#endif

#ifdef GC_OPERATOR_NEW_ARRAY
  void *operator new[](size_t size) { return GC_place_(size, UseGC); }
  void *operator new[](size_t size, GCPlacement placement) {
    return GC_place_(size, placement);
  }
  void *operator new[](size_t, void *p) GC_NOEXCEPT { return p; }
  void operator delete[](void *p) GC_NOEXCEPT { GC_FREE(p); }
# ifdef GC_PLACEMENT_DELETE
  void operator delete[](void *p, GCPlacement) GC_NOEXCEPT { GC_FREE(p); }
  void operator delete[](void *, void *) GC_NOEXCEPT {}
# endif
#endif
};

/* The same, and the destructor of the most derived class is called when nothing
 * refers to the object any more, as a finaliser that ignores references of the
 * object to itself (GC_register_finalizer_ignore_self: when, on which thread, and
 * in which order is said there; cycles of such objects never die).  The memory
 * goes later, without any call.  An object inside another, as a member or as an
 * element of an array, is cleaned up by whichever was constructed first: a class
 * derived from gc with one member of these needs no more, but of an array only
 * the first element is destroyed.  A copy is cleaned up as any other object is.
 * On a stack, in static data and with NoGC nothing is called but by the
 * language. */
class gc_cleanup : virtual public gc {
public:
  gc_cleanup() { GC_enable_(); }
  gc_cleanup(const gc_cleanup &) : gc() { GC_enable_(); }
  gc_cleanup &operator=(const gc_cleanup &) { return *this; }
  virtual ~gc_cleanup() {
    void *base = GC_base(this);
    if (base)
      GC_register_finalizer_ignore_self(base, 0, 0, 0, 0);
  }

private:
  static void GC_CALLBACK GC_destroy_(void *base, void *offset) {
    void *self = static_cast<char *>(base) + reinterpret_cast<size_t>(offset);
    static_cast<gc_cleanup *>(self)->~gc_cleanup();
  }

  /* Who was here before stays. */
  void GC_enable_() {
    void *base = GC_base(this), *data = 0;
    GC_finalization_proc fn = 0;
    if (!base)
      return;
    size_t offset = static_cast<size_t>(reinterpret_cast<char *>(this) -
                                        static_cast<char *>(base));
    GC_register_finalizer_ignore_self(
        base, GC_destroy_, reinterpret_cast<void *>(offset), &fn, &data);
    if (fn)
      GC_register_finalizer_ignore_self(base, fn, data, 0, 0);
  }
};

#ifdef GC_NAMESPACE
}
#endif

/* ---- Placements for all types ---- */

/* With a clean-up function, a scanned collectable object gets it as a finaliser
 * that ignores references of the object to itself; its destructor is not called
 * then.  It is ignored with the other placements, and must not be given for
 * classes that have gc_cleanup in them, nor for objects that are deleted. */
inline void *operator new(size_t size, GC_NS_QUALIFY(GCPlacement) placement,
                          GC_NS_QUALIFY(GCCleanUpFunc) cleanup = 0,
                          void *data = 0) {
  void *p = GC_NS_QUALIFY(GC_place_)(size, placement);
  if (cleanup && placement == GC_NS_QUALIFY(UseGC))
    GC_REGISTER_FINALIZER_IGNORE_SELF(p, cleanup, data, 0, 0);
  return p;
}

#ifdef GC_PLACEMENT_DELETE
/* Called when the constructor throws. */
inline void operator delete(void *p, GC_NS_QUALIFY(GCPlacement),
                            GC_NS_QUALIFY(GCCleanUpFunc),
                            void *) GC_NOEXCEPT {
  GC_FREE(p);
}
#endif

#ifdef GC_OPERATOR_NEW_ARRAY
inline void *operator new[](size_t size, GC_NS_QUALIFY(GCPlacement) placement,
                            GC_NS_QUALIFY(GCCleanUpFunc) cleanup = 0,
                            void *data = 0) {
  return ::operator new(size, placement, cleanup, data);
}

# ifdef GC_PLACEMENT_DELETE
inline void operator delete[](void *p, GC_NS_QUALIFY(GCPlacement),
                              GC_NS_QUALIFY(GCCleanUpFunc),
                              void *) GC_NOEXCEPT {
  GC_FREE(p);
}
# endif
#endif

#endif /* GC_CPP_H */
