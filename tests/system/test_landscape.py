#!/usr/bin/env python3
"""The landscape itself, with ssh(1) and openssl(1): if this fails, the other system tests say nothing."""

import os
import signal
import subprocess
import sys

import harness
import landscape
import pki
import sshd


class Fixture(harness.Case):
    def ssh(self, whole, host, command, expect=0):
        done = subprocess.run(
            ["ssh", "-F", "none", "-T", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-o",
             "ConnectTimeout=3", "-o", "UserKnownHostsFile=%s" % whole.known_hosts, "-i", str(whole.client_key), "-p",
             str(host.server.port), "%s@%s" % (sshd.user(), host.server.address), command],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, text=True)
        self.assertEqual(done.returncode, expect, done.stderr)
        return done.stdout + done.stderr

    def test_ssh_gets_in_where_it_should(self):
        whole = self.landscape()
        zoned = whole.host("zoned", zone="CET-1CEST,M3.5.0,M10.5.0/3")
        whole.host("changed").known_key = sshd.make_key(self.folder / "other")
        whole.host("hanging", server="hanging")
        whole.host("refusing", server="refusing")
        whole.host("locked", login=False)
        with whole:
            self.assertEqual(self.ssh(whole, zoned, "echo $TZ"), "CET-1CEST,M3.5.0,M10.5.0/3\n")
            for number, words in ((1, "HOST IDENTIFICATION HAS CHANGED"), (2, "timed out"), (3, "refused"),
                                  (4, "Permission denied")):
                with self.subTest(whole.hosts[number].name):
                    self.assertIn(words, self.ssh(whole, whole.hosts[number], "true", expect=255))

    def test_hosts_end_with_the_test(self):
        """Even if it is killed: nothing listens on the port any more."""
        script = ("import landscape, sys, time\n"
                  "whole = landscape.Landscape(sys.argv[1])\n"
                  "host = whole.host('host')\n"
                  "whole.start()\n"
                  "print(host.server.port, flush=True)\n"
                  "time.sleep(60)\n")
        for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT):
            with self.subTest(number.name):
                process = subprocess.Popen([sys.executable, "-B", "-c", script, str(self.folder / number.name)],
                                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                                           env={**os.environ, "PYTHONPATH": str(landscape.HERE)})
                with process.stdout:
                    port = int(process.stdout.readline())
                self.assertTrue(sshd.greets("127.0.0.20", port))
                process.send_signal(number)
                process.wait()
                harness.wait_for(lambda: not sshd.greets("127.0.0.20", port), 10, "the end of sshd")

    def test_chain(self):
        authority = pki.Authority(self.folder / "ca")
        root = authority.root("Example Root R1")
        leaf = authority.make("api.example.com", authority.issuing("Example Issuing CA 1", root))
        self.assertEqual([c.common_name for c in leaf.chain],
                         ["api.example.com", "Example Issuing CA 1", "Example Root R1"])
        pki.openssl("verify", "-CAfile", root.path, "-untrusted", leaf.issuer.path, leaf.path)
        again = pki.Authority(self.folder / "ca")
        self.assertEqual(again.root("Example Root R1").sha256, root.sha256, "a folder keeps its certificates")
        if pki.MOZILLA.exists():
            self.assertEqual(len(pki.public_roots(5)), 5)


if __name__ == "__main__":
    harness.main()
