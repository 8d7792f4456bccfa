#!/usr/bin/env python3
"""Peers asked for their certificates through their hosts: a real sshd, openssl s_server, and what goes wrong."""

import hashlib
import os
import re
import socket
import subprocess
import threading

import harness
import pki
import sshd
import traces
from harness import CLEAN, FINDINGS, NO_INPUT

TERSE = "SSSLERR_PEER_CERT_UNTRUSTED"


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


class Chains(harness.Case):
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


if __name__ == "__main__":
    harness.main()
