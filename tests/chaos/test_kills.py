#!/usr/bin/env python3
"""
kill -9 and SIGTERM at 50 moments of a run, then --resume: the capture is the one that a run without them makes.

A moment is drawn with a seed: after so many finished hosts, and then after so much time.  What exactly is going on then
is the machine's affair, and nothing is asked that depends on it.
"""

import hashlib
import os
import pathlib
import random
import shutil
import signal
import sys
import tempfile
import time

import fleet
import harness
import run

MOMENTS = 50
SEED = int(os.environ.get("CHAOS_SEED", "50"))
HEALTHY = 5
FANOUT = 3  # so that some hosts are finished, some in work, and some not begun
RUN_SECONDS = 120  # ends what hangs
DELAY_SECONDS = 0.12
TIMES = ("started", "finished", "clock")
OPTIONS = ("--fanout", FANOUT, "--quiet")


class Kills(harness.Case):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="trustgap-kills-")
        cls.addClassCleanup(folder.cleanup)
        cls.place = pathlib.Path(folder.name).resolve()
        rows = [row for row in fleet.ROWS if row.name == "refuses-login"]
        cls.fleet = fleet.Fleet(cls.place / "fleet", rows, HEALTHY)
        cls.addClassCleanup(cls.fleet.stop)
        cls.fleet.start()
        whole = cls.fleet.inventory.read_text()
        cls.inventories = {}  # expected status -> inventory, and below: -> the capture of a run that nobody disturbs
        for status, text in ((harness.HOSTS_MISSING, whole), (harness.CLEAN, "".join(
                line for line in whole.splitlines(True) if not line.startswith("refuses-login")))):
            cls.inventories[status] = cls.place / ("inventory-%d" % status)
            cls.inventories[status].write_text(text)
        cls.references = {}
        for status in cls.inventories:
            done, text = cls.collect(status, cls.place / ("whole-%d" % status))
            if done != status:
                raise AssertionError("status %s instead of %d\n%s" % (done, status, text))
            cls.references[status] = cls.look(cls.place / ("whole-%d" % status))

    @classmethod
    def begin(cls, status, out, *more):
        cls.fleet.inventory = cls.inventories[status]
        return run.Run(cls.fleet, out, *OPTIONS, *more)

    @classmethod
    def collect(cls, status, out, *more):
        one = cls.begin(status, out, *more)
        return one.finish(RUN_SECONDS, sampled=False), one.text()

    @staticmethod
    def look(out):
        """All that is in a capture but for times: host -> line, and the names of the objects."""
        lines = {name: {key: value for key, value in line.items() if key not in TIMES}
                 for name, line in run.journal(out).items()}
        return lines, sorted(path.name for path in (out / "objects").rglob("*") if path.is_file())

    def one(self, number):
        chosen = random.Random("%d %d" % (SEED, number))
        kind = (signal.SIGKILL, signal.SIGTERM)[number % 2]
        status = (harness.CLEAN, harness.HOSTS_MISSING)[number // 2 % 2]
        after, delay = chosen.randrange(HEALTHY), chosen.uniform(0, DELAY_SECONDS)
        out = self.place / ("out-%d" % number)
        one = self.begin(status, out)
        harness.wait_for(lambda: one.finished() >= after or one.process.poll() is not None, what="finished hosts")
        time.sleep(delay)
        one.process.send_signal(kind)
        done = one.finish(RUN_SECONDS, sampled=False)
        say = "%s %.3f s after %d hosts, status %s; %s" % (kind.name, delay, after, done, one.text()[-2000:])
        hosts = one.finished()
        self.assertIsNotNone(done, "it does not end: " + say)
        if kind == signal.SIGTERM:  # before the program asks for it, SIGTERM is what it is everywhere
            self.assertIn(done, (status, harness.HOSTS_MISSING, -signal.SIGTERM), say)
        self.assertEqual(one.left(), [], "what is left of the program: " + say)

        if (out / "capture.jsonl").exists():
            done, text = self.collect(status, out, "--resume")
        else:  # so early that there is no capture to go on with
            shutil.rmtree(out, ignore_errors=True)
            done, text = self.collect(status, out)
        self.assertEqual(done, status, "--resume: %s\nafter %s" % (text[-2000:], say))
        lines, objects = self.look(out)
        whole, whole_objects = self.references[status]
        self.assertEqual(sorted(lines), sorted(whole), say)
        for name, line in lines.items():
            other = {key: (value, whole[name].get(key)) for key, value in line.items() if value != whole[name].get(key)}
            self.assertEqual(other, {}, "%s: as it is, and as it should be: %s" % (name, say))
            self.assertEqual(sorted(line), sorted(whole[name]), name)
        # Objects of a host that was cancelled in mid-trace stay, with the line that names them.
        journal = (out / "capture.jsonl").read_text()
        self.assertEqual([name for name in objects if name not in whole_objects and name not in journal], [], say)
        self.assertLessEqual(set(whole_objects), set(objects), say)
        for path in (out / "objects").rglob("*"):
            if path.is_file():
                self.assertEqual(hashlib.sha256(path.read_bytes()).hexdigest(), path.name, say)
        # And once more: nothing is left to be done.
        before = (out / "capture.jsonl").read_bytes()
        if number % 10 == 0:
            self.assertEqual(self.collect(status, out, "--resume")[0], status, "--resume of a whole capture: " + say)
            self.assertEqual((out / "capture.jsonl").read_bytes(), before, say)
        shutil.rmtree(out)
        return hosts

    def test_every_moment(self):
        reached = []
        for number in range(MOMENTS):
            with self.subTest("CHAOS_SEED=%d, moment %d" % (SEED, number)):
                reached.append(self.one(number))
        print("# finished hosts at the %d moments: %s" % (MOMENTS, " ".join(map(str, sorted(reached)))))
        self.assertTrue(any(0 < hosts < HEALTHY for hosts in reached), "no moment was in the middle of a run")

    def test_nothing_runs_on(self):
        """On the hosts, of runs that were killed: after test_every_moment, whose name comes first."""
        self.assertEqual(self.fleet.wait_until_idle(20), [])


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    harness.main()
