#!/usr/bin/env python3
# tests/differ/compare.py: the same random calls on two libraries. SPDX-License-Identifier: MIT
"""Compares the logs of tests/differ/differ on this library and on the system's libgc.

usage: compare.py [--seed N]... [--calls N] [--from I] [--program FILE]
                  [--ours FOLDER] [--theirs FOLDER] [--reduce] [--form "OPTION..."]

Without --reduce it is a test: for each seed both libraries make the same calls,
a million (ten with TAP_LONG=1), and their logs have to be equal; then with objects
of the debugging functions, without interior references, and with four threads, where
each has its own log. A difference is told with its segment.

With --reduce it looks for the shortest list of calls that still differ, within
the first segment that does, or else among all calls up to it, and shows them as
both libraries trace them. What one library's model complains of is a difference
as well; with both folders the same it reduces that. --form gives options of the
program (--debug, --whole).

The folders are those of libgc.so.1. Where the system has none (Debian:
libgc1) or this build has no shared library, the test is skipped.
"""
import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

SEGMENT = 4000
TIMEOUT = 600
TRIES = 3  # with four threads a run on libgc may crash or reclaim what is in use


class Runner:
    def __init__(self, program, folder, form=()):
        self.program, self.folder, self.form = program, folder, form

    def run(self, *arguments):
        """The name of the library, and the log."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith('GC_')}
        environment['LD_LIBRARY_PATH'] = str(self.folder)
        done = subprocess.run([self.program, '--log', *self.form,
                               *map(str, arguments)], text=True,
                              errors='replace', env=environment, timeout=TIMEOUT,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        lines = done.stdout.splitlines()
        if done.returncode != 0:
            lines.append(f'status {done.returncode}')
        name = lines[0].split()[-1] if lines and lines[0].startswith('library ') else 'nothing'
        return name, lines[1:]


def first_difference(a, b):
    for i in range(max(len(a), len(b))):
        x, y = (log[i] if i < len(log) else '(nothing)' for log in (a, b))
        if x != y:
            return i, x, y
    return None


def bad(a, b):
    """The logs differ, or the model complains of both in the same way."""
    return a != b or any(line.startswith(('fault', 'status')) for line in a)


# ---- Reduction ----


class Reducer:
    def __init__(self, runners, seed):
        self.runners, self.seed, self.tries = runners, seed, 0
        self.file = tempfile.NamedTemporaryFile('w', suffix='.calls')

    def logs(self, calls, *more):
        self.file.seek(0)
        self.file.truncate()
        self.file.write('\n'.join(map(str, calls)))
        self.file.flush()
        self.tries += 1
        return [r.run('--seed', self.seed, '--calls', max(calls) + 1, '--only', self.file.name,
                      *more)[1] for r in self.runners]

    def differs(self, calls):
        return bool(calls) and bad(*self.logs(calls))

    def shortest(self, calls):
        """Delta debugging: leaves out ever smaller parts as long as it differs."""
        parts = 2
        while len(calls) > 1:
            size = -(-len(calls) // parts)
            for start in range(0, len(calls), size):
                rest = calls[:start] + calls[start + size:]
                if self.differs(rest):
                    calls, parts = rest, max(parts - 1, 2)
                    break
            else:
                if size == 1:
                    break
                parts = min(parts * 2, len(calls))
        return calls


def reduce(runners, seed, first, count):
    logs = [r.run('--seed', seed, '--from', first, '--calls', count)[1] for r in runners]
    if not bad(*logs):
        print(f'seed {seed}: no difference')
        return 1
    at = (first_difference(*logs) or (len(logs[0]) - 2,))[0]
    start = (first // SEGMENT + at) * SEGMENT
    reducer = Reducer(runners, seed)
    calls = list(range(max(start, first), min(start + SEGMENT, first + count)))
    if not reducer.differs(calls):
        calls = list(range(first, min(start + SEGMENT, first + count)))
        if not reducer.differs(calls):
            print(f'seed {seed}: the difference is gone when run again')
            return 1
    calls = reducer.shortest(calls)
    print(f'seed {seed}: {len(calls)} calls differ, after {reducer.tries} tries:')
    for runner, log in zip(runners, reducer.logs(calls, '--trace')):
        print(f'-- {runner.folder}', *log, sep='\n')
    return 0


# ---- The test ----


def failed(log):
    return log[-1:] and log[-1].startswith('status')


def compare(runners, names, *arguments):
    """This library has one try. What libgc cannot do, it may try again."""
    results = [r.run(*arguments) for r in runners]
    for _ in range(TRIES):
        if not failed(results[1][1]):
            break
        print('# theirs:', *results[1][1][-2:], sep='\n#   ')
        results[1] = runners[1].run(*arguments)
    told = [name for name, _ in results]
    difference = first_difference(results[0][1], results[1][1])
    if told != names:
        print(f'# the libraries are {told}, want {names}')
        return False
    if difference is not None:
        _, ours, theirs = difference
        print(f'# ours: {ours}\n# theirs: {theirs}')
        return False
    return not bad(results[0][1], results[1][1])


def test(runners, seeds, calls):
    names = ['reclaim', 'libgc']
    failures = 0
    tests = [(f'seed {s}', ['--seed', s, '--calls', calls]) for s in seeds]
    tests.append(('debugging', ['--seed', seeds[0], '--calls', calls, '--debug']))
    tests.append(('without spare bytes', ['--seed', seeds[0], '--calls', calls, '--whole']))
    tests.append(('four threads', ['--seed', seeds[0], '--calls', calls, '--threads', 4]))
    print(f'1..{len(tests)}')
    for number, (name, arguments) in enumerate(tests, 1):
        good = compare(runners, names, *arguments)
        failures += not good
        print(f'{"ok" if good else "not ok"} {number} - {name}: {calls} calls', flush=True)
    return failures != 0


def system_folder():
    """Where the system's libgc is."""
    compiler = os.environ.get('CC', 'cc').split()
    try:
        path = subprocess.run([*compiler, '-print-file-name=libgc.so.1'], text=True,
                              stdout=subprocess.PIPE, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
    return pathlib.Path(path).resolve().parent if os.path.isabs(path) else None


def main():
    build = pathlib.Path(os.environ.get('top_builddir', '.'))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--seed', type=int, action='append')
    parser.add_argument('--calls', type=int)
    parser.add_argument('--from', type=int, default=0, dest='first')
    parser.add_argument('--program', default=build / 'tests/differ/.libs/differ')
    parser.add_argument('--ours', default=build / '.libs')
    parser.add_argument('--theirs', default=system_folder())
    parser.add_argument('--reduce', action='store_true')
    parser.add_argument('--form', type=str.split, default=[])
    options = parser.parse_args()
    calls = options.calls or (10000000 if os.environ.get('TAP_LONG') else 1000000)
    seeds = options.seed or [1, 2, 3]
    if options.theirs is None:
        print('1..0 # SKIP the system has no libgc')
        return 0
    if not os.path.exists(options.program):
        print('1..0 # SKIP this build has no shared library')
        return 0
    runners = [Runner(options.program, f, options.form) for f in (options.ours, options.theirs)]
    if options.reduce:
        return reduce(runners, seeds[0], options.first, calls)
    return test(runners, seeds, calls)


if __name__ == '__main__':
    sys.exit(main())
