"""A run of trustgap collect over a fleet: what it says on a terminal, what it holds while it runs, what it leaves."""

import json
import os
import pathlib
import pty
import subprocess
import threading
import time

import harness
import sshd

MARK = "TG_CHAOS_RUN"  # in the environment of the program, and so of all that it starts


class Sample:
    """What the program holds at one moment."""

    def __init__(self, finished, processes, descriptors, kib):
        self.finished, self.processes, self.descriptors, self.kib = finished, processes, descriptors, kib

    def __str__(self):
        return "%d hosts finished: %d processes, %d descriptors, %d KiB" % (
            self.finished, self.processes, self.descriptors, self.kib)


class Run:
    """Begins at once; finish() waits for the end.  terminal: standard error is one."""

    def __init__(self, fleet, out, *arguments, terminal=False, environment=None):
        self.out = pathlib.Path(out)
        self.mark = "%s=%s" % (MARK, self.out)
        environment = {**(environment or harness.ENVIRONMENT), MARK: str(self.out)}
        command = [harness.TRUSTGAP, "collect", "-i", fleet.inventory, "--known-hosts", fleet.known_hosts, "-o",
                   self.out, "--no-agent", *arguments]
        self.command = list(map(str, command))
        ours, theirs = pty.openpty() if terminal else os.pipe()
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs,
                                        env=environment, start_new_session=True)
        os.close(theirs)
        self.said, self.samples = bytearray(), []
        self.reader = threading.Thread(target=self._read, args=(ours,), daemon=True)
        self.reader.start()

    def _read(self, descriptor):
        while True:
            try:
                piece = os.read(descriptor, 65536)
            except OSError:  # a terminal of which nobody holds the other end
                break
            if not piece:
                break
            self.said += piece
        os.close(descriptor)

    def finished(self):
        """How many hosts have a line."""
        try:
            return max(0, (self.out / "capture.jsonl").read_bytes().count(b"\n") - 1)
        except OSError:
            return 0

    def sample(self):
        pids = [self.process.pid, *sshd.descendants(self.process.pid)]
        descriptors = kib = 0
        for pid in pids:
            try:
                descriptors += len(os.listdir("/proc/%d/fd" % pid))
                status = pathlib.Path("/proc/%d/status" % pid).read_text()
            except OSError:
                continue
            kib += next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:")), 0)
        self.samples.append(Sample(self.finished(), len(pids), descriptors, kib))

    def finish(self, seconds, sampled=True):
        """Wait; return the exit status, or None if it had to be killed after so many seconds."""
        end = time.monotonic() + seconds
        while self.process.poll() is None and time.monotonic() < end:
            if sampled:
                self.sample()
            time.sleep(0.25 if sampled else 0.01)
        status = self.process.poll()
        if status is None:
            self.process.kill()
        self.process.wait()
        self.reader.join(10)
        return status

    def left(self, seconds=20):
        """What of the run is there after its end: [(pid, command line)]; workers have so many seconds to notice it."""
        end = time.monotonic() + seconds
        while True:
            found = []
            for entry in pathlib.Path("/proc").iterdir():
                try:
                    if entry.name.isdigit() and self.mark.encode() in (entry / "environ").read_bytes().split(b"\0"):
                        found.append((int(entry.name), (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()))
                except OSError:
                    continue
            if not found or time.monotonic() > end:
                return found
            time.sleep(0.05)

    def text(self):
        return self.said.decode("utf-8", "backslashreplace")


def journal(out):
    """Host -> its last line."""
    lines = (pathlib.Path(out) / "capture.jsonl").read_bytes().split(b"\n")
    return {line["host"]: line for line in map(json.loads, lines[1:-1]) if "host" in line}


def arrived(line):
    """The digests of the traces and trust lists that a host's line has."""
    return [t["object"] for t in line.get("traces", []) if t.get("object")] + [
        s["trusted"] for s in line.get("stores", []) if s.get("trusted")]
