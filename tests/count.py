#!/usr/bin/env python3
"""
count.py [--broken N] BUILD...: one line about the tests that meson ran last in these build folders.

A test that reports several results counts with each of them; one that ends badly although all its results were good
(it crashed at the end) counts as one failure more.  --broken: so many builds and checks failed besides.
"""

import argparse
import json
import pathlib
import sys
import xml.etree.ElementTree as xml

GOOD = {"OK", "SKIP", "EXPECTEDFAIL"}


def count(build):
    """passed, failed, skipped of one build folder."""
    logs = pathlib.Path(build) / "meson-logs"
    passed = failed = skipped = 0
    failing = set()
    for suite in xml.parse(logs / "testlog.junit.xml").getroot().iter("testsuite"):
        for case in suite.iter("testcase"):
            if case.find("failure") is not None or case.find("error") is not None:
                failed += 1
                failing |= {case.get("name"), suite.get("name").split(".", 1)[-1]}
            elif case.find("skipped") is not None:
                skipped += 1
            else:
                passed += 1
    for line in (logs / "testlog.json").read_text().splitlines():
        test = json.loads(line)
        if test["result"] not in GOOD and test["name"] not in failing:
            failed += 1
    return passed, failed, skipped


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--broken", type=int, default=0)
    parser.add_argument("builds", nargs="*")
    options = parser.parse_args()
    passed, failed, skipped = 0, options.broken, 0
    for build in options.builds:
        try:
            numbers = count(build)
        except (OSError, xml.ParseError, ValueError) as error:
            print("%s: no results: %s" % (build, error), file=sys.stderr)
            numbers = (0, 1, 0)
        passed, failed, skipped = passed + numbers[0], failed + numbers[1], skipped + numbers[2]
    print("%d passed, %d failed, %d skipped" % (passed, failed, skipped), flush=True)
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
