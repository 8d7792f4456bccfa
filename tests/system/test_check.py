#!/usr/bin/env python3
"""trustgap check: what-if questions on an audit of real hosts, their answers, exit statuses and messages."""

import json
import subprocess

import harness
import pki
import traces
from harness import CLEAN, DATA, FINDINGS, NO_INPUT, USAGE

AT = pki.NOW.strftime("%Y-%m-%dT%H:%M:%SZ")


class Check(harness.Case):
    """PRD lacks what QAS holds; WDP's PSE has a PIN and no credential."""

    def setUp(self):
        super().setUp()
        whole = self.landscape()
        make = whole.authority
        self.root, self.old = make.root("Example Root R2"), make.root("Example Root R1")
        self.issuing = make.issuing("Example Issuing CA 2", self.root)
        self.api = make.make("api.example.com", self.issuing)
        base = pki.public_roots(3)
        prd = whole.host("app01").instance("PRD", "D00")
        store = prd.pse("SAPSSLC.pse", base)
        trace = traces.Trace(sid="PRD", level=2)
        trace.untrusted(traces.ago(2), store, self.api.chain[:2], "api.example.com")
        prd.trace(trace)
        whole.host("app02").instance("QAS", "D10").pse("SAPSSLC.pse", base + [self.root])
        whole.host("web01").instance("WDP", "W30").pse("SAPSSLC.pse", base, pin="secret")
        with whole:
            self.collect(whole, "capture")
        self.trustgap("analyze", "capture", "--at", AT, "-o", "audit.xml", expect=FINDINGS)
        self.base = base
        self.chain = self.pem("chain.pem", self.api, self.issuing)

    def pem(self, name, *certs):
        path = self.folder / name
        path.write_text("".join(cert.pem for cert in certs))
        return path

    def check(self, *arguments, expect=CLEAN, **more):
        return self.trustgap("check", "audit.xml", "--at", AT, *arguments, expect=expect, **more)

    def json(self, *arguments, expect=CLEAN, **more):
        answer = json.loads(self.check("-f", "json", *arguments, expect=expect, **more).out)
        self.assertEqual(answer["format"], "trustgap check 1")
        self.assertEqual(answer["rejects"], expect == FINDINGS)
        return answer

    def answers(self, peer):
        return {place["store"].split()[-2]: verdict for verdict in peer["verdicts"] for place in verdict["stores"]}

    def test_who_accepts(self):
        (peer,) = self.json("--chain", self.chain, expect=FINDINGS)["peers"]
        answers = self.answers(peer)
        self.assertEqual({name: verdict["answer"] for name, verdict in answers.items()},
                         {"PRD": "rejects", "QAS": "accepts", "W30": "unknown"})
        self.assertEqual(answers["PRD"]["import"], self.root.sha256)
        self.assertEqual(answers["QAS"]["path"], [cert.sha256 for cert in self.api.chain])
        (best, *_) = peer["imports"]
        self.assertEqual((best["kind"], best["holder"], best["pem"]), ("root", "QAS SAPSSLC.pse", self.root.pem))
        text = self.check("--chain", self.chain, expect=FINDINGS).out
        for words in ("1 trust store would reject it, 1 would accept it, of 1", "CN=Example Root R2", "would heal"):
            self.assertIn(words, " ".join(text.split()))

    def test_openssl_says_the_same(self):
        """The same reason in OpenSSL's words, from its own program."""
        trusted = self.pem("trusted.pem", *self.base)
        done = subprocess.run(["openssl", "verify", "-partial_chain", "-CAfile", trusted, "-untrusted", self.chain,
                               "-no-CApath", "-no-CAstore", self.api.path], capture_output=True, text=True, check=False)
        (peer,) = self.json("--chain", self.chain, expect=FINDINGS)["peers"]
        self.assertIn(self.answers(peer)["PRD"]["reason"], done.stderr)

    def test_from_standard_input_and_in_der(self):
        store = ("--store", "QAS *")
        self.json("--chain", "-", *store, stdin=self.chain.read_bytes())
        done = self.check("--chain", "-", *store, stdin=b"-----BEGIN OF SOMETHING ELSE\n", expect=DATA)
        self.assertTrue(done.err.startswith("standard input: no certificate"), done.err)
        der = self.folder / "peer.der"
        der.write_bytes(self.api.der)
        (peer,) = self.json("--chain", der, *store, expect=FINDINGS)["peers"]
        self.assertEqual(peer["missing"], self.issuing.subject, "the file has the peer's own certificate only")

    def test_import_and_drop(self):
        spec = "%s@PRD *" % self.root.path
        answer = self.json("--import", spec, "--store", "PRD *", "--chain", self.chain)
        verdict = self.answers(answer["peers"][0])["PRD"]
        self.assertEqual((verdict["before"], verdict["answer"]), ("rejects", "accepts"))
        self.assertEqual([effect["effect"] for effect in answer["effects"]], ["healed"])
        self.assertEqual(answer["open_gaps"], 0)
        self.json("--import", spec)
        elsewhere = self.json("--import", "%s@QAS *" % self.root.sha256, expect=FINDINGS)
        self.assertEqual((elsewhere["effects"], elsewhere["open_gaps"]), ([], 1))
        colons = ":".join(self.root.sha256.upper()[i:i + 2] for i in range(0, 64, 2))
        answer = self.json("--drop", colons, "--chain", self.chain, expect=FINDINGS)
        self.assertEqual(answer["peers"][0]["broken"], 1)
        self.assertEqual([store for change in answer["assumed"] for store in change["stores"]], ["QAS SAPSSLC.pse"])

    def test_against(self):
        self.json("--against", "audit.xml", expect=FINDINGS)  # PRD's own gap is open there as well
        other = self.landscape_of("NEW", self.base)
        answer = self.json("--against", other, expect=FINDINGS)
        (need,) = answer["needs"]
        self.assertEqual(need["certificate"]["sha256"], self.root.sha256)
        self.assertEqual((need["lacking"], need["sources"], need["connections"]), (["NEW SAPSSLC.pse"], 1, 1))
        self.json("--against", self.landscape_of("FUL", self.base + [self.root]))

    def landscape_of(self, sid, trusted):
        whole = harness.landscape.Landscape(self.folder / sid)
        self.addCleanup(whole.stop)
        whole.host("new01").instance(sid, "D00").pse("SAPSSLC.pse", trusted)
        with whole:
            self.collect(whole, "capture-" + sid)
        self.trustgap("analyze", "capture-" + sid, "--at", AT, "-o", sid + ".xml")
        return sid + ".xml"

    def test_at(self):
        answer = self.json("--chain", self.chain, "--store", "QAS *")
        self.assertEqual(answer["at"], AT)
        done = self.trustgap("check", "audit.xml", "--chain", self.chain, "--at", "2099-01-01", "--store", "QAS *",
                             expect=FINDINGS)
        self.expect_in("certificate has expired", done)

    def test_names_days_and_sides(self):
        name = self.root.subject.split(",")[0].split("=", 1)[1].strip()
        answer = self.json("--drop", name, "--chain", self.chain, expect=FINDINGS)
        self.assertEqual(answer["assumed"][0]["certificate"]["sha256"], self.root.sha256)
        self.assertEqual(answer["assumed"][0]["own"], [])
        self.json("--import", name + "@PRD *", "--store", "PRD *", "--chain", self.chain)
        for text, at in (("2099-04", "2099-04-01T00:00:00Z"), ("2099-04-02", "2099-04-02T00:00:00Z")):
            done = self.trustgap("check", "audit.xml", "--chain", self.chain, "--at", text, "-f", "json", expect=FINDINGS)
            self.assertEqual(json.loads(done.out)["at"], at)
        self.expect_in("--at: 2099-13: ", self.trustgap("check", "audit.xml", "--drop", name, "--at", "2099-13",
                                                        expect=USAGE))
        self.expect_in("so all were asked", self.check("--chain", self.chain, "--side", "server", expect=FINDINGS))
        self.expect_in("--side: x: ", self.check("--chain", self.chain, "--side", "x", expect=USAGE))

    def test_messages(self):
        junk = self.folder / "junk.pem"
        junk.write_text("nothing\n")
        for expect, begin, *arguments in (
                (USAGE, "trustgap check: nothing is asked"),
                (USAGE, "trustgap check: xml: no such format", "--chain", self.chain, "-f", "xml"),
                (USAGE, "--import: x.pem: must be CERT@STORE", "--import", "x.pem"),
                (USAGE, "--store: nobody*: ", "--chain", self.chain, "--store", "nobody*"),
                (USAGE, "--drop: %s: " % ("0" * 40), "--drop", "0" * 40),
                (USAGE, "trustgap check: standard input is named more than once", "--chain", "-", "--chain", "-"),
                (DATA, "%s: no certificate" % junk, "--chain", junk),
                (NO_INPUT, "no-such.pem: ", "--chain", "no-such.pem"),
                (NO_INPUT, "--import: no-such.pem: ", "--import", "no-such.pem@*"),
                (NO_INPUT, "no-such.xml: ", "--against", "no-such.xml"),
                (DATA, "chain.pem:1: ", "--against", "chain.pem")):
            with self.subTest(begin):
                done = self.check(*arguments, expect=expect)
                self.assertTrue(done.err.startswith(begin), done.err)
                self.assertEqual(done.out, "")
        self.expect_in("more than one audit", self.check("other.xml", "--chain", self.chain, expect=USAGE))
        done = self.trustgap("check", "no-such.xml", "--chain", self.chain, expect=NO_INPUT)
        self.assertTrue(done.err.startswith("no-such.xml: "), done.err)


if __name__ == "__main__":
    harness.main()
