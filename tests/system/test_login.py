#!/usr/bin/env python3
"""Ways to log in, and ways in which that fails."""

import os
import re
import socket
import subprocess

import harness
import sshd
import traces
from harness import CLEAN, HOSTS_MISSING


def answers(path):
    """Whether somebody listens at the socket; that it is there comes a moment earlier."""
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(str(path)) == 0


class Login(harness.Case):
    def setUp(self):
        super().setUp()
        self.whole = self.landscape()
        self.whole.host("sapprd01").instance("PRD", "D00").trace(traces.Trace())
        self.whole.start()

    def use_key(self, path):
        """Let the inventory name another key file; None: none."""
        line = "ansible_ssh_private_key_file=%s\n" % path if path else ""
        text = self.whole.inventory.read_text()
        self.whole.inventory.write_text(re.sub("ansible_ssh_private_key_file=.*\n", line, text))

    def outcome(self, *arguments, expect=HOSTS_MISSING, environment=None):
        done = self.trustgap("collect", "-i", self.whole.inventory, "--known-hosts", self.whole.known_hosts, "-o",
                             "capture", *arguments, expect=expect, environment=environment)
        _, hosts = self.capture(self.folder / "capture")
        return done, hosts["sapprd01"]

    def agent(self, *keys):
        """Start an agent that holds these keys; return the environment to use it."""
        path = self.folder / "agent"
        process = subprocess.Popen(["ssh-agent", "-D", "-a", str(path)], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)
        harness.wait_for(lambda: answers(path), 10, "ssh-agent")
        environment = {**self.environment, "SSH_AUTH_SOCK": str(path)}
        for key in keys:
            subprocess.run(["ssh-add", "-q", str(key)], env=environment, check=True, stdin=subprocess.DEVNULL)
        return environment

    def test_key_file(self):
        _, host = self.outcome("--no-agent", expect=CLEAN)
        self.assertEqual((host["status"], host["login"]), ("collected", sshd.user()))

    def test_agent(self):
        self.use_key(None)
        other = sshd.make_key(self.folder / "other")
        _, host = self.outcome(environment=self.agent(other, self.whole.client_key), expect=CLEAN)
        self.assertEqual(host["status"], "collected")

    def test_agent_without_the_right_key(self):
        self.use_key(None)
        _, host = self.outcome(environment=self.agent(sshd.make_key(self.folder / "other")))
        self.assertEqual(host["reason"], "login-refused")

    def test_agent_that_is_gone(self):
        self.use_key(None)
        _, host = self.outcome(environment={**self.environment, "SSH_AUTH_SOCK": str(self.folder / "nothing")})
        self.assertEqual(host["status"], "failed")
        self.assertIn(host["reason"], ("login-refused", "key-file"))

    def test_no_agent_means_none(self):
        self.use_key(None)
        _, host = self.outcome("--no-agent", environment=self.agent(self.whole.client_key))
        self.assertEqual(host["status"], "failed")

    def test_wrong_key(self):
        self.use_key(sshd.make_key(self.folder / "other"))
        _, host = self.outcome("--no-agent")
        self.assertEqual(host["reason"], "login-refused")
        self.assertIn(sshd.user(), host["message"])

    def test_key_files_that_cannot_be_used(self):
        encrypted = sshd.make_key(self.folder / "encrypted", passphrase="not to be guessed")
        (self.folder / "empty").touch()
        (self.folder / "binary").write_bytes(os.urandom(4000))
        rows = [  # description, path, word of the message
            ("missing", self.folder / "missing", "missing"),
            ("encrypted", encrypted, "encrypted"),
            ("empty", self.folder / "empty", "empty"),
            ("binary", self.folder / "binary", "binary"),
            ("a folder", self.folder, str(self.folder)),
        ]
        for number, (description, path, word) in enumerate(rows):
            with self.subTest(description):
                self.use_key(path)
                done = self.trustgap("collect", "-i", self.whole.inventory, "--known-hosts", self.whole.known_hosts,
                                     "-o", "capture%d" % number, "--no-agent", expect=HOSTS_MISSING)
                _, hosts = self.capture(self.folder / ("capture%d" % number))
                self.assertEqual(hosts["sapprd01"]["reason"], "key-file", hosts["sapprd01"])
                self.assertIn(word, hosts["sapprd01"]["message"])
                self.expect_in(hosts["sapprd01"]["message"], done)

    def test_encrypted_key_that_the_agent_holds(self):
        """The key file is named, cannot be read, and the agent has the key: as with ssh(1) the login goes through."""
        plain = self.whole.client_key
        environment = self.agent(plain)
        subprocess.run(["ssh-keygen", "-q", "-p", "-P", "", "-N", "secret", "-f", str(plain)], check=True,
                       stdout=subprocess.DEVNULL)
        _, host = self.outcome(environment=environment, expect=(CLEAN, HOSTS_MISSING))
        self.assertIn((host["status"], host.get("reason")), (("collected", None), ("failed", "key-file")))


class KnownHosts(harness.Case):
    def setUp(self):
        super().setUp()
        self.whole = self.landscape()
        self.whole.host("sapprd01").instance("PRD", "D00").trace(traces.Trace())
        self.whole.start()

    def hashed(self):
        subprocess.run(["ssh-keygen", "-q", "-H", "-f", str(self.whole.known_hosts)], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def test_hashed_names(self):
        self.hashed()
        self.assertIn("|1|", self.whole.known_hosts.read_text())
        self.collect(self.whole, "capture")

    def test_broken_lines_are_told_and_passed_over(self):
        good = self.whole.known_hosts.read_text()
        self.whole.known_hosts.write_bytes(b"# a comment\n\nhost ssh-ed25519 !!!\n" + good.encode() +
                                           b"only-a-name\n\xff\xfe\x00garbage\n@strange * ssh-ed25519 AAAA\n")
        done = self.collect(self.whole, "capture")
        for line in (3, 5):
            self.expect_in("known_hosts:%d:" % line, done)

    def test_no_such_file(self):
        done = self.trustgap("collect", "-i", self.whole.inventory, "--known-hosts", "nothing-here", "-o", "capture",
                             "--no-agent", expect=(HOSTS_MISSING, harness.NO_INPUT))
        self.expect_in("nothing-here", done)

    def test_revoked(self):
        good = self.whole.known_hosts.read_text()
        self.whole.known_hosts.write_text(good + "@revoked * " + good.split(" ", 1)[1])
        self.collect(self.whole, "capture", expect=HOSTS_MISSING)
        _, hosts = self.capture(self.folder / "capture")
        self.assertEqual(hosts["sapprd01"]["reason"], "host-key-revoked")

    def test_other_key_type_is_no_way_in(self):
        """A host that is known with a key of another type is not "new"."""
        other = sshd.make_key(self.folder / "ecdsa", kind="ecdsa")
        self.whole.known_hosts.write_text(self.whole.hosts[0].server.known_hosts_line(other))
        self.collect(self.whole, "capture", expect=HOSTS_MISSING)
        _, hosts = self.capture(self.folder / "capture")
        self.assertIn(hosts["sapprd01"]["reason"], ("host-key-changed", "host-key-unknown", "no-common-algorithm"))


if __name__ == "__main__":
    harness.main()
