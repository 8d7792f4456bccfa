#!/usr/bin/env python3
"""Private keys stay where they are: no eight bytes of one in a capture, an audit, a report or a message."""

import os
import re

import harness
import traces
from harness import CLEAN, FINDINGS

PIECE = 8  # bytes in a row that may be nowhere


class Canary(harness.Case):
    def setUp(self):
        super().setUp()
        self.whole = self.landscape()
        self.secrets = {}  # what it is -> bytes
        self.root = self.whole.authority.root("Example Root R1")
        self.own = self.whole.authority.make("erp.example.com", self.root, key="rsa")
        self.instance = self.whole.host("sapprd01").instance("PRD", "D00")

    def pse(self, file, instance=None, **more):
        """A PSE with random bytes for the primes of its key, which are then searched for."""
        p, q = os.urandom(64), os.urandom(64)
        path = (instance or self.instance).pse(file, [self.root, self.own], own=self.own, canary=(p + q).hex(), **more)
        content = path.read_bytes()
        for name, secret in (("p", p), ("q", q)):
            self.assertEqual(secret in content, not more.get("pin"), "the canary is in the PSE, if that is open")
            self.secrets["%s of %s" % (name, file)] = secret
        return path

    def found(self, content):
        """Which secrets have a piece in these bytes, as they are or as hex digits."""
        digits = re.sub(rb"[^0-9a-f]", b"", content.lower())
        return sorted({name for name, secret in self.secrets.items() for i in range(len(secret) - PIECE + 1)
                       if secret[i:i + PIECE] in content or secret[i:i + PIECE].hex().encode() in digits})

    def check(self, *folders):
        for path, content in self.everything(*folders):
            self.assertEqual(self.found(content), [], path)
        said = (self.last.out + self.last.err).encode()
        self.assertEqual(self.found(said), [], "messages")

    def test_search_finds_what_is_there(self):
        """The test itself: in each form in which a key could get out."""
        self.secrets["x"] = os.urandom(64)
        piece = self.secrets["x"][20:20 + PIECE]
        for form in (piece, piece.hex().encode(), piece.hex(" ").upper().encode(), b"\n".join(
                b"%02x" % byte for byte in piece)):
            self.assertEqual(self.found(b"before " + form + b" behind"), ["x"], form)
        self.assertEqual(self.found(piece[:-1]), [])

    def test_nothing_gets_out(self):
        self.pse("SAPSSLC.pse")
        self.pse("SAPSSLS.pse", version=4)
        self.pse("SAPSSLA.pse", pin="credential")
        self.pse("SAPSYS.pse", pin="secret")
        other = self.instance.host.instance("PRD", "D01")  # here is no sapgenpse, which would be asked about these
        damaged = self.pse("SAPSNCS.pse", other)
        content = damaged.read_bytes()
        damaged.write_bytes(content[:content.index(self.secrets["p of SAPSNCS.pse"]) + 40])
        forged = self.pse("SAPVERIFY.pse", other)  # its key says that it is the trust list
        forged.write_bytes(forged.read_bytes().replace(b"\x06\x05\x2b\x24\x02\x03\x04", b"\x06\x05\x2b\x24\x02\x06\x01"))
        store = os.urandom(64)
        (self.instance.sec / "SecStoreDBKey.pse").write_bytes(store)
        self.secrets["SecStoreDBKey.pse"] = store
        self.instance.trace(traces.Trace())
        with self.whole:
            self.audit(self.whole, "state", "--verbose", expect=(CLEAN, FINDINGS), environment={
                **self.environment, "TRUSTGAP_TRACE_STATES": "1"})
        self.check(self.folder / "state")

        _, hosts = self.capture(next((self.folder / "state" / "captures").iterdir()))
        stores = {s["path"].rsplit("/", 1)[1]: s for s in hosts["sapprd01"]["stores"]}
        methods = {name: (s["method"], (s.get("reason") or "").split(" ")[0]) for name, s in stores.items()}
        self.assertEqual(methods, {
            "SAPSSLC.pse": ("native", ""), "SAPSSLS.pse": ("native", ""), "SAPSSLA.pse": ("sapgenpse", ""),
            "SAPSYS.pse": ("none", "needs-pin"), "SAPSNCS.pse": ("none", methods["SAPSNCS.pse"][1]),
            "SAPVERIFY.pse": ("none", "damaged"),
        })
        self.assertIn(methods["SAPSNCS.pse"][1], ("damaged", "no-pse"))
        # The own certificate comes along, so the search above looked into the right place.
        objects = [p.read_bytes() for p in self.objects(next((self.folder / "state" / "captures").iterdir()))]
        self.assertIn(self.own.der, objects)

    def test_cut_after_any_byte(self):
        """A PSE that ends anywhere: never a byte of the key, never a list that counts."""
        path = self.pse("SAPSSLC.pse")
        whole = path.read_bytes()
        lengths = sorted({0, 1, 2, 5, 10, len(whole) - 1, *range(3, len(whole), max(1, len(whole) // 60))})
        path.unlink()
        for length in lengths:
            (self.instance.sec / ("CUT%05d.pse" % length)).write_bytes(whole[:length])
        with self.whole:
            self.collect(self.whole, "capture")
        self.check(self.folder / "capture")
        _, hosts = self.capture(self.folder / "capture")
        stores = hosts["sapprd01"]["stores"]
        self.assertEqual(len(stores), len(lengths))
        self.assertEqual({s["method"] for s in stores}, {"none"})
        self.assertTrue(all(s.get("reason") for s in stores))

    def test_dry_run_never_writes_or_asks(self):
        """What would run has no command that changes a PSE, and no PIN."""
        with self.whole:
            pass
        script = self.trustgap("collect", "-i", self.whole.inventory, "--dry-run").out
        for word in ("maintain_pk -a", "maintain_pk -d", "import_own_cert", "export_p8", "export_p12", "seclogin -",
                     "gen_pse"):
            self.assertNotIn(word, script)
        for line in script.splitlines():
            code = line.split("#", 1)[0]
            self.assertNotRegex(code, r"\b(rm|mv|cp|mkdir|touch|mktemp|tee)\b(?! -)", line)


if __name__ == "__main__":
    harness.main()
