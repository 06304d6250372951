# tests/unit/local.mk: white-box tests, linked with the core. SPDX-License-Identifier: MIT
#
# The name says what is tested: layer, underscore, module.

check_LTLIBRARIES += tests/unit/libunit.la
tests_unit_libunit_la_SOURCES = tests/unit/support.c
unit_ldadd = libgccore.la tests/unit/libunit.la tests/lib/libtap.la $(LIBDL)

unit_programs = \
	tests/unit/alloc_free \
	tests/unit/alloc_pages \
	tests/unit/alloc_reentry \
	tests/unit/alloc_supply \
	tests/unit/alloc_traces \
	tests/unit/base_atomic \
	tests/unit/base_bits \
	tests/unit/base_check \
	tests/unit/base_format \
	tests/unit/cycle_api_lock \
	tests/unit/cycle_deliver \
	tests/unit/cycle_hold_phase \
	tests/unit/cycle_pacer \
	tests/unit/cycle_pending \
	tests/unit/heap_find \
	tests/unit/heap_kind \
	tests/unit/heap_mark_bits \
	tests/unit/heap_meta \
	tests/unit/heap_packed \
	tests/unit/heap_sizeclass \
	tests/unit/heap_space \
	tests/unit/mark_hold \
	tests/unit/mark_rootscan \
	tests/unit/mark_scan \
	tests/unit/plat_images \
	tests/unit/plat_lock \
	tests/unit/plat_memory \
	tests/unit/plat_system \
	tests/unit/plat_thread \
	tests/unit/reclaim_large \
	tests/unit/reclaim_pool \
	tests/unit/world_fork \
	tests/unit/world_frame \
	tests/unit/world_ranges \
	tests/unit/world_roots \
	tests/unit/world_stack \
	tests/unit/world_stop \
	tests/unit/world_thread

EXTRA_DIST += tests/unit/notify.h tests/unit/world.h

check_PROGRAMS += $(unit_programs)
TESTS += $(unit_programs)

tests_unit_alloc_free_LDADD = $(unit_ldadd)
tests_unit_alloc_pages_LDADD = $(unit_ldadd)
tests_unit_alloc_reentry_LDADD = $(unit_ldadd)
tests_unit_alloc_supply_LDADD = $(unit_ldadd)
tests_unit_alloc_traces_LDADD = $(unit_ldadd)
tests_unit_cycle_api_lock_LDADD = $(unit_ldadd)
tests_unit_cycle_deliver_LDADD = $(unit_ldadd)
tests_unit_cycle_hold_phase_LDADD = $(unit_ldadd)
tests_unit_cycle_pacer_LDADD = $(unit_ldadd)
tests_unit_heap_find_LDADD = $(unit_ldadd)
tests_unit_heap_kind_LDADD = $(unit_ldadd)
tests_unit_cycle_pending_LDADD = $(unit_ldadd)
tests_unit_heap_mark_bits_LDADD = $(unit_ldadd)
tests_unit_heap_meta_LDADD = $(unit_ldadd)
tests_unit_heap_packed_LDADD = $(unit_ldadd)
tests_unit_heap_sizeclass_LDADD = $(unit_ldadd)
tests_unit_heap_space_LDADD = $(unit_ldadd)
tests_unit_mark_hold_LDADD = $(unit_ldadd)
tests_unit_mark_rootscan_LDADD = $(unit_ldadd)
tests_unit_mark_scan_LDADD = $(unit_ldadd)
tests_unit_reclaim_large_LDADD = $(unit_ldadd)
tests_unit_reclaim_pool_LDADD = $(unit_ldadd)
tests_unit_base_atomic_LDADD = $(unit_ldadd)
tests_unit_base_bits_LDADD = $(unit_ldadd)
tests_unit_base_check_LDADD = $(unit_ldadd)
tests_unit_base_format_LDADD = $(unit_ldadd)
tests_unit_plat_images_LDADD = $(unit_ldadd)
tests_unit_plat_lock_LDADD = $(unit_ldadd)
tests_unit_plat_memory_LDADD = $(unit_ldadd)
tests_unit_plat_system_LDADD = $(unit_ldadd)
tests_unit_plat_thread_LDADD = $(unit_ldadd)
tests_unit_world_fork_LDADD = $(unit_ldadd)
tests_unit_world_frame_LDADD = $(unit_ldadd)
tests_unit_world_ranges_LDADD = $(unit_ldadd)
tests_unit_world_roots_LDADD = $(unit_ldadd)
tests_unit_world_stack_LDADD = $(unit_ldadd)
tests_unit_world_stop_LDADD = $(unit_ldadd)
tests_unit_world_thread_LDADD = $(unit_ldadd)
