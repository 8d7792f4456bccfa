#!/usr/bin/env python3
"""
Where little or nothing was looked at: no instance, no trust list, no trace.  None of it may look like a clean bill.

The hosts are this machine, so that each test is short; who may read what is the same over SSH.
"""

import os
import subprocess

import harness
import pki
from harness import CLEAN, FINDINGS, HOSTS_MISSING

FAILURE = """*** ERROR => SSL handshake with app01.backend.example:44300 failed: SSSLERR_PEER_CERT_UNTRUSTED (-102)
Peer's X.509 certificate (chain) validation failed (missing trust?)
SapSSLSessionStartNB()==SSSLERR_PEER_CERT_UNTRUSTED
"""
ALL_CLEAR = ("No certificate is missing", "No missing certificate", "No failed connection", "No certificate to import")


class Local(harness.Case):
    def setUp(self):
        super().setUp()
        self.pem = pki.Authority(self.folder / "pki").root("Some Root").path

    def pse(self, path, *arguments):
        path.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([os.environ["MAKE_PSE"], *arguments, "--trust", self.pem, "-o", path], check=True)
        return path

    def trace(self, path, text="trc file: \"dev_icm\", trc level: 1, release: \"785\"\n"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def hosts(self, **roots):
        (self.folder / "hosts.ini").write_text("".join(
            "%s ansible_connection=local sap_root='%s'\n" % (name, root) for name, root in roots.items()))

    def run_all(self, collected, analyzed):
        """Collect and analyze; the text report, and what collect said."""
        done = self.trustgap("collect", "-i", "hosts.ini", "-o", "capture", expect=collected)
        self.trustgap("analyze", "capture", "-o", "audit.xml", expect=analyzed)
        self.trustgap("validate", "audit.xml")
        self.audit_read = harness.Audit(self.folder / "audit.xml")
        self.html = self.trustgap("report", "audit.xml", "-f", "html").out
        return self.trustgap("report", "audit.xml").out, done.err


class Found(Local):
    def test_flat_folders(self):
        """A Web Dispatcher and a SAProuter without a system: at any depth that is searched, by any name."""
        for number, (webdisp, router) in enumerate([("webdisp", "saprouter"), ("edge/wd 1", "router"), ("WDX", "a/b/c")]):
            with self.subTest(webdisp):
                sap = self.folder / ("sap%d" % number)
                self.pse(sap / webdisp / "sec" / "SAPSSLC.pse")
                self.pse(sap / router / "local.pse")
                self.trace(sap / webdisp / "dev_webdisp", FAILURE)
                self.hosts(wd01=sap)
                (self.folder / "capture").rename(self.folder / ("old%d" % number)) if number else None
                self.run_all(CLEAN, FINDINGS)
                audit = self.audit_read
                kinds = {i.get("name"): i.get("kind") for i in audit.hosts["wd01"].findall("instance")}
                self.assertEqual(kinds, {webdisp: "webdisp", router: "other"})
                self.assertEqual(sorted(store.get("label") for store in audit.stores.values()),
                                 sorted(["wd01 %s SAPSSLC.pse" % webdisp, "wd01 %s local.pse" % router]))
                audit.finding("tls-failure", about="app01.backend.example")

    def test_wrong_roots(self):
        """One of two hosts, or one of two roots, has nothing: each of them is named."""
        good = self.folder / "good"
        self.pse(good / "PRD" / "D00" / "sec" / "SAPSSLC.pse")
        self.trace(good / "PRD" / "D00" / "work" / "dev_icm")
        (self.folder / "empty").mkdir()
        (self.folder / "file").write_text("")
        missing = self.folder / "srv" / "usr" / "sap"
        for number, (wrong, says) in enumerate([
                (missing, "there is no folder %s" % missing),
                (self.folder / "empty", "no instance was found below %s" % (self.folder / "empty")),
                (self.folder / "file", "%s is no folder" % (self.folder / "file")),
                ("%s:%s" % (good, missing), "there is no folder %s" % missing),
                ("[\"%s\", \"%s\"]" % (self.folder / "empty", good), "below %s" % (self.folder / "empty"))]):
            with self.subTest(str(wrong)):
                self.hosts(app01=good, app02=wrong)
                if number:
                    (self.folder / "capture").rename(self.folder / ("old%d" % number))
                text, said = self.run_all(HOSTS_MISSING, (CLEAN, HOSTS_MISSING))
                self.assertIn("app02: ", said)
                self.assertIn(says, said)
                self.assertIn("1 host collected, 1 in part, 0 not", said)
                for report in (" ".join(text.split()), self.html):
                    self.assertIn(says, report)
                host = self.audit_read.hosts["app02"]
                self.assertEqual((host.get("status"), host.get("reason")), ("partial", "no-instance"))
                self.audit_read.finding("host-missing", about="app02")


if __name__ == "__main__":
    harness.main()
