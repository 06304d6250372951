# tools/ctext.py: reads C text for the checks: comments, functions, conditionals.
# SPDX-License-Identifier: MIT
#
# This is not a parser of C.  It knows the layout that the project writes in
# (a definition starts in column 0 and its body ends with a brace in column 0
# or in one line), strips comments and literals exactly, and counts on that.

import re
from collections import namedtuple

Function = namedtuple('Function', 'name first last')
Comment = namedtuple('Comment', 'first last text')
Include = namedtuple('Include', 'line system name')
Conditional = namedtuple('Conditional', 'line depth guard text')

TOKEN = re.compile(
    r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
DIRECTIVE = re.compile(r'^[ \t]*#(?:[^\n]*\\\n)*[^\n]*', re.M)
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^">]+)[">]', re.M)
CONDITION = re.compile(r'^[ \t]*#[ \t]*(if|ifdef|ifndef|elif|else|endif)\b')


def line_of(text, offset):
    return text.count('\n', 0, offset) + 1


def hollow(piece):
    """The same shape, so that offsets and lines stay true, and no letters."""
    return re.sub(r'[^\n]', ' ', piece)


class Source:
    """A C file in four views: as it is, its code, its comments, its functions."""

    def __init__(self, text):
        self.text = text
        self.lines = text.split('\n')
        if self.lines and self.lines[-1] == '':
            self.lines.pop()
        self.comments = []
        self.code = TOKEN.sub(self._strip, text)
        self.code_lines = self.code.split('\n')
        self.includes = [
            Include(line_of(text, m.start(1)), m.group(1) == '<', m.group(2))
            for m in INCLUDE.finditer(text)
            if '#' in self.code[m.start():m.end()]]
        self.functions = list(self._find_functions())
        self.conditionals = list(self._find_conditionals())

    def _strip(self, match):
        piece = match.group(0)
        if piece[0] == '/':
            first = line_of(self.text, match.start())
            self.comments.append(
                Comment(first, first + piece.count('\n'), piece))
            return hollow(piece)
        return piece[0] + hollow(piece[1:-1]) + piece[-1]

    def comment_lines(self):
        """Lines that hold comment and nothing else."""
        held = set()
        for comment in self.comments:
            held.update(range(comment.first, comment.last + 1))
        return {n for n in held if not self.code_lines[n - 1].strip()}

    def code_line_count(self):
        return sum(1 for line in self.code_lines if line.strip())

    def comment_near(self, line):
        """The comment on this line or ending on the line above, or ''."""
        found = [c.text for c in self.comments
                 if c.first <= line <= c.last or c.last == line - 1]
        return ' '.join(found)

    def _find_functions(self):
        bare = DIRECTIVE.sub(lambda m: hollow(m.group(0)), self.code)
        depth = 0
        head = 0
        started = None
        for match in re.finditer(r'[{};]', bare):
            at, char = match.start(), match.group(0)
            if char == '{':
                if depth == 0:
                    before = bare[head:at]
                    if re.fullmatch(r'\s*extern\s*"\s*"\s*', before):
                        head = at + 1
                        continue
                    started = self._definition(before, head)
                depth += 1
            elif char == '}':
                if depth == 0:
                    head = at + 1
                    continue
                depth -= 1
                if depth == 0:
                    if started:
                        yield Function(started[0], started[1],
                                       line_of(bare, at))
                    started, head = None, at + 1
            elif depth == 0:
                head = at + 1

    def _definition(self, before, offset):
        """(name, line) when the text before a brace heads a function."""
        if not before.rstrip().endswith(')'):
            return None
        end = len(before.rstrip()) - 1
        level, at = 0, end
        while at >= 0:
            level += {')': 1, '(': -1}.get(before[at], 0)
            if level == 0:
                break
            at -= 1
        name = re.search(r'(\w+)\s*$', before[:max(at, 0)])
        if not name or '=' in before[:at]:
            return None
        return name.group(1), line_of(self.text, offset + name.start(1))

    def _find_conditionals(self):
        """Every #if, #elif, #else with its nesting; an include guard counts 0."""
        guard = self._guard_line()
        depth = 0
        stack = []
        for number, line in enumerate(self.code_lines, 1):
            match = CONDITION.match(line)
            if not match:
                continue
            word = match.group(1)
            if word == 'endif':
                if stack and not stack.pop():
                    depth -= 1
                continue
            if word in ('if', 'ifdef', 'ifndef'):
                stack.append(number == guard)
                if number != guard:
                    depth += 1
            yield Conditional(number, depth, number == guard, line.strip())

    def _guard_line(self):
        directives = [(n, line.split()) for n, line
                      in enumerate(self.code_lines, 1)
                      if line.lstrip().startswith('#')]
        if len(directives) < 3:
            return None
        (first, one), (_, two) = directives[0], directives[1]
        is_guard = (len(one) == 2 and len(two) == 2 and one[0] == '#ifndef'
                    and two[0] == '#define' and one[1] == two[1])
        return first if is_guard else None


def load(path):
    with open(path, encoding='utf-8') as handle:
        return Source(handle.read())
