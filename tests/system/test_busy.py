#!/usr/bin/env python3
"""Servers that turn connections away because too many are not logged in yet: all hosts get in, and nobody is forgotten."""

import socket
import threading

import harness
import sshd
import traces
from harness import HOSTS_MISSING

HOSTS = 100
DEFAULT = "10:30:100"  # MaxStartups of sshd


class Busy(harness.Case):
    """One sshd for many hosts, with the number of connections that it takes from whom is not logged in yet."""

    def serve(self, startups, address):
        whole = self.landscape()
        host = whole.host("door", startups=startups)
        instance = host.instance("PRD", "D00")
        instance.pse("SAPSSLC.pse", [whole.authority.root("Example Root R1")])
        instance.trace(traces.Trace())
        host.server.address = address
        whole.start()
        self.addCleanup(whole.stop)
        return whole, host

    def collect_many(self, addresses, *more, startups=DEFAULT, **options):
        """A host for each of the addresses, all behind the same sshd; the lines of the capture."""
        whole, host = self.serve(startups, "0.0.0.0")
        line = host.inventory_line().split(" ", 1)[1]
        key = " ".join(sshd.public_key(host.server.host_key))
        names = ["sapprd%03d" % n for n in range(len(addresses))]
        text = whole.inventory.read_text()
        whole.inventory.write_text(text.replace(host.inventory_line(), "\n".join(
            "%s %s" % (name, line.replace("ansible_host=0.0.0.0", "ansible_host=" + address))
            for name, address in zip(names, addresses))))
        whole.known_hosts.write_text("".join("[%s]:%d %s\n" % (address, host.server.port, key)
                                             for address in sorted(set(addresses))))
        self.collect(whole, "capture", *more, **options)
        _, hosts = self.capture(self.folder / "capture")
        self.assertEqual(sorted(hosts), names)
        self.dropped = (host.server.folder / "sshd.log").read_text(errors="replace").count("drop connection")
        print("# sshd dropped %d connections" % self.dropped)
        return hosts

    def expect_all(self, hosts):
        wrong = {name: (h.get("reason"), h.get("message")) for name, h in hosts.items() if h["status"] != "collected"}
        self.assertFalse(wrong, self.last)

    def test_one_address(self):
        """Its window keeps to what sshd takes."""
        self.expect_all(self.collect_many(["127.0.9.1"] * HOSTS, "--fanout", "64"))

    def test_many_addresses(self):
        """They have a window each, though there is only one sshd: those that it turns away come back."""
        self.expect_all(self.collect_many(["127.0.9.%d" % (n + 1) for n in range(HOSTS)], "--fanout", "64"))

    def test_a_narrow_door(self):
        """Two at a time and no third: the window becomes narrow enough."""
        self.expect_all(self.collect_many(["127.0.9.1"] * 20, "--fanout", "20", startups="2"))
        self.assertGreater(self.dropped, 0, "the test is of no use if nobody is turned away")


class Turning:
    """Turns the first connections away, each in the same manner, and passes on all that come later."""

    def __init__(self, manner, times, behind):
        self.manner, self.times, self.behind = manner, times, behind
        self.turned = self.taken = 0
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            if self.turned < self.times:
                self.turned += 1
                self.manner(connection)
                connection.close()
            else:
                self.taken += 1
                there = socket.create_connection(self.behind)
                for one, other in ((connection, there), (there, connection)):
                    threading.Thread(target=self.pump, args=(one, other), daemon=True).start()

    @staticmethod
    def pump(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def stop(self):
        self.socket.close()


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def closed(connection):
    connection.recv(1)  # its banner: what is left unread makes a reset of it
    connection.settimeout(0.2)
    try:
        connection.recv(4096)
    except OSError:
        pass


def says(text, end=closed):
    def manner(connection):
        connection.sendall(text)
        end(connection)
    return manner


MANNERS = {  # how a connection is turned away: what the message has to say
    "closed": (closed, "before its SSH banner"),
    "reset": (reset, ""),
    "max-startups": (says(b"Exceeded MaxStartups\r\n"), "Exceeded MaxStartups"),
    "penalty": (says(b"Not allowed at this time\r\n"), "Not allowed at this time"),
    "banner-closed": (says(b"SSH-2.0-OpenSSH_9.2p1\r\n"), "right after its SSH banner"),
    "banner-reset": (says(b"SSH-2.0-OpenSSH_9.2p1\r\n", reset), ""),
    "half-a-banner": (says(b"SSH-2.0-Op"), "right after its SSH banner"),
}


class TurnedAway(harness.Case):
    def setUp(self):
        super().setUp()
        self.whole = self.landscape()
        self.servers = {}

    def door(self, name, times):
        """A host that turns us away so many times."""
        host = self.whole.host(name)
        instance = host.instance("PRD", "D00")
        instance.pse("SAPSSLC.pse", [self.whole.authority.root("Example Root R1")])
        instance.trace(traces.Trace())
        host.server.start()
        server = self.servers[name] = Turning(MANNERS[name][0], times, (host.server.address, host.server.port))
        self.addCleanup(server.stop)
        host.variables.update(ansible_host="127.0.0.1", ansible_port=server.port)
        return host

    def write(self):
        self.whole.write_inventory()
        self.whole.known_hosts.write_text("".join(
            "[127.0.0.1]:%d %s\n" % (h.variables["ansible_port"], " ".join(sshd.public_key(h.server.host_key)))
            for h in self.whole.hosts))

    def test_tried_again(self):
        for name in MANNERS:
            self.door(name, 2)
        self.write()
        self.collect(self.whole, "capture")
        _, hosts = self.capture(self.folder / "capture")
        self.assertEqual({name: host["status"] for name, host in hosts.items()}, dict.fromkeys(MANNERS, "collected"))
        for name, server in self.servers.items():
            self.assertEqual((server.turned, server.taken), (2, 1), name)

    def test_given_up(self):
        """One reason for all, how often it was tried, and never longer than the host's time."""
        for name in MANNERS:
            self.door(name, 1000)
        self.write()
        self.collect(self.whole, "capture", "--host-timeout", "4", expect=HOSTS_MISSING)
        _, hosts = self.capture(self.folder / "capture")
        self.assertEqual(sorted(hosts), sorted(MANNERS))
        for name, host in hosts.items():
            with self.subTest(name):
                self.assertEqual((host["status"], host["reason"]), ("failed", "busy"), host)
                if "turned away the first" not in host["message"]:  # its time was over in the middle of a try
                    self.assertIn(MANNERS[name][1], host["message"])
                self.assertTrue(host["message"].endswith("; tried %d times" % self.servers[name].turned), host)
                self.assertGreater(self.servers[name].turned, 1)


if __name__ == "__main__":
    harness.main()
