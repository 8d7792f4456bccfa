#!/usr/bin/env python3
"""
140 healthy hosts beside more than 60 that misbehave: the healthy ones arrive whole, each other one is told with its
reason, the run ends in time, and nothing is left of it, here or there.
"""

import collections
import hashlib
import os
import pathlib
import sys
import tempfile
import unicodedata

import fleet
import harness
import run
from fleet import COLLECTED

HEALTHY = 140
FANOUT, CONNECT_SECONDS, HOST_SECONDS = 64, 20, 100
# Hosts that use up their time begin first, side by side; the others that do have CONNECT_SECONDS for each step.
RUN_SECONDS = 2 * HOST_SECONDS + 4 * CONNECT_SECONDS
IDLE_SECONDS = 20  # after the run, until nothing of it is on the hosts any more
# What the program may hold: so much for itself and each of its processes, and for each host that is in work.
DESCRIPTORS, DESCRIPTORS_OF_PROCESS, DESCRIPTORS_OF_HOST = 16, 16, 4
PROCESSES = 3 + (os.cpu_count() or 1)
SANITIZED = "address" in os.environ.get("TRUSTGAP_SANITIZE", "")
MEBIBYTES = 2048 if SANITIZED else 192
OWN_SEQUENCES = (b"\r\x1b[K",)  # of the line of progress


def controls(text):
    """Characters that a terminal acts upon, or that turn text round."""
    turning = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    return sorted({"U+%04X" % ord(c) for c in text if unicodedata.category(c) in ("Cc", "Cs") or c in turning})


def strings(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, one in value.items():
            yield key
            yield from strings(one)
    elif isinstance(value, list):
        for one in value:
            yield from strings(one)


class Chaos(harness.Case):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="trustgap-chaos-", dir="/var/tmp")  # one host has no room in /tmp
        if os.environ.get("KEEP"):
            folder._finalizer.detach()
        else:
            cls.addClassCleanup(folder.cleanup)
        os.chmod(folder.name, 0o755)
        cls.place = pathlib.Path(folder.name).resolve()
        cls.fleet = fleet.Fleet(cls.place / "fleet", fleet.ROWS, HEALTHY)
        cls.addClassCleanup(cls.fleet.stop)
        cls.fleet.start()
        cls.hosts = list(cls.fleet)
        cls.out = cls.place / "capture"
        cls.run_ = run.Run(cls.fleet, cls.out, "--verbose", "--fanout", FANOUT, "--connect-timeout", CONNECT_SECONDS,
                           "--host-timeout", HOST_SECONDS, terminal=True,
                           environment={**harness.ENVIRONMENT, "HOME": str(cls.place)})
        cls.status = cls.run_.finish(RUN_SECONDS)
        cls.left = cls.run_.left()
        cls.running = cls.fleet.wait_until_idle(IDLE_SECONDS)
        cls.lines = run.journal(cls.out)
        if os.environ.get("KEEP"):
            print("# kept in %s" % cls.place)

    def told(self, host):
        line = self.lines.get(host.name)
        return line and {key: line.get(key) for key in ("status", "reason", "message", "notes")}

    def test_the_fleet(self):
        """The fleet is what it should be."""
        self.assertGreaterEqual(len(fleet.ROWS), 60)
        self.assertEqual(len(self.hosts) + sum(bool(h.skip) for h in self.fleet.hosts), HEALTHY + len(fleet.ROWS))
        for host in self.fleet.hosts:
            if host.skip:
                print("# %s: left out: %s" % (host.name, host.skip))

    def test_the_run_ends(self):
        self.assertIsNotNone(self.status, "killed after %d s" % RUN_SECONDS)
        self.assertEqual(self.status, harness.HOSTS_MISSING, self.run_.text()[-3000:])
        for word in ("AddressSanitizer", "LeakSanitizer", "runtime error: "):
            self.assertNotIn(word, self.run_.text())

    def test_every_host_has_its_line(self):
        self.assertEqual(sorted(self.lines), sorted(host.name for host in self.hosts))

    def test_healthy_hosts_arrive_whole(self):
        for host in self.hosts:
            if not host.row:
                with self.subTest(host.name):
                    self.assertEqual(self.lines[host.name]["status"], COLLECTED, self.told(host))
                    self.assertNotIn("reason", self.lines[host.name])
                    self.assertEqual(sorted(run.arrived(self.lines[host.name])), sorted(host.expected))

    def test_bad_hosts_have_their_reasons(self):
        for host in self.hosts:
            if host.row:
                with self.subTest(host.name):
                    line = self.lines[host.name]
                    self.assertIn(line["status"], host.row.status, self.told(host))
                    self.assertIn(line.get("reason"), host.row.reasons, self.told(host))
                    if line["status"] != COLLECTED:
                        self.assertTrue(line.get("message"), line)
                        self.assertIn(host.name, self.run_.text())

    def test_sound_parts_arrive(self):
        for host in self.hosts:
            if host.row and host.row.arrives:
                with self.subTest(host.name):
                    missing = collections.Counter(host.expected) - collections.Counter(
                        run.arrived(self.lines[host.name]))
                    self.assertFalse(missing, self.told(host))

    def test_nothing_is_called_collected_that_is_not_there(self):
        for host in self.hosts:
            line = self.lines[host.name]
            if host.row and not isinstance(host.way, fleet.Fake) and line["status"] == COLLECTED:
                with self.subTest(host.name):
                    missing = collections.Counter(host.expected) - collections.Counter(run.arrived(line))
                    self.assertFalse(missing, self.told(host))

    def test_nobody_speaks_of_others(self):
        """What one system's user sends is about that system."""
        for name in ("forged-end-of-system", "other-system"):
            with self.subTest(name):
                line = self.lines[name]
                self.assertEqual({one.get("sid") for one in line.get("instances", ())} - {"PRD"}, set(), line)
                self.assertEqual([one["path"] for one in line.get("stores", ()) if "/PRD/" not in one["path"]], [])

    def test_traces_that_change(self):
        """What arrives of a trace is a part of what was there, from its beginning."""
        for name in ("trace-grows", "trace-rotates"):
            with self.subTest(name):
                host = self.fleet.find(name)
                traces = [t for t in self.lines[name]["traces"] if t.get("object")]
                self.assertTrue(traces)
                for trace in traces:
                    content = self.object(trace["object"]).read_bytes()
                    self.assertEqual(content[:len(host.trace_content)], host.trace_content)

    def object(self, digest):
        return self.out / "objects" / digest[:2] / digest

    def test_objects(self):
        """Each has the digest that it is named after, nothing else lies there, and each that is named exists."""
        named = set()
        for line in self.lines.values():
            for part in ("traces", "stores"):
                for one in line.get(part, ()):
                    named |= {one[key] for key in ("object", "trusted", "own", "listing") if one.get(key)}
        found = set()
        for path in self.out.rglob("*"):
            if path.is_file() and path != self.out / "capture.jsonl":
                self.assertFalse(path.is_symlink(), path)
                self.assertEqual(path, self.object(hashlib.sha256(path.read_bytes()).hexdigest()))
                found.add(path.name)
        self.assertLessEqual(named, found)

    def test_no_secret_arrives(self):
        """No piece of a private key, and nothing of a file of the host that is no trace."""
        canary = self.fleet.canary
        pieces = [canary[at:at + 16] for at in (0, 20, 48, 64, 90, 112)] + [
            b"BEGIN PRIVATE KEY", b"the-secret-of-this-host"]
        self.assertIn(pieces[0], self.fleet.pool[0][0].read_bytes(), "the canary is in a PSE")
        for path, content in [*self.everything(self.out), ("the terminal", bytes(self.run_.said))]:
            for piece in pieces:
                if piece in content:
                    with self.subTest(path):
                        named = [name for name, line in self.lines.items() if getattr(path, "name", "?") in str(line)]
                        self.fail("%r in %s, of %s" % (piece, path, named))

    def test_no_control_bytes(self):
        journal = (self.out / "capture.jsonl").read_bytes()
        self.assertEqual(controls(journal.decode("utf-8").replace("\n", "")), [])
        for name, line in self.lines.items():
            with self.subTest(name):
                self.assertEqual([text for text in strings(line) if controls(text)], [])
        said = bytes(self.run_.said)
        for sequence in OWN_SEQUENCES:
            said = said.replace(sequence, b"")
        lines = said.replace(b"\r\n", b"\n").split(b"\n")
        self.assertGreater(len(lines), len(self.hosts) // 2)
        self.assertEqual([line for line in lines if controls(line.decode("utf-8"))], [])

    def test_nothing_is_held(self):
        """While it runs, no more than the hosts in work need: a host that is done keeps nothing."""
        samples = [s for s in self.run_.samples if s.processes]
        self.assertGreater(len(samples), 20)
        for sample in samples:
            working = min(len(self.hosts) - sample.finished, FANOUT)
            self.assertLessEqual(sample.descriptors, DESCRIPTORS + DESCRIPTORS_OF_PROCESS * sample.processes +
                                 DESCRIPTORS_OF_HOST * working, sample)
            self.assertLessEqual(sample.processes, PROCESSES, sample)
            self.assertLessEqual(sample.kib, MEBIBYTES * 1024, sample)
        peak = max(samples, key=lambda sample: sample.kib)
        print("# most: %s; last: %s" % (peak, samples[-1]))
        # Hosts that use up their time are the last: the bound for them alone was in force.
        self.assertTrue(any(len(self.hosts) - sample.finished < 16 for sample in samples))

    def test_nothing_runs_on(self):
        self.assertEqual(self.left, [], "processes of the program")
        self.assertEqual(self.running, [], "processes on the hosts, %d s after the run" % IDLE_SECONDS)


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    harness.main()
