#!/usr/bin/env python3
"""What is named as a reference or as a chain: read, or refused with the same words by every command that takes it."""

import pathlib
import re

import harness
import landscape
import pki
from harness import CLEAN, DATA, FINDINGS, NO_INPUT, USAGE

SAMPLES = pathlib.Path(__file__).resolve().parent.parent / "data" / "reference"
AUDIT = pathlib.Path(__file__).resolve().parent.parent / "data" / "report" / "clean.xml"
STORES = (CLEAN, FINDINGS)


class References(harness.Case):
    def setUp(self):
        super().setUp()
        (self.folder / "hosts.ini").write_text("nobody ansible_host=127.0.0.1 ansible_port=1\n")
        with self.landscape() as whole:
            self.collect(whole, "capture")

    def everywhere(self, reference, *more, expect):
        """What each command says of it."""
        commands = (("analyze", "capture", "-o", "out.xml"), ("audit", "-i", "hosts.ini", "--state", "state"),
                    ("check", AUDIT, "--import", "%s@*" % (SAMPLES / "1.pem")))
        return [self.trustgap(*command, "--reference", reference, *more, expect=expect) for command in commands]

    def landscape(self):
        whole = super().landscape()
        whole.host("app01").instance("PRD", "D00").pse("SAPSSLC.pse", [])
        return whole

    def test_what_gives_nothing(self):
        """An error that begins with the file, the same everywhere, before any host is asked."""
        rows = [  # name, content, what the message says
            ("key.pem", b"-----BEGIN PRIVATE KEY-----\nMAMCAQU=\n-----END PRIVATE KEY-----\n", "only a private key"),
            ("notes.txt", b"Root CA: ask Bob\n", "no certificate in it"),
            ("empty.pem", b"", "an empty file"),
            ("trust.p12", (SAMPLES / "trust.p12").read_bytes(), "PKCS #12"),
            ("secret.jceks", (SAMPLES / "secret.jceks").read_bytes(), "Java key store (JCEKS)"),
            ("cut.jks", (SAMPLES / "trust.jks").read_bytes()[:200], "a damaged Java key store (JKS)"),
        ]
        for name, content, text in rows:
            with self.subTest(name):
                (self.folder / name).write_bytes(content)
                answers = {done.err for done in self.everywhere(name, expect=DATA)}
                self.assertEqual(len(answers), 1, answers)
                answer = answers.pop()
                self.assertTrue(answer.startswith(name + ": "), answer)
                self.assertIn(text, answer)
                chain = self.trustgap("check", AUDIT, "--chain", name, expect=DATA)
                self.assertTrue(chain.err.startswith(name + ": "), chain.err)
                self.assertIn(text, chain.err)
        self.assertFalse((self.folder / "state").exists(), "nothing was begun")
        (self.folder / "nothing-here").mkdir()
        for done in self.everywhere("nothing-here", expect=DATA):
            self.expect_in("nothing-here: no certificate in this folder", done)
        for done in self.everywhere("nowhere", expect=NO_INPUT):
            self.expect_in("nowhere: ", done)

    def test_key_stores(self):
        """The certificates come in, with a password from a file or the environment, and no password comes out."""
        (self.folder / "password").write_text("changeit\nsecond line\n")
        environment = {**self.environment, "STORE_PASSWORD": "changeit"}
        rows = [("cacerts.jks", (), None), ("trust.jceks", (), None), ("open.p12", (), None),
                ("trust.p12", ("--reference-password-file", "password"), None),
                ("trust.p12", ("--reference-password-env", "STORE_PASSWORD"), environment)]
        for name, more, variables in rows:
            with self.subTest((name, more)):
                done = self.trustgap("analyze", "capture", "-o", "out.xml", "--reference", SAMPLES / name, *more,
                                     expect=STORES, environment=variables)
                text = (self.folder / "out.xml").read_text()
                certs = 1 if name == "cacerts.jks" else 2
                self.assertEqual(len(re.findall("<reference>%s</reference>" % re.escape(str(SAMPLES / name)), text)),
                                 certs)
                self.assertRegex(text, r'<reference path="[^"]*%s" sha256="[0-9a-f]{64}" certificates="%d"/>'
                                 % (name, certs))
                self.assertNotIn("changeit", text + done.out + done.err)
        self.trustgap("validate", "out.xml")
        self.expect_in("NO_SUCH_NAME", self.trustgap("analyze", "capture", "--reference-password-env", "NO_SUCH_NAME",
                                                     expect=USAGE))
        self.expect_in("nowhere", self.trustgap("analyze", "capture", "--reference-password-file", "nowhere",
                                                expect=NO_INPUT))

    def test_pse(self):
        """As a reference its trust list, as a chain its own certificate."""
        make = pki.Authority(self.folder / "ca")
        root = make.root("Example Root")
        server = make.make("api.example.com", make.issuing("Example Issuing CA", root))
        both, alone = self.folder / "both.pse", self.folder / "alone.pse"
        landscape.make_pse(both, [root], server, 2, False, "00112233445566778899aabbccddeeff")
        landscape.make_pse(alone, [root], None, 2, False, None)
        self.expect_in("api.example.com", self.trustgap("check", AUDIT, "--chain", both, expect=STORES))
        self.expect_in("alone.pse: a PSE that only has trusted certificates",
                       self.trustgap("check", AUDIT, "--chain", alone, expect=DATA))
        self.trustgap("analyze", "capture", "-o", "out.xml", "--reference", both, expect=STORES)
        text = (self.folder / "out.xml").read_text()
        self.assertIn("Example Root", text)
        self.assertNotIn("api.example.com", text)


if __name__ == "__main__":
    harness.main()
