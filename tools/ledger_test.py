#!/usr/bin/env python3
"""ledger.py: what it finds, what it misses on purpose, and that the real ledger is whole and up to date."""

import os
import tempfile
import unittest

import ledger

ROWS = "MUST-1\tMUST\t3.1\tasks one\nMAY-2\tMAY\t3.1\tasks two\tomitted: not needed\nRFC7323-2.2-1\tMUST\t2.2\tasks three\n"
CODE = """/* Does it (MUST-1). */
static bool does_it(int a)
{
	return a; /* RFC7323-2.2-1 */
}
"""
TEST = """/* MUST-1, RFC7323-2.2-1: in every case. */
static void it_is_done(void **state)
{
}
"""


class Tree:
    """A project of these files, in a directory of its own."""

    def __init__(self, **changes):
        self.files = {"tests/ledger/rfc9293.tsv": ROWS, "src/tcp/a.c": CODE, "tests/unit/a_test.c": TEST,
                      "docs/RFC.md": ""}
        self.files.update({key.replace("__", "/").replace("_dot_", "."): text for key, text in changes.items()})

    def check(self):
        with tempfile.TemporaryDirectory() as root:
            for path, text in self.files.items():
                os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
                with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                    file.write(text)
            return ledger.check(root)


class Ledger(unittest.TestCase):
    def faults(self, **changes):
        return Tree(**changes).check()[0]

    def test_a_whole_one_has_no_fault(self):
        wrong, page = Tree().check()
        self.assertEqual(wrong, [])
        self.assertIn("| MUST-1 | MUST | 3.1 | asks one | `tcp/a.c` does_it() | `unit/a_test.c` it_is_done() | met |", page)
        self.assertIn("| MAY-2 | MAY | 3.1 | asks two |  |  | omitted: not needed |", page)
        self.assertIn("3 requirements: 2 met, 0 met in another way, 1 omitted with their reason, 0 asked of others.", page)

    def test_no_function(self):
        found = self.faults(src__tcp__a_dot_c="static int a;\n")
        self.assertEqual(len(found), 2)
        self.assertIn("MUST-1 (asks one): no function of src/ bears its tag", found)

    def test_no_test(self):
        self.assertIn("MUST-1 (asks one): no test bears its tag", self.faults(tests__unit__a_test_dot_c="int a;\n"))

    def test_a_tag_in_a_header_of_include_alone_is_not_enough(self):
        self.assertEqual(len(self.faults(src__tcp__a_dot_c="int a;\n", include__tern__a_dot_h=CODE)), 2)

    def test_a_string_of_the_code_is_no_tag(self):
        text = CODE.replace("/* Does it (MUST-1). */\n", "").replace("return a;", 'return "MUST-1";')
        self.assertEqual(self.faults(src__tcp__a_dot_c=text), ["MUST-1 (asks one): no function of src/ bears its tag"])

    def test_an_unknown_tag(self):
        found = self.faults(tests__unit__a_test_dot_c=TEST + "/* MUST-77 */\n")
        self.assertEqual(found, ["tests/unit/a_test.c: MUST-77 is no requirement of tests/ledger/"])

    def test_one_that_departs_needs_its_test(self):
        rows = ROWS.replace("asks one", "asks one\tdeparts: so")
        self.assertEqual(self.faults(tests__ledger__rfc9293_dot_tsv=rows), [])
        self.assertEqual(len(self.faults(tests__ledger__rfc9293_dot_tsv=rows, tests__unit__a_test_dot_c="int a;\n")), 2)

    def test_lines_that_cannot_be_read(self):
        for line in ("MUST-1\tMUST\n", "MUST\tMUST\t1\tasks\n", "MUST-3\tMUST\t1\tasks\tperhaps\n"):
            with self.assertRaises(ValueError):
                self.faults(tests__ledger__rfc9293_dot_tsv=ROWS + line)

    def test_a_requirement_twice(self):
        self.assertIn("MUST-1 stands twice in tests/ledger/", self.faults(tests__ledger__rfc9293_dot_tsv=ROWS + ROWS[:20] +
                                                                         "\n"))


class Real(unittest.TestCase):
    def test_appendix_b_of_rfc_9293_is_there_whole(self):
        wanted = {"MUST": 69, "SHLD": 31, "REC": 1, "MAY": 18}
        ids = [row.id for row in ledger.read_requirements(ledger.ROOT)["9293"]]
        self.assertEqual(sorted(ids), sorted(f"{kind}-{n}" for kind, most in wanted.items() for n in range(1, most + 1)))

    def test_the_rfcs_that_amend_it_are_there(self):
        self.assertEqual(list(ledger.read_requirements(ledger.ROOT)),
                         ["9293", "5681", "5961", "6298", "6675", "7323", "8985", "9438"])

    def test_no_must_is_omitted_but_source_routes(self):
        omitted = [row.id for row in ledger.read_requirements(ledger.ROOT)["9293"]
                   if row.kind == "omitted" and row.level.startswith("MUST")]
        self.assertEqual(omitted, ["MUST-51", "MUST-52", "MUST-53"])


if __name__ == "__main__":
    unittest.main()
