# tests/dropin/sides.py: runs programs on one library or the other. SPDX-License-Identifier: MIT
"""A side is one libgc.so.1. Each gets a folder with nothing but a link to it, which
stands first in the search path, so that both sides pay the same search."""

import os
import re
import shutil
import signal
import subprocess
import sys

SONAME = "libgc.so.1"
SYSTEM_DIRS = ["/usr/lib/x86_64-linux-gnu", "/lib/x86_64-linux-gnu",
               "/usr/lib64", "/usr/lib"]
DATA = os.path.dirname(os.path.abspath(__file__))

# A line for each collection in the log: ours, or the system's.
COLLECTION = {"ours": re.compile(rb"^Reclaim: collection \d", re.M),
              "base": re.compile(rb"^GC #\d", re.M)}
LOADED = re.compile(r"calling init: (\S*/libgc\.so\.\S*)")


class NoRun(Exception):
  """A program that did not come to a good end; the text says how."""


def find_library(folders):
  """The real file behind the first libgc.so.1 of these folders, or None."""
  for folder in folders:
    path = os.path.join(folder, SONAME)
    if os.path.exists(path):
      return os.path.realpath(path)
  return None


class Side:
  """One of the two libraries, with a folder for what runs on it."""

  def __init__(self, name, library, scratch):
    self.name = name
    self.folder = os.path.join(scratch, name + "-library")
    self.scratch = os.path.join(scratch, name)
    os.makedirs(self.folder)
    os.makedirs(self.scratch)
    os.symlink(library, os.path.join(self.folder, SONAME))

  def environment(self, place):
    """The caller's, without its own settings of the collector."""
    env = {k: v for k, v in os.environ.items()
           if not k.startswith(("GC_", "GCX_", "LD_", "GUILE_"))}
    env.update(LD_LIBRARY_PATH=self.folder, DATA=DATA, HOME=place, TMPDIR=place,
               PYTHON=sys.executable, LC_ALL="C.UTF-8", GUILE_AUTO_COMPILE="0")
    return env

  def watched(self, place):
    """As above; the loader and the collector also tell what they do."""
    watch = os.path.join(place, ".watch")
    shutil.rmtree(watch, ignore_errors=True)
    os.mkdir(watch)
    env = self.environment(place)
    env.update(LD_DEBUG="libs", LD_DEBUG_OUTPUT=os.path.join(watch, "loader"),
               GC_PRINT_STATS="1", GC_LOG_FILE=os.path.join(watch, "collections"))
    return env

  def place_of(self, program):
    """An empty folder for a program."""
    place = os.path.join(self.scratch, program.name)
    shutil.rmtree(place, ignore_errors=True)
    os.mkdir(place)
    return place

  def prepare(self, program):
    """An empty folder in which the program is set up."""
    place = self.place_of(program)
    if program.setup:
      shell(program.setup, place, self.environment(place), program.timeout)
    return place

  def run(self, program):
    """One watched run from an empty folder: its output, and the number of
    collections. Another library than the wanted one is an error."""
    place = self.prepare(program)
    output = shell(program.run, place, self.watched(place), program.timeout)
    lines = output.decode("utf-8", "replace").splitlines()
    if not lines or not lines[-1].endswith(program.last):
      raise NoRun(f"the last line is not '{program.last}': {tail(output)}")
    self.check_loaded(place)
    with open(os.path.join(place, ".watch", "collections"), "rb") as log:
      return output, len(COLLECTION[self.name].findall(log.read()))

  def check_loaded(self, place):
    """The loader has initialised the wanted library, and no other one."""
    watch = os.path.join(place, ".watch")
    loaded = set()
    for name in os.listdir(watch):
      if name.startswith("loader"):
        with open(os.path.join(watch, name), encoding="utf-8",
                  errors="replace") as log:
          loaded.update(LOADED.findall(log.read()))
    if loaded != {os.path.join(self.folder, SONAME)}:
      raise NoRun(f"it loaded {sorted(loaded) or 'no libgc'}")


def tail(text):
  """The end of some output, in one line."""
  lines = text.decode("utf-8", "replace").strip().splitlines()
  return " / ".join(lines[-3:])[-300:]


def shell(text, place, env, timeout):
  """Runs shell text in a folder and returns what it prints. Its processes end
  with it."""
  # A pipe's status is that of its last command, so bash counts all of them.
  command = ["bash", "-c", "set -o pipefail; ulimit -c 0; " + text]
  with open(os.path.join(place, ".errors"), "w+b") as errors:
    with subprocess.Popen(command, cwd=place, env=env, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=errors,
                          start_new_session=True) as process:
      try:
        output = process.communicate(timeout=timeout)[0]
      except subprocess.TimeoutExpired as late:
        raise NoRun(f"no end after {timeout} s") from late
      finally:
        end_group(process.pid)
    if process.returncode != 0:
      errors.seek(0)
      raise NoRun(f"status {process.returncode}: {tail(errors.read() or output)}")
  return output


def end_group(group):
  """Ends what a program may have left running."""
  try:
    os.killpg(group, signal.SIGKILL)
  except ProcessLookupError:
    pass
