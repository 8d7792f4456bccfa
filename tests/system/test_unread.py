#!/usr/bin/env python3
"""
Where little or nothing was looked at: no instance, no trust list, no trace.  None of it may look like a clean bill.

The hosts are this machine, so that each test is short; who may read what is the same over SSH.
"""

import os
import pathlib
import shutil
import subprocess
import tempfile

import harness
import pki
from harness import CLEAN, FINDINGS, HOSTS_MISSING

FAILURE = """*** ERROR => SSL handshake with app01.backend.example:44300 failed: SSSLERR_PEER_CERT_UNTRUSTED (-102)
Peer's X.509 certificate (chain) validation failed (missing trust?)
SapSSLSessionStartNB()==SSSLERR_PEER_CERT_UNTRUSTED
"""


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

    def headline(self, text, first):
        """The first paragraph of a report begins with this, in front of all that sounds well."""
        paragraph = " ".join(text.split("\n\n")[1].split())
        self.assertTrue(paragraph.startswith(first), paragraph)
        self.assertNotRegex(paragraph, r"No missing certificate was found in \d+ ")

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
                text, said = self.run_all(HOSTS_MISSING, HOSTS_MISSING)
                self.headline(text, "1 of 2 hosts was not checked." if number < 3 else "No missing certificate")
                self.assertIn("app02: ", said)
                self.assertIn(says, said)
                self.assertIn("1 host collected, 1 in part, 0 not", said)
                for report in (" ".join(text.split()), self.html):
                    self.assertIn(says, report)
                host = self.audit_read.hosts["app02"]
                self.assertEqual((host.get("status"), host.get("reason")), ("partial", "no-instance"))
                self.audit_read.finding("host-missing", about="app02")

    def test_an_instance_without_a_trace(self):
        """An instance without a trace is no trouble of the collector, and nothing is known of its connections."""
        self.pse(self.folder / "sap" / "PRD" / "D00" / "sec" / "SAPSSLC.pse")
        self.hosts(app01=self.folder / "sap")
        text, _ = self.run_all(CLEAN, CLEAN)
        self.headline(text, "No trace was found.")


class Unread(Local):
    """Run as somebody who may not read what is 600: as root the test gives up being root."""

    NOBODY = 65534

    def setUp(self):
        super().setUp()
        self.sap = self.folder / "sap"
        self.hosts(app01=self.sap)

    def landscape_of(self, lists, readable, traces=1):
        for number in range(lists):
            path = self.pse(self.sap / "PRD" / ("D0%d" % (number % 2)) / "sec" / ("S%d.pse" % number))
            path.chmod(0o644 if number < readable else 0o600)
        for number in range(2):
            self.trace(self.sap / "PRD" / ("D0%d" % number) / "work" / "dev_icm").chmod(0o644 if number < traces else 0)
        self.own_all()

    def own_all(self):
        """As root: the landscape stays root's, and whoever runs the program may write into the test's folder."""
        if os.getuid() == 0:
            self.folder.chmod(0o777)

    def trustgap(self, *arguments, prefix=(), **more):
        if os.getuid() == 0:
            prefix = ("setpriv", "--reuid=%d" % self.NOBODY, "--regid=%d" % self.NOBODY, "--clear-groups", *prefix)
        return super().trustgap(*arguments, prefix=prefix, **more)

    def test_no_list_may_be_read(self):
        if os.getuid() != 0:
            self.skipTest("only root can make files that others may not read")
        for lists, readable, traces, first in [
                (6, 0, 2, "0 of 6 trust lists were read."), (6, 4, 2, "4 of 6 trust lists were read."),
                (6, 6, 1, "1 of 2 traces were read."), (6, 0, 0, "0 of 6 trust lists and 0 of 2 traces were read.")]:
            with self.subTest(first):
                shutil.rmtree(self.sap, ignore_errors=True)
                shutil.rmtree(self.folder / "capture", ignore_errors=True)
                (self.folder / "audit.xml").unlink(missing_ok=True)
                self.landscape_of(lists, readable, traces)
                status = FINDINGS | HOSTS_MISSING if readable == 0 else HOSTS_MISSING
                text, said = self.run_all(HOSTS_MISSING, status)
                self.trustgap("analyze", "capture", "-o", "audit.xml", "--fail-on", "never")
                self.assertIn("app01: ", said)
                self.assertIn("0 hosts collected, 1 in part, 0 not", said)
                self.headline(text, first)
                self.assertIn("ansible_become=true", " ".join(text.split()))
                self.assertIn(first, self.html)
                host = self.audit_read.hosts["app01"]
                self.assertEqual((host.get("status"), host.get("reason")), ("partial", "unread"))

    def test_what_sudo_says(self):
        if os.getuid() != 0:
            self.skipTest("only root can make files that others may not read")
        self.landscape_of(2, 0, 2)
        (self.folder / "hosts.ini").write_text(
            "app01 ansible_connection=local ansible_become=true sap_root=%s\n" % self.sap)
        # Others may write into self.folder, so no program from there is run.
        tools = pathlib.Path(tempfile.mkdtemp(prefix="trustgap-test-tools-"))
        self.addCleanup(shutil.rmtree, tools)
        tools.chmod(0o755)
        (tools / "sudo").write_text("#!/bin/sh\necho 'We trust you have been told.' >&2\n"
                                    "echo 'sudo: a password is required' >&2\nexit 1\n")
        (tools / "sudo").chmod(0o755)
        self.environment["PATH"] = "%s:%s" % (tools, os.environ["PATH"])
        text, said = self.run_all(HOSTS_MISSING, FINDINGS | HOSTS_MISSING)
        self.headline(text, "0 of 2 trust lists were read.")
        for report in (said, " ".join(text.split()), self.html, (self.folder / "audit.xml").read_text()):
            self.assertIn("sudo: a password is required", report)
        self.assertIn("We trust you have been told.; sudo: a password is required", " ".join(text.split()))


class Sapgenpse(Local):
    def test_it_says_why(self):
        """A damaged PSE, a library that is missing, an error of its own: its words, and a step that fits."""
        d10 = self.folder / "sap" / "QAS" / "D10"
        for name in ("SAPSSLA", "SAPSSLC", "SAPSSLS"):
            self.pse(d10 / "sec" / (name + ".pse"), "--pin")
        (d10 / "exe").mkdir()
        (d10 / "exe" / "sapgenpse").write_text("""#!/bin/sh
case "$*" in
*SAPSSLA*) echo "maintain_pk: Couldn't open PSE (Decoding error)" >&2; exit 4 ;;
*SAPSSLC*) echo "sapgenpse: error while loading shared libraries: libslcryptokernel.so: cannot open" >&2; exit 127 ;;
*) echo "maintain_pk: cannot read the directory of SECUDIR" >&2; exit 1 ;;
esac
""")
        (d10 / "exe" / "sapgenpse").chmod(0o755)
        self.hosts(qas=self.folder / "sap")
        text, said = self.run_all(CLEAN, FINDINGS)
        self.headline(text, "0 of 3 trust lists were read;")
        self.assertIn("qas: 0 of 3 trust lists were read", said)
        flat = " ".join(text.split())
        for words in ("damaged: maintain_pk: Couldn't open PSE (Decoding error)",
                      "distribute the PSE again from STRUST",
                      "sapgenpse could not be run: sapgenpse: error while loading shared libraries: "
                      "libslcryptokernel.so: cannot open", "LD_LIBRARY_PATH",
                      "sapgenpse: maintain_pk: cannot read the directory of SECUDIR"):
            self.assertIn(words, flat)
        self.trustgap("analyze", "capture", "-o", "audit.xml", "--fail-on", "never")


class Terminal(Local):
    def test_headline_and_where_the_output_is(self):
        self.pse(self.folder / "sap" / "PRD" / "D00" / "sec" / "SAPSSLC.pse")
        self.trace(self.folder / "sap" / "PRD" / "D00" / "work" / "dev_icm")
        self.hosts(app01=self.folder / "sap")
        headline = "No missing certificate was found in 1 trust list and 1 trace."
        done = self.trustgap("audit", "-i", "hosts.ini", "--state", "state")
        self.assertEqual(done.out, "state/report.html\nstate/report.txt\n")
        self.assertIn(headline + "\n", done.err)
        self.trustgap("collect", "-i", "hosts.ini", "-o", "capture")
        done = self.trustgap("analyze", "capture", "-o", "audit.xml")
        self.assertEqual(done.out, "")
        self.assertIn(headline + "\n", done.err)
        self.assertIn("audit.xml", done.err)
        done = self.trustgap("analyze", "capture")
        self.assertTrue(done.out.startswith("<?xml"), "the document and nothing else")
        self.assertIn(headline + "\n", done.err)
        for row in (("audit", "-q", "-i", "hosts.ini", "--state", "state"), ("analyze", "-q", "capture", "-o", "b.xml")):
            done = self.trustgap(*row)
            self.assertEqual(done.out + done.err, "", "quiet")


if __name__ == "__main__":
    harness.main()
