/* include/gc/gc_allocator.h: allocators for C++ containers. SPDX-License-Identifier: MIT */

/* gc_allocator gives collectable memory: a container lives as long as something
 * refers to it.  gc_allocator_ignore_off_page is for large ones of which the
 * program keeps a reference into the first 256 bytes.  traceable_allocator gives
 * memory that is scanned and freed by hand: the container may itself lie in
 * memory that the collector does not know.
 *
 * When memory runs out they throw std::bad_alloc; where exceptions are turned off,
 * or GC_NEW_ABORTS_ON_OOM is defined, they end the process.  Allocation may collect
 * and calls finalisers as GC_malloc does; all allocators of one sort are equal, and
 * may be used by any thread that the collector knows.
 *
 * A program says by GC_DECLARE_PTRFREE(T) that its type T holds no references, so
 * that collectable containers of it are not scanned. */
#ifndef GC_ALLOCATOR_H
#define GC_ALLOCATOR_H

#include "gc.h"

#include <cstddef>
#include <new>

#ifndef GC_ALLOCATOR_THROW_OR_ABORT
# if defined(GC_NEW_ABORTS_ON_OOM) || !defined(__EXCEPTIONS)
#  define GC_ALLOCATOR_THROW_OR_ABORT() GC_abort_on_oom()
# else
#  define GC_ALLOCATOR_THROW_OR_ABORT() throw std::bad_alloc()
# endif
#endif

struct GC_true_type {};
struct GC_false_type {};

/* Types without references need not be scanned. */
template <class T> struct GC_type_traits {
  GC_false_type GC_is_ptr_free;
};
#define GC_DECLARE_PTRFREE(T) \
  template <> struct GC_type_traits<T> { GC_true_type GC_is_ptr_free; }
GC_DECLARE_PTRFREE(char);
GC_DECLARE_PTRFREE(signed char);
GC_DECLARE_PTRFREE(unsigned char);
GC_DECLARE_PTRFREE(signed short);
GC_DECLARE_PTRFREE(unsigned short);
GC_DECLARE_PTRFREE(signed int);
GC_DECLARE_PTRFREE(unsigned int);
GC_DECLARE_PTRFREE(signed long);
GC_DECLARE_PTRFREE(unsigned long);
GC_DECLARE_PTRFREE(float);
GC_DECLARE_PTRFREE(double);
GC_DECLARE_PTRFREE(long double);

template <class T>
inline void *GC_selective_alloc(std::size_t n, T, bool ignore_off_page) {
  void *p = ignore_off_page ? GC_MALLOC_IGNORE_OFF_PAGE(n) : GC_MALLOC(n);
  if (p == 0)
    GC_ALLOCATOR_THROW_OR_ABORT();
  return p;
}

template <>
inline void *GC_selective_alloc<GC_true_type>(std::size_t n, GC_true_type,
                                              bool ignore_off_page) {
  void *p = ignore_off_page ? GC_MALLOC_ATOMIC_IGNORE_OFF_PAGE(n)
                            : GC_MALLOC_ATOMIC(n);
  if (p == 0)
    GC_ALLOCATOR_THROW_OR_ABORT();
  return p;
}

/* What the three have in common; Self is the allocator for T. */
#define GC_ALLOCATOR_MEMBERS_(Self) \
  typedef std::size_t size_type; \
  typedef std::ptrdiff_t difference_type; \
  typedef T *pointer; \
  typedef const T *const_pointer; \
  typedef T &reference; \
  typedef const T &const_reference; \
  typedef T value_type; \
  template <class U> struct rebind { typedef Self<U> other; }; \
  Self() GC_NOEXCEPT {} \
  Self(const Self &) GC_NOEXCEPT {} \
  template <class U> GC_ATTR_EXPLICIT Self(const Self<U> &) GC_NOEXCEPT {} \
  ~Self() GC_NOEXCEPT {} \
  Self &operator=(const Self &) GC_NOEXCEPT { return *this; } \
  pointer address(reference r) const { return &r; } \
  const_pointer address(const_reference r) const { return &r; } \
  size_type max_size() const GC_NOEXCEPT { \
    return static_cast<std::size_t>(-1) / 2 / sizeof(T); \
  } \
  void construct(pointer p, const T &value) { \
    new (static_cast<void *>(p)) T(value); \
  } \
  void destroy(pointer p) { p->~T(); }

/* The specialisation for void, and equality: all allocators are one. */
#define GC_ALLOCATOR_RELATED_(Self) \
  template <> class Self<void> { \
  public: \
    typedef std::size_t size_type; \
    typedef std::ptrdiff_t difference_type; \
    typedef void *pointer; \
    typedef const void *const_pointer; \
    typedef void value_type; \
    template <class U> struct rebind { typedef Self<U> other; }; \
  }; \
  template <class T, class U> \
  inline bool operator==(const Self<T> &, const Self<U> &) GC_NOEXCEPT { \
    return true; \
  } \
  template <class T, class U> \
  inline bool operator!=(const Self<T> &, const Self<U> &) GC_NOEXCEPT { \
    return false; \
  }

template <class T> class gc_allocator {
public:
  GC_ALLOCATOR_MEMBERS_(gc_allocator)

  T *allocate(size_type n, const void * = 0) {
    GC_type_traits<T> traits;
    if (n > max_size())
      GC_ALLOCATOR_THROW_OR_ABORT();
    return static_cast<T *>(
        GC_selective_alloc(n * sizeof(T), traits.GC_is_ptr_free, false));
  }
  void deallocate(pointer p, size_type) GC_NOEXCEPT { GC_FREE(p); }
};
GC_ALLOCATOR_RELATED_(gc_allocator)

template <class T> class gc_allocator_ignore_off_page {
public:
  GC_ALLOCATOR_MEMBERS_(gc_allocator_ignore_off_page)

  T *allocate(size_type n, const void * = 0) {
    GC_type_traits<T> traits;
    if (n > max_size())
      GC_ALLOCATOR_THROW_OR_ABORT();
    return static_cast<T *>(
        GC_selective_alloc(n * sizeof(T), traits.GC_is_ptr_free, true));
  }
  void deallocate(pointer p, size_type) GC_NOEXCEPT { GC_FREE(p); }
};
GC_ALLOCATOR_RELATED_(gc_allocator_ignore_off_page)

template <class T> class traceable_allocator {
public:
  GC_ALLOCATOR_MEMBERS_(traceable_allocator)

  T *allocate(size_type n, const void * = 0) {
    void *p = n > max_size() ? 0 : GC_MALLOC_UNCOLLECTABLE(n * sizeof(T));
    if (p == 0)
      GC_ALLOCATOR_THROW_OR_ABORT();
    return static_cast<T *>(p);
  }
  void deallocate(pointer p, size_type) GC_NOEXCEPT { GC_FREE(p); }
};
GC_ALLOCATOR_RELATED_(traceable_allocator)

#endif /* GC_ALLOCATOR_H */
