#!/usr/bin/env python3
"""
The landscape of tools/demo: Example AG's SAP systems after a bad night.

    demo.py FOLDER [--next-night] COMMAND [ARGUMENT...]

makes the landscape in FOLDER, starts its hosts, runs the command in FOLDER, stops the hosts, and ends with the
command's status.  --next-night: during the day an administrator has imported the missing root in two places,
distributed a PSE that was not the same everywhere, and set the trace level back.

The story.  The operator of api.example.com has moved to a new root, Example Root R2.  Production and quality do not
know it yet; the developers imported it in DEV weeks ago and told nobody, so it is there to be taken from.  The own
corporate CA was renewed too, and the Web Dispatcher does not trust it.  Around this, the usual: an import that reached
one application server of two, a partner whose CA nobody knows, a label printer with a self-signed certificate,
certificates past their end, a trace level that somebody left raised, and three hosts that are out of order.
"""

import datetime
import os
import pathlib
import signal
import subprocess
import sys
import time

import landscape as landscapes
import pki
import sshd
import traces

ZONE = "CET-1CEST,M3.5.0,M10.5.0/3"  # Europe/Berlin, for machines without a table of zones


def at(hours, minutes=0):
    """So long before now, in the hosts' zone."""
    os.environ["TZ"], before = ZONE, os.environ.get("TZ")
    time.tzset()
    try:
        moment = pki.NOW.timestamp() - hours * 3600 - minutes * 60
        return datetime.datetime(*time.localtime(moment)[:6]).replace(microsecond=344000)
    finally:
        if before is None:
            del os.environ["TZ"]
        else:
            os.environ["TZ"] = before
        time.tzset()


class Certificates:
    def __init__(self, authority):
        make, root, issuing = authority.make, authority.root, authority.issuing
        self.public = pki.public_roots()
        self.root_1 = root("Example Root R1")
        self.root_2 = root("Example Root R2", start=-300)
        self.issuing_2 = issuing("Example Issuing CA 2", self.root_2, start=-299)
        self.api = make("api.example.com", self.issuing_2, start=-1, end=89)
        self.files = make("files.example.net", self.issuing_2, start=-2, end=88)

        own = [("C", "DE"), ("O", "Example AG")]
        self.corporate_old = root("Example AG Root CA 2016", name=own + [("CN", "Example AG Root CA 2016")], end=900)
        self.corporate = root("Example AG Root CA 2026", name=own + [("CN", "Example AG Root CA 2026")], start=-200)
        self.corporate_issuing = issuing("Example AG Issuing CA 7", self.corporate, start=-199,
                                         name=own + [("OU", "IT Security"), ("CN", "Example AG Issuing CA 7")])
        self.server = {
            "PRD": make("erp.example.com", self.corporate_issuing, key="rsa", end=300),
            "QAS": make("erp-qas.example.com", self.corporate_old, key="rsa", end=-3),
            "DEV": make("erp-dev.example.com", self.corporate_old, key="rsa", end=12),
            "WDP": make("www.example.com", self.issuing_2, key="rsa", end=200),
            "HDB": make("hana01.example.com", self.corporate_old, key="rsa", end=400),
            "SOL": make("solman.example.com", self.corporate_old, key="rsa", end=250),
        }
        self.bank_root = root("Example Bank Root CA", name=[("C", "CH"), ("O", "Example Bank, Ltd."),
                                                            ("CN", "Example Bank Root CA")])
        self.bank = make("ebics.bank.example.org", self.bank_root, end=200)
        partner = root("Example Partner Root", name=[("C", "US"), ("O", "Example Logistics, Inc."),
                                                     ("CN", "Example Logistics Root")])
        self.partner = make("edi.example.org", issuing("Example Logistics TLS CA", partner, name=[
            ("C", "US"), ("O", "Example Logistics, Inc."), ("CN", "Example Logistics TLS CA")]), end=50)
        self.printer = make("label-printer-3", None, start=-700, end=2900, name=[
            ("C", "DE"), ("ST", "Bayern"), ("O", "Example AG"), ("OU", "Plant Hof"), ("CN", "label-printer-3")])
        self.expired_root = root("Example Root R0", start=-3900, end=-200)


def build(folder, next_night):
    """The landscape in folder."""
    whole = landscapes.Landscape(folder)
    certs = Certificates(whole.authority)
    base = certs.public + [certs.root_1, certs.corporate_old]
    healed = [certs.root_2] if next_night else []

    def host(name, system, owner, tier, **more):
        return whole.host(name, groups=[system], tier=tier, owner=owner, zone=ZONE, **more)

    basis, web, logistics = "ERP Basis team", "Web infrastructure", "Logistics IT"
    _production(host("sapprd01", "prd", basis, "production"), host("sapprd02", "prd", basis, "production"), certs, base,
                healed)
    _quality(host("sapqas01", "qas", basis, "quality"), host("sapqas02", "qas", basis, "quality"), certs, base,
             level=1 if next_night else 2)
    _development(host("sapdev01", "dev", basis, "development"), certs, base)
    _web_dispatcher(host("webdisp01", "web", web, "production"), certs, base, healed)
    _hana(host("hana01", "hana", "Database team", "production"), certs, base)
    _solution_manager(host("sapsol01", "sol", basis, "production"), certs, base)
    host("sapbwp01", "bwp", "Reporting team", "production", server="refusing")
    host("sapewm01", "ewm", logistics, "production", server="hanging")
    host("sapewq01", "ewm", logistics, "quality").known_key = sshd.make_key(whole.folder / "old_host_key")

    references = whole.folder / "references"
    references.mkdir(exist_ok=True)
    (references / "example-ag-root-ca-2026.pem").write_text(certs.corporate.pem)
    return whole


def _production(first, second, certs, base, healed):
    d00, d01 = first.instance("PRD", "D00"), second.instance("PRD", "D01")
    for instance in (d00, d01):
        bank = [certs.bank_root] if healed or instance is d00 else []  # when it was saved in STRUST, D01 was down
        standard = instance.pse("SAPSSLC.pse", base + bank + healed, own=certs.server["PRD"])
        instance.pse("SAPSSLS.pse", [certs.corporate_old, certs.corporate_issuing], own=certs.server["PRD"])
    anonymous = d00.pse("SAPSSLA.pse", base)
    d01.pse("SAPSSLA.pse", base)

    earlier = traces.Trace(sid="PRD", sysno="00", host="sapprd01", pid=21044)
    for hour in range(30, 18, -2):
        earlier.untrusted(at(hour, 11), d00.sec / "SAPSSLC.pse", certs.api.chain[:2], "api.example.com")
    d00.trace(earlier, old=True)
    trace = traces.Trace(sid="PRD", sysno="00", host="sapprd01", pid=21044)
    for hour in range(16, 2, -1):
        trace.untrusted(at(hour, 11), d00.sec / "SAPSSLC.pse", certs.api.chain[:2], "api.example.com")
        if hour % 4 == 0:
            trace.untrusted(at(hour), anonymous, certs.files.chain[:2], "files.example.net", "198.51.100.21")
    d00.trace(trace)

    trace = traces.Trace(sid="PRD", sysno="01", host="sapprd02", pid=20717)
    for hour in range(9, 2, -1):
        trace.untrusted(at(hour, 40), standard, certs.api.chain[:2], "api.example.com")
    for hour in (6, 5):
        trace.untrusted(at(hour, 2), standard, certs.bank.chain, "ebics.bank.example.org", "203.0.113.77")
    d01.trace(trace)


def _quality(first, second, certs, base, level):
    own = certs.server["QAS"]
    d10, d11 = first.instance("QAS", "D10"), second.instance("QAS", "D11")
    for instance in (d10, d11):
        instance.pse("SAPSSLC.pse", base + [certs.expired_root], own=own)
        instance.pse("SAPSSLA.pse", base[:24])
        instance.pse("SAPSSLS.pse", [certs.corporate_old], own=own)
    trace = traces.Trace(level=level, sid="QAS", sysno="10", host="sapqas01", pid=9330)
    for hour in (12, 8, 4):
        trace.noise(3)
        trace.untrusted(at(hour, 5), d10.sec / "SAPSSLC.pse", certs.api.chain[:2], "api-test.example.com")
        trace.untrusted(at(hour, 3), d10.sec / "SAPSSLC.pse", certs.partner.chain[:2], "edi.example.org",
                        "203.0.113.90", 8443)
    trace.untrusted_flat(at(3, 50), d10.sec / "SAPSSLA.pse", certs.printer, "192.0.2.83")
    d10.trace(trace)
    d11.trace(traces.Trace(sid="QAS", sysno="11", host="sapqas02", pid=9121))


def _development(host, certs, base):
    d20 = host.instance("DEV", "D20")
    d20.pse("SAPSSLC.pse", base + [certs.root_2, certs.issuing_2], own=certs.server["DEV"], version=4)
    d20.pse("SAPSSLA.pse", base + [certs.root_2], version=4)
    d20.pse("SAPSSLS.pse", [certs.corporate_old], own=certs.server["DEV"], version=4)
    trace = traces.Trace(sid="DEV", sysno="20", host="sapdev01", pid=3120, release="793")
    trace.name_mismatch(at(20), "mock-api.example.com", "CN=*.dev.example.net, O=Example AG, C=DE")
    trace.proxy_refused(at(7, 30), "npm.example.org")
    d20.trace(trace)


def _web_dispatcher(host, certs, base, healed):
    w30 = host.instance("WDP", "W30")
    store = w30.pse("SAPSSLC.pse", base + healed)
    w30.pse("SAPSSLS.pse", [certs.corporate_old], own=certs.server["WDP"])
    trace = traces.Trace("dev_webdisp", sid="WDP", sysno="30", host="webdisp01", pid=811)
    for hour in (11, 10, 9, 3):
        trace.untrusted(at(hour, 20), store, certs.server["PRD"].chain[:2], "erp.example.com", "192.0.2.31", 44300)
    trace.untrusted(at(5, 20), store, certs.api.chain[:2], "api.example.com")
    trace.closed(at(2, 15), "erp-dev.example.com")
    w30.trace(trace)


def _hana(host, certs, base):
    hdb = host.instance("HDB", "HDB00")
    hdb.pse("sapsrv.pse", base, own=certs.server["HDB"])
    hdb.pse("SAPSSLC.pse", base + [certs.root_2])
    hdb.trace(traces.Trace("dev_webdisp", sid="HDB", sysno="00", host="hana01", pid=5150))


def _solution_manager(host, certs, base):
    """An older kernel, whose traces tell less, and PSEs with a PIN: sapgenpse has a credential for one of the two."""
    d50 = host.instance("SOL", "D50")
    standard = d50.pse("SAPSSLC.pse", base, own=certs.server["SOL"], pin="credential")
    anonymous = d50.pse("SAPSSLA.pse", base, pin="secret")
    trace = traces.Trace(sid="SOL", sysno="50", host="sapsol01", pid=2210, release="722")
    for hour in (14, 2):
        trace.untrusted_old(at(hour), standard, certs.root_2.subject, width=38)
    trace.untrusted(at(13), anonymous, certs.api.chain[:2], "api.example.com")
    trace.peer_refused(at(4, 44), standard, "tax-gateway.example.org")
    d50.trace(trace)


def main(arguments):
    next_night = "--next-night" in arguments[:2]
    words = [word for word in arguments if word != "--next-night"]
    if len(words) < 2:
        print(__doc__, file=sys.stderr)
        return 64
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the hosts are stopped then, too
    whole = build(pathlib.Path(words[0]), next_night)
    with whole:
        return run(words[1:], whole.folder)


def run(command, folder):
    """Run it to its end, which after Ctrl-C is its own business: it is in the same group of processes."""
    process = subprocess.Popen(command, cwd=folder)
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
