#!/usr/bin/env python3
"""Hosts that are out of order: each is named with its reason, and none of them costs another host anything."""


import harness
import sshd
import traces
from harness import BOTH, CLEAN, FINDINGS, HOSTS_MISSING

# What the host does with the connection before the probe, and after so many bytes of its answer.
CUT = """#!/bin/sh
/bin/sh | head -c 20000
"""
KILL = """#!/bin/sh
/bin/sh | head -c 20000
sleep 3 # the server has to pass it on before it dies
pid=$$
while :; do
    case $(cat /proc/$pid/comm) in sshd*) kill -9 $pid; exit ;; esac
    pid=$(sed 's/.*) //' /proc/$pid/stat | cut -d' ' -f2)
done
"""
NOISY = """#!/bin/sh
echo "Welcome to $(hostname)."
printf 'trustgap-probe 2 00000000000000000000000000000000\\nend 0 records=0\\n\\n'
exec /bin/sh
"""
GARBAGE = """#!/bin/sh
cat >/dev/null
head -c 300000 /dev/zero | tr '\\0' 'x'
"""
ENDLESS = """#!/bin/sh
nonce=$(sed -n "s/^tg_nonce='\\(.*\\)'.*/\\1/p" | head -n 1)
printf 'trustgap-probe 2 %s\\nend 0 records=0\\n\\n' "$nonce"
exec yes 'more after the end'
"""
FLOOD = """#!/bin/sh
cat >/dev/null
exec yes 'complaints without an end' >&2
"""
DEAF = """#!/bin/sh
exec sleep 1000
"""


class Hosts(harness.Case):
    def setUp(self):
        super().setUp()
        self.whole = self.landscape()

    def script(self, name, text):
        """Further sshd configuration: every login runs this."""
        path = self.folder / name
        path.write_text(text)
        path.chmod(0o755)
        return "ForceCommand %s" % path

    def sap_host(self, name, **more):
        """A host whose trace is far longer than what the scripts above let through."""
        host = self.whole.host(name, **more)
        instance = host.instance("PRD", "D00")
        instance.pse("SAPSSLC.pse", [self.whole.authority.root("Example Root R1")])
        trace = traces.Trace()
        trace.noise(200)
        instance.trace(trace)
        return host

    def test_each_host_has_its_reason(self):
        self.sap_host("fine01")
        self.sap_host("refused", server="refusing")
        self.sap_host("changed").known_key = sshd.make_key(self.folder / "other_key")
        self.sap_host("unknown").known = False
        self.sap_host("hanging", server="hanging")
        self.sap_host("cut", more=self.script("cut", CUT))
        self.sap_host("killed", more=self.script("kill", KILL))
        self.sap_host("nologin", login=False)
        self.sap_host("noshell", more=self.script("noshell", "#!/bin/sh\nexit 1\n"))
        self.sap_host("garbage", more=self.script("garbage", GARBAGE))
        self.sap_host("noisy", more=self.script("noisy", NOISY))
        self.sap_host("deaf", more=self.script("deaf", DEAF))
        self.sap_host("fine02")
        nowhere = self.whole.host("nowhere", server="refusing")
        with self.whole:
            nowhere.server.address = "no-such-host.invalid"
            self.whole.write_inventory()
            self.collect(self.whole, "capture", "--connect-timeout", "6", "--host-timeout", "15", expect=HOSTS_MISSING)
        _, hosts = self.capture(self.folder / "capture")
        rows = [  # host, status, reasons
            ("fine01", "collected", (None,)),
            ("fine02", "collected", (None,)),
            ("noisy", "collected", (None,)),
            ("refused", "failed", ("refused",)),
            ("changed", "failed", ("host-key-changed",)),
            ("unknown", "failed", ("host-key-unknown",)),
            ("hanging", "failed", ("time-out",)),
            ("cut", "partial", ("probe-incomplete",)),
            ("killed", "partial", ("closed", "probe-incomplete")),
            ("nologin", "failed", ("login-refused",)),
            ("noshell", "failed", ("no-shell", "probe-incomplete")),
            ("garbage", "failed", ("limit", "no-shell", "bad-record")),
            ("deaf", "failed", ("time-out",)),
            ("nowhere", "failed", ("name-not-found", "time-out")),
        ]
        self.assertEqual(sorted(hosts), sorted(row[0] for row in rows))
        for name, status, reasons in rows:
            with self.subTest(name):
                host = hosts[name]
                self.assertEqual(host["status"], status, host)
                self.assertIn(host.get("reason"), reasons, host)
                if status == "failed":
                    self.expect_in(host["message"], self.last)

    def test_hosts_that_never_stop(self):
        """Neither more after the last record nor floods of complaints hold a place until the host's deadline."""
        self.sap_host("fine01")
        self.sap_host("endless", more=self.script("endless", ENDLESS))
        self.sap_host("flood", more=self.script("flood", FLOOD))
        with self.whole:  # who waited for this deadline would wait too long for the test
            self.collect(self.whole, "capture", "--host-timeout", "3600", expect=HOSTS_MISSING)
        _, hosts = self.capture(self.folder / "capture")
        self.assertEqual({name: (host["status"], host.get("reason")) for name, host in hosts.items()},
                         {"fine01": ("collected", None), "endless": ("partial", "no-instance"),
                          "flood": ("failed", "limit")})

    def test_failed_hosts_are_findings(self):
        self.sap_host("fine01")
        self.sap_host("refused", server="refusing")
        self.sap_host("hanging", server="hanging")
        with self.whole:
            self.audit(self.whole, "state", "--connect-timeout", "6", expect=(HOSTS_MISSING, BOTH))
        audit = harness.Audit(self.folder / "state" / "latest.xml")
        self.assertEqual(len(audit.findings("host-missing")), 2, str(audit))
        report = (self.folder / "state" / "report.txt").read_text()
        for word in ("refused", "hanging"):
            self.assertIn(word, report)

    def test_partial_host_counts_with_what_came(self):
        """What the cut-off host sent before is in the audit; what it did not send is unknown, not missing."""
        self.sap_host("cut", more=self.script("cut", CUT))
        with self.whole:
            self.collect(self.whole, "capture", expect=HOSTS_MISSING)
        self.trustgap("analyze", "capture", "-o", "audit.xml", expect=(HOSTS_MISSING, FINDINGS | HOSTS_MISSING))
        audit = harness.Audit(self.folder / "audit.xml")
        self.assertEqual(audit.hosts["cut"].get("status"), "partial")
        self.assertEqual([i.get("sid") for i in audit.hosts["cut"].iter("instance")], ["PRD"])
        self.assertFalse(audit.findings("missing-anchor", "unknown-issuer"), str(audit))

    def test_nothing_is_left_on_the_host(self):
        """No file, no process: not even of a host that was given up."""
        host = self.sap_host("fine01")
        deaf = self.sap_host("deaf", more=self.script("deaf", "#!/bin/sh\nexec cat\n"))
        before = self.files(host)
        with self.whole:
            self.collect(self.whole, "capture", "--host-timeout", "6", expect=HOSTS_MISSING)
            for one in (host, deaf):
                listener = one.server.process.pid
                harness.wait_for(lambda: not sshd.descendants(listener), 10, "the end of the sessions on " + one.name)
        self.assertEqual(self.files(host), before)

    @staticmethod
    def files(host):
        return sorted((str(p), p.stat().st_mtime_ns, p.stat().st_mode) for p in host.sap_root.rglob("*"))

    def test_many_hosts_over_one_door(self):
        """More hosts than --fanout lets in at once."""
        host = self.sap_host("sapprd00")
        with self.whole:
            line = host.inventory_line().split(" ", 1)[1]
            inventory = self.whole.inventory.read_text()
            self.whole.inventory.write_text(inventory.replace(
                host.inventory_line(), "\n".join("sapprd%02d %s" % (n, line) for n in range(40))))
            self.collect(self.whole, "capture", "--fanout", "7")
        _, hosts = self.capture(self.folder / "capture")
        self.assertEqual(len(hosts), 40)
        self.assertEqual({h["status"] for h in hosts.values()}, {"collected"})
        objects = {p.name for p in self.objects(self.folder / "capture")}
        named = {h["traces"][0]["object"] for h in hosts.values()} | {h["stores"][0]["trusted"] for h in hosts.values()}
        self.assertLessEqual(named, objects)
        self.assertLess(len(objects), 40, "equal contents are kept once")


class Local(harness.Case):
    def test_local_connection_runs_the_same_probe(self):
        whole = self.landscape()
        instance = whole.host("here").instance("PRD", "D00")
        instance.pse("SAPSSLC.pse", [whole.authority.root("Example Root R1")])
        instance.trace(traces.Trace())
        with whole:
            self.collect(whole, "over-ssh")
        whole.inventory.write_text("here ansible_connection=local sap_root=%s\n" % instance.host.sap_root)
        self.collect(whole, "local")
        (_, there), (_, here) = self.capture(self.folder / "over-ssh"), self.capture(self.folder / "local")
        for part in ("instances", "traces", "stores"):
            self.assertEqual(there["here"][part], here["here"][part])


if __name__ == "__main__":
    harness.main()
