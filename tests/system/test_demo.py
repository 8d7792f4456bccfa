#!/usr/bin/env python3
"""The commands that tools/demo prints give the answer that the audit before them gave."""

import re
import shlex
import subprocess

import demo
import harness
from harness import BOTH, CLEAN, FINDINGS

SCRIPT = (harness.landscape.HERE.parent.parent / "tools" / "demo").read_text("utf-8")


class Demo(harness.Case):
    def words(self, begin):
        """The words of the script from begin on, to the end of the command; continued lines are one."""
        text = SCRIPT.replace("\\\n", " ")
        line = next(line for line in text.splitlines() if begin in line)
        return shlex.split(line[line.index(begin) + len(begin):].split(">")[0])

    def printed(self):
        """The commands that the script prints, as a shell of this folder sees them."""
        text = SCRIPT[SCRIPT.index("To go on:"):]
        return [line.split("#")[0].strip() for line in text[:text.index("\nEND\n")].splitlines()
                if line.strip().startswith("trustgap ")]

    def variables(self, mode):
        """What the script sets for the commands."""
        lines = re.search(r"^capture=.*?^cat <<END", SCRIPT, re.M | re.S).group(0).rsplit("\n", 1)[0]
        done = subprocess.run(["sh", "-euc", lines + '\nprintf "%s\\n%s\\n" "$capture" "$previous"'],
                              stdout=subprocess.PIPE, check=True, cwd=self.folder,
                              env={**self.environment, "demo": str(self.folder), "mode": mode})
        capture, previous = done.stdout.decode().splitlines()
        return {"$capture": capture, "$previous": previous}

    def test_printed_commands(self):
        audit = self.words('"$trustgap" ')
        for hours, mode in enumerate(("audit", "next")):
            self.environment["SOURCE_DATE_EPOCH"] = str(int(demo.pki.NOW.timestamp()) + hours * 3600)
            with self.subTest(mode), demo.build(self.folder, mode == "next"):
                self.trustgap(*audit, expect=BOTH)
                commands = self.printed()
                self.assertGreaterEqual(len(commands), 5)
                for command in commands:
                    for name, value in self.variables(mode).items():
                        command = command.replace(name, value)
                    self.assertNotIn("$", command)
                    words = shlex.split(command)
                    self.assertEqual(words.pop(0), "trustgap")
                    done = self.trustgap(*words, expect=BOTH if words[0] == "analyze" else (CLEAN, FINDINGS))
                    if words[:2] == ["report", "state"]:
                        self.assertEqual(done.out, (self.folder / "state" / "report.txt").read_text("utf-8"))
                self.assertEqual((self.folder / "mine.xml").read_bytes(),
                                 (self.folder / "state" / "latest.xml").read_bytes())


if __name__ == "__main__":
    harness.main()
