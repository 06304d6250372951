#!/usr/bin/env python3
# tests/dropin/page.py: writes a long page, the same each time. SPDX-License-Identifier: MIT
"""usage: page.py SECTIONS: HTML on standard output, with whatever is laid out."""

import random
import sys

LETTERS = "abcdefghijklmnopqrstuvwxyzäöüßé中文字"


def words(rng, count):
  """Text of so many words, some of them wide."""
  return " ".join("".join(rng.choice(LETTERS) for _ in range(rng.randint(1, 9)))
                  for _ in range(count))


def table(rng, depth):
  """A table whose cells may hold tables and join columns."""
  rows = []
  for row in range(rng.randint(2, 5)):
    cells = [table(rng, depth - 1) if depth and rng.random() < 0.2
             else f"<td align={rng.choice(['left', 'right', 'center'])}>"
                  f"{words(rng, 3)}</td>" for _ in range(3)]
    if row == 0:
      cells = [f"<th colspan=2>{words(rng, 2)}</th>", "<th>x</th>"]
    rows.append("<tr>" + "".join(
        c if c.startswith("<t") and not c.startswith("<table") else f"<td>{c}</td>"
        for c in cells) + "</tr>")
  return "<table border=1>" + "".join(rows) + "</table>"


def section(rng, number):
  """One heading with a paragraph, a list, a form and a table."""
  items = "".join(f"<li>{words(rng, 6)}</li>" for _ in range(5))
  return (f"<h3>Section {number}</h3><p>{words(rng, 60)} "
          f"<a href='#s{number}'>link <b>{number}</b></a> <i>{words(rng, 5)}</i></p>"
          f"<ol>{items}</ol><form><input type=text value='{number}'>"
          f"<select><option>{words(rng, 1)}<option selected>two</select></form>"
          f"<pre>{words(rng, 12)}\n  {words(rng, 4)}</pre>{table(rng, 2)}<hr>")


def main():
  rng = random.Random(4711)
  print("<html><head><meta charset=utf-8><title>Page</title></head><body>")
  for number in range(int(sys.argv[1])):
    print(section(rng, number))
  print("<p>end</p></body></html>")


main()
