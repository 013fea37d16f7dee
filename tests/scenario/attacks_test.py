#!/usr/bin/env python3
"""tests/attacks/attacks.tsv: every attack has a test that exists, runs and names it, or a reason why it has none."""

import os
import re
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TABLE = "tests/attacks/attacks.tsv"


def plain(text):
    """Without blanks, hyphens and the stars of comments, so that "RFC 5961 RST" names the row of blind resets."""
    return re.sub(r'[\s*"-]+', "", text).lower()


def names(text, row):
    """The text names the row; of an id for several, the first of them will do in a test that decides only that."""
    return plain(row) in plain(text) or ("/" in row and row.startswith("CVE-") and plain(row.split("/")[0]) in plain(text))


def comment_above(text, function):
    """The comments between the definition of the function and that of the one before it; None: no such function."""
    at = text.find(f"\nstatic void {function}(")
    if at < 0:
        return None
    return text[max(text.rfind("\n}\n", 0, at), 0):at]


class Attacks(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with open(f"{ROOT}/{TABLE}", encoding="utf-8") as file:
            lines = file.read().rstrip("\n").split("\n")
        cls.rows = [line.split("\t") for line in lines[1:]]

    def test_every_row_is_whole_and_there_once(self):
        self.assertGreaterEqual(len(self.rows), 127)
        for row in self.rows:
            self.assertEqual(len(row), 5, row)
            self.assertTrue(all(field.strip() for field in row), row)
        ids = [row[0] for row in self.rows]
        self.assertEqual(sorted(set(ids)), sorted(ids))

    def test_every_row_has_a_test_that_names_it_or_a_reason(self):
        for row, *_, tests in self.rows:
            with self.subTest(row=row):
                if tests.startswith("- "):
                    self.assertGreater(len(tests), 20, "a reason is a sentence")
                    continue
                for test in tests.split():
                    self.check(row, *test.partition(":")[::2])

    def check(self, row, path, function):
        self.assertTrue(os.path.isfile(f"{ROOT}/{path}"), path)
        with open(f"{ROOT}/{path}", encoding="utf-8") as file:
            text = file.read()
        if not function:
            self.assertTrue(names(text, row), f"{path} does not name it")
            return
        above = comment_above(text, function)
        self.assertIsNotNone(above, f"{path} has no {function}()")
        self.assertTrue(names(above, row), f"what stands above {function}() does not name it")
        self.assertIn(f"cmocka_unit_test({function})", text, f"{function}() is never run")


if __name__ == "__main__":
    unittest.main()
