"""
Real sshd processes on loopback addresses, and what stands in for hosts that are out of order.

Each server has an address of its own in 127.0.0.0/8, an unprivileged port, and its own host key.  It runs as whoever
runs the test and lets that user in with one key; the shell reads nothing at that user's home.  Every server ends with
this process, however that ends.
"""

import atexit
import ctypes
import getpass
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

START_SECONDS = 20

_CONFIG = """\
ListenAddress {address}
Port {port}
HostKey {host_key}
AuthorizedKeysFile {authorized_keys}
PidFile none
UsePAM {pam}
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
PubkeyAuthentication yes
PermitRootLogin prohibit-password
PrintMotd no
UseDNS no
MaxStartups {startups}
MaxSessions 1000
LogLevel VERBOSE
SetEnv TZ={zone} HOME={folder}
{more}
"""


def find():
    """The path of sshd (it wants to be called by its whole path), or None."""
    return shutil.which("sshd", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin:/sbin")


def user():
    return getpass.getuser()


def make_key(path, passphrase="", kind="ed25519"):
    """Make a key pair; return the private key's path."""
    path = pathlib.Path(path)
    if not path.exists():
        subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", "trustgap-test", "-f", str(path)],
                       check=True, stdin=subprocess.DEVNULL)
    return path


def public_key(path):
    return pathlib.Path(str(path) + ".pub").read_text("ascii").split()[:2]


def descendants(pid):
    """All processes below pid, as Linux knows them."""
    children = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except OSError:
                continue
            children.setdefault(int(stat.rsplit(")", 1)[1].split()[1]), []).append(int(entry.name))
    found, open_pids = [], [pid]
    while open_pids:
        below = children.get(open_pids.pop(), [])
        found += below
        open_pids += below
    return found


def _end_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


def _password_is_locked():
    """Whether sshd without PAM would refuse us for a '!' in the shadow file, which images of containers like."""
    try:
        with open("/etc/shadow", encoding="utf-8") as shadow:
            return any(line.startswith(user() + ":!") for line in shadow)
    except OSError:
        return False


class Server:
    """One sshd.  more: further lines of its configuration; zone: TZ of what it starts; startups: MaxStartups."""

    def __init__(self, folder, address, client_key, zone="UTC", more="", startups="2000"):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.address = address
        self.port = None
        self.zone = zone
        self.more = more
        self.startups = startups
        self.process = None
        self.host_key = make_key(self.folder / "host_key")
        self.authorized = self.folder / "authorized_keys"
        self.authorized.write_text(" ".join(public_key(client_key)) + "\n" if client_key else "")

    def known_hosts_line(self, key=None):
        return "[%s]:%d %s\n" % (self.address, self.port, " ".join(public_key(key or self.host_key)))

    def start(self):
        if os.getuid() == 0:
            os.makedirs("/run/sshd", mode=0o755, exist_ok=True)
        for _ in range(5):  # another process may take the free port before sshd does
            self.port = self.port or free_port(self.address)
            if self._start_once():
                return
            self.port = None
        raise RuntimeError("sshd does not start:\n" + (self.folder / "sshd.log").read_text(errors="replace")[-2000:])

    def _start_once(self):
        config = self.folder / "sshd_config"
        config.write_text(_CONFIG.format(
            address=self.address, port=self.port, host_key=self.host_key, authorized_keys=self.authorized,
            pam="yes" if _password_is_locked() else "no", zone=self.zone, folder=self.folder, more=self.more,
            startups=self.startups))
        self.process = subprocess.Popen(
            [find(), "-D", "-f", str(config), "-E", str(self.folder / "sshd.log")], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True, preexec_fn=_end_with_parent)
        atexit.register(self.stop)
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and self.process.poll() is None:
            if greets(self.address, self.port):
                return True
            time.sleep(0.02)
        self.stop()
        return False

    def stop(self):
        """End the server and the sessions that it still has; they are no longer below it once it is gone."""
        process, self.process = self.process, None
        atexit.unregister(self.stop)
        if process is None:
            return
        sessions = descendants(process.pid)
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for pid in sessions:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass


class Hanging:
    """Takes connections (the kernel does) and never says a word."""

    def __init__(self, address):
        self.address = address
        self.port = None
        self.socket = None

    def start(self):
        self.socket = socket.socket()
        self.socket.bind((self.address, self.port or 0))
        self.port = self.socket.getsockname()[1]
        self._listen()

    def _listen(self):
        self.socket.listen(16)

    def stop(self):
        if self.socket:
            self.socket.close()
            self.socket = None


class Refusing(Hanging):
    """Holds a port on which nothing listens, so that nobody else can take it."""

    def _listen(self):
        pass


def free_port(address):
    with socket.socket() as probe:
        probe.bind((address, 0))
        return probe.getsockname()[1]


def greets(address, port):
    try:
        with socket.create_connection((address, port), 1) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False
