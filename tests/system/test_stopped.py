#!/usr/bin/env python3
"""A collector that stands still for a while does not take that for the silence of its hosts."""

import os
import signal
import socket
import threading
import time

import harness
import sshd
import test_busy
import test_interruption
import traces
from harness import CLEAN


class Held(test_busy.Turning):
    """Takes connections and brings them to a host when it is told to."""

    def __init__(self, behind):
        self.go, self.held = threading.Event(), 0
        super().__init__(None, 0, behind)

    def serve(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.held += 1
            threading.Thread(target=self.bring, args=(connection,), daemon=True).start()

    def bring(self, connection):
        self.go.wait()
        there = socket.create_connection(self.behind)
        threading.Thread(target=self.pump, args=(there, connection), daemon=True).start()
        self.pump(connection, there)


class Stopped(harness.Case):
    """
    The collector stands still for longer than a host may take, as on a machine that swaps or is suspended, and the
    hosts answer meanwhile: in the key exchange, and when the probe runs.
    """

    LIMITS = ("--connect-timeout", "40", "--host-timeout", "45")
    SECONDS = 50
    KINDS = {  # which of its processes stand still
        "all": lambda parent, workers: [parent, *workers],
        "workers": lambda parent, workers: workers,
        "parent": lambda parent, workers: [parent],  # it is asked for host keys and signatures, and answers late
    }

    def setUp(self):
        super().setUp()
        self.whole = self.landscape()
        self.gate = self.folder / "gate"
        script = self.folder / "wait"
        script.write_text(test_interruption.GATE % self.gate)
        script.chmod(0o755)
        self.proxies = []
        for number in range(6):
            host = self.whole.host("host%d" % number, more="ForceCommand %s" % script if number % 2 else "")
            host.instance("PRD", "D00").trace(traces.Trace(pid=number))
        self.whole.start()
        self.addCleanup(self.whole.stop)
        for host in self.whole.hosts[::2]:
            self.proxies.append(Held((host.server.address, host.server.port)))
            self.addCleanup(self.proxies[-1].stop)
            host.variables.update(ansible_host="127.0.0.1", ansible_port=self.proxies[-1].port)
        self.whole.write_inventory()
        self.whole.known_hosts.write_text("".join(
            "[%s]:%d %s\n" % (h.variables.get("ansible_host", h.server.address),
                              h.variables.get("ansible_port", h.server.port),
                              " ".join(sshd.public_key(h.server.host_key))) for h in self.whole.hosts))

    def everybody_waits(self):
        came = self.gate.with_suffix(".came")
        return came.exists() and came.read_bytes().count(b"\n") == 3 * len(self.KINDS) and \
            all(proxy.held == len(self.KINDS) for proxy in self.proxies)

    def begin(self, kind):
        process = self.start("collect", "-i", self.whole.inventory, "--known-hosts", self.whole.known_hosts, "-o",
                             kind, "--no-agent", *self.LIMITS)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.kill)
        return process

    def test_stop_and_go(self):
        processes = {kind: self.begin(kind) for kind in self.KINDS}
        harness.wait_for(self.everybody_waits, 35, "all hosts")
        stopped = [pid for kind, process in processes.items()
                   for pid in self.KINDS[kind](process.pid, sshd.descendants(process.pid))]
        self.assertGreaterEqual(len(stopped), 4)
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        try:
            self.gate.touch()
            for proxy in self.proxies:
                proxy.go.set()
            time.sleep(self.SECONDS)
        finally:
            for pid in stopped:
                os.kill(pid, signal.SIGCONT)
        for kind, process in processes.items():
            _, err = process.communicate(timeout=harness.SECONDS)
            with self.subTest(kind):
                self.assertEqual(process.returncode, CLEAN, err.decode())
                _, hosts = self.capture(self.folder / kind)
                self.assertEqual(len(hosts), 6)


if __name__ == "__main__":
    harness.main()
