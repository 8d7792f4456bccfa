#!/usr/bin/env python3
"""
The processes that talk to hosts: they open nothing, and one that crashes, blocks, lies or is killed costs nothing but
the host that is to blame.  A disk that takes its time costs no host.
"""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import unittest

import harness
import traces
from harness import CLEAN, FAULTY, HOSTS_MISSING, TRUSTGAP
from test_interruption import GATE

FAULTS = {  # the name of a host: what is said of the worker that has it
    "fault-segv": "was ended by SIG", "fault-abort": "was ended by SIGABRT", "fault-kill": "was ended by SIGKILL",
    "fault-exit": "ended with exit status 7", "fault-close": "was ended by SIGKILL",
    "fault-block": "the worker did not answer for 10 s",
    "fault-object": "the worker named an object that it did not send for this host",
    "fault-host": "the worker speaks of a host that it does not have",
    "fault-login": "the worker wants to log in to a host whose key was not confirmed",
    "fault-garbage": "the worker sent what is no message",
}


def workers_of(pid):
    """Processes of a run that talk to hosts."""
    found = []
    for folder in pathlib.Path("/proc").iterdir():
        try:
            status, words = (folder / "stat").read_text(), (folder / "cmdline").read_bytes().split(b"\0")
        except (OSError, ValueError):
            continue
        fields = status.rsplit(")", 1)[1].split()
        if int(fields[1]) == pid and b"--collector" in words and fields[0] != "Z":
            found.append(int(folder.name))
    return found


def is_running(pid):
    try:
        return pathlib.Path("/proc/%d/stat" % pid).read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


class Workers(harness.Case):
    def setUp(self):
        super().setUp()
        self.whole = self.landscape()

    def host(self, number, **more):
        host = self.whole.host("host%d" % number, **more)
        instance = host.instance("PRD", "D%02d" % number)
        instance.trace(traces.Trace(pid=number))
        instance.pse("SAPSSLC.pse", [self.whole.authority.root("Example Root R%d" % number)])
        return host

    def add(self, *lines):
        """More hosts, on lines of the inventory."""
        self.whole.inventory.write_text("\n".join(lines) + "\n" + self.whole.inventory.read_text())

    def check_whole(self, names, path="capture"):
        """All of these are collected, with all of their objects."""
        _, hosts = self.capture(self.folder / path)
        self.assertEqual({name: hosts[name]["status"] for name in names}, {name: "collected" for name in names})
        named = {t["object"] for name in names for t in hosts[name]["traces"]}
        named |= {s["trusted"] for name in names for s in hosts[name]["stores"]}
        self.assertLessEqual(named, {p.name for p in self.objects(self.folder / path)})
        self.assertEqual([p.name for p in self.objects(self.folder / path) if p.name.startswith("new.")], [])
        return hosts

    def test_faults(self):
        names = ["host%d" % n for n in range(8)]
        for n in range(8):
            self.host(n)
        self.whole.start()
        self.add(*("%s ansible_host=127.0.0.1 ansible_port=1" % name for name in FAULTS))
        done = self.collect(self.whole, "capture", "-v", expect=HOSTS_MISSING, program=FAULTY)
        hosts = self.check_whole(names)
        for name, said in FAULTS.items():
            with self.subTest(name):
                self.assertEqual((hosts[name]["status"], hosts[name]["reason"]), ("failed", "worker-failed"))
                self.assertIn(said, hosts[name]["message"], str(done))

    def test_second_try(self):
        """A worker that fails once costs nothing, and the hosts that it had are told."""
        names = ["host%d" % n for n in range(3)]
        for n in range(3):
            self.host(n)
        self.whole.start()
        self.whole.inventory.write_text(self.whole.inventory.read_text().replace("host1 ", "fault-once ", 1))
        done = self.collect(self.whole, "capture", "--workers", "1", program=FAULTY)
        self.expect_in("a worker was ended by SIGKILL; hosts in work there: 3", done)
        self.check_whole([name.replace("host1", "fault-once") for name in names])

    def begin_gated(self, *more):
        """A run in which four hosts have finished and two wait."""
        self.gate, script = self.folder / "gate", self.folder / "wait"
        script.write_text(GATE % self.gate)
        script.chmod(0o755)
        for number in range(6):
            self.host(number, more="ForceCommand %s" % script if number in (1, 4) else "")
        self.whole.start()
        journal = self.folder / "capture" / "capture.jsonl"
        process = self.start("collect", "-i", self.whole.inventory, "--known-hosts", self.whole.known_hosts, "-o",
                             "capture", "--no-agent", *more)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.kill)
        harness.wait_for(lambda: process.poll() is not None or (
            journal.exists() and journal.read_bytes().count(b"\n") == 5), 60, "four finished hosts")
        self.assertIsNone(process.poll(), "collect ended although two hosts wait")
        return process

    def test_killed_worker(self):
        for number, name in ((signal.SIGKILL, b"SIGKILL"), (signal.SIGSEGV, b"SIG")):
            with self.subTest(number):
                shutil.rmtree(self.folder / "capture", ignore_errors=True)
                self.whole.stop()
                self.whole = harness.landscape.Landscape(self.folder / ("landscape%d" % number))
                self.addCleanup(self.whole.stop)
                process = self.begin_gated("--workers", "1")
                before = workers_of(process.pid)
                self.assertEqual(len(before), 1)
                os.kill(before[0], number)
                harness.wait_for(lambda: workers_of(process.pid) not in ([], before), 60, "other workers")
                self.gate.touch()
                _, err = process.communicate(timeout=harness.SECONDS)
                self.gate.unlink()
                self.assertEqual(process.returncode, CLEAN, err.decode())
                self.assertRegex(err, rb"a worker was ended by %s\w*; hosts in work there: 2" % name)
                self.check_whole(["host%d" % n for n in range(6)])

    def test_killed_parent(self):
        """Nothing of the run runs on."""
        process = self.begin_gated()
        workers = workers_of(process.pid)
        self.assertGreater(len(workers), 0)
        process.kill()
        process.wait()
        harness.wait_for(lambda: not any(map(is_running, workers)), 60, "the end of the workers")
        self.gate.touch()
        self.collect(self.whole, "capture", "--resume")
        self.check_whole(["host%d" % n for n in range(6)])

    def test_slow_disk(self):
        """More than fits into memory waits for a disk that stands still longer than a host may take."""
        count, size = 9, 4500000
        host = self.whole.host("host")
        instance = host.instance("PRD", "D00")
        path = instance.trace(traces.Trace())
        self.whole.start()
        with open(path, "ab") as trace:
            trace.write(os.urandom(size))
        line = host.inventory_line()
        names = ["host%02d" % n for n in range(count)]
        self.whole.inventory.write_text(self.whole.inventory.read_text().replace(
            line, "\n".join("%s %s" % (name, line.split(" ", 1)[1]) for name in names)))
        self.environment["TRUSTGAP_FAULT_DISK_S"] = "45"
        self.collect(self.whole, "capture", "--fanout", "4", "--host-timeout", "30", "--connect-timeout", "30",
                     program=FAULTY)
        _, hosts = self.capture(self.folder / "capture")
        self.assertEqual({h["status"] for h in hosts.values()}, {"collected"})
        self.assertEqual(sorted(hosts), names)
        self.assertTrue(all(h["traces"][0]["length"] > size for h in hosts.values()))


class Tracing(harness.Case):
    @unittest.skipIf(os.environ.get("TRUSTGAP_SANITIZE", "none") != "none", "a sanitizer opens files of its own")
    @unittest.skipUnless(shutil.which("strace"), "no strace")
    def test_opens_nothing(self):
        """Once a worker is set up it opens no file and starts no process, whatever a host is like."""
        if subprocess.run(["strace", "-o", "/dev/null", "true"], stderr=subprocess.DEVNULL, check=False).returncode:
            self.skipTest("strace may not trace here")
        whole = self.landscape()
        for number in range(3):
            instance = whole.host("host%d" % number).instance("PRD", "D0%d" % number)
            instance.trace(traces.Trace(pid=number))
            instance.pse("SAPSSLC.pse", [whole.authority.root("Example Root R%d" % number)])
        strange = whole.host("strange")
        whole.start()
        whole.inventory.write_text(
            "here ansible_connection=local sap_root=%s\nnowhere ansible_connection=local sap_root=/nonexistent\n"
            "refused ansible_host=127.0.0.1 ansible_port=1\nnameless ansible_host=no-such-name.invalid\n"
            "named ansible_host=localhost ansible_port=1\n" % whole.hosts[0].sap_root + whole.inventory.read_text())
        known = whole.known_hosts.read_text().splitlines()
        whole.known_hosts.write_text("\n".join(
            line for line in known if not line.startswith("[%s]" % strange.server.address)) + "\n")
        self.collect(whole, "capture", expect=HOSTS_MISSING,
                     prefix=("strace", "-ff", "-qq", "-e", "trace=%file,%process,prctl,socket,memfd_create", "-o",
                             self.folder / "calls"))
        _, hosts = self.capture(self.folder / "capture")
        self.assertEqual(sum(h["status"] == "collected" for h in hosts.values()), 4, hosts)
        traced = 0
        for path in sorted(self.folder.glob("calls.*")):
            begin, mark, rest = path.read_text(errors="replace").partition("PR_SET_NO_NEW_PRIVS")
            if not mark or COMMAND not in begin:
                continue
            traced += 1
            calls = [line for line in rest.splitlines()[1:]
                     if not re.match(r"(exit_group|prctl|\+\+\+)|socket\(AF_INET6?, ", line)]
            self.assertEqual(calls, [], "calls of a worker")
        self.assertGreater(traced, 0)


COMMAND = 'execve("/proc/self/exe", ["/proc/self/exe", "--collector"]'

if __name__ == "__main__":
    harness.main()
