# extra/local.mk: the libraries on top and the hexpr command. SPDX-License-Identifier: MIT
#
# They use public headers only, so they also build on another libgc. The expression
# library needs GMP and is left out where that is not wanted.

lib_LTLIBRARIES += libhcons.la
if HEXPR
lib_LTLIBRARIES += libhexpr.la
bin_PROGRAMS += hexpr
endif

hconsincludedir = $(includedir)/hcons
dist_hconsinclude_HEADERS = extra/hcons/hcons.h
if HEXPR
hexprincludedir = $(includedir)/hexpr
dist_hexprinclude_HEADERS = extra/hexpr/hexpr.h \
	extra/hexpr/collect.h extra/hexpr/rewrite.h
endif

EXTRA_CFLAGS = $(AM_CFLAGS) -fvisibility=hidden

libhcons_la_SOURCES = extra/hcons/backend.h extra/hcons/cells.c \
	extra/hcons/check.c extra/hcons/class.c extra/hcons/death.c \
	extra/hcons/each.c extra/hcons/few.c extra/hcons/intern.c \
	extra/hcons/internal.h extra/hcons/keys.h extra/hcons/kinds.c \
	extra/hcons/lock.c extra/hcons/lock.h \
	extra/hcons/lossy.c extra/hcons/lossy.h extra/hcons/memo.c \
	extra/hcons/slots.c extra/hcons/slots.h extra/hcons/table.c \
	extra/hcons/tally.c extra/hcons/tally.h extra/hcons/threads.c \
	extra/hcons/unlocked.h
libhcons_la_CFLAGS = $(EXTRA_CFLAGS)
libhcons_la_LIBADD = libgc.la
libhcons_la_LDFLAGS = -pthread -version-info 0:0:0 -no-undefined

libhexpr_la_SOURCES = extra/hexpr/atom.c extra/hexpr/atom.h \
	extra/hexpr/acmatch.c extra/hexpr/acmatch.h \
	extra/hexpr/algebra.c extra/hexpr/algebra.h extra/hexpr/chain.c \
	extra/hexpr/find.c \
	extra/hexpr/net.c extra/hexpr/norm.c extra/hexpr/pattern.c \
	extra/hexpr/pattern.h extra/hexpr/recall.c extra/hexpr/recall.h \
	extra/hexpr/rules.c extra/hexpr/rules.h \
	extra/hexpr/rules_text.c extra/hexpr/collect.c \
	extra/hexpr/trie.c extra/hexpr/trie.h \
	extra/hexpr/bind.c extra/hexpr/match.c extra/hexpr/pairs.c \
	extra/hexpr/pairs.h extra/hexpr/scope.c extra/hexpr/scope.h \
	extra/hexpr/binary.h extra/hexpr/read.c extra/hexpr/reader.c \
	extra/hexpr/reader.h extra/hexpr/write.c \
	extra/hexpr/big.c extra/hexpr/big.h extra/hexpr/canon.h \
	extra/hexpr/count.c extra/hexpr/dag.c extra/hexpr/dag.h \
	extra/hexpr/decimal.h extra/hexpr/derive.c extra/hexpr/eval.c \
	extra/hexpr/fold.c extra/hexpr/lex.c \
	extra/hexpr/lex.h extra/hexpr/measure.c extra/hexpr/node.c \
	extra/hexpr/node.h \
	extra/hexpr/num.c extra/hexpr/num.h extra/hexpr/ops.c \
	extra/hexpr/ops.h extra/hexpr/order.c extra/hexpr/parse.c \
	extra/hexpr/print.c extra/hexpr/product.c extra/hexpr/quote.c \
	extra/hexpr/quote.h extra/hexpr/seq.c extra/hexpr/seq.h \
	extra/hexpr/sexpr.c extra/hexpr/show.c \
	extra/hexpr/shape.c extra/hexpr/simplify.c extra/hexpr/sink.c \
	extra/hexpr/sink.h extra/hexpr/sum.c extra/hexpr/term.c \
	extra/hexpr/terms.c extra/hexpr/terms.h extra/hexpr/utf8.h
libhexpr_la_CFLAGS = $(EXTRA_CFLAGS)
libhexpr_la_LIBADD = libhcons.la $(GMP_LIBS) -lm
libhexpr_la_LDFLAGS = -pthread -version-info 0:0:0 -no-undefined

# The command uses the lexer of the library, which is not exported.
hexpr_SOURCES = extra/hexpr/cmd.h extra/hexpr/algebra_cmd.c \
	extra/hexpr/equal_cmd.c extra/hexpr/input.c extra/hexpr/lex.c \
	extra/hexpr/lex.h extra/hexpr/reader.c extra/hexpr/reader.h \
	extra/hexpr/main.c extra/hexpr/options.c \
	extra/hexpr/output.c extra/hexpr/progress.c extra/hexpr/report.c \
	extra/hexpr/rules_cmd.c \
	extra/hexpr/show_cmd.c extra/hexpr/smt.c extra/hexpr/smt.h \
	extra/hexpr/smt_lex.c extra/hexpr/utf8.h
hexpr_CFLAGS = $(AM_CFLAGS)
hexpr_LDADD = libhexpr.la libhcons.la libgc.la $(GMP_LIBS)

# To be preloaded; an archive of it could not take the place of the C library's malloc.
if SHARED
lib_LTLIBRARIES += libgcmalloc.la
endif
libgcmalloc_la_SOURCES = extra/gcmalloc/gcmalloc.c
libgcmalloc_la_CFLAGS = $(EXTRA_CFLAGS) -D_GNU_SOURCE
libgcmalloc_la_LIBADD = libgc.la $(LIBDL)
libgcmalloc_la_LDFLAGS = -pthread -shared -avoid-version -no-undefined

check_PROGRAMS += extra/examples/intern extra/examples/bdd
if HEXPR
check_PROGRAMS += extra/examples/derive extra/examples/sharing \
	extra/examples/lambda extra/examples/algebra
endif
extra_examples_bdd_SOURCES = extra/examples/bdd.c
extra_examples_bdd_LDADD = libhcons.la libgc.la
extra_examples_intern_SOURCES = extra/examples/intern.c
extra_examples_intern_LDADD = libhcons.la libgc.la
extra_examples_derive_SOURCES = extra/examples/derive.c
extra_examples_derive_LDADD = libhexpr.la libhcons.la libgc.la
extra_examples_sharing_SOURCES = extra/examples/sharing.c
extra_examples_sharing_LDADD = libhexpr.la libhcons.la libgc.la
extra_examples_lambda_SOURCES = extra/examples/lambda.c
extra_examples_lambda_LDADD = libhexpr.la libhcons.la libgc.la
extra_examples_algebra_SOURCES = extra/examples/algebra.c
extra_examples_algebra_LDADD = libhexpr.la libhcons.la libgc.la

EXTRA_DIST += extra/examples/formulas.txt extra/examples/smt/adder.smt2 \
	extra/examples/smt/bits.smt2 extra/examples/smt/order.smt2 \
	extra/examples/smt/schedule.smt2 extra/hcons/README.md \
	extra/hexpr/README.md
