#!/usr/bin/env python3
"""
A parser that fails with the bytes of one host costs that file and nothing else: whole audits of real hosts, with a
program whose parsers fail when a file asks for it.
"""

import hashlib

import harness
import traces
from harness import CLEAN, DATA, FAULTY, FINDINGS

FAULT = "trustgap-fault="
FAULTS = {  # what a parser does: what is said of it
    "segv": "The parser crashed (SIG", "stack": "The parser crashed (SIG", "exit": "The parser ended without an answer (exit status 7)",
    "loop": "The parser needed more than 2000 ms of processor time",
    "memory": "The parser needed more than 384 MiB of memory", "garbage": "The parser's answer is not in its form",
}


class Contain(harness.Case):
    def setUp(self):
        super().setUp()
        self.whole = self.landscape()
        make = self.whole.authority
        self.root, self.new = make.root("Example Root R1"), make.root("Example Root R2")
        self.api = make.make("api.example.com", self.new)
        self.good, self.bad = self.host("good01", "PRD"), self.host("bad01", "QAS")

    def host(self, name, sid):
        """A host with one failing connection, and a certificate that is missing."""
        instance = self.whole.host(name).instance(sid, "D00")
        instance.pse("SAPSSLC.pse", [self.root])
        instance.trace(self.failing(instance))
        return instance

    def failing(self, instance, *more):
        trace = traces.Trace(sid=instance.sid)
        trace.untrusted(traces.ago(1), instance.sec / "SAPSSLC.pse", self.api.chain, "api.example.com")
        trace.say(*more)
        return trace

    def night(self, expect=FINDINGS, program=FAULTY):
        self.audit(self.whole, self.folder / "state", expect=expect, program=program)
        return harness.Audit(self.folder / "state" / "latest.xml")

    def missing(self, audit):
        return audit.finding("missing-anchor", "unknown-issuer", about="Example Root R2")

    def test_a_trace(self):
        others = {}
        with self.whole:
            for number, (fault, said) in enumerate(FAULTS.items()):
                trace = self.bad.trace(self.failing(self.bad, "%s%s" % (FAULT, fault), "number %d" % number))
                audit = self.night()
                finding = audit.finding("unanalyzed")
                self.assertEqual(finding.get("severity"), "high")
                self.assertEqual(finding.get("state"), "open" if others else "new")
                self.assertIn(str(trace), finding.get("title"))
                self.assertIn("bad01", finding.get("title"))
                self.assertIn(said, finding.get("detail"))
                self.assertIn(hashlib.sha256(trace.read_bytes()).hexdigest(), finding.get("detail"))
                self.trustgap("validate", audit.path)
                # What the other host shows is told, and what this one showed in the night before is not forgotten.
                gaps = audit.gaps(self.missing(audit))
                self.assertEqual(gaps, ["PRD SAPSSLC.pse"] + (["QAS SAPSSLC.pse"] if "QAS" in others else []))
                for report in ("report.html", "report.txt"):
                    text = (self.folder / "state" / report).read_text()
                    self.assertIn("1 file could not be analyzed", text)
                others[fault] = gaps
            # The night in which it can be read again.
            self.bad.trace(self.failing(self.bad))
            audit = self.night()
            self.assertEqual(audit.finding("unanalyzed").get("state"), "fixed")
            self.assertEqual(audit.gaps(self.missing(audit)), ["PRD SAPSSLC.pse", "QAS SAPSSLC.pse"])

    def test_nothing_is_closed(self):
        with self.whole:
            self.assertEqual(self.night().gaps(self.missing(self.night())), ["PRD SAPSSLC.pse", "QAS SAPSSLC.pse"])
            # The list would now close the gap.
            self.bad.pse("SAPSSLC.pse", [self.root, self.new, self.whole.authority.root(FAULT + "abort")])
            audit = self.night()
            self.assertEqual(audit.gaps(self.missing(audit)), ["PRD SAPSSLC.pse", "QAS SAPSSLC.pse"])
            self.assertIn("SAPSSLC.pse", audit.finding("unanalyzed").get("title"))
            self.assertIn("could not be analyzed", audit.finding("store-unreadable").get("detail"))
            # ... and does, where no parser fails.
            audit = self.night(program=harness.TRUSTGAP)
            self.assertEqual(audit.gaps(self.missing(audit), "fixed"), ["QAS SAPSSLC.pse"])

    def test_an_audit_document(self):
        """What libxml2 does with it costs the document: the comparison of a night, the report of this file."""
        with self.whole:
            audit = self.night()
            text = audit.path.read_text()
            for fault, said in FAULTS.items():
                audit.path.resolve().write_text("<!-- %s%s -->" % (FAULT, fault) + text.split("?>", 1)[-1])
                for command in ("report", "analyze"):
                    more = ("capture", "--previous") if command == "analyze" else ()
                    if more:
                        (self.folder / "capture").unlink(missing_ok=True)
                        (self.folder / "capture").symlink_to(next((self.folder / "state" / "captures").iterdir()))
                    done = self.trustgap(command, *more, "state", "-o", "out", expect=DATA, program=FAULTY)
                    self.assertIn("state/latest.xml: could not be read: " + said[0].lower() + said[1:], done.err)
                    self.assertFalse((self.folder / "out").exists())
            done = self.audit(self.whole, self.folder / "state", expect=FINDINGS, program=FAULTY)
            self.assertIn("going on without a comparison", done.err)
            self.assertEqual(self.missing(harness.Audit(audit.path)).get("state"), "new")

    def test_it_is_never_clean(self):
        """A host of which nothing else is wrong."""
        self.good.pse("SAPSSLC.pse", [self.root, self.new])
        self.bad.pse("SAPSSLC.pse", [self.root, self.new])
        for instance in (self.good, self.bad):
            instance.trace(traces.Trace(sid=instance.sid))
        with self.whole:
            self.assertEqual(self.night(CLEAN).findings(states=harness.OPEN), [])
            trace = traces.Trace(sid="QAS")
            trace.say(FAULT + "exit")
            self.bad.trace(trace)
            self.assertEqual(len(self.night(FINDINGS).findings("unanalyzed")), 1)


if __name__ == "__main__":
    harness.main()
