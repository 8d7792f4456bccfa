"""
A landscape in a folder: hosts with SAP trees (traces, PSEs), an sshd for each, an inventory, known_hosts.

    landscape = Landscape(folder)
    host = landscape.host("sapprd01", tier="production")
    d00 = host.instance("PRD", "D00")
    d00.pse("SAPSSLC.pse", trust=[root])
    d00.trace(trace)
    with landscape:         # starts the hosts, writes inventory.ini and known_hosts
        run trustgap

The program that writes PSE files is taken from $MAKE_PSE; the stand-in for sapgenpse lies in tests/tools.
"""

import os
import pathlib
import shutil
import stat
import subprocess

import pki
import sshd

HERE = pathlib.Path(__file__).resolve().parent
STANDIN = HERE.parent / "tools" / "sapgenpse"


def make_pse(out, trust, own=None, version=2, pin=False, canary=None):
    """Write a PSE with the trust list trust (of pki.Cert) and the own certificate own, whose key is in it."""
    program = os.environ.get("MAKE_PSE")
    if not program:
        raise RuntimeError("MAKE_PSE is not set: the program tests/tools/make-pse of a build")
    command = [program, "--version", str(version)]
    if pin:
        command.append("--pin")
    if own:
        command += ["--key", str(own.key), "--own", str(own.path)]
    if canary:
        command += ["--canary", canary]
    for certificate in trust:
        command += ["--trust", str(certificate.path)]
    out = pathlib.Path(out)
    new = out.with_name(out.name + ".new")  # replaced in one step, as STRUST's distribution does for a reader
    subprocess.run(command + ["-o", str(new)], check=True)
    new.chmod(0o600)
    new.replace(out)


class Instance:
    """An instance folder on a host, such as /usr/sap/PRD/D00."""

    def __init__(self, host, sid, name):
        self.host, self.sid, self.name = host, sid, name
        self.path = host.sap_root / sid / name if sid else host.sap_root / name
        self.sec = self.path / "exe" / "sec" if name == "hostctrl" else self.path / "sec"
        if name.startswith("HDB"):
            self.sec = self.path / host.name / "sec"
        self.work = self.path / "work"
        for folder in (self.sec, self.work, self.path / "exe"):
            folder.mkdir(parents=True, exist_ok=True)

    def pse(self, file, trust, own=None, version=2, pin=None, canary=None):
        """
        Write sec/file.  pin: None (no PIN), "credential" (sapgenpse can open it: the stand-in finds its listing) or
        "secret" (nobody can).  Return its path.
        """
        path = self.sec / file
        make_pse(path, trust, own, version, pin is not None, canary)
        if pin == "credential":
            path.with_name(path.name + ".pem").write_text("".join(c.pem for c in trust))
        if pin:
            self.sapgenpse()
        return path

    def sapgenpse(self):
        path = self.path / "exe" / "sapgenpse"
        shutil.copyfile(STANDIN, path)
        path.chmod(0o755)

    def trace(self, trace, name=None, old=False):
        """Write a trace (of traces.Trace, or bytes under a name) into the work folder; return its path."""
        content = trace if isinstance(trace, bytes) else trace.bytes()
        path = self.work / ((name or trace.name) + (".old" if old else ""))
        path.write_bytes(content)
        return path


class Host:
    """A host of the landscape.  server: something with start(), stop(), address and port."""

    def __init__(self, landscape, name, server, groups, variables):
        self.landscape, self.name, self.server, self.groups, self.variables = landscape, name, server, groups, variables
        self.sap_root = landscape.folder / "hosts" / name / "usr" / "sap"
        self.known_key = None  # a key that known_hosts has instead of the right one
        self.known = isinstance(server, sshd.Server)

    def instance(self, sid, name):
        return Instance(self, sid, name)

    def inventory_line(self):
        values = {"ansible_host": self.server.address, "ansible_port": self.server.port, "sap_root": self.sap_root,
                  **self.variables}
        return self.name + "".join(
            " %s=%s" % (key, '"%s"' % value if " " in str(value) else value) for key, value in values.items())


class Landscape:
    """
    All hosts of a test.  Addresses are counted up from 127.0.0.20; parallel tests share them, since every server
    looks for a free port.
    """

    def __init__(self, folder):
        self.folder = pathlib.Path(folder).resolve()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.authority = pki.Authority(self.folder / "ca")
        self.client_key = sshd.make_key(self.folder / "id_ed25519")
        self.inventory = self.folder / "inventory.ini"
        self.known_hosts = self.folder / "known_hosts"
        self.hosts = []

    def host(self, name, groups=(), tier=None, owner=None, zone="UTC", more="", server=None, login=True, startups="2000", **variables):
        """
        Add a host.  more: further sshd configuration; server: "hanging" or "refusing" instead of an sshd; login:
        whether our key may log in; startups: its MaxStartups; variables: further inventory variables.
        """
        address = "127.0.0.%d" % (20 + len(self.hosts))
        if tier:
            variables["sap_tier"] = tier
        if owner:
            variables["sap_owner"] = owner
        if server:
            server = {"hanging": sshd.Hanging, "refusing": sshd.Refusing}[server](address)
        else:
            server = sshd.Server(self.folder / "sshd" / name, address, self.client_key if login else None, zone, more,
                                 startups)
        found = Host(self, name, server, groups, variables)
        found.sap_root.mkdir(parents=True, exist_ok=True)
        self.hosts.append(found)
        return found

    def write_inventory(self):
        """inventory.ini and known_hosts, once the ports are known."""
        lines = ["# The hosts of this landscape; each is an sshd on this machine.", ""]
        grouped = {}
        for host in self.hosts:
            for group in host.groups:
                grouped.setdefault(group, []).append(host.name)
        lines += [host.inventory_line() for host in self.hosts]
        for group, names in grouped.items():
            lines += ["", "[%s]" % group, *names]
        lines += ["", "[all:vars]", "ansible_user=" + sshd.user(),
                  "ansible_ssh_private_key_file=%s" % self.client_key, ""]
        self.inventory.write_text("\n".join(lines))
        self.known_hosts.write_text(
            "".join(h.server.known_hosts_line(h.known_key) for h in self.hosts if h.known))

    def start(self):
        for host in self.hosts:
            host.server.start()
        self.write_inventory()

    def stop(self):
        for host in self.hosts:
            host.server.stop()

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()
