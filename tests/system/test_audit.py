#!/usr/bin/env python3
"""The nightly job from end to end: what is missing where, who has it, and what the next night says of it."""

import datetime
import fcntl

import harness
import pki
import traces
from harness import BOTH, CLEAN, FAILED, FINDINGS, HOSTS_MISSING


class Nights(harness.Case):
    """
    Production (two application servers) and a Web Dispatcher lack Example Root R2; development has it.  Quality lacks
    it too, and nobody there needed it yet.  Nothing else is wrong.
    """

    def setUp(self):
        super().setUp()
        self.whole = self.landscape()
        make = self.whole.authority
        self.root_1, self.root_2 = make.root("Example Root R1"), make.root("Example Root R2")
        self.api = make.make("api.example.com", make.issuing("Example Issuing CA 2", self.root_2))
        self.base = pki.public_roots(4) + [self.root_1]

        self.d00 = self.whole.host("sapprd01", tier="production").instance("PRD", "D00")
        self.d01 = self.whole.host("sapprd02", tier="production").instance("PRD", "D01")
        self.w30 = self.whole.host("webdisp01").instance("WDP", "W30")
        self.d10 = self.whole.host("sapqas01", tier="quality").instance("QAS", "D10")
        self.d20 = self.whole.host("sapdev01", tier="development").instance("DEV", "D20")
        self.production([])
        self.d00.pse("SAPSSLA.pse", self.base)
        self.d01.pse("SAPSSLA.pse", self.base)
        self.w30.pse("SAPSSLC.pse", self.base)
        self.d10.pse("SAPSSLC.pse", self.base)
        self.d20.pse("SAPSSLC.pse", self.base + [self.root_2, self.api.issuer], version=4)

        trace = traces.Trace()
        for hours in (5, 4, 3):
            trace.untrusted(traces.ago(hours), self.d00.sec / "SAPSSLC.pse", self.api.chain[:2], "api.example.com")
        self.d00.trace(trace)
        self.d01.trace(traces.Trace(pid=4712))
        trace = traces.Trace("dev_webdisp", sid="WDP", sysno="30")
        trace.untrusted(traces.ago(2), self.w30.sec / "SAPSSLC.pse", self.api.chain[:2], "api.example.com")
        self.w30.trace(trace)
        self.d10.trace(traces.Trace(sid="QAS", sysno="10"))
        self.d20.trace(traces.Trace(sid="DEV", sysno="20"))

    def production(self, imported):
        for instance in (self.d00, self.d01):
            instance.pse("SAPSSLC.pse", self.base + imported)

    def night(self, expect):
        self.audit(self.whole, self.folder / "state", expect=expect)
        return harness.Audit(self.folder / "state" / "latest.xml")

    def missing(self, audit):
        return audit.finding("missing-anchor", about="Example Root R2")

    def test_first_night(self):
        with self.whole:
            audit = self.night(FINDINGS)
        finding = self.missing(audit)
        self.assertEqual(audit.sha256(finding), self.root_2.sha256)
        self.assertEqual(audit.gaps(finding), ["PRD SAPSSLC.pse", "webdisp01 W30 SAPSSLC.pse"])
        self.assertEqual(audit.named(finding, "donor"), ["DEV SAPSSLC.pse"])
        self.assertEqual(audit.named(finding, "lacking"), ["QAS SAPSSLC.pse"])
        self.assertEqual({g.get("basis") for g in finding.findall("gap")}, {"seen"})
        self.assertEqual(finding.get("state"), "new")
        self.assertIn(finding.get("match"), (None, "proved"))  # the strongest is not written
        for word in ("OpenSSL", "signature", "Example Issuing CA 2"):
            self.assertIn(word, finding.get("proof"))
        self.assertEqual(sum(int(g.get("count")) for g in finding.findall("gap")), 4)
        self.assertEqual(len(audit.findings()), 1, str(audit))
        self.assertEqual({h.get("status") for h in audit.hosts.values()}, {"collected"})

        for name in ("report.html", "report.txt"):
            report = (self.folder / "state" / name).read_text("utf-8")
            for word in ("Example Root R2", "SAPSSLC.pse", "DEV", "STRUST", "sapgenpse maintain_pk -a", "webdisp01"):
                self.assertIn(word, report, name)
            self.assertIn(self.root_2.sha256[:8], report.lower().replace(":", ""), name)

    def test_import_is_seen_the_next_night(self):
        state = self.folder / "state"
        with self.whole:
            self.night(FINDINGS)
            self.production([self.root_2])
            audit = self.night(FINDINGS)
            finding = self.missing(audit)
            self.assertEqual(audit.gaps(finding), ["webdisp01 W30 SAPSSLC.pse"])
            self.assertEqual(audit.gaps(finding, "fixed"), ["PRD SAPSSLC.pse"])
            self.assertEqual(finding.get("state"), "open")

            self.w30.pse("SAPSSLC.pse", self.base + [self.root_2])
            audit = self.night(CLEAN)  # the traces still have the old errors
            self.assertEqual(self.missing(audit).get("state"), "fixed")
            self.assertEqual(audit.gaps(self.missing(audit)), [])

            self.production([])  # somebody distributed an old copy
            audit = self.night(FINDINGS)
            self.assertEqual(self.missing(audit).get("state"), "returned")
            self.assertEqual(audit.gaps(self.missing(audit), "returned"), ["PRD SAPSSLC.pse"])
        self.assertEqual(len(list((state / "audits").iterdir())), 4)
        self.assertEqual(len(list((state / "captures").iterdir())), 4)

    def test_silence_is_no_cure(self):
        with self.whole:
            self.night(FINDINGS)
            self.d00.trace(traces.Trace(pid=9999))  # restarted: the trace begins anew
            audit = self.night(FINDINGS)
        self.assertIn("PRD SAPSSLC.pse", audit.gaps(self.missing(audit)))

    def test_exit_status(self):
        """0, 1, 4 and 5, and what each stands for."""
        lost = self.whole.host("saplost01", server="refusing")
        state = self.folder / "state"
        with self.whole:
            self.audit(self.whole, state, expect=BOTH)
            self.audit(self.whole, state, "--fail-on", "never", expect=HOSTS_MISSING)
            self.audit(self.whole, state, "--limit", "!saplost01", expect=FINDINGS)
            self.audit(self.whole, state, "--limit", "!saplost01", "--fail-on", "never", expect=CLEAN)
            self.audit(self.whole, state, "--limit", "sapdev01", expect=(CLEAN, FINDINGS))
            self.audit(self.whole, state, "--limit", lost.name, expect=BOTH)
        finding = harness.Audit(state / "latest.xml").finding("host-missing", about="refused")
        self.assertIn("saplost01", finding.get("title"))

    def test_a_limited_run_touches_nothing_else(self):
        """It has reports of its own, in which what was left out is as it was; the next night compares with the last."""
        state = self.folder / "state"
        lost = self.whole.host("saplost01", server="refusing")
        with self.whole:
            self.night(BOTH)
            before = {path: path.read_bytes() for path in state.rglob("*") if path.is_file()}
            self.production([self.root_2])
            done = self.audit(self.whole, state, "--limit", "sapprd*", expect=FINDINGS)
            after = {path: path.read_bytes() for path in before}
            html, text = done.out.splitlines()
            audit = harness.Audit(harness.pathlib.Path(html).with_name("audit.xml"))
            self.trustgap("validate", audit.path)
            done = self.audit(self.whole, state, "--limit", "all", expect=BOTH)  # no limit
            self.assertIn(str(state / "report.html"), done.out)
            again = harness.Audit(state / "latest.xml")
        self.assertEqual(after, before)
        self.assertEqual(len(list((state / "audits").iterdir())), 2)
        self.assertEqual(len(list((state / "captures").iterdir())), 2)
        finding = self.missing(audit)
        self.assertEqual(audit.gaps(finding, "fixed"), ["PRD SAPSSLC.pse"])
        self.assertEqual(audit.gaps(finding), ["webdisp01 W30 SAPSSLC.pse"])
        self.assertEqual(audit.hosts["webdisp01"].get("status"), "left-out")
        missing = audit.finding("host-missing")
        self.assertEqual((missing.get("state"), lost.name in missing.get("title")), ("open", True))
        self.assertIn("limited to sapprd*: 4 hosts were left out", " ".join(
            harness.pathlib.Path(text).read_text("utf-8").split()))
        self.assertEqual(again.gaps(self.missing(again), "fixed"), ["PRD SAPSSLC.pse"])
        self.assertEqual(again.gaps(self.missing(again)), ["webdisp01 W30 SAPSSLC.pse"])

    def test_the_lock_is_for_nights_only(self):
        """A limited run neither waits for a night nor holds one up."""
        state = self.folder / "state"
        with self.whole:
            self.night(FINDINGS)
            with open(state / "lock", "r+b") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                self.expect_in("another audit", self.audit(self.whole, state, expect=FAILED))
                environment = {**self.environment, "SOURCE_DATE_EPOCH": "1893553445"}
                for _ in range(2):
                    self.audit(self.whole, state, "--limit", "sapprd01", expect=(CLEAN, FINDINGS),
                               environment=environment)
        self.assertEqual(sorted(path.name for path in (state / "limited").iterdir()),
                         ["20300102T030405Z", "20300102T030405Z-2"])

    def test_a_limited_capture_says_so(self):
        """collect --limit and analyze --previous, and going on with the rest."""
        with self.whole:
            self.collect(self.whole, "all")
            self.collect(self.whole, "some", "--limit", "sapprd*")
            header, _ = self.capture(self.folder / "some")
            self.assertEqual(header["limit"], "sapprd*")
            self.assertEqual(header["left_out"], ["webdisp01", "sapqas01", "sapdev01"])
            self.trustgap("analyze", "all", "-o", "first.xml", expect=FINDINGS)
            rows = [  # description, collect, status of the Web Dispatcher's host
                ("limited", None, "left-out"),
                ("a part of the rest", ["--resume", "--limit", "sapqas01"], "left-out"),
                ("all of the rest", ["--resume"], "collected"),
            ]
            for description, arguments, status in rows:
                with self.subTest(description):
                    if arguments:
                        self.collect(self.whole, "some", *arguments)
                    self.trustgap("analyze", "some", "--previous", "first.xml", "-o", "next.xml", expect=FINDINGS)
                    audit = harness.Audit(self.folder / "next.xml")
                    self.assertEqual(audit.hosts["webdisp01"].get("status"), status)
                    self.assertEqual(audit.findings("host-missing"), [])
                    self.assertEqual(audit.gaps(self.missing(audit)), ["PRD SAPSSLC.pse", "webdisp01 W30 SAPSSLC.pse"])
            self.trustgap("analyze", "some", "all", "-o", "both.xml", expect=FINDINGS)
        self.assertNotIn("limited to", self.trustgap("report", "both.xml").out)

    def test_files_are_private(self):
        with self.whole:
            self.night(FINDINGS)
        loose = [str(path) for path in (self.folder / "state").rglob("*")
                 if not path.is_symlink() and path.stat().st_mode & 0o077]
        self.assertEqual(loose, [])


class Kinds(harness.Case):
    """One host with one trouble of each other kind."""

    def test_findings(self):
        whole = self.landscape()
        make = whole.authority
        root = make.root("Example Root R1")
        expired = make.make("erp.example.com", root, key="rsa", end=-3)
        soon = make.make("soon.example.com", root, key="rsa", end=5)
        printer = make.make("label-printer-3", None, end=900)
        host = whole.host("saptst01")
        d00, d01 = host.instance("TST", "D00"), whole.host("saptst02").instance("TST", "D01")
        base = pki.public_roots(3) + [root]
        d00.pse("SAPSSLC.pse", base, own=expired)
        d01.pse("SAPSSLC.pse", base[1:], own=expired)
        d00.pse("SAPSSLS.pse", base, own=soon)
        d00.pse("SAPSSLA.pse", base, pin="secret")
        trace = traces.Trace(sid="TST", level=2)
        trace.untrusted_flat(traces.ago(1), d00.sec / "SAPSSLC.pse", printer)
        trace.name_mismatch(traces.ago(1), "mock.example.com", "CN=www.example.net, O=Example, C=DE")
        trace.peer_refused(traces.ago(1), d00.sec / "SAPSSLC.pse", "tax.example.org")
        trace.proxy_refused(traces.ago(1), "npm.example.org")
        trace.closed(traces.ago(1), "gone.example.org")
        d00.trace(trace)
        terse = traces.Trace(sid="TST")
        terse.untrusted_terse(traces.ago(3), "silent.example.org")
        d01.trace(terse, old=True)
        with whole:
            self.audit(whole, self.folder / "state", expect=FINDINGS)
        audit = harness.Audit(self.folder / "state" / "latest.xml")
        rows = [  # description, kind, what it is about
            ("self-signed peer that nobody holds", ("unknown-issuer", "missing-anchor"), "label-printer-3"),
            ("name mismatch", ("tls-failure",), "mock.example.com"),
            ("the peer refuses us", ("tls-failure",), "tax.example.org"),
            ("a proxy refuses", ("tls-failure",), "npm.example.org"),
            ("closed", ("tls-failure",), "gone.example.org"),
            ("expired own certificate", ("expired",), "erp.example.com"),
            ("own certificate that expires soon", ("expiring",), "soon.example.com"),
            ("drift", ("drift",), "SAPSSLC.pse"),
            ("a PSE with a PIN", ("store-unreadable",), "SAPSSLA.pse"),
            ("trace level", ("trace-level",), "dev_icm"),
            ("a trace level that is too low", ("trace-detail",), "silent.example.org"),
            ("a trace that reaches back hours", ("trace-rotation",), "dev_icm.old"),
        ]
        for description, kinds, about in rows:
            with self.subTest(description):
                self.assertTrue(audit.findings(*kinds, about=about), str(audit))


class Listing(harness.Case):
    """A PSE that only sapgenpse can open counts as much as one that was read natively."""

    def test_listing_is_read(self):
        whole = self.landscape()
        root, new = whole.authority.root("Example Root R1"), whole.authority.root("Example Root R2")
        api = whole.authority.make("api.example.com", new)
        d50 = whole.host("sapsol01").instance("SOL", "D50")
        store = d50.pse("SAPSSLC.pse", [root] + pki.public_roots(2), pin="credential")
        donor = whole.host("sapold01").instance("OLD", "D10")
        donor.pse("SAPSSLC.pse", [root, new], pin="credential")
        trace = traces.Trace(sid="SOL", release="722")
        trace.untrusted_old(traces.ago(3), store, new.subject)
        trace.untrusted(traces.ago(2), store, api.chain[:1], "api.example.com")
        d50.trace(trace)
        with whole:
            self.audit(whole, self.folder / "state", expect=FINDINGS)
        audit = harness.Audit(self.folder / "state" / "latest.xml")
        self.assertEqual({m.get("reading") for s in audit.stores.values() for m in s}, {"listing"})
        finding = audit.finding("missing-anchor", about="Example Root R2")
        self.assertEqual(audit.sha256(finding), new.sha256)
        self.assertEqual(audit.gaps(finding), ["SOL SAPSSLC.pse"])
        self.assertEqual(audit.named(finding, "donor"), ["OLD SAPSSLC.pse"])


class Zones(harness.Case):
    """A host says when its clocks change, so both halves of a year become right, whenever it is collected."""

    def test_winter_and_summer(self):
        whole = self.landscape()
        d00 = whole.host("sapprd01", zone="CET-1CEST,M3.5.0,M10.5.0/3").instance("PRD", "D00")
        trace = traces.Trace()
        year = pki.NOW.year - 1
        for month in (1, 7):
            trace.peer_refused(datetime.datetime(year, month, 15, 12), d00.sec / "SAPSSLC.pse", "m%d.example.com" % month)
        d00.trace(trace)
        with whole:
            self.audit(whole, self.folder / "state", expect=CLEAN)
        audit = harness.Audit(self.folder / "state" / "latest.xml")
        for month, hour in ((1, 11), (7, 10)):
            failure = audit.root.find("failures/failure[@target='m%d.example.com']" % month)
            self.assertEqual(failure.get("last-local"), "%d-%02d-15T12:00:00" % (year, month))
            self.assertEqual(failure.get("last"), "%d-%02d-15T%d:00:00Z" % (year, month, hour))


if __name__ == "__main__":
    harness.main()
