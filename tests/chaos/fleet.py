"""
The fleet: healthy hosts, whose every byte is known, and hosts that misbehave, each in its own way.

One sshd listens at all addresses of 127/8; what it does differently for a host stands in a Match block for the address
of that host.  Servers that are no sshd, and what stands in front of the sshd, are in servers.py; hosts that log us in
and then lie run speak.py.
"""

import hashlib
import os
import pathlib
import random
import shutil
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "system"))

import landscape  # noqa: E402
import pki  # noqa: E402
import servers  # noqa: E402
import sshd  # noqa: E402
import traces  # noqa: E402

MARK = "TG_CHAOS_HOST"  # in the environment of whatever a host runs for us: the folder of the fleet
COLLECTED, PARTIAL, FAILED = "collected", "partial", "failed"
POOL = 24  # different PSEs; each host has its own choice of them
SMALL_OBJECTS = 180000


class Skip(Exception):
    """This machine cannot have such a host; the text says why."""


# How a host is reached, and what it does to us.

class Sshd:
    """The common sshd, with further configuration for this host.  known: lines of known_hosts instead of the right."""

    def __init__(self, config="", known=None, tree=None):
        self.config, self.known, self.tree = config, known, tree

    def prepare(self, host):
        if self.tree:
            self.tree(host)
        config = self.config(host) if callable(self.config) else self.config
        if config:
            host.fleet.match(host.address, config)

    def listen(self, host):
        return host.fleet.sshd.port

    def known_hosts(self, host):
        if self.known:
            return self.known(host)
        return "[%s]:%d %s\n" % (host.address, host.port, host.fleet.host_key)


class Script(Sshd):
    """Runs this script in place of the shell.  $SHELL_COMMAND in it: what we asked for."""

    def __init__(self, text, tree=None, needs=None):
        super().__init__(self.force, tree=tree)
        self.text, self.needs = text, needs

    def force(self, host):
        text = self.text
        if self.needs:
            text = text.replace("@", self.needs())
        return "ForceCommand %s" % host.script("#!/bin/sh\n" + text.replace("$SHELL_COMMAND", "$SSH_ORIGINAL_COMMAND"))


class Fake(Sshd):
    """Runs speak.py in place of the shell."""

    def __init__(self, kind):
        super().__init__(lambda host: "ForceCommand exec %s -I -S %s %s %s" % (
            os.readlink("/proc/self/exe"), HERE / "speak.py", kind, host.root))


class Server(Sshd):
    """No sshd at all."""

    def __init__(self, behave):
        super().__init__()
        self.behave = behave

    def listen(self, host):
        return host.fleet.servers.listen(host.address, self.behave)


class Proxy(Sshd):
    """The common sshd, through something that changes what it says.  shape: made with the host's random numbers."""

    def __init__(self, shape):
        super().__init__()
        self.shape = shape

    def listen(self, host):
        return host.fleet.servers.listen(host.address, servers.through(host.fleet.sshd, self.shape(host.random)))


class Nobody(Sshd):
    """Nothing listens; or there is no such name."""

    def __init__(self, name=None):
        super().__init__()
        self.name = name

    def listen(self, host):
        if self.name:
            host.address = self.name
            return 22
        holder = sshd.Refusing(host.address)
        holder.start()
        host.fleet.held.append(holder)
        return holder.port


class Crowded(Sshd):
    """An sshd of its own that takes few logins at a time; several hosts are behind it."""

    def listen(self, host):
        return host.fleet.crowded.port

    def prepare(self, host):
        host.address = host.fleet.crowded.address

    def known_hosts(self, host):
        return host.fleet.crowded.known_hosts_line()


# Trees that are out of order.

def hanging_sapgenpse(host):
    path = host.instance.pse("SAPHANGS.pse", host.fleet.roots[:2], pin="secret")
    path.with_name(path.name + ".hangs").touch()


def prompting_sapgenpse(host):
    path = host.instance.pse("SAPASKS.pse", host.fleet.roots[:2], pin="secret")
    path.with_name(path.name + ".prompts").touch()


def many_objects(host):
    """A PSE of so many small objects: well-formed, below the limit of size, and slow to walk."""
    def element(tag, content):
        size = len(content)
        length = bytes([size]) if size < 128 else b"\x83" + size.to_bytes(3, "big")
        return bytes([tag]) + length + content
    when = element(0x18, b"20260101000000Z")
    one = element(0x30, element(0x13, b"X") + when + bytes.fromhex("06032b2401") + b"\x05\x00")
    algorithm = bytes.fromhex("301c060a2a864886f70d010c0103300e0408000102030405060702022710")
    content = element(0x30, algorithm + when + element(0x31, one * SMALL_OBJECTS))
    path = host.instance.sec / "SAPMANY.pse"
    path.write_bytes(element(0x30, b"\x02\x01\x02" + content))
    path.chmod(0o600)


def linked_trace(host):
    """The trace is a link to a PSE of the instance, private key and all."""
    path = host.instance.work / "dev_webdisp"
    path.symlink_to(host.instance.sec / "SAPSSLC.pse")


def trace_linked_out(host):
    """The trace is a link to a file of the host that is no trace."""
    (host.root.parent / "secret").write_text("the-secret-of-this-host: do not take\n" * 30)
    (host.instance.work / "dev_webdisp").symlink_to(host.root.parent / "secret")


class Changing(Sshd):
    """change(host, path) is called again and again as long as the fleet runs."""

    def __init__(self, change):
        super().__init__()
        self.change = change

    def prepare(self, host):
        path = host.instance.work / "dev_icm"
        content = path.read_bytes()
        for trace in host.instance.work.iterdir():
            host.expected.remove(hashlib.sha256(trace.read_bytes()).hexdigest())
        path.with_name("dev_icm.old").unlink(missing_ok=True)
        host.trace_content = content
        host.fleet.changing.append((self.change, path))


def grow(path):
    with open(path, "ab") as trace:
        trace.write(b"[Thr 1] one line more\n" * 50)


def rotate(path):
    new = path.with_name("new")
    new.write_bytes(path.read_bytes())
    path.replace(path.with_name(path.name + ".old"))
    new.replace(path)


# What is asked of the machine for some of them.

def namespace():
    """How to get a mount name space."""
    for words in ("unshare -m", "unshare -rm"):
        if subprocess.run([*words.split(), "true"], stderr=subprocess.DEVNULL, check=False).returncode == 0:
            return words
    raise Skip("no mount name space: neither root nor user name spaces")


def csh():
    for name in ("csh", "tcsh", "bsd-csh"):
        if shutil.which(name):
            return shutil.which(name)
    raise Skip("no csh on this machine")


def nologin():
    found = shutil.which("nologin", path="/usr/sbin:/sbin")
    if not found:
        raise Skip("no nologin on this machine")
    return found


def few_processes(limit):
    """Bash, whose every command costs a process, as a user who may have only so many."""
    def command():
        if os.getuid() != 0:
            return "exec bash -c 'ulimit -u 1; exec bash --posix'"
        if not shutil.which("setpriv"):
            raise Skip("no setpriv, and root has no limit of processes")
        user = 47009 + limit  # each limit a user of its own: what others run counts
        return ("exec setpriv --reuid %d --regid %d --clear-groups bash -c 'ulimit -u %d; exec bash --posix'" %
                (user, user, limit))
    return command


def readable(host):
    """By the users of few_processes()."""
    for path in [host.root, *host.root.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)


def tools_without(*missing):
    def make(host):
        folder = host.root.parent / "tools"
        folder.mkdir()
        for place in ("/usr/bin", "/bin", "/usr/sbin", "/sbin"):
            for tool in pathlib.Path(place).iterdir():
                if tool.name not in (*missing, "busybox") and not (folder / tool.name).is_symlink():
                    (folder / tool.name).symlink_to(tool)
    return make


FULL_TMP = """exec @ sh -c 'mount -t tmpfs -o size=4k,mode=1777 tmpfs /tmp || exit 9
dd if=/dev/zero of=/tmp/full bs=4096 count=1 2>/dev/null
exec %s'
"""
# Programs that nobody can run, whatever the search path is.
WITHOUT = """exec @ sh -c 'for tool in %s; do
    for place in /usr/bin /bin /usr/sbin /sbin; do
        [ ! -e $place/$tool ] || mount --bind /dev/null "$(readlink -f $place/$tool)" || exit 9
    done
done
exec /bin/sh'
"""
NOISE = """printf 'Welcome!\\033]0;owned\\007\\nLast login: never\\r\\n'
printf 'trustgap-probe 2 00000000000000000000000000000000\\nend 0 records=0\\n\\n'
echo 'stty: standard input: Inappropriate ioctl for device' >&2
eval "$SHELL_COMMAND"
"""


def other_key(host):
    return "[%s]:%d %s\n" % (host.address, host.port, host.fleet.other_key)


def other_type(host):
    return "[%s]:%d %s\n" % (host.address, host.port, host.fleet.ecdsa_key)


def revoked(host):
    line = "[%s]:%d %s\n" % (host.address, host.port, host.fleet.host_key)
    return line + "@revoked " + line


def unknown(_host):
    return ""


def banner(host):
    path = host.root.parent / "banner"
    path.write_bytes(b"\x1b]0;owned\x07\x1b[2J Welcome \xff\xfe to this host\r\n" * 20)
    return "Banner %s" % path


class Row:
    """
    A host that misbehaves: what it does (way), what is to be said of it (status and reasons, one of several each), and
    whether what is sound on it has to arrive all the same.  late: its end is that of a limit, so it begins first.
    """

    def __init__(self, name, way, status, reasons, arrives=None, late=False):
        self.name, self.way, self.late = name, way, late
        self.status = status if isinstance(status, tuple) else (status,)
        self.reasons = reasons if isinstance(reasons, tuple) else (reasons,)
        self.arrives = arrives if arrives is not None else self.status == (COLLECTED,)


_GOOD = (COLLECTED, None)
_CUT = ((FAILED, PARTIAL), ("closed", "protocol", "probe-incomplete"))
_NOT_SSH = (FAILED, "protocol")
_LATE = {"late": True}

ROWS = [
    # Nothing that speaks SSH.
    Row("name-unknown", Nobody("no-such-host.invalid"), FAILED, ("name-not-found", "time-out")),
    Row("refused", Nobody(), FAILED, "refused"),
    Row("silent", Server(servers.says()), FAILED, "time-out"),
    Row("closes-at-once", Server(servers.says(then_wait=False)), FAILED, "busy"),
    Row("no-banner", Server(servers.says(servers.kexinit(b"curve25519-sha256"))), FAILED, ("protocol", "time-out")),
    Row("garbage-banner", Server(servers.says(bytes(range(256)) * 1000)), *_NOT_SSH),
    Row("endless-banner", Server(servers.repeats(b"", b"Wait a moment, please.\r\n" * 100)), *_NOT_SSH),
    Row("long-banner", Server(servers.says(b"SSH-2.0-" + b"x" * 100000)), *_NOT_SSH),
    Row("banner-with-escapes", Server(servers.says(b"SSH-2.0-\x1b]0;owned\x07\x1b[2J\x9b31m\r\n")), FAILED,
        ("protocol", "time-out")),
    Row("http", Server(servers.says(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n", then_wait=False)), FAILED,
        ("protocol", "closed")),
    Row("ssh-1", Server(servers.says(b"SSH-1.5-1.2.27\r\n")), *_NOT_SSH),
    Row("ssh-1-closes", Server(servers.says(b"SSH-1.5-1.2.27\n", then_wait=False)), *_NOT_SSH),
    # The key exchange.
    Row("hangs-after-banner", Server(servers.says(servers.BANNER)), FAILED, "time-out"),
    Row("hangs-in-key-exchange", Server(servers.key_exchange_says()), FAILED, "time-out"),
    Row("hangs-in-a-packet", Proxy(lambda r: servers.after(r.randrange(60, 600), None)), FAILED, "time-out"),
    Row("wrong-packet-length", Server(servers.key_exchange_says(b"\xff\xff\xff\xff\x04\x1f")), *_NOT_SSH),
    Row("empty-packets", Server(servers.key_exchange_says(bytes(4096))), *_NOT_SSH),
    Row("endless-ignore", Server(servers.repeats(servers.BANNER + servers.kexinit(b"curve25519-sha256"),
                                                 servers.packet(b"\x02" + servers.string(bytes(1000))) * 20)), FAILED,
        ("protocol", "time-out", "limit")),
    Row("endless-key-exchange", Server(servers.repeats(servers.BANNER, servers.kexinit(b"curve25519-sha256"))), FAILED,
        ("protocol", "time-out")),
    Row("goodbye-with-escapes", Server(servers.disconnects(b"\x1b]0;owned\x07\x1b[31mgo away\r\n\n" * 10)), FAILED,
        ("protocol", "closed")),
    Row("no-common-algorithm", Server(servers.says(servers.BANNER + servers.kexinit(b"sntrup4591761x25519@example"))),
        FAILED, "no-common-algorithm"),
    *(Row("huge-group-exchange-%d" % n, Server(servers.group_exchange(
        16384, b"diffie-hellman-group-exchange-sha%d" % (1, 256)[n % 2])), FAILED, ("no-common-algorithm", "protocol"))
      for n in range(6)),
    # The host key.
    Row("wrong-host-key", Sshd(known=other_key), FAILED, "host-key-changed"),
    Row("other-key-type", Sshd(known=other_type), FAILED,
        ("host-key-changed", "host-key-unknown", "no-common-algorithm")),
    Row("revoked-key", Sshd(known=revoked), FAILED, "host-key-revoked"),
    Row("unknown-key", Sshd(known=unknown), FAILED, "host-key-unknown"),
    # The login.
    Row("hangs-in-login", Proxy(lambda r: servers.after(0, None, encrypted=True)), FAILED, "time-out"),
    Row("hangs-later-in-login", Proxy(lambda r: servers.after(r.randrange(30, 90), None, encrypted=True)), FAILED,
        "time-out"),
    Row("refuses-login", Sshd("AuthorizedKeysFile none"), FAILED, "login-refused"),
    Row("locked-account", Sshd(lambda host: "DenyUsers %s" % sshd.user()), FAILED, "login-refused"),
    Row("nologin", Script("exec @\n", needs=nologin), FAILED, "no-shell"),
    Row("no-channel", Sshd("MaxSessions 0"), FAILED, ("no-shell", "closed")),
    Row("noisy-banner", Sshd(banner), *_GOOD),
    # The connection.
    Row("drops-in-banner", Proxy(lambda r: servers.after(r.randrange(1, 20), False)), FAILED, ("busy", "closed")),
    Row("drops-in-key-exchange", Proxy(lambda r: servers.after(r.randrange(60, 600), False)), *_CUT),
    Row("drops-later-in-key-exchange", Proxy(lambda r: servers.after(r.randrange(600, 1700), False)), *_CUT),
    *(Row("drops-late-%d" % n, Proxy(lambda r: servers.after(r.randrange(0, 12000), False, encrypted=True)), *_CUT)
      for n in range(4)),
    *(Row("flips-a-bit-%d" % n, Proxy(lambda r: servers.flipped(r.randrange(0, 4000))), (FAILED, PARTIAL),
          ("protocol", "closed", "time-out", "probe-incomplete", "login-refused")) for n in range(3)),
    Row("a-byte-a-second", Proxy(lambda r: servers.slowly), FAILED, "time-out"),
    Row("rekeys-without-end", Sshd("RekeyLimit 1K"), *_GOOD),
    # The shell.
    Row("hangs-after-exec", Fake("silent"), FAILED, "time-out", **_LATE),
    Row("hangs-in-mid-record", Fake("mid-record"), PARTIAL, "time-out", **_LATE),
    Row("slow-after-exec", Fake("slow-record"), PARTIAL, "time-out", **_LATE),
    Row("csh", Script('exec @ -c "$SHELL_COMMAND"\n', needs=csh), *_GOOD),
    Row("noisy-profile", Script(NOISE), *_GOOD),
    Row("full-tmp", Script(FULL_TMP % "/bin/sh", needs=namespace), *_GOOD),
    Row("full-tmp-bash", Script(FULL_TMP % "bash --posix", needs=namespace), *_GOOD),
    Row("no-od", Script("PATH=${0%/*}/tools; export PATH; exec /bin/sh\n", tree=tools_without("od")), *_GOOD),
    Row("no-od-anywhere", Script(WITHOUT % "od hexdump xxd", needs=namespace), *_GOOD),
    Row("no-awk-anywhere", Script(WITHOUT % "awk mawk gawk nawk original-awk busybox perl", needs=namespace), PARTIAL,
        "no-tool"),
    Row("no-path", Script("PATH=/nowhere; export PATH; exec /bin/sh\n"), (COLLECTED, PARTIAL), (None, "no-tool")),
    # Bash waits a quarter of a minute before it gives up to start a process.
    Row("process-limit", Script("@\n", needs=few_processes(1), tree=readable), (PARTIAL, FAILED),
        ("no-tool", "unread", "probe-incomplete", "no-shell"), **_LATE),
    Row("process-limit-of-3", Script("@\n", needs=few_processes(3), tree=readable), (PARTIAL, FAILED),
        ("no-tool", "unread", "probe-incomplete", "no-shell", "time-out"), **_LATE),
    # The probe's stream.
    Row("fake-but-fine", Fake("fine"), *_GOOD),
    Row("endless-output", Fake("endless-output"), FAILED, ("limit", "no-shell", "bad-record")),
    Row("endless-stderr", Fake("endless-stderr"), FAILED, "limit"),
    Row("endless-notes", Fake("endless-notes"), (FAILED, PARTIAL), ("limit", "time-out"), **_LATE),
    Row("endless-instances", Fake("endless-instances"), PARTIAL, ("limit", "time-out"), **_LATE),
    Row("endless-beats", Fake("endless-beats"), PARTIAL, ("limit", "time-out"), arrives=True, **_LATE),
    Row("endless-after-end", Fake("endless-after-end"), *_GOOD),
    Row("end-twice", Fake("end-twice"), *_GOOD),
    Row("garbage-record", Fake("garbage-record"), PARTIAL, "bad-record"),
    Row("short-length", Fake("short-length"), PARTIAL, "bad-record"),
    Row("long-length", Fake("long-length"), PARTIAL, ("probe-incomplete", "bad-record")),
    Row("huge-length", Fake("huge-length"), PARTIAL, ("bad-record", "limit", "probe-incomplete")),
    Row("huge-trace", Fake("huge-trace"), PARTIAL, ("bad-record", "limit", "probe-incomplete")),
    Row("endless-digits", Fake("endless-digits"), PARTIAL, ("bad-record", "limit")),
    Row("negative-length", Fake("negative-length"), PARTIAL, "bad-record"),
    Row("long-header", Fake("long-header"), PARTIAL, ("bad-record", "limit")),
    Row("wrong-count", Fake("wrong-count"), PARTIAL, ("probe-incomplete", "bad-record"), arrives=True),
    Row("no-end", Fake("no-end"), PARTIAL, ("probe-incomplete", "bad-record")),
    Row("wrong-nonce", Fake("wrong-nonce"), FAILED, ("no-shell", "bad-record", "probe-incomplete")),
    Row("other-version", Fake("other-version"), FAILED, ("bad-record", "no-shell")),
    Row("orphans", Fake("orphans"), (COLLECTED, PARTIAL), (None, "bad-record")),
    Row("paths-up", Fake("paths-up"), (COLLECTED, PARTIAL), (None, "bad-record")),
    Row("paths-with-controls", Fake("paths-with-controls"), (COLLECTED, PARTIAL), (None, "bad-record", "unread")),
    Row("names-of-4-kb", Fake("names-of-4-kb"), (COLLECTED, PARTIAL), (None, "bad-record", "limit")),
    Row("key-as-trace", Fake("key-as-trace"), PARTIAL, ("unread", "bad-record", "private-key")),
    Row("pse-as-trace", Fake("pse-as-trace"), PARTIAL, ("unread", "bad-record", "private-key")),
    Row("broken-encoding", Fake("broken-encoding"), PARTIAL, ("bad-record", "unread")),
    Row("wrong-size", Fake("wrong-size"), PARTIAL, ("bad-record", "limit")),
    Row("wrong-skip", Fake("wrong-skip"), PARTIAL, ("bad-record", "unread")),
    Row("forged-end-of-system", Fake("forged-end-of-system"), (COLLECTED, PARTIAL), (None, "bad-record"), arrives=True),
    Row("other-system", Fake("other-system"), PARTIAL, "bad-record"),
    # The tree.
    Row("sapgenpse-hangs", Sshd(tree=hanging_sapgenpse), (COLLECTED, PARTIAL), (None, "unread"), arrives=True, **_LATE),
    Row("sapgenpse-asks", Sshd(tree=prompting_sapgenpse), (COLLECTED, PARTIAL), (None, "unread"), arrives=True),
    Row("pse-of-180000", Sshd(tree=many_objects), (COLLECTED, PARTIAL), (None, "unread"), arrives=True, **_LATE),
    Row("trace-grows", Changing(grow), *_GOOD),
    Row("trace-rotates", Changing(rotate), (COLLECTED, PARTIAL), (None, "unread"), arrives=True),
    Row("trace-is-a-key", Sshd(tree=linked_trace), PARTIAL, "unread", arrives=True),
    Row("trace-leads-out", Sshd(tree=trace_linked_out), PARTIAL, "unread", arrives=True),
    # Few logins at a time, and several hosts behind one address.
    *(Row("crowded-%d" % n, Crowded(), *_GOOD) for n in range(8)),
]


class Host:
    """One host of the fleet; row is None for a healthy one."""

    def __init__(self, fleet, name, address, row):
        self.fleet, self.name, self.address, self.row = fleet, name, address, row
        self.way = row.way if row else Sshd()
        self.random = random.Random("%s %s" % (fleet.seed, name))
        self.port = None
        self.root = fleet.folder / "hosts" / name / "sap"
        self.sap_root = self.root  # as landscape.Instance knows it
        self.expected = []  # digests of what a collection has to bring, in any order
        self.instance = landscape.Instance(self, "PRD", "D00")
        self.trace_content = None
        self.skip = None
        self._fill()
        try:
            self.way.prepare(self)
        except Skip as reason:
            self.skip = str(reason)

    def _fill(self):
        """Traces and PSEs, different from host to host, and what is to arrive of them."""
        number, fake = len(self.fleet.hosts), isinstance(self.way, Fake)  # which tells of one trace and one PSE
        self._add_trace(self.instance, "dev_icm", 30000 if number % 10 or fake else 2000000)
        if number % 4 == 0 and not fake:
            self._add_trace(self.instance, "dev_icm.old", 5000)
        for name in ("SAPSSLC.pse", "SAPSSLA.pse")[:1 if fake else 2]:
            path = self._add_pse(self.instance, name)
        if fake:
            shutil.copyfile(path, self.root.parent / "canary.pse")
            (self.root.parent / "trusted.der").write_bytes(self.fleet.lists[self.expected[-1]])
        if number % 7 == 0 and not self.row:
            second = landscape.Instance(self, "PRD", "ASCS01")
            self._add_trace(second, "dev_icm", 4000)
            self._add_pse(second, "SAPSSLS.pse")

    def _add_pse(self, instance, name):
        source, digest = self.random.choice(self.fleet.pool)
        path = instance.sec / name
        shutil.copyfile(source, path)
        path.chmod(0o600)
        self.expected.append(digest)
        return path

    def _add_trace(self, instance, name, size):
        line = "[Thr %d] %s of host %s: %032x\n"
        trace = traces.Trace(sid="PRD", host="host%d" % len(self.fleet.hosts)).bytes()
        lines = []
        while size > 0:
            text = line % (self.random.randrange(1 << 40), name, self.name, self.random.getrandbits(128))
            lines.append(text.encode())
            size -= len(lines[-1])
        trace += b"".join(lines)
        (instance.work / name).write_bytes(trace)
        self.expected.append(hashlib.sha256(trace).hexdigest())

    def script(self, text):
        path = self.root.parent / "run"
        path.write_text(text)
        path.chmod(0o755)
        return path

    def inventory_line(self):
        return "%s ansible_host=%s ansible_port=%d sap_root=%s\n" % (self.name, self.address, self.port, self.root)


class Fleet:
    """rows: the hosts that misbehave; healthy: how many do not.  Made in a folder that every user can look into."""

    def __init__(self, folder, rows, healthy, seed=20261130):
        self.folder = pathlib.Path(folder).resolve()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.seed = seed
        self.servers = servers.Servers()
        self.hosts, self.held, self.changing, self.matches = [], [], [], []
        self.stopped = threading.Event()
        self.changer = threading.Thread(target=self._change, daemon=True)
        self.client_key = sshd.make_key(self.folder / "id_ed25519")
        mark = "UTC %s=%s" % (MARK, self.folder)  # more words behind the zone are more variables
        self.sshd = sshd.Server(self.folder / "sshd", "0.0.0.0", self.client_key, mark)
        self.crowded = sshd.Server(self.folder / "crowded", "127.9.255.1", self.client_key, mark,
                                   startups="3:100:3")
        self.host_key = " ".join(sshd.public_key(self.sshd.host_key))
        self.other_key = " ".join(sshd.public_key(sshd.make_key(self.folder / "other_key")))
        self.ecdsa_key = " ".join(sshd.public_key(sshd.make_key(self.folder / "ecdsa_key", kind="ecdsa")))
        self.inventory, self.known_hosts = self.folder / "inventory.ini", self.folder / "known_hosts"
        self._make_pool()
        for number in range(healthy):
            self._add("healthy-%03d" % number, "127.8.%d.%d" % (number // 200, number % 200 + 1), None)
        for number, row in enumerate(rows):
            self._add(row.name, "127.9.0.%d" % (number + 1), row)

    def _make_pool(self):
        """PSEs with the roots of this machine; the primes of their keys are bytes that nobody may ever see."""
        authority = pki.Authority(self.folder / "ca")
        own_root = authority.root("Example Root R1")
        own = authority.make("erp.example.com", own_root, key="rsa")
        self.roots = [own_root, authority.root("Example Root R2"), *pki.public_roots(12)]
        chosen = random.Random(self.seed)
        self.canary = bytes(chosen.randrange(256) for _ in range(128))
        self.pool, self.lists = [], {}
        (self.folder / "pool").mkdir()
        for number in range(POOL):
            trust = chosen.sample(self.roots, chosen.randrange(2, min(9, len(self.roots))))
            path = self.folder / "pool" / ("%d.pse" % number)
            landscape.make_pse(path, trust, own, version=chosen.choice((2, 4)), canary=self.canary.hex())
            content = b"".join(sorted(cert.der for cert in trust))
            digest = hashlib.sha256(content).hexdigest()
            self.pool.append((path, digest))
            self.lists[digest] = content

    def _add(self, name, address, row):
        host = Host(self, name, address, row)
        self.hosts.append(host)

    def match(self, address, config):
        self.matches.append("Match LocalAddress %s\n    %s\n" % (address, config))

    def __iter__(self):
        """The hosts that there are: in the order of the inventory."""
        here = [host for host in self.hosts if not host.skip]
        late = [host for host in here if host.row and host.row.late]
        rest = [host for host in here if host not in late]
        random.Random(self.seed).shuffle(rest)
        return iter(late + rest)

    def find(self, name):
        return next(host for host in self.hosts if host.name == name)

    def _change(self):
        while not self.stopped.wait(0.2):
            for change, path in self.changing:
                change(path)

    def start(self):
        self.sshd.more = "".join(self.matches)
        self.sshd.start()
        self.crowded.start()
        for host in self.hosts:
            if not host.skip:
                host.port = host.way.listen(host)
        common = "\n[all:vars]\nansible_user=%s\nansible_ssh_private_key_file=%s\n" % (sshd.user(), self.client_key)
        self.inventory.write_text("".join(host.inventory_line() for host in self) + common)
        self.known_hosts.write_text("".join(host.way.known_hosts(host) for host in self))
        self.changer.start()

    def stop(self):
        self.stopped.set()
        if self.changer.is_alive():
            self.changer.join()
        self.servers.stop()
        self.sshd.stop()
        self.crowded.stop()
        for holder in self.held:
            holder.stop()

    def running(self):
        """What runs on the hosts for somebody who logged in: [(pid, host's address, command line)]."""
        found = []
        mark = ("%s=%s" % (MARK, self.folder)).encode()
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            try:
                environment = (entry / "environ").read_bytes().split(b"\0")
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
            except OSError:
                continue
            if mark in environment or (str(self.folder) + "/hosts/") in command:
                where = next((v.split()[2].decode() for v in environment if v.startswith(b"SSH_CONNECTION=")), "?")
                found.append((int(entry.name), where, command.strip()))
        return found + [(pid, "?", "a session of sshd") for server in (self.sshd, self.crowded) if server.process
                        for pid in sshd.descendants(server.process.pid)]

    def wait_until_idle(self, seconds):
        """Return what still runs after so many seconds."""
        end = time.monotonic() + seconds
        while True:
            left = self.running()
            if not left or time.monotonic() > end:
                return left
            time.sleep(0.2)
