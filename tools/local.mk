# tools/local.mk: the scripts that keep the tree in order. SPDX-License-Identifier: MIT

EXTRA_DIST += tools/check-exports tools/check-layers tools/check-style \
	tools/ctext.py tools/localise-archive tools/metrics tools/tap-count

# The archive is mended where it is installed: a convenience library is made of
# the same objects, whose names the white-box tests need.
install-exec-hook:
	@if test -f $(DESTDIR)$(libdir)/libgc.a; then \
	  LD='$(LD)' OBJCOPY='$(OBJCOPY)' AR='$(AR)' \
	    $(SHELL) $(top_srcdir)/tools/localise-archive \
	    $(DESTDIR)$(libdir)/libgc.a; fi
