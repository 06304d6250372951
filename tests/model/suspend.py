#!/usr/bin/env python3
# tests/model/suspend.py: a thread suspended while the world stops. SPDX-License-Identifier: MIT
#
# T runs, takes the list lock (as waiters for the api lock do, too) and goes
# through a blocking call, or suspends itself.  S suspends T and resumes it, but
# only after Y, who wants the lock, has had it.  C stops the world.  The stop
# signal reaches T wherever it is outside a stop-deferring region.
#
# One step is one access to memory that others can see.  The lock has the word
# of src/plat/lock.c: 0 free, 1 held, 2 held with waiters; a thread that sleeps
# is woken by a wake for one.

import sys
from collections import namedtuple

sys.dont_write_bytecode = True
from engine import main, mutant, sound  # noqa: E402

NO, ASKED, YES = 'NO', 'ASKED', 'YES'

State = namedtuple('State', [
    'gen',       # generation; odd while the world is stopped
    'missing',   # threads that have not answered
    'parked',    # T's parked_gen
    'blocked',   # T's state
    'susp',      # T's suspension
    'word',      # of the list lock
    'signal',    # the stop signal is on its way to T
    't',         # where T is
    'back',      # where the handler returns to
    'seen_gen', 'seen_susp', 'seen_parked',  # read by T's handler
    'ready',     # T's stack pointer is published
    'turns',     # T's rounds still to come
    's', 'c', 'y',  # where the others are
    'suspends',  # still to do
    'stops',     # still to do
])

START = State(0, 0, 0, False, NO, 0, False, 'run', None, None, None, None, False,
              2, 'idle', 'idle', 'idle', 2, 2)

# T's places in which no signal takes it away: in its handler, and in the regions
# in which it becomes blocked, or asks for itself.
HANDLER = ('h gen', 'h susp', 'h act', 'h still', 'h wait gen', 'h wait susp')
DEFERRING = HANDLER + ('b state', 'b susp', 'b gen')
ASKING = ('ask', 'ask unlock', 'ask wake')  # it suspends itself


class Suspend:
    """The protocol, with one attribute for each choice or mistake."""

    start = START
    unreliable = ()
    by_itself = False      # T suspends itself; S only resumes
    wakes_always = True    # S wakes a waiter when it releases the lock
    looks_at_state = True  # S asks whether T is blocked
    looks_when_blocked = True     # T looks at its suspension when it has blocked
    waits_when_leaving = True     # T waits when it leaves the blocking call
    stop_counts_suspended = True  # C takes a suspended T for a stopped one
    answers_when_still = True     # T answers a stop when it has become suspended
    defers_when_asking = True     # T suspends itself in a stop-deferring region
    publishes_first = True        # T's stack pointer is there before T says that it is still

    @property
    def wanted(self):
        labels = {'S resumes', 'C: stopped', 'Y has it', 'T stands still for S',
                  'T stands still for C'}
        return labels | ({'T asks for itself'} if self.by_itself else
                         {'S: T is blocked', 'T is in the call'})

    # ---- Judgement ----

    @staticmethod
    def runs(x):
        """T does what only a running thread may do."""
        return x.t in ('run', 'free', 'held', 'look', 'sleep', 'wake')

    def fault(self, x):
        if self.runs(x) and x.c == 'stopped':
            return 'T runs in a stopped world'
        if self.runs(x) and x.s == 'sure':
            return 'T runs while S has it suspended'
        if x.c == 'stopped' and not x.ready:
            return 'C reads a stack pointer that was not published'
        return None

    def is_end(self, x):
        return (x.s == x.c == 'idle' and x.y == 'done' and x.t == 'run' and x.turns == 0
                and x.suspends == 0 and x.stops == 0 and x.susp == NO)

    def places(self, x):
        return f'T {x.t}, S {x.s}, C {x.c}, Y {x.y}, word {x.word}, {x.susp}, gen {x.gen}'

    def steps(self, x):
        yield from self.thread(x)
        yield from self.handler(x)
        yield from self.suspender(x)
        yield from self.collector(x)
        yield from self.neighbour(x)

    # ---- The lock ----

    def woken(self, x):
        """The states in which one of those who sleep is awake, or nobody is."""
        found = False
        if x.t in ('sleep', 'leave sleep'):
            found = True
            yield x._replace(t='look' if x.t == 'sleep' else 'leave look')
        for who in ('s', 'c', 'y'):
            place = getattr(x, who)
            if place.startswith('sleep'):
                found = True
                yield x._replace(**{who: place.replace('sleep', 'look')})
        if not found:
            yield x

    @staticmethod
    def lock(x, who, place, free, held, look, sleep):
        """What a thread that wants the lock may do at its place."""
        if place == free and x.word == 0:
            yield f'{who} takes the lock', x._replace(word=1), held
        elif place == free:
            yield f'{who} finds it held', x, look
        elif place == look and x.word == 0:
            yield f'{who} takes the lock', x._replace(word=2), held
        elif place == look:
            yield f'{who} sleeps', x._replace(word=2), sleep

    # ---- T ----

    def thread(self, x):
        if x.t == 'run' and x.turns > 0:
            y = x._replace(turns=x.turns - 1)
            if self.by_itself:
                yield 'T wants to suspend itself', y._replace(t='free')
            else:
                yield 'T wants the lock', y._replace(t='free')
                yield 'T blocks', y._replace(t='b state', ready=True)
        for label, y, place in self.lock(x, 'T', x.t, 'free', 'held', 'look', 'sleep'):
            yield label, y._replace(t=place)
        if x.t == 'held' and self.by_itself:
            yield 'T is in the region', x._replace(t='ask')
        elif x.t == 'held':
            yield 'T releases', x._replace(word=0, t='wake' if x.word == 2 else 'run')
        if x.t == 'wake':
            for y in self.woken(x):
                yield 'T wakes', y._replace(t='run')
        yield from self.asking(x)
        yield from self.blocking(x)

    def asking(self, x):
        if x.t == 'ask':
            yield 'T asks for itself', x._replace(susp=ASKED, t='ask unlock')
        if x.t == 'ask unlock':
            yield 'T releases', x._replace(word=0, t='ask wake' if x.word == 2 else 'ask leave')
        if x.t == 'ask wake':
            for y in self.woken(x):
                yield 'T wakes', y._replace(t='ask leave')
        if x.t == 'ask leave':
            yield 'T sends itself the signal', x._replace(back='run', t='h gen')

    def blocking(self, x):
        if x.t == 'b state':
            yield 'T is blocked', x._replace(blocked=True, t='b gen')
        if x.t == 'b gen':
            y = self.answered(x) if x.gen & 1 else x
            yield 'T looks at the generation', y._replace(t='b susp')
        if x.t == 'b susp':
            asked = x.susp == ASKED and self.looks_when_blocked
            yield 'T is in the call', x._replace(susp=YES if asked else x.susp, t='call')
        if x.t == 'call':
            yield 'T leaves the call', x._replace(t='leave')
        for label, y, place in self.lock(x, 'T', x.t, 'leave', 'leave held', 'leave look',
                                         'leave sleep'):
            yield label, y._replace(t=place)
        if x.t == 'leave held' and x.susp != NO and self.waits_when_leaving:
            yield 'T must wait', x._replace(t='leave unlock')
        elif x.t == 'leave held':
            yield 'T is running', x._replace(blocked=False, ready=False, t='held')
        if x.t == 'leave unlock':
            yield 'T releases', x._replace(word=0, t='leave wake' if x.word == 2 else 'leave wait')
        if x.t == 'leave wake':
            for y in self.woken(x):
                yield 'T wakes', y._replace(t='leave wait')
        if x.t == 'leave wait' and x.susp != YES:
            yield 'T was resumed', x._replace(t='leave')

    # ---- T's handler ----

    @staticmethod
    def answered(x):
        """Counts T off, unless that was done."""
        if x.parked == x.gen:
            return x
        return x._replace(parked=x.gen, missing=x.missing - 1)

    def handler(self, x):
        defers = x.t in DEFERRING or (x.t in ASKING and self.defers_when_asking)
        if x.signal and not defers:
            y = x._replace(signal=False)
            if x.blocked:
                yield 'signal to a blocked T', self.answered(y) if y.gen & 1 else y
            else:
                # Who is taken from his sleep looks again.
                back = {'sleep': 'look'}.get(x.t, x.t)
                yield 'signal', y._replace(back=back, t='h gen')
        if x.t == 'h gen':
            yield 'T reads gen', x._replace(seen_gen=x.gen, seen_parked=x.parked, t='h susp')
        if x.t == 'h susp':
            yield 'T reads susp', x._replace(seen_susp=x.susp, t='h act')
        if x.t == 'h act':
            yield from self.act(x)
        if x.t == 'h still':
            y = self.answered(x) if x.gen & 1 else x
            yield 'T answers when still', y._replace(t='h gen')
        if x.t == 'h wait gen' and x.gen != x.seen_gen:
            yield 'T sees the restart', x._replace(t='h gen')
        if x.t == 'h wait susp' and x.susp != YES:
            yield 'T sees that it was resumed', x._replace(t='h gen')

    def act(self, x):
        clean = {'seen_susp': None, 'seen_parked': None}
        if x.seen_susp == YES:
            yield 'T stands still for S', x._replace(t='h wait susp', **clean)
        elif x.seen_gen & 1:
            y = x._replace(ready=True)
            if x.parked == x.seen_parked != x.seen_gen:
                y = y._replace(parked=x.seen_gen, missing=x.missing - 1)
            yield 'T stands still for C', y._replace(t='h wait gen', **clean)
        elif x.seen_susp == NO:
            yield 'T goes on', x._replace(t=x.back, back=None, seen_gen=None, ready=False, **clean)
        else:
            y = x._replace(ready=self.publishes_first, susp=YES if x.susp == ASKED else x.susp)
            place = 'h still' if self.answers_when_still else 'h gen'
            yield 'T says that it stands still', y._replace(t=place, **clean)

    # ---- S ----

    def release(self, x, who, place, always=False):
        y = x._replace(word=0)
        if x.word == 2 or always:
            for z in self.woken(y):
                yield f'{who} releases and wakes', z._replace(**{who.lower(): place})
        else:
            yield f'{who} releases', y._replace(**{who.lower(): place})

    def take(self, x, who, goal, place):
        """What who may do that wants the lock for this goal."""
        for label, y, now in self.lock(x, who, place, f'for {goal}', f'has {goal}',
                                       f'look {goal}', f'sleep {goal}'):
            yield label, y._replace(**{who.lower(): now})

    def suspender(self, x):
        if x.s == 'idle' and x.suspends > 0:
            y = x._replace(suspends=x.suspends - 1)
            yield 'S begins', y._replace(s='for resume' if self.by_itself else 'for ask')
        for goal in ('ask', 'resume'):
            yield from self.take(x, 'S', goal, x.s)
        if x.s == 'has ask':
            yield 'S asks', x._replace(susp=ASKED, s='state')
        if x.s == 'state' and x.blocked and self.looks_at_state:
            yield 'S: T is blocked', x._replace(susp=YES, s='await')
        elif x.s == 'state':
            yield 'S sends the signal', x._replace(signal=True, s='await')
        if x.s == 'await' and x.susp == YES:
            yield from self.release(x, 'S', 'sure', self.wakes_always)
        if x.s == 'sure' and x.y == 'done':
            yield 'S has waited for Y', x._replace(s='for resume')
        if x.s == 'has resume' and x.susp != NO:
            yield 'S resumes', x._replace(susp=NO, s='unlock')
        elif x.s == 'has resume':
            yield 'S comes too early', x._replace(suspends=x.suspends + 1, s='unlock')
        if x.s == 'unlock':
            yield from self.release(x, 'S', 'idle')

    # ---- C ----

    def collector(self, x):
        if x.c == 'idle' and x.stops > 0:
            yield 'C begins', x._replace(stops=x.stops - 1, c='for stop')
        yield from self.take(x, 'C', 'stop', x.c)
        if x.c == 'has stop':
            yield 'C stops', x._replace(gen=x.gen + 1, missing=1, c='look at T')
        if x.c == 'look at T':
            still = x.blocked or (x.susp == YES and self.stop_counts_suspended)
            if still:
                yield 'C answers for T', self.answered(x)._replace(c='await T')
            else:
                yield 'C sends the signal', x._replace(signal=True, c='await T')
        if x.c == 'await T' and x.missing == 0:
            yield 'C: stopped', x._replace(c='stopped')
        if x.c == 'stopped':
            yield 'C restarts', x._replace(gen=x.gen + 1, c='unlock')
        if x.c == 'unlock':
            yield from self.release(x, 'C', 'idle')

    # ---- Y ----

    def neighbour(self, x):
        if x.y == 'idle':
            yield 'Y begins', x._replace(y='for once')
        yield from self.take(x, 'Y', 'once', x.y)
        if x.y == 'has once':
            yield from (('Y has it', y) for _, y in self.release(x, 'Y', 'done'))


class ByItself(Suspend):
    by_itself = True


class NobodyIsWoken(Suspend):
    wakes_always = False


class BlockedIsNotSeen(Suspend):
    looks_at_state = False


class BlocksUnaware(Suspend):
    looks_when_blocked = False


class LeavesAtOnce(Suspend):
    waits_when_leaving = False


class StopAsksTheSuspended(Suspend):
    stop_counts_suspended = False


class KeepsAStopWaiting(ByItself):
    answers_when_still = False


class AsksInTheOpen(ByItself):
    defers_when_asking = False


class PublishesLate(Suspend):
    publishes_first = False


if __name__ == '__main__':
    sys.exit(main([
        sound('a thread is suspended and resumed while the world stops', Suspend),
        sound('a thread suspends itself', ByItself),
        mutant('the wakening that the thread owes is lost', NobodyIsWoken, 'deadlock'),
        mutant('a blocked thread is asked by a signal', BlockedIsNotSeen, 'deadlock'),
        mutant('a thread that blocks overlooks that it was asked', BlocksUnaware, 'deadlock'),
        mutant('a thread leaves its call though suspended', LeavesAtOnce,
               'T runs while S has it suspended'),
        mutant('a stop waits for a suspended thread', StopAsksTheSuspended, 'deadlock'),
        mutant('a thread that suspends itself overlooks a stop', KeepsAStopWaiting, 'deadlock'),
        mutant('a thread that suspends itself still owes a wakening', AsksInTheOpen, 'deadlock'),
        mutant('a thread says too early that it stands still', PublishesLate,
               'C reads a stack pointer that was not published'),
    ]))
