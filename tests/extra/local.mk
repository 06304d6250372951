# tests/extra/local.mk: tests of hcons, hexpr and the hexpr command. SPDX-License-Identifier: MIT
#
# The same programs are compiled against the system's libgc by check-bdw.

hcons_test_ldadd = libhcons.la tests/lib/libgcutil.la \
	tests/lib/libtap.la libgc.la -lm
extra_test_ldadd = libhexpr.la $(hcons_test_ldadd)

hcons_programs = tests/extra/hcons tests/extra/hcons_class_free \
	tests/extra/hcons_classes tests/extra/hcons_memo tests/extra/hcons_plain_threads \
	tests/extra/hcons_slots tests/extra/hcons_stress tests/extra/hcons_threads \
	tests/extra/hcons_unlocked tests/extra/hcons_walks

hexpr_programs = tests/extra/hexpr_text tests/extra/hexpr_algebra \
	tests/extra/hexpr_terms tests/extra/hexpr_bind \
	tests/extra/hexpr_sexpr tests/extra/hexpr_binary \
	tests/extra/hexpr_rewrite tests/extra/hexpr_acmatch \
	tests/extra/hexpr_rules_text tests/extra/hexpr_rulesets \
	tests/extra/hexpr_collect tests/extra/hexpr_seq \
	tests/extra/hexpr_fuzz tests/extra/hexpr_infix tests/extra/hexpr_smt \
	tests/extra/hexpr_walks

hexpr_scripts = tests/extra/hexpr_cli.sh tests/extra/hexpr_cmd.sh \
	tests/extra/guide.sh

check_PROGRAMS += $(hcons_programs)
TESTS += $(hcons_programs) tests/extra/hcons_old_door.sh tests/extra/examples.sh \
	tests/extra/gcmalloc.sh
if HEXPR
check_PROGRAMS += $(hexpr_programs)
TESTS += $(hexpr_programs) $(hexpr_scripts)
else
left_out_tests += $(hexpr_programs) $(hexpr_scripts)
endif
EXTRA_DIST += tests/extra/gcmalloc.sh tests/extra/gcmalloc_prog.c \
	tests/extra/hcons_old_door.sh \
	tests/extra/hexpr_cli.sh tests/extra/hexpr_cmd.sh tests/extra/hexpr_lib.sh \
	tests/extra/examples.sh tests/extra/guide.sh

tests_extra_hcons_SOURCES = tests/extra/hcons.c tests/extra/hcons_kit.h
tests_extra_hcons_LDADD = $(hcons_test_ldadd)
tests_extra_hcons_class_free_SOURCES = tests/extra/hcons_class_free.c \
	tests/extra/hcons_kit.h
tests_extra_hcons_class_free_LDADD = $(hcons_test_ldadd)
tests_extra_hcons_classes_SOURCES = tests/extra/hcons_classes.c \
	tests/extra/hcons_kit.h
tests_extra_hcons_classes_LDADD = $(hcons_test_ldadd)
tests_extra_hcons_memo_SOURCES = tests/extra/hcons_memo.c \
	tests/extra/hcons_kit.h
tests_extra_hcons_memo_LDADD = $(hcons_test_ldadd)
tests_extra_hcons_slots_SOURCES = tests/extra/hcons_slots.c extra/hcons/slots.c
tests_extra_hcons_slots_LDADD = tests/lib/libtap.la -lm
tests_extra_hcons_stress_SOURCES = tests/extra/hcons_stress.c \
	tests/extra/hcons_kit.h
tests_extra_hcons_stress_LDADD = $(hcons_test_ldadd)
tests_extra_hcons_plain_threads_SOURCES = tests/extra/hcons_plain_threads.c \
	tests/extra/hcons_kit.h
tests_extra_hcons_plain_threads_LDADD = $(hcons_test_ldadd)
tests_extra_hcons_threads_SOURCES = tests/extra/hcons_threads.c \
	tests/extra/hcons_kit.h
tests_extra_hcons_threads_LDADD = $(hcons_test_ldadd)
tests_extra_hcons_unlocked_SOURCES = tests/extra/hcons_unlocked.c \
	tests/extra/hcons_kit.h
tests_extra_hcons_unlocked_LDADD = $(hcons_test_ldadd)
tests_extra_hcons_walks_SOURCES = tests/extra/hcons_walks.c \
	tests/extra/hcons_kit.h
tests_extra_hcons_walks_LDADD = $(hcons_test_ldadd)
tests_extra_hexpr_text_SOURCES = tests/extra/hexpr_text.c \
	tests/extra/random_ex.h tests/extra/text_ex.h
tests_extra_hexpr_text_LDADD = $(extra_test_ldadd)
tests_extra_hexpr_algebra_SOURCES = tests/extra/hexpr_algebra.c \
	tests/extra/random_ex.h tests/extra/text_ex.h
tests_extra_hexpr_algebra_LDADD = $(extra_test_ldadd) $(GMP_LIBS)
tests_extra_hexpr_terms_SOURCES = tests/extra/hexpr_terms.c \
	tests/extra/hcons_kit.h tests/extra/random_ex.h tests/extra/text_ex.h
tests_extra_hexpr_terms_LDADD = $(extra_test_ldadd) $(GMP_LIBS)
tests_extra_hexpr_bind_SOURCES = tests/extra/hexpr_bind.c \
	tests/extra/random_ex.h tests/extra/text_ex.h
tests_extra_hexpr_bind_LDADD = $(extra_test_ldadd)
tests_extra_hexpr_sexpr_SOURCES = tests/extra/hexpr_sexpr.c \
	tests/extra/random_ex.h
tests_extra_hexpr_sexpr_LDADD = $(extra_test_ldadd)
tests_extra_hexpr_binary_SOURCES = tests/extra/hexpr_binary.c \
	tests/extra/random_ex.h tests/extra/text_ex.h
tests_extra_hexpr_binary_LDADD = $(extra_test_ldadd)
tests_extra_hexpr_walks_SOURCES = tests/extra/hexpr_walks.c \
	tests/extra/random_ex.h tests/extra/text_ex.h
tests_extra_hexpr_walks_LDADD = $(extra_test_ldadd) $(GMP_LIBS)
tests_extra_hexpr_rewrite_SOURCES = tests/extra/hexpr_rewrite.c \
	tests/extra/random_ex.h tests/extra/rules_ex.h tests/extra/text_ex.h
tests_extra_hexpr_rewrite_LDADD = $(extra_test_ldadd)
tests_extra_hexpr_rulesets_SOURCES = tests/extra/hexpr_rulesets.c \
	tests/extra/random_ex.h tests/extra/text_ex.h
tests_extra_hexpr_rulesets_LDADD = $(extra_test_ldadd)
tests_extra_hexpr_rules_text_SOURCES = tests/extra/hexpr_rules_text.c \
	tests/extra/rules_ex.h tests/extra/text_ex.h
tests_extra_hexpr_rules_text_LDADD = $(extra_test_ldadd)
tests_extra_hexpr_acmatch_SOURCES = tests/extra/hexpr_acmatch.c \
	tests/extra/text_ex.h
tests_extra_hexpr_acmatch_LDADD = $(extra_test_ldadd)
tests_extra_hexpr_collect_SOURCES = tests/extra/hexpr_collect.c
tests_extra_hexpr_collect_LDADD = $(extra_test_ldadd)
tests_extra_hexpr_seq_SOURCES = tests/extra/hexpr_seq.c
tests_extra_hexpr_seq_LDADD = $(extra_test_ldadd)
tests_extra_hexpr_infix_SOURCES = tests/extra/hexpr_infix.c \
	tests/extra/random_ex.h tests/extra/text_ex.h
tests_extra_hexpr_infix_LDADD = $(extra_test_ldadd)
# The reader of scripts is the command's, and uses the lexer of the library.
smt_reader_sources = extra/hexpr/lex.c extra/hexpr/lex.h extra/hexpr/reader.c \
	extra/hexpr/reader.h extra/hexpr/smt.c extra/hexpr/smt.h extra/hexpr/smt_lex.c \
	extra/hexpr/utf8.h
tests_extra_hexpr_smt_SOURCES = tests/extra/hexpr_smt.c $(smt_reader_sources)
tests_extra_hexpr_fuzz_SOURCES = tests/extra/hexpr_fuzz.c $(smt_reader_sources)
tests_extra_hexpr_fuzz_LDADD = $(extra_test_ldadd) $(GMP_LIBS)
tests_extra_hexpr_fuzz_CFLAGS = $(AM_CFLAGS)
tests_extra_hexpr_smt_LDADD = $(extra_test_ldadd) $(GMP_LIBS)
tests_extra_hexpr_smt_CFLAGS = $(AM_CFLAGS)

# Programs of C++ for the headers of hcons and hexpr.
tests_extra_hexpr_cxx_SOURCES = tests/extra/hexpr_cxx.cc
tests_extra_hexpr_cxx_LDADD = $(extra_test_ldadd)
if HAVE_CXX
check_PROGRAMS += tests/extra/hexpr_cxx
TESTS += tests/extra/hexpr_cxx
endif
