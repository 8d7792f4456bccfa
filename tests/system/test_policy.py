#!/usr/bin/env python3
"""--policy: a bad one has all its errors told before anything is done; a good one makes findings and waives some."""

import types

import harness
import landscape
import pki
from harness import CLEAN, DATA, FINDINGS, NO_INPUT

WAIVER = "[waiver spring]\nkind=policy-missing\nsid=PRD\nowner=A. Example\nreason=The change freeze.\nuntil=%s\n"


class Policies(harness.Case):
    """One host, read here: PRD lacks a root that the policy requires, and holds one that it distrusts."""

    def setUp(self):
        super().setUp()
        make = pki.Authority(self.folder / "ca")
        self.wanted, self.bad = make.root("Wanted Root"), make.root("Bad Root")
        host = types.SimpleNamespace(name="one", sap_root=self.folder / "sap")
        self.d00 = landscape.Instance(host, "PRD", "D00")
        self.d00.pse("SAPSSLC.pse", [self.bad])
        (self.folder / "hosts.ini").write_text(
            "one ansible_connection=local sap_root=%s sap_tier=production\n" % host.sap_root)
        (self.folder / "etc").mkdir()
        (self.folder / "etc" / "wanted.pem").write_text(self.wanted.pem)

    def policy(self, text):
        path = self.folder / "etc" / "policy.ini"
        path.write_text(text)
        return path

    def audit_with(self, policy, *more, expect):
        done = self.trustgap("audit", "--no-agent", "-i", "hosts.ini", "--state", "state", "--policy", policy, *more,
                             expect=expect)
        return done, harness.Audit(self.folder / "state" / "latest.xml")

    def test_all_errors_are_told_and_nothing_is_done(self):
        path = self.policy("[required a]\ncertificates=wanted.pem;missing.pem\n[expiry]\nown-days=soon\nfoo=1\n"
                           "[nothing]\n[waiver w]\nkind=drift\nsid=PRD\nowner=x\n")
        self.trustgap("collect", "-i", "hosts.ini", "-o", "capture")
        for row in (("audit", "-i", "hosts.ini", "--state", "state"), ("analyze", "capture", "-o", "audit.xml")):
            with self.subTest(row[0]):
                done = self.trustgap(*row, "--policy", path, expect=DATA)
                lines = done.err.splitlines()
                self.assertEqual(done.out, "")
                self.assertEqual([line.split(": ")[0] for line in lines],
                                 ["%s:%d" % (path, number) for number in (2, 4, 5, 6, 7, 7)], done.err)
                for word, line in zip(("missing.pem: No such file", "\"soon\" is no number", "\"foo\" is no key",
                                       "\"nothing\" is no section", "has no reason", "has no until"), lines):
                    self.assertIn(word, line)
        self.assertFalse((self.folder / "state").exists())
        self.assertFalse((self.folder / "audit.xml").exists())

    def test_a_policy_that_is_not_there(self):
        for row in (("audit", "-i", "hosts.ini", "--state", "state"), ("analyze", "capture")):
            with self.subTest(row[0]):
                done = self.trustgap(*row, "--policy", "etc/nothing.ini", expect=NO_INPUT)
                self.assertEqual(done.err, "etc/nothing.ini: No such file or directory\n")
        self.assertFalse((self.folder / "state").exists())
        done = self.trustgap("analyze", "capture", "--policy", "etc", expect=(2, NO_INPUT))
        self.expect_in("etc: ", done)

    def test_from_night_to_night(self):
        rules = "[required a]\ncertificates=wanted.pem\ntier=production\n[distrusted b]\ncertificates=%s\n" % self.bad.path
        path = self.policy(rules)
        _, audit = self.audit_with(path, expect=FINDINGS)  # what is distrusted is high
        missing, distrusted = audit.finding("policy-missing"), audit.finding("distrusted")
        self.assertEqual(audit.sha256(missing), self.wanted.sha256)
        self.assertEqual(audit.gaps(missing), ["PRD SAPSSLC.pse"])
        self.assertEqual(audit.sha256(distrusted), self.bad.sha256)
        self.assertEqual(audit.named(distrusted, "store"), ["PRD SAPSSLC.pse"])
        self.trustgap("validate", "state/latest.xml")

        # Waived: it does not count, and every report says who, why and until when.
        self.policy(rules + WAIVER % "2999-12-31" + WAIVER.replace("spring", "other").replace(
            "policy-missing", "drift") % "2999-12-31")
        self.d00.pse("SAPSSLC.pse", pki.public_roots(1))
        done, audit = self.audit_with(path, "--fail-on", "info", expect=CLEAN)
        self.assertEqual(audit.finding("policy-missing").get("state"), "waived")
        self.assertEqual(audit.finding("distrusted").get("state"), "fixed")
        self.assertIn("%s:12: [waiver other]: is about no open finding" % path, done.err)
        for name in ("report.html", "report.txt"):
            report = " ".join((self.folder / "state" / name).read_text("utf-8").split())
            self.assertIn("Waived by A. Example in 1 place until 2999-12-31: The change freeze.", report)

        # Its day is over.
        self.policy(rules + WAIVER % "2020-01-31")
        _, audit = self.audit_with(path, "--fail-on", "medium", expect=FINDINGS)
        self.assertEqual(audit.finding("policy-missing").get("state"), "open")
        for name in ("report.html", "report.txt"):
            report = " ".join((self.folder / "state" / name).read_text("utf-8").split())
            self.assertIn("The waiver of A. Example in 1 place ended on 2020-01-31", report)
        self.trustgap("validate", "state/latest.xml")

        # Imported.
        self.d00.pse("SAPSSLC.pse", [self.wanted])
        _, audit = self.audit_with(path, "--fail-on", "info", expect=CLEAN)
        self.assertEqual(audit.finding("policy-missing").get("state"), "fixed")

    def test_the_same_bytes(self):
        path = self.policy("[required a]\ncertificates=wanted.pem\n" + WAIVER % "2999-12-31")
        self.trustgap("collect", "-i", "hosts.ini", "-o", "capture")
        for name in ("one.xml", "two.xml"):
            self.trustgap("analyze", "capture", "-o", name, "--policy", path, "--at", "2026-11-22")
        one, two = ((self.folder / name).read_bytes() for name in ("one.xml", "two.xml"))
        self.assertIn(b'state="waived"', one)
        self.assertEqual(one, two)


if __name__ == "__main__":
    harness.main()
