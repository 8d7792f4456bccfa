#!/usr/bin/env python3
"""kill -9, Ctrl-C and a full disk: what was finished stays, and the rest is told."""

import json
import os
import resource
import shutil
import signal
import subprocess
import unittest

import harness
import traces
from harness import CLEAN, FAILED, FINDINGS, HOSTS_MISSING, USAGE

# Waits for a file before it lets the probe run: the test decides how far the collection gets.
GATE = """#!/bin/sh
gate='%s'
echo >>"$gate.came"
while [ ! -e "$gate" ]; do sleep 0.05; done
exec /bin/sh
"""


def children_of(pid):
    """Its children that live."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/stat" % name, encoding="utf-8", errors="replace") as stat:
                fields = stat.read().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[1]) == pid and fields[0] != "Z":
            found.append(int(name))
    return found


class Interrupted(harness.Case):
    """Four hosts that answer at once, two that wait for us."""

    def setUp(self):
        super().setUp()
        self.whole = self.landscape()
        self.gate, script = self.folder / "gate", self.folder / "wait"
        script.write_text(GATE % self.gate)
        script.chmod(0o755)
        for number in range(6):
            waits = number in (1, 4)
            host = self.whole.host("host%d" % number, more="ForceCommand %s" % script if waits else "")
            instance = host.instance("PRD", "D0%d" % number)
            instance.trace(traces.Trace(pid=number))
            instance.pse("SAPSSLC.pse", [self.whole.authority.root("Example Root R%d" % number)])
        self.whole.start()
        self.journal = self.folder / "capture" / "capture.jsonl"

    def begin(self, *more, came=2, **options):
        """Collect until the hosts that wait have been asked, came times in all runs, and all others are finished."""
        process = self.start("collect", "-i", self.whole.inventory, "--known-hosts", self.whole.known_hosts, "-o",
                             "capture", "--no-agent", *more, **options)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.kill)
        harness.wait_for(lambda: process.poll() is not None or (self.lines() >= 5 and self.came() == came), 30,
                         "four finished hosts")
        self.assertIsNone(process.poll(), "collect ended although two hosts wait")
        return process

    def came(self):
        path = self.gate.with_suffix(".came")
        return path.read_bytes().count(b"\n") if path.exists() else 0

    def lines(self):
        return self.journal.read_bytes().count(b"\n") if self.journal.exists() else 0

    def check_whole(self):
        """All six hosts, each object that is named is there, and nothing lies about."""
        _, hosts = self.capture(self.folder / "capture")
        self.assertEqual(sorted(hosts), ["host%d" % n for n in range(6)])
        self.assertEqual({h["status"] for h in hosts.values()}, {"collected"})
        named = {t["object"] for h in hosts.values() for t in h["traces"]}
        named |= {s["trusted"] for h in hosts.values() for s in h["stores"]}
        self.assertLessEqual(named, {p.name for p in self.objects(self.folder / "capture")})

    def test_no_core(self):
        """While keys are in memory a crash leaves none of it on the disk, whatever the limit was before."""
        limit = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_CORE, (resource.getrlimit(
            resource.RLIMIT_CORE)[1], resource.getrlimit(resource.RLIMIT_CORE)[1]))}
        process = self.begin(**limit)
        for pid in [process.pid, *children_of(process.pid)]:
            (line,) = [x for x in open("/proc/%d/limits" % pid) if x.startswith("Max core file size")]
            self.assertEqual(line.split()[4], "0", line)
        os.kill(process.pid, signal.SIGABRT)
        _, status = os.waitpid(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(os.WTERMSIG(status), signal.SIGABRT)
        self.assertFalse(os.WCOREDUMP(status))

    def test_kill_9_and_resume(self):
        process = self.begin()
        process.kill()
        process.wait()
        _, hosts = self.capture(self.folder / "capture")
        self.assertEqual(sorted(hosts), ["host0", "host2", "host3", "host5"])
        self.trustgap("analyze", "capture", "-o", "half.xml", expect=(CLEAN, FINDINGS))
        self.assertEqual(sorted(harness.Audit(self.folder / "half.xml").hosts), sorted(hosts))
        before = self.journal.read_bytes()
        self.gate.touch()
        self.collect(self.whole, "capture", "--resume")
        self.assertTrue(self.journal.read_bytes().startswith(before), "finished hosts are not collected again")
        self.check_whole()

    def test_torn_line(self):
        process = self.begin()
        process.kill()
        process.wait()
        whole = self.journal.read_bytes()
        for torn in (b'{"host": "host1", "status": "coll', b"{", b"\x00" * 4096, b'{"host": "host1"}'):
            with self.subTest(torn[:20]):
                self.journal.write_bytes(whole + torn)
                self.trustgap("analyze", "capture", "-o", "half.xml", expect=(CLEAN, FINDINGS))
                self.assertEqual(len(harness.Audit(self.folder / "half.xml").hosts), 4)
        self.gate.touch()
        self.collect(self.whole, "capture", "--resume")
        for line in self.journal.read_bytes().splitlines():
            json.loads(line)
        self.check_whole()

    def test_resume_of_nothing(self):
        done = self.collect(self.whole, "nothing", "--resume", expect=harness.NO_INPUT)
        self.expect_in("nothing", done)

    def test_folder_that_is_in_use(self):
        """A capture is never overwritten."""
        (self.folder / "used").mkdir()
        (self.folder / "used" / "letter").write_text("mine")
        done = self.collect(self.whole, "used", expect=(FAILED, 73, 64, 65))
        self.expect_in("used", done)
        self.assertEqual((self.folder / "used" / "letter").read_text(), "mine")
        self.assertEqual(len(list((self.folder / "used").iterdir())), 1)

    def interrupt(self, number):
        process = self.begin()
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
        self.assertEqual(process.returncode, HOSTS_MISSING, err.decode())
        self.assertIn(b"cancel", err)
        _, hosts = self.capture(self.folder / "capture")
        self.assertEqual(sum(h["status"] == "collected" for h in hosts.values()), 4)
        self.assertEqual({h["reason"] for h in hosts.values() if h["status"] != "collected"}, {"cancelled"})
        return hosts

    def test_sigint_and_only_failed(self):
        self.interrupt(signal.SIGINT)
        self.gate.touch()
        self.collect(self.whole, "capture", "--only-failed")
        self.check_whole()

    def test_sigterm_and_resume(self):
        """What was cancelled isn't finished, so the next run takes it up; whoever was collected is not asked again."""
        before = self.interrupt(signal.SIGTERM)
        done = self.collect(self.whole, "capture", "--resume", "--dry-run")
        self.assertEqual({n for n in before if "# %s: ssh" % n in done.out}, {"host1", "host4"})
        self.gate.touch()
        done = self.collect(self.whole, "capture", "--resume")
        self.expect_in("2 hosts collected, 0 in part, 0 not", done)
        self.expect_in("capture as a whole: 6 of 6 hosts collected", done)
        self.check_whole()
        journal = self.journal.read_bytes()
        done = self.collect(self.whole, "capture", "--resume")
        self.expect_in("capture as a whole: 6 of 6 hosts collected", done)
        self.assertEqual(self.journal.read_bytes(), journal, "there was nothing left to do")

    def test_interrupted_again(self):
        self.interrupt(signal.SIGTERM)
        process = self.begin("--resume", came=4)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
        self.assertEqual(process.returncode, HOSTS_MISSING)
        self.gate.touch()
        self.collect(self.whole, "capture", "--resume")
        self.check_whole()

    def test_status_of_the_whole(self):
        """A run with nothing to do, or that did it well, says what is still missing in the capture."""
        self.gate.touch()
        for host in self.whole.hosts:
            host.server.stop()
        self.collect(self.whole, "capture", expect=HOSTS_MISSING)
        done = self.collect(self.whole, "capture", "--resume", expect=HOSTS_MISSING)
        self.expect_in("0 hosts collected, 0 in part, 0 not", done)
        self.expect_in("capture as a whole: 0 of 6 hosts collected, 0 in part, 6 not", done)
        for host in self.whole.hosts[:5]:
            host.server.start()
        done = self.collect(self.whole, "capture", "--only-failed", expect=HOSTS_MISSING)
        self.expect_in("capture as a whole: 5 of 6 hosts collected, 0 in part, 1 not", done)
        self.collect(self.whole, "capture", "--only-failed", "--limit", "host0", expect=HOSTS_MISSING)
        self.whole.hosts[5].server.start()
        self.collect(self.whole, "capture", "--only-failed")
        self.check_whole()

    def test_status_of_a_limited_capture(self):
        """Hosts that were left out on purpose are not missing; those that the next run is asked for are."""
        self.gate.touch()
        self.whole.hosts[3].server.stop()
        self.collect(self.whole, "capture", "--limit", "host0,host2")
        self.collect(self.whole, "capture", "--resume", "--limit", "host0")
        self.collect(self.whole, "capture", "--resume", "--limit", "host0,host3", expect=HOSTS_MISSING)
        self.collect(self.whole, "capture", "--resume", "--limit", "host5", expect=HOSTS_MISSING)
        self.whole.hosts[3].server.start()
        self.collect(self.whole, "capture", "--only-failed", "--limit", "host3")
        self.collect(self.whole, "capture", "--resume")
        self.check_whole()


class FullDisk(harness.Case):
    def setUp(self):
        super().setUp()
        self.whole = self.landscape()
        for number in range(3):
            instance = self.whole.host("host%d" % number).instance("PRD", "D0%d" % number)
            instance.pse("SAPSSLC.pse", [self.whole.authority.root("Example Root R1")])
            trace = traces.Trace(pid=number)
            trace.noise(100 if number != 1 else 3000)
            instance.trace(trace)
        self.whole.start()

    def small_disk(self, kib):
        """A file system of so much room."""
        if os.getuid() != 0:
            self.skipTest("only root can mount a small file system")
        disk = self.folder / "disk"
        disk.mkdir()
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=%dk,mode=700" % kib, "tmpfs", str(disk)],
                              stderr=subprocess.PIPE, check=False)
        if done.returncode:
            self.skipTest("mount: %s" % done.stderr.decode().strip())
        self.addCleanup(subprocess.run, ["umount", "-l", str(disk)], check=False)
        return disk

    def fill(self, disk, leave_kib):
        """Leave only so much room."""
        free = shutil.disk_usage(disk).free - leave_kib * 1024
        with open(disk / "filling", "wb") as filling:
            filling.write(b"x" * max(free, 0))

    def test_collecting(self):
        disk = self.small_disk(2048)
        self.fill(disk, 256)
        done = self.collect(self.whole, disk / "capture", expect=(FAILED, HOSTS_MISSING, 74))
        self.expect_in("No space left", done)
        _, hosts = self.capture(disk / "capture")
        self.assertTrue(all(h["status"] != "collected" or
                            {t["object"] for t in h["traces"]} <= {p.name for p in self.objects(disk / "capture")}
                            for h in hosts.values()), "a host that counts as collected has all of its objects")
        (disk / "filling").unlink()
        self.collect(self.whole, disk / "capture", "--only-failed")
        _, hosts = self.capture(disk / "capture")
        self.assertEqual({n: h["status"] for n, h in hosts.items()}, {"host%d" % n: "collected" for n in range(3)})

    def test_earlier_results_stay(self):
        disk = self.small_disk(8192)
        state = disk / "state"
        self.audit(self.whole, state, expect=(CLEAN, FINDINGS))
        names = ("latest.xml", "report.html", "report.txt")
        before = {name: (state / name).read_bytes() for name in names}
        for leave in (0, 24, 700):  # at once, in the capture, in the documents
            with self.subTest(leave=leave):
                self.fill(disk, leave)
                done = self.audit(self.whole, state, expect=(FAILED, HOSTS_MISSING, 73, 74, CLEAN, FINDINGS))
                if done.status in (FAILED, 73, 74):
                    self.expect_in("No space left", done)
                for name in names:
                    content = (state / name).read_bytes()
                    self.assertTrue(content == before[name] or done.status not in (FAILED, 73, 74),
                                    "%s is as it was\n%s" % (name, done))
                    self.assertGreater(len(content), 100, name)
                (disk / "filling").unlink()
        self.audit(self.whole, state, expect=(CLEAN, FINDINGS))

    def limited(self, kib):
        """No file may grow beyond so much, as with quotas: for users who cannot mount."""
        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (kib * 1024, kib * 1024))
        return {"preexec_fn": limit, "restore_signals": False}

    def test_disk_budget(self):
        """Who finds no room is collected in part, and the others wholly."""
        self.collect(self.whole, "all")
        _, hosts = self.capture(self.folder / "all")
        large = hosts["host1"]["traces"][0]["length"]
        rest = sum(t["length"] for n in ("host0", "host2") for t in hosts[n]["traces"])
        self.assertGreater(large, 2 * rest + 20000, "the sample is such that the others find room")
        done = self.collect(self.whole, "capture", "--fanout", "1", "--disk-budget", large - 1, expect=HOSTS_MISSING)
        self.expect_in("the disk budget of this run", done)
        _, hosts = self.capture(self.folder / "capture")
        self.assertEqual({n: h["status"] for n, h in hosts.items()},
                         {"host0": "collected", "host1": "partial", "host2": "collected"})
        self.assertEqual(hosts["host1"]["reason"], "limit")
        trace, store = hosts["host1"]["traces"][0], hosts["host1"]["stores"][0]
        self.assertEqual((trace["reason"], trace.get("object"), trace.get("length")), ("disk-budget", None, None))
        self.assertTrue(store["trusted"])
        self.assertEqual([p.name for p in self.objects(self.folder / "capture") if p.name.startswith("new.")], [])
        done = self.trustgap("analyze", "capture", "-o", "audit.xml", expect=HOSTS_MISSING)
        self.expect_in("this trace was not read (disk-budget)", done)
        self.expect_in("raise --disk-budget", done)
        # With more room the rest comes.
        self.collect(self.whole, "capture", "--only-failed", "--disk-budget", "1G")
        _, hosts = self.capture(self.folder / "capture")
        self.assertEqual({h["status"] for h in hosts.values()}, {"collected"})

    def test_sizes(self):
        for size in ("900000000", "900000k", "500M", "20G", "20GiB", "20gb", "1T"):
            self.collect(self.whole, "capture-" + size, "--limit", "host0", "--disk-budget", size)
        for size in ("", "0", "0G", "-1", "x", "5X", "1.5G", "5 G", "5GG", "5Gi", "9999999T", "99999999999999999999"):
            done = self.trustgap("collect", "-i", self.whole.inventory, "-o", "never", "--disk-budget=" + size, expect=USAGE)
            self.expect_in("--disk-budget: \"%s\" is no size" % size, done)
        self.assertFalse((self.folder / "never").exists())

    def test_file_that_cannot_grow(self):
        process = self.start("collect", "-i", self.whole.inventory, "--known-hosts", self.whole.known_hosts, "-o",
                             "capture", "--no-agent", **self.limited(128))
        _, err = process.communicate(timeout=harness.SECONDS)
        self.assertIn(process.returncode, (FAILED, HOSTS_MISSING, 74), err.decode())
        self.assertIn(b"File too large", err)
        _, hosts = self.capture(self.folder / "capture")
        self.assertNotEqual(hosts.get("host1", {}).get("status"), "collected")
        self.collect(self.whole, "capture", "--only-failed")
        _, hosts = self.capture(self.folder / "capture")
        self.assertEqual(sorted(h["status"] for h in hosts.values()), ["collected"] * 3)

    @unittest.skipUnless(os.path.exists("/dev/full"), "no /dev/full")
    def test_standard_output(self):
        self.collect(self.whole, "capture")
        self.trustgap("analyze", "capture", "-o", "audit.xml", expect=(CLEAN, FINDINGS))
        rows = (("report", "audit.xml"), ("report", "audit.xml", "-f", "html"), ("report", "audit.xml", "-f", "xml"),
                ("analyze", "capture"), ("inventory", "-i", self.whole.inventory, "--list"),
                ("validate", "audit.xml"), ("--version",), ("--help",),
                ("collect", "-i", self.whole.inventory, "--dry-run"),
                ("explain", self.whole.hosts[0].sap_root / "PRD" / "D00" / "work" / "dev_icm"))
        for row in rows:
            with self.subTest(row[0]), open("/dev/full", "wb") as full:
                done = subprocess.run([harness.TRUSTGAP, *map(str, row)], stdout=full, stderr=subprocess.PIPE,
                                      cwd=self.folder, env=self.environment, check=False, timeout=harness.SECONDS)
                self.assertIn(done.returncode, (FAILED, 74), done.stderr.decode())
                self.assertRegex(done.stderr, rb"(?m)^standard output: ")


if __name__ == "__main__":
    harness.main()
