#!/usr/bin/env python3
"""What is named as a reference or as a chain: read, or refused with the same words by every command that takes it."""

import hashlib
import json
import pathlib
import re

import harness
import landscape
import pki
import traces
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


class Bundle(harness.Case):
    """This system's own bundle of public certificates, a made-up one here, in every command that takes references."""

    def setUp(self):
        super().setUp()
        self.bundle = self.folder / "bundle.crt"
        self.environment["TRUSTGAP_SYSTEM_REFERENCE"] = str(self.bundle)
        self.make = pki.Authority(self.folder / "ca")
        self.root, other = self.make.root("Example Public Root"), self.make.root("Other Public Root")
        self.api = self.make.make("api.example.com", self.make.issuing("Example Issuing CA", self.root))
        self.bundle.write_text(self.root.pem + other.pem)
        self.store = "/usr/sap/PRD/D00/sec/SAPSSLC.pse"
        trace = traces.Trace()
        trace.untrusted(traces.ago(1), self.store, self.api.chain[:2], "api.example.com")
        self.trace = self.folder / "dev_icm"
        self.trace.write_bytes(trace.bytes())

    def explain(self, *more):
        answer = json.loads(self.trustgap("explain", "--format", "json", self.trace, *more, expect=FINDINGS).out)
        return answer["failures"][0]["known"]

    def test_explain(self):
        known = self.explain()
        cert = known["certificate"]
        self.assertEqual((cert["subject"], cert["sha256"], cert["references"], cert["system_bundle"]),
                         (self.root.subject, self.root.sha256, [str(self.bundle)], str(self.bundle)))
        self.assertEqual(known["match"], "name")
        text = self.trustgap("explain", self.trace, expect=FINDINGS).out
        self.assertIn("public, from this system's bundle: %s\n" % self.bundle, text)
        self.assertIn("serial " + self.root.serial, text)
        self.assertRegex(text, "valid [0-9-]+ to [0-9-]+")
        self.assertIsNone(self.explain("--no-system-reference"))

    def test_reference_before_bundle(self):
        named = self.folder / "named.pem"
        named.write_text(self.root.pem)
        self.assertEqual(self.explain("--reference", named)["certificate"]["references"],
                         [str(named), str(self.bundle)])
        cert = self.explain("--reference", named, "--no-system-reference")["certificate"]
        self.assertEqual((cert["references"], cert["system_bundle"]), ([str(named)], None))

    def test_ambiguous(self):
        twin = pki.Authority(self.folder / "twin").root("Example Public Root")
        self.bundle.write_text(self.root.pem + twin.pem)
        known = self.explain()
        self.assertIsNone(known["certificate"])
        self.assertEqual(known["match"], "ambiguous")
        self.assertEqual(sorted(cert["sha256"] for cert in known["candidates"]), sorted([self.root.sha256, twin.sha256]))
        self.expect_in("not certain: 2 certificates", self.trustgap("explain", self.trace, expect=FINDINGS))

    def test_audit_and_check(self):
        whole = self.landscape()
        instance = whole.host("app01").instance("PRD", "D00")
        store = instance.pse("SAPSSLC.pse", [])
        trace = traces.Trace()
        trace.untrusted(traces.ago(1), store, self.api.chain[:2], "api.example.com")
        instance.trace(trace)
        with whole:
            self.audit(whole, "state", expect=FINDINGS)
        audit = harness.Audit(self.folder / "state" / "latest.xml")
        finding = audit.finding("missing-anchor")
        self.assertEqual(audit.sha256(finding), self.root.sha256)
        self.assertIn("public, from this system's bundle", (self.folder / "state" / "report.html").read_text())
        self.assertIn("public, from this system's bundle", (self.folder / "state" / "report.txt").read_text())
        (reference,) = audit.root.find("references")
        self.assertEqual((reference.get("path"), reference.get("system"), reference.get("certificates")),
                         (str(self.bundle), "true", "2"))
        self.assertEqual(reference.get("sha256"), hashlib.sha256(self.bundle.read_bytes()).hexdigest())
        self.assertNotIn("Other Public Root", (self.folder / "state" / "latest.xml").read_text())
        chain = self.folder / "chain.pem"
        chain.write_text("".join(cert.pem for cert in self.api.chain[:2]))
        done = self.trustgap("check", "state/latest.xml", "--chain", chain, expect=FINDINGS)
        self.assertIn("public, from this system's bundle: %s" % self.bundle, done.out)

    def test_bad_bundles(self):
        self.bundle.write_text("nothing\n")
        self.expect_in("TRUSTGAP_SYSTEM_REFERENCE: %s: no certificate in it" % self.bundle,
                       self.trustgap("explain", self.trace, expect=DATA))
        self.bundle.unlink()
        self.expect_in("TRUSTGAP_SYSTEM_REFERENCE: %s: " % self.bundle,
                       self.trustgap("explain", self.trace, expect=NO_INPUT))
        self.trustgap("explain", self.trace, "--no-system-reference", expect=FINDINGS)


if __name__ == "__main__":
    harness.main()
