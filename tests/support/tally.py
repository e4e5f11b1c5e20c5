#!/usr/bin/env python3
"""Counts test cases in the results of programs that were run.

usage: tally.py STAGE FILE...

FILE is a JUnit file of ctest (*.xml) or the output of one program (*.log) whose exit code is in the file of the same
name with the ending .code. Prints one line per program, tab-separated: STAGE PROGRAM PASSED FAILED SKIPPED SECONDS.

A program that prints the summary of Catch2 or the line "N passed, N failed, N skipped" counts as that many cases, any
other as one. A line that begins with "SKIPPED:" turns one passed case into a skipped one. A program that failed counts
at least one failure, whatever it printed.
"""
import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree

ALL_PASSED = re.compile(r"^All tests passed \(.* in (\d+) test cases?\)", re.M)
CATCH_CASES = re.compile(r"^test cases:\s*\d+ \|(.*)$", re.M)
CATCH_PART = re.compile(r"(\d+) (passed|failed as expected|failed|skipped)")
NOTHING_RUN = re.compile(r"^No test(s ran| cases matched)", re.M)
CLOSING_LINE = re.compile(r"^(\d+) passed, (\d+) failed, (\d+) skipped$", re.M)
COLOUR = re.compile(r"\x1b\[[0-9;]*m|\[NON-XML-CHAR-0x1B\]\[[0-9;]*m")


def count(output, succeeded):
    """Returns (passed, failed, skipped) of one program."""
    output = COLOUR.sub("", output)
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    known = False
    for match in ALL_PASSED.finditer(output):
        known = True
        counts["passed"] += int(match[1])
    for match in CATCH_CASES.finditer(output):
        known = True
        for number, what in CATCH_PART.findall(match[1]):
            counts["passed" if what == "failed as expected" else what] += int(number)
    for match in CLOSING_LINE.finditer(output):
        known = True
        for number, what in zip(match.groups(), counts):
            counts[what] += int(number)
    if not known and succeeded and not NOTHING_RUN.search(output):
        counts["passed"] = 1
    announced = len(re.findall(r"^\s*SKIPPED:", output, re.M))
    moved = min(announced, counts["passed"])
    counts["passed"] -= moved
    counts["skipped"] += moved
    if not succeeded:
        counts["failed"] = max(counts["failed"], 1)
    return tuple(counts.values())


def ctest_results(path):
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        output = case.findtext("system-out") or ""
        yield case.get("name"), count(output, case.get("status") == "run"), float(case.get("time") or 0)


def program_result(path):
    code = path.with_suffix(".code")
    # Without an exit code the program was never ended properly, which is a failure.
    succeeded = path.is_file() and code.is_file() and code.read_text().strip() == "0"
    seconds = path.with_suffix(".seconds")
    output = path.read_text(errors="replace") if path.is_file() else ""
    return path.stem, count(output, succeeded), \
        float(seconds.read_text()) if seconds.is_file() else 0.0


def main(stage, *files):
    for path in map(pathlib.Path, files):
        results = ctest_results(path) if path.suffix == ".xml" else [program_result(path)]
        for name, counts, seconds in results:
            print(stage, name, *counts, f"{seconds:.1f}", sep="\t")


if len(sys.argv) < 3 or sys.argv[1].startswith("-"):
    sys.exit(__doc__)
main(*sys.argv[1:])
