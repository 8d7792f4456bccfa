#!/usr/bin/env python3
"""Peers asked for their certificates through their hosts: a real sshd, openssl s_server, and what goes wrong."""

import hashlib
import re
import signal
import socket
import subprocess
import threading

import harness
import pki
import sshd
import traces
from harness import CLEAN, FINDINGS, HOSTS_MISSING, NO_INPUT


class TlsServer:
    """openssl s_server on loopback.  named: the certificate for who asks for localhost; chain: what it sends."""

    def __init__(self, case, leaf, named=None, options=()):
        self.port = sshd.free_port("127.0.0.1")
        chain = case.folder / ("chain-%d.pem" % self.port)
        chain.write_text("".join(c.pem for c in leaf.chain[1:-1]))
        command = ["openssl", "s_server", "-accept", "127.0.0.1:%d" % self.port, "-cert", leaf.path, "-key", leaf.key,
                   "-msg", *options]
        if chain.stat().st_size:
            command += ["-cert_chain", chain]
        if named:
            command += ["-servername", "localhost", "-cert2", named.path, "-key2", named.key]
        self.log = open(case.folder / ("s_server-%d.log" % self.port), "wb+")
        self.process = subprocess.Popen(list(map(str, command)), stdin=subprocess.PIPE, stdout=self.log,
                                        stderr=subprocess.STDOUT)
        case.addCleanup(self.stop)
        harness.wait_for(self._listens, what="s_server")

    def _listens(self):
        if self.process.poll() is not None:
            raise AssertionError("s_server has ended: " + self.said())
        return "ACCEPT" in self.said()

    def said(self):
        self.log.seek(0)
        return self.log.read().decode("utf-8", "replace")

    def stop(self):
        self.process.kill()
        self.process.communicate()
        self.log.close()


class Listener:
    """Takes connections on loopback and does ${serve} with each of them; what came in is kept."""

    def __init__(self, case, serve):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.received = b""
        self.serve = serve
        case.addCleanup(self.socket.close)
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            with connection:
                try:
                    self.serve(self, connection)
                except OSError:
                    pass

    def read_all(self, connection):
        while piece := connection.recv(65536):
            self.received += piece


class Base(harness.Case):
    def setUp(self):
        super().setUp()
        self.whole = self.landscape()
        make = self.whole.authority
        self.root = make.root("Example Root R9")
        self.leaf = make.make("localhost", make.issuing("Example Issuing CA 9", self.root))
        self.other = make.make("other.example.com")

    def host(self, name="sapprd01", peers=(), more="", **variables):
        """A host whose trace has a failure of little detail with each of the peers (target, port)."""
        instance = self.whole.host(name, more=more, **variables).instance("PRD", "D00")
        instance.pse("SAPSSLC.pse", pki.public_roots(2))
        trace = traces.Trace(host=name)
        for target, port in peers:
            trace.untrusted_terse(traces.ago(3), target, "127.0.0.1", port)
        instance.trace(trace)
        return instance

    def first_audit(self):
        """What an earlier night would have seen."""
        self.collect(self.whole, self.folder / "first")
        self.trustgap("analyze", self.folder / "first", "-o", self.folder / "first.xml", expect=FINDINGS)
        return self.folder / "first.xml"

    def fetch(self, *more, expect=CLEAN):
        """Collect with --fetch-chains; return the entries of each host."""
        audit = self.first_audit()
        self.collect(self.whole, self.folder / "second", "--fetch-chains", audit, "--verbose", *more, expect=expect)
        hosts = self.capture(self.folder / "second")[1]
        self.assertEqual({h["status"] for h in hosts.values()}, {"collected"}, self.last)
        return {name: host.get("chains", []) for name, host in hosts.items()}

    def certificates(self, chain):
        """Those of a chain's object."""
        path = self.folder / "second" / "objects" / chain["object"][:2] / chain["object"]
        data, found = path.read_bytes(), []
        self.assertEqual(hashlib.sha256(data).hexdigest(), chain["object"])
        while data:
            size = 4 + int.from_bytes(data[2:4], "big")
            found.append(data[:size])
            data = data[size:]
        self.assertEqual(len(found), chain["count"])
        return found


class Chains(Base):
    def test_chain_comes_home(self):
        """In both versions of TLS, by the name that the trace has; nothing but the client hello reaches the peer."""
        servers = [TlsServer(self, self.other, named=self.leaf, options=["-tls1_3"]),
                   TlsServer(self, self.leaf, options=["-tls1_2"])]
        self.host(peers=[("localhost", server.port) for server in servers])
        with self.whole:
            chains = self.fetch()["sapprd01"]
        self.assertEqual({(c["target"], c["port"]) for c in chains}, {("localhost", s.port) for s in servers})
        by_port = {c["port"]: c for c in chains}
        self.assertEqual(self.certificates(by_port[servers[0].port])[0], self.leaf.der, "the name was asked for")
        self.assertEqual(self.certificates(by_port[servers[1].port]), [c.der for c in self.leaf.chain[:2]])
        for server in servers:
            received = re.findall(r"^<<< .*", server.said(), re.M)
            self.assertEqual([line for line in received if "RecordHeader" not in line and "ClientHello" not in line
                              and "Handshake [length" not in line], [], server.said())
            self.assertEqual(sum("ClientHello" in line for line in received), 1, server.said())

    def test_what_goes_wrong_is_recorded(self):
        """Each in its own entry; the host counts as collected, the peers behind are asked all the same."""
        good = TlsServer(self, self.leaf, options=["-cipher", "ALL"])
        hello = Listener(self, lambda listener, connection: (connection.sendall(b"220 mail.example.com\r\n"),
                                                             listener.read_all(connection)))
        silent = Listener(self, lambda listener, connection: listener.read_all(connection))
        early = Listener(self, lambda _, connection: connection.recv(65536))
        alert = Listener(self, lambda _, connection: connection.sendall(b"\x15\x03\x03\x00\x02\x02\x28"))
        flood = Listener(self, lambda _, connection: connection.sendall(b"\x16\x03\x03\x40\x00" + bytes(1 << 20)))
        nobody = sshd.Refusing("127.0.0.1")
        nobody.start()
        self.addCleanup(nobody.stop)
        wanted = {hello.port: "no-tls", silent.port: "time-out", early.port: "closed", alert.port: "alert",
                  nobody.port: "connect-failed", good.port: None}
        self.host(peers=[("localhost", port) for port in (*wanted, flood.port)])
        with self.whole:
            chains = {c["port"]: c for c in self.fetch()["sapprd01"]}
        self.assertIn(chains.pop(flood.port)["reason"], ("limit", "bad-tls"))
        self.assertEqual({port: c.get("reason") for port, c in chains.items()}, wanted)
        for port, chain in chains.items():
            self.assertEqual("message" in chain, "object" not in chain, chain)
        self.assertIn("220 mail.example.com", chains[hello.port]["message"])
        self.assertTrue(silent.received.startswith(b"\x16\x03\x01"), "a client hello")
        self.assertEqual(len(silent.received), 5 + int.from_bytes(silent.received[3:5], "big"), "and nothing else")

    def test_a_connection_that_hangs(self):
        """SSH opens one channel after the other, and this one is never opened: the others get a connection anew."""
        good, later = TlsServer(self, self.leaf), TlsServer(self, self.leaf)
        full = socket.create_server(("127.0.0.1", 0), backlog=0)
        self.addCleanup(full.close)
        port = full.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]  # more than the queue takes: who comes now is not answered
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
            self.addCleanup(one.close)
        self.host(peers=[("localhost", p) for p in (good.port, port, later.port)])
        with self.whole:
            chains = {c["port"]: c.get("reason") for c in self.fetch()["sapprd01"]}
        self.assertEqual(chains, {good.port: None, port: "time-out", later.port: None})

    def test_forwarding_refused(self):
        server = TlsServer(self, self.leaf)
        self.host(peers=[("localhost", server.port)], more="AllowTcpForwarding no")
        with self.whole:
            chain, = self.fetch()["sapprd01"]
        self.assertEqual((chain["reason"], chain.get("object")), ("forwarding-refused", None))
        self.assertNotIn("ClientHello", server.said())

    def test_more_peers_than_are_asked(self):
        self.host(peers=[("localhost", 1)] + [("host%02d.invalid" % i, 1) for i in range(1, 22)])
        with self.whole:
            chains = self.fetch()["sapprd01"]
        self.assertEqual({c["reason"] for c in chains}, {"connect-failed"})
        self.assertEqual(len(chains), 20)
        notes = self.capture(self.folder / "second")[1]["sapprd01"]["notes"]
        self.assertIn("20 of 22 peers were asked for their certificates, no more", notes)

    def test_ctrl_c(self):
        """What the host has sent is kept."""
        silent = Listener(self, lambda listener, connection: listener.read_all(connection))
        self.host(peers=[("localhost", silent.port), ("127.0.0.1", silent.port)])
        with self.whole:
            process = self.start("collect", "-i", self.whole.inventory, "--known-hosts", self.whole.known_hosts, "-o",
                                 self.folder / "out", "--no-agent", "--fetch-chains", self.first_audit())
            harness.wait_for(lambda: silent.received, what="the client hello")
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=harness.SECONDS)
            self.assertEqual(process.returncode, HOSTS_MISSING, said)
        host = self.capture(self.folder / "out")[1]["sapprd01"]
        self.assertEqual((host["status"], len(host["stores"])), ("collected", 1))
        self.assertEqual([c["reason"] for c in host["chains"]], ["cancelled", "not-asked"])

    def test_the_connection_breaks(self):
        """What the probe has sent is whole."""
        silent = Listener(self, lambda listener, connection: listener.read_all(connection))
        self.host(peers=[("localhost", silent.port), ("127.0.0.1", silent.port)])
        with self.whole:
            process = self.start("collect", "-i", self.whole.inventory, "--known-hosts", self.whole.known_hosts, "-o",
                                 self.folder / "out", "--no-agent", "--fetch-chains", self.first_audit())
            harness.wait_for(lambda: silent.received, what="the client hello")
            self.whole.hosts[0].server.stop()
            _, said = process.communicate(timeout=harness.SECONDS)
            self.assertEqual(process.returncode, CLEAN, said)
        host = self.capture(self.folder / "out")[1]["sapprd01"]
        self.assertEqual(host["status"], "collected")
        self.assertEqual([c["reason"] for c in host["chains"]], ["ssh", "not-asked"])

    def test_nothing_is_asked_unless_wished(self):
        server = TlsServer(self, self.leaf)
        self.host(peers=[("localhost", server.port)])
        with self.whole:
            audit = self.first_audit()
            self.collect(self.whole, self.folder / "second")
            self.assertNotIn("chains", self.capture(self.folder / "second")[1]["sapprd01"])
            self.trustgap("collect", "-i", self.whole.inventory, "--dry-run", "--fetch-chains", audit)
            self.assertIn("#   localhost port %d, asking for localhost" % server.port, self.last.out)
            self.trustgap("collect", "-i", self.whole.inventory, "--dry-run")
            self.assertNotIn("localhost port", self.last.out)
        self.assertNotIn("ClientHello", server.said())

    def test_names_that_are_none(self):
        """A trace may say anything; what is no host name is not given to anybody."""
        names = ["$(reboot)", "-oProxyCommand=x", "a;b", "x" * 254, "l\u00f6calhost", "::1"]
        instance = self.host(peers=[(name, 4711 + i) for i, name in enumerate(names)])
        trace = traces.Trace(pid=4712)
        trace.headline(traces.ago(1), "localhost", "port")
        instance.trace(trace.bytes(), "dev_webdisp")
        with self.whole:
            audit = self.first_audit()
            self.trustgap("collect", "-i", self.whole.inventory, "--dry-run", "--fetch-chains", audit)
        self.expect_in("--fetch-chains: of 1 failures the trace tells no name or address with a port", self.last)
        asked = [line for line in self.last.out.splitlines() if line.startswith("#   ")]
        self.assertGreater(len(asked), 3)
        for line in asked:
            self.assertRegex(line, r"^#   (127\.0\.0\.1|::1) port 47\d\d$")

    def test_a_host_without_ssh(self):
        server = TlsServer(self, self.leaf)
        self.host(peers=[("localhost", server.port)], ansible_connection="local")
        with self.whole:
            chain, = self.fetch()["sapprd01"]
        self.assertEqual(chain["reason"], "not-available")
        self.assertNotIn("ClientHello", server.said())

    def test_no_audit(self):
        self.host()
        with self.whole:
            self.collect(self.whole, self.folder / "out", "--fetch-chains", self.folder / "none.xml", expect=NO_INPUT)
            self.expect_in("none.xml", self.last)
        self.assertFalse((self.folder / "out").exists(), "nothing was begun")


class Nights(Base):
    """The trace tells no more than that the peer is not trusted; asking it tells the rest."""

    def night(self, *more, expect=FINDINGS):
        self.audit(self.whole, self.folder / "state", "--fetch-chains", *more, expect=expect)
        return harness.Audit(self.folder / "state" / "latest.xml")

    def test_the_missing_root_is_proved(self):
        server = TlsServer(self, self.leaf)
        instance = self.host(peers=[("localhost", server.port)])
        instance.pse("SAPSSLC.pse", pki.public_roots(2))
        donor = self.whole.host("sapdev01").instance("DEV", "D20")
        donor.pse("SAPSSLC.pse", pki.public_roots(2) + [self.root])
        with self.whole:
            first = self.night()
            self.expect_in("there is no audit before this one", self.last)
            self.assertEqual(first.findings("missing-anchor"), [])
            self.assertEqual(len(first.findings("trace-detail")), 1)
            second = self.night()
            missing = second.finding("missing-anchor")
            self.assertEqual((second.sha256(missing), missing.get("certainty")), (self.root.sha256, "issuer"))
            self.assertEqual(missing.get("match", "proved"), "proved")
            self.assertEqual(second.named(missing, "donor"), ["DEV SAPSSLC.pse"])
            self.assertIn("the peer was asked for it", missing.get("proof"))
            self.assertIn("may have sent another one", missing.get("proof"))
            self.assertIsNotNone(missing.get("asked"))
            self.trustgap("validate", second.path)
            text = (self.folder / "state" / "report.txt").read_text()
            self.assertIn("that the peer sent when it was asked", " ".join(text.split()))
            third = self.night()
            again = third.finding("missing-anchor")
            self.assertEqual((again.get("id"), again.get("state")), (missing.get("id"), "open"))

    def test_a_headline_alone(self):
        """It tells the port; behind a proxy the address beside it is the proxy's, and its port is not asked."""
        server = TlsServer(self, self.leaf)
        instance = self.host()
        instance.pse("SAPSSLC.pse", pki.public_roots(2))
        trace = traces.Trace()
        trace.headline(traces.ago(2), "localhost", server.port)
        instance.trace(trace)
        proxied = self.whole.host("sapprd02").instance("QAS", "D10")
        proxied.pse("SAPSSLC.pse", pki.public_roots(2))
        trace = traces.Trace(sid="QAS", sysno="10")
        trace.untrusted_terse(traces.ago(2), "localhost", "127.0.0.1", server.port)
        text = trace.bytes().replace(b"peer=127.0.0.1:%d" % server.port, b"peer=192.0.2.30:3128")
        proxied.trace(text, "dev_icm")
        with self.whole:
            self.night()
            audit = self.night()
        unknown = audit.finding("unknown-issuer")
        self.assertEqual(unknown.get("subject"), self.root.subject)
        captures = sorted((self.folder / "state" / "captures").iterdir())
        hosts = self.capture(captures[-1])[1]
        for name in ("sapprd01", "sapprd02"):
            self.assertEqual([(c["target"], c["port"], c["count"]) for c in hosts[name]["chains"]],
                             [("localhost", server.port, 2)])

    def test_a_root_that_only_the_peer_sends(self):
        """It is shown, and offered for nothing but a comparison."""
        alone = self.whole.authority.make("alone.example.com")
        server = TlsServer(self, alone)
        self.host(peers=[("localhost", server.port)])
        with self.whole:
            self.night()
            audit = self.night()
        missing = audit.finding("missing-anchor", "unknown-issuer")
        cert = audit.certificates[missing.get("cert")]
        self.assertEqual((cert.get("sha256"), cert.get("from-trace")), (alone.sha256, "true"))
        self.assertIsNotNone(cert.get("asked"))
        self.assertIn("compare its fingerprint", missing.get("proof"))


if __name__ == "__main__":
    harness.main()
