/* include/gc/gc_version.h: version of the libgc interface. SPDX-License-Identifier: MIT */

/* These numbers name the version of the libgc interface that the headers
 * and the library follow, not the version of Reclaim: configure scripts
 * compare them with what they need of libgc.  GC_get_version() gives the
 * same three numbers at run time; Reclaim's own version is gcx_version()
 * in <gcx/observe.h>. */
#ifndef GC_VERSION_H
#define GC_VERSION_H

/* A build system may predefine the numbers from its own configuration;
 * then they have to agree with these. */
#ifndef GC_VERSION_MAJOR
# define GC_VERSION_MAJOR 8
# define GC_VERSION_MINOR 2
# define GC_VERSION_MICRO 2
#elif GC_VERSION_MAJOR != 8 || GC_VERSION_MINOR != 2 || GC_VERSION_MICRO != 2
# error "GC_VERSION_* is predefined and is not 8.2.2"
#endif

#endif /* GC_VERSION_H */
