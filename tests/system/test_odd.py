#!/usr/bin/env python3
"""Files on a host that are not what their names say: each costs itself and nothing else."""

import os

import harness
import traces
from harness import CLEAN, FINDINGS, HOSTS_MISSING

TRACE_LIMIT = 64 << 20  # of one trace, from its end


class Odd(harness.Case):
    def setUp(self):
        super().setUp()
        self.whole = self.landscape()
        self.host = self.whole.host("odd01")
        make = self.whole.authority
        self.root, self.new = make.root("Example Root R1"), make.root("Example Root R2")
        self.api = make.make("api.example.com", self.new)

    def instance(self, name):
        """An instance with a good trust list, whose trace the test makes odd."""
        instance = self.host.instance("PRD", name)
        instance.pse("SAPSSLC.pse", [self.root])
        return instance

    def failing(self, instance):
        """A trace with one failure of this instance's store."""
        trace = traces.Trace(sid="PRD")
        trace.untrusted(traces.ago(1), instance.sec / "SAPSSLC.pse", self.api.chain, "api.example.com")
        return trace

    def collected(self):
        """Collect the host; its line in the capture."""
        with self.whole:
            self.collect(self.whole, "capture", expect=(CLEAN, HOSTS_MISSING))
        _, hosts = self.capture(self.folder / "capture")
        return hosts["odd01"]

    def analyzed(self, expect):
        statuses = expect if isinstance(expect, tuple) else (expect,)
        self.trustgap("analyze", "capture", "-o", "audit.xml",
                      expect=(*statuses, *(status | HOSTS_MISSING for status in statuses)))
        return harness.Audit(self.folder / "audit.xml")

    def test_traces(self):
        good = self.instance("D00")
        good.trace(self.failing(good))
        for number, content in enumerate((b"", b"\n", os.urandom(300000), bytes(100000), b"x" * 300000,
                                          self.failing(good).bytes()[:900]), 1):
            self.instance("D%02d" % number).trace(content, name="dev_icm")
        os.mkfifo(self.instance("D10").work / "dev_icm")
        (self.instance("D11").work / "dev_icm").mkdir()
        (self.instance("D12").work / "dev_icm").symlink_to("/nowhere/at/all")
        (self.instance("D13").work / "dev_icm").symlink_to("dev_icm")
        (self.instance("D14").work / "dev_icm").symlink_to("/dev/zero")
        locked = self.instance("D15").trace(traces.Trace())
        locked.chmod(0)
        host = self.collected()
        self.assertEqual(len(host["instances"]), 13)
        self.assertEqual(len(host["stores"]), 13)
        read = {t["path"].split("/")[-3]: t for t in host["traces"] if t.get("object")}
        self.assertLessEqual({"D%02d" % n for n in range(7) if n != 3}, set(read))
        why = {t["path"].split("/")[-3]: t["reason"].split(" ")[0] for t in host["traces"] if not t.get("object")}
        self.assertEqual({name: why[name] for name in why if name != "D15"}, {
            "D03": "not-a-trace", "D10": "not-a-file", "D11": "not-a-file", "D12": "link", "D13": "link",
            "D14": "not-a-file"})
        self.assertEqual(host["status"], "partial")
        audit = self.analyzed(FINDINGS)
        self.assertIn("PRD SAPSSLC.pse", audit.gaps(audit.finding("missing-anchor", "unknown-issuer",
                                                                  about="Example Root R2")))

    def test_a_gigabyte_in_one_line(self):
        """Only the end is brought, it is said that it is only the end, and the failure in it counts."""
        instance = self.instance("D00")
        with open(instance.work / "dev_icm", "wb") as huge:
            huge.truncate(1 << 30)
            huge.seek(0, os.SEEK_END)
            huge.write(b"\n" + self.failing(instance).bytes())
        (trace,) = self.collected()["traces"]
        self.assertEqual(trace["length"], TRACE_LIMIT)
        self.assertEqual(trace["from"], trace["size"] - TRACE_LIMIT)
        audit = self.analyzed(FINDINGS)
        finding = audit.finding("missing-anchor", "unknown-issuer", about="Example Root R2")
        self.assertEqual(audit.gaps(finding), ["PRD SAPSSLC.pse"])

    def test_stores(self):
        """Whatever cannot be read is unknown: it lacks nothing and holds nothing."""
        good = self.instance("D00")
        sec = good.sec
        (sec / "EMPTY.pse").touch()
        (sec / "TEXT.pse").write_text("this is no PSE\n" * 100)
        (sec / "RANDOM.pse").write_bytes(os.urandom(5000))
        (sec / "FOLDER.pse").mkdir()
        os.mkfifo(sec / "FIFO.pse")
        (sec / "DANGLING.pse").symlink_to("/nowhere/at/all")
        (sec / "LOOP.pse").symlink_to("LOOP.pse")
        (sec / "DEVICE.pse").symlink_to("/dev/zero")
        (sec / "LARGE.pse").write_bytes(sec.joinpath("SAPSSLC.pse").read_bytes()[:4])
        os.truncate(sec / "LARGE.pse", 1 << 30)
        garbage = good.pse("GARBAGE.pse", [self.root], pin="credential")  # sapgenpse answers, and not with a list
        garbage.with_name("GARBAGE.pse.answer").write_bytes(b"PKL\x1b[2J\x00\xff garbage\n" + os.urandom(3000))
        torn = good.pse("TORN.pse", [self.root], pin="credential")  # ... with a list that ends in mid-entry
        torn.with_name("TORN.pse.answer").write_text(
            ' maintain_pk for PSE "x"\nPKList:\n Element #1:\n  Version:      3\n  Issuer:    CN=Half')
        good.trace(traces.Trace())
        host = self.collected()
        found = {s["path"].split("/")[-1]: s for s in host["stores"]}
        self.assertEqual(found["SAPSSLC.pse"]["method"], "native")
        for name, store in found.items():
            with self.subTest(name):
                if store["method"] == "none":
                    self.assertTrue(store["reason"])
                self.assertNotIn("trusted", store if name != "SAPSSLC.pse" else {})
        audit = self.analyzed((CLEAN, FINDINGS))
        readings = {m.get("path").split("/")[-1]: m.get("reading") for s in audit.stores.values() for m in s}
        self.assertEqual(readings.pop("SAPSSLC.pse"), "native")
        self.assertLessEqual(set(readings.values()), {"none", "partly"}, readings)
        self.assertLessEqual({"EMPTY.pse", "TEXT.pse", "RANDOM.pse", "LARGE.pse", "GARBAGE.pse", "TORN.pse"},
                             set(readings))

    def test_block_over_a_rotation(self):
        """It begins in dev_icm.old and ends in dev_icm: one failure."""
        instance = self.instance("D00")
        whole = self.failing(instance).bytes()
        middle = whole.index(b"Verification result")
        middle = whole.index(b"\n", middle) + 1
        instance.trace(whole[:middle], name="dev_icm", old=True)
        instance.trace(whole[middle:], name="dev_icm")
        self.collected()
        audit = self.analyzed(FINDINGS)
        (failure,) = list(audit.root.find("failures"))
        self.assertEqual((failure.get("count"), failure.get("missing"), failure.get("target")),
                         ("1", self.new.subject, "api.example.com"))

    def test_strange_names(self):
        """Folders and files with blanks, quotes, line feeds: they come through whole, and start nothing."""
        instance = self.instance("D00")
        instance.trace(traces.Trace())
        names = ["with blank.pse", "quote'd.pse", 'double".pse', "$(touch owned).pse", "`touch owned`.pse",
                 "line\nfeed.pse", "-rf.pse", "*.pse", "per%cent.pse", "\u00fcml\u00e4ut.pse", "back\\slash.pse"]
        content = (instance.sec / "SAPSSLC.pse").read_bytes()
        for name in names:
            (instance.sec / name).write_bytes(content)
        strange = self.host.sap_root / "X Y"
        (strange / "D00" / "sec").mkdir(parents=True)
        stores = self.collected()["stores"]
        self.assertEqual(len(stores), 1 + len(names), [s["path"] for s in stores])
        self.assertEqual({s["method"] for s in stores}, {"native"})
        self.assertFalse(list(self.folder.rglob("owned")))


if __name__ == "__main__":
    harness.main()
