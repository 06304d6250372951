# packaging/local.mk: what makes packages of the tree. SPDX-License-Identifier: MIT
#
# The pkg-config and CMake files are made by configure.

EXTRA_DIST += packaging/README.md packaging/debian/changelog \
	packaging/debian/control packaging/debian/copyright \
	packaging/debian/hexpr.install packaging/debian/libhcons-dev.install \
	packaging/debian/libhcons0.install packaging/debian/libhexpr-dev.install \
	packaging/debian/libhexpr0.install packaging/debian/libreclaim-dev.install \
	packaging/debian/libreclaim1.install \
	packaging/debian/libreclaim1.lintian-overrides \
	packaging/debian/reclaim-doc.docs packaging/debian/reclaim-doc.examples \
	packaging/debian/reclaim-doc.install packaging/debian/rules \
	packaging/debian/source/format packaging/debian/tests/control \
	packaging/debian/tests/smoke
