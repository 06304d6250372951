# tests/dropin/programs.py: the programs of Debian that run on this library. SPDX-License-Identifier: MIT
"""What each program does, and what it needs.

`setup` and `run` are shell text. They run in an empty folder of their own for each
library, with the wanted libgc.so.1 first in the search path, and with $DATA for this
folder. What `run` prints must be the same on both libraries, and its last line must
tell that it came to its end; so the programs print checks and sums, never addresses,
times, or anything that conservative marking may decide.
"""

import dataclasses


@dataclasses.dataclass
class Program:
  """One program with its work."""
  name: str
  run: str
  commands: list                # found in PATH when it is installed
  packages: list                # Debian's names of what to install
  setup: str = ""
  files: tuple = ()             # must exist, too
  last: str = "end"             # last line of the output
  collections: int = 3          # at least so many, on either library
  threads: bool = False         # worth repeating
  full: bool = False            # only with --full
  timeout: int = 100


GUILE = {"commands": ["guile-3.0"], "packages": ["guile-3.0"]}
GUILE_RUN = "guile-3.0 --no-auto-compile"
# The line that tells what is loaded has the folder's name in it.
ECL_RUN = "ecl --norc --load $DATA/%s | grep -v '^;;;'"
ECL = {"commands": ["ecl"], "packages": ["ecl"]}
NIM = {"commands": ["nim", "gcc"], "packages": ["nim", "gcc", "libc6-dev"],
       "run": "./work", "last": "end"}
NIM_BUILD = ("nim c --mm:boehm --threads:%s -d:release --hints:off --verbosity:0 "
             "--nimcache:cache -o:work $DATA/work.nim")

PROGRAMS = [
    Program("guile-data", GUILE_RUN + " $DATA/guile_data.scm", **GUILE),
    Program("guile-weak", GUILE_RUN + " $DATA/guile_weak.scm", **GUILE),
    Program("guile-threads", GUILE_RUN + " $DATA/guile_threads.scm", threads=True,
            **GUILE),
    # The compiler's output is compared, too, and runs.
    Program("guile-compile",
            "cp $DATA/guile_data.scm . && "
            + GUILE_RUN + " $DATA/guile_compile.scm ice-9/getopt-long.scm guile_data.scm"
            " && cksum *.go && " + GUILE_RUN + " -c '(load-compiled \"guile_data.go\")'",
            collections=10, **GUILE),
    Program("ecl-data", ECL_RUN % "ecl_data.lisp", **ECL),
    Program("ecl-threads", ECL_RUN % "ecl_threads.lisp", threads=True, **ECL),
    Program("ecl-compile", ECL_RUN % "ecl_compile.lisp", commands=["ecl", "gcc"],
            packages=["ecl", "gcc"]),
    Program("w3m",
            "w3m -dump -O UTF-8 -cols 100 page.html && "
            "w3m -dump -O UTF-8 -cols 61 -T text/html <page.html | cksum && echo end",
            setup="$PYTHON $DATA/page.py 300 >page.html",
            commands=["w3m"], packages=["w3m"], collections=10),
    Program("nim", setup=NIM_BUILD % "off", **NIM),
    Program("nim-threads", setup=NIM_BUILD % "on", threads=True, **NIM),
    Program("neko", "cksum work.n && neko work.n",
            setup="cp $DATA/work.neko . && nekoc work.neko",
            commands=["neko", "nekoc"], packages=["neko"], threads=True),
    Program("poke", "poke -q -L $DATA/work.pk", commands=["poke"], packages=["poke"]),
    # It renames by patterns; it allocates little and need not collect later on.
    Program("mmv",
            "rm -f *.*; for i in $(seq 2000); do echo $i >in$i.old; done; "
            "mmv 'in*1*.old' 'out#2-#1.new' && mmv -c '*[3-5].old' '#1.#2.copied' && "
            "mmv -l 'in?.old' '#1.linked' && ls | cksum && cat *.linked && echo end",
            commands=["mmv"], packages=["mmv"], collections=1),
    Program("asymptote",
            "asy -noV -f eps -o figure $DATA/figure.asy && "
            "grep -v Date: figure.eps | cksum && echo end",
            commands=["asy"], packages=["asymptote"], full=True),
    # Without the variable it begins with a heap so large that nothing is collected.
    Program("nix-instantiate",
            "NIX_STATE_DIR=$PWD/nix GC_INITIAL_HEAP_SIZE=1m nix-instantiate --eval --strict "
            "--store dummy:// $DATA/work.nix",
            commands=["nix-instantiate"], packages=["nix-bin"], full=True,
            last='verdict = "end"; }'),
    # Its compiler is a program of libgc itself.
    Program("crystal", "./work",
            setup="crystal build --no-color -o work $DATA/work.cr",
            commands=["crystal", "gcc"], packages=["crystal"], full=True, timeout=300),
]

# Debian's programs and libraries that need libgc.so.1: none may miss a symbol.
CLIENTS = ["/usr/bin/" + name for name in
           ("w3m", "mmv", "chase", "debfoster", "asy", "nix", "crystal", "inkscape",
            "lilypond", "parser3", "M2")]
CLIENT_LIBRARIES = ["libguile-3.0.so.1", "libguile-2.2.so.1", "libecl.so.21.2",
                    "libneko.so.2", "libpoke.so.0", "libobjc_gc.so.4",
                    "libhomfly.so.0"]
