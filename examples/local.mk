# examples/local.mk: small programs that show notifiers and weak maps. SPDX-License-Identifier: MIT
#
# They use public headers only and print what happened; status 0 says that it was
# what docs/guide/notifiers.md promises.

example_programs = examples/alloc_profile examples/destructors examples/fd_owner \
	examples/find_mistake examples/foreign_buffer examples/weak_cache \
	examples/weak_notes

check_PROGRAMS += $(example_programs)
examples_alloc_profile_SOURCES = examples/alloc_profile.c
examples_alloc_profile_LDADD = libgc.la
examples_destructors_SOURCES = examples/destructors.c
examples_destructors_LDADD = libgc.la
examples_fd_owner_SOURCES = examples/fd_owner.c
examples_fd_owner_LDADD = libgc.la
examples_find_mistake_SOURCES = examples/find_mistake.c
examples_find_mistake_LDADD = libgc.la
examples_foreign_buffer_SOURCES = examples/foreign_buffer.c
examples_foreign_buffer_LDADD = libgc.la
examples_weak_cache_SOURCES = examples/weak_cache.c
examples_weak_cache_LDADD = libgc.la
examples_weak_notes_SOURCES = examples/weak_notes.c
examples_weak_notes_LDADD = libgc.la

TESTS += tests/gcx/examples.sh
EXTRA_DIST += tests/gcx/examples.sh

check_PROGRAMS += tests/gcx/mixed
TESTS += tests/gcx/mixed
tests_gcx_mixed_SOURCES = tests/gcx/mixed.c
tests_gcx_mixed_LDADD = tests/lib/libtap.la libgc.la
