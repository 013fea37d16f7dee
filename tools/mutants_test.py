#!/usr/bin/env python3
"""mutants.py's own: what a record must be, and that one which says nothing is told."""

import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import mutants  # noqa: E402

SOURCE = """int limit(int n)
{
\tif (n > 3)
\t\treturn 3;
\tif (n < 0)
\t\treturn 0;
\treturn n;
}
"""

RECORD = """# a comment
== bound-left-out
in src/base/limit.c
by unit/limit_test
more than three would pass
-\tif (n > 3)
+\tif (0)
"""


class Records(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = self.folder.name
        for name, text in (("src/base/limit.c", SOURCE), ("tests/unit/limit_test.c", "int main(void);\n")):
            path = os.path.join(self.root, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)

    def tearDown(self):
        self.folder.cleanup()

    def read(self, text):
        folder = os.path.join(self.root, "tests", "mutants")
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "base.txt"), "w", encoding="utf-8") as file:
            file.write(text)
        return mutants.read_records(folder)

    def wrong(self, text):
        return "\n".join(mutants.check(self.read(text), self.root))

    def test_a_good_record(self):
        self.assertEqual(self.wrong(RECORD), "")
        mutant, = self.read(RECORD)
        self.assertEqual((mutant.name, mutant.file, mutant.test, mutant.why),
                         ("bound-left-out", "src/base/limit.c", "unit/limit_test", "more than three would pass"))
        self.assertEqual(mutants.apply(SOURCE, mutant), SOURCE.replace("n > 3", "0"))

    def test_indentation_does_not_matter(self):
        self.assertEqual(self.wrong(RECORD.replace("-\tif", "-if")), "")

    def test_lines_around_it_say_where(self):
        twice = RECORD.replace("-\tif (n > 3)\n+\tif (0)", " \tif (n < 0)\n-\t\treturn 0;\n+\t\treturn 1;")
        mutant, = self.read(twice)
        self.assertEqual(mutants.apply(SOURCE, mutant), SOURCE.replace("return 0", "return 1"))

    def test_what_is_not_there(self):
        self.assertIn("stands 0 times", self.wrong(RECORD.replace("n > 3)", "n > 4)")))

    def test_what_is_there_twice(self):
        with open(os.path.join(self.root, "src/base/limit.c"), "a", encoding="utf-8") as file:
            file.write(SOURCE)
        self.assertIn("stands 2 times", self.wrong(RECORD))

    def test_a_part_of_a_line_is_not_enough(self):
        self.assertIn("stands 0 times", self.wrong(RECORD.replace("if (n > 3)", "(n > 3)")))

    def test_what_changes_nothing(self):
        self.assertIn("changes nothing", self.wrong(RECORD.replace("if (0)", "if (n > 3)")))

    def test_an_empty_record(self):
        self.assertIn("takes nothing out", self.wrong(RECORD.split("-\t", maxsplit=1)[0]))

    def test_a_test_that_is_not_there(self):
        self.assertIn("there is no test 'unit/limits_test'", self.wrong(RECORD.replace("limit_test", "limits_test")))
        self.assertIn("there is no test", self.wrong(RECORD.replace("unit/", "")))

    def test_no_reason(self):
        self.assertIn("does not say why", self.wrong(RECORD.replace("more than three would pass\n", "")))

    def test_a_name_twice(self):
        self.assertIn("the name is taken", self.wrong(RECORD + "\n" + RECORD))

    def test_a_line_too_many(self):
        with self.assertRaises(mutants.Broken):
            self.read(RECORD + "and so on\n")
        with self.assertRaises(mutants.Broken):
            self.read("in src/base/limit.c\n")


class Ours(unittest.TestCase):
    def test_there_are_enough_in_every_room(self):
        rooms = [mutant.file.split("/")[1] for mutant in mutants.read_records()]
        self.assertGreaterEqual(len(rooms), 60)
        for room in ("base", "wire", "tcp", "ip", "host", "link", "gateway", "script"):
            self.assertGreaterEqual(rooms.count(room), 5, room)


if __name__ == "__main__":
    unittest.main()
