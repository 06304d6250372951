# tests/model/engine.py: explicit-state search for the models. SPDX-License-Identifier: MIT
#
# A model is a class with
#
#   start        the first state, a named tuple
#   steps(x)     yields (label, state) for everything that can happen next
#   fault(x)     what is wrong with this state, or None
#   is_end(x)    true if everything that was begun is finished
#   places(x)    where the threads are, for the report of a deadlock
#   wanted       labels of steps that must be possible somewhere, or the model
#                proves less than it seems to
#   unreliable   labels of steps that may happen and may never happen: no end
#                may depend on them
#
# The search is breadth first, so a counterexample is a shortest one.  Besides
# faults it reports a state that has no next step and is no end, and a state
# from which no end can be reached any more: threads that wait for each other
# while a third one runs in circles are found that way.

import sys
from collections import namedtuple

Result = namedtuple('Result', 'states steps fault path')
Variant = namedtuple('Variant', 'name model expected')


class Fault(Exception):
    """A step that must never be possible."""


def sound(name, model):
    """A variant in which nothing may be found."""
    return Variant(name, model, None)


def mutant(name, model, expected):
    """A variant in which a fault must be found whose text has these words."""
    return Variant(name, model, expected)


# ---- Search ----

class Search:
    def __init__(self, model):
        self.model = model
        self.number = {model.start: 0}
        self.states = [model.start]
        self.origin = [(None, None)]  # number of the state before, label
        self.next_of = []
        self.labels = set()
        self.steps = 0

    def path_to(self, number):
        path = []
        while number is not None:
            before, label = self.origin[number]
            path.append((label, self.states[number]))
            number = before
        return path[::-1]

    def result(self, fault, path=()):
        return Result(len(self.states), self.steps, fault, path)

    def note(self, label, state, before):
        """The number of a state, which may be new."""
        number = self.number.get(state)
        if number is None:
            number = self.number[state] = len(self.states)
            self.states.append(state)
            self.origin.append((before, label))
        return number

    def expand(self, number):
        """Notes what can follow this state."""
        state, following = self.states[number], []
        for label, after in self.model.steps(state):
            self.steps += 1
            self.labels.add(label)
            after = self.note(label, after, number)
            if label not in self.model.unreliable:
                following.append(after)
        self.next_of.append(following)

    def fault_at(self, number):
        state = self.states[number]
        fault = self.model.fault(state)
        if fault is None:
            try:
                self.expand(number)
            except Fault as found:
                return str(found)
            if not self.next_of[number] and not self.model.is_end(state):
                fault = f'deadlock: {self.model.places(state)}'
        return fault

    def without_end(self):
        """The first state from which no end can be reached, or None."""
        before = [[] for _ in self.states]
        for number, following in enumerate(self.next_of):
            for after in following:
                before[after].append(number)
        reaching = [self.model.is_end(state) for state in self.states]
        pending = [n for n, is_end in enumerate(reaching) if is_end]
        while pending:
            for number in before[pending.pop()]:
                if not reaching[number]:
                    reaching[number] = True
                    pending.append(number)
        return next((n for n, ok in enumerate(reaching) if not ok), None)

    def run(self):
        number = 0
        while number < len(self.states):
            fault = self.fault_at(number)
            if fault is not None:
                return self.result(fault, self.path_to(number))
            number += 1
        number = self.without_end()
        if number is not None:
            places = self.model.places(self.states[number])
            return self.result(f'no end can be reached: {places}', self.path_to(number))
        idle = set(self.model.wanted) - self.labels
        if idle:
            return self.result('never possible: ' + ', '.join(sorted(idle)))
        return self.result(None)


# ---- Reports ----

def text(value):
    if isinstance(value, (frozenset, tuple)):
        items = sorted(value) if isinstance(value, frozenset) else value
        return '(' + ','.join(text(v) for v in items) + ')'
    return '-' if value is None else str(value)


def show(path):
    """The steps to a fault, with what each of them changed."""
    for i, (label, state) in enumerate(path):
        if i == 0:
            changes = [f'{n}={text(v)}' for n, v in zip(state._fields, state)]
        else:
            earlier = path[i - 1][1]
            changes = [f'{n}={text(v)}' for n, v, old
                       in zip(state._fields, state, earlier) if v != old]
        print(f'# {i:3} {label or "start"}: {" ".join(changes)}')


def as_expected(variant, result):
    if variant.expected is None:
        return result.fault is None
    return result.fault is not None and variant.expected in result.fault


def test(number, variant):
    result = Search(variant.model()).run()
    good = as_expected(variant, result)
    print(f'{"ok" if good else "not ok"} {number} - {variant.name}: '
          f'{result.fault or "no violation"} '
          f'({result.states} states, {result.steps} steps)', flush=True)
    if not good:
        show(result.path)
    return good


def main(variants):
    """Tests all variants, or with --trace NAME shows the path to one's fault."""
    if len(sys.argv) == 3 and sys.argv[1] == '--trace':
        for variant in variants:
            if variant.name == sys.argv[2]:
                result = Search(variant.model()).run()
                show(result.path)
                print(f'# {result.fault or "no violation"}')
                return 0
        print('no such variant; there are:', *(v.name for v in variants),
              sep='\n  ', file=sys.stderr)
        return 2
    if len(sys.argv) > 1:
        print(f'usage: {sys.argv[0]} [--trace VARIANT]', file=sys.stderr)
        return 2
    print(f'1..{len(variants)}')
    good = [test(number, variant) for number, variant in enumerate(variants, 1)]
    return 0 if all(good) else 1
