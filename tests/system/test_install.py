#!/usr/bin/env python3
"""What "meson install" installs, that it works from there, and that "ninja uninstall" removes all of it."""

import os
import re
import shutil
import subprocess
import unittest

import harness

BUILD = os.environ.get("BUILD_ROOT", "")

WANTED = {
    "bin/trustgap": 0o755,
    "lib/systemd/system/trustgap.service": 0o644,
    "lib/systemd/system/trustgap.timer": 0o644,
    "lib/sysusers.d/trustgap.conf": 0o644,
    "share/bash-completion/completions/trustgap": 0o644,
    "share/zsh/site-functions/_trustgap": 0o644,
    "share/fish/vendor_completions.d/trustgap.fish": 0o644,
    "share/man/man1/trustgap.1": 0o644,
    "share/trustgap/audit.xsd": 0o644,
    "share/doc/trustgap/examples/inventory.ini": 0o644,
    "share/doc/trustgap/examples/policy.ini": 0o644,
    "share/doc/trustgap/LICENSE": 0o644,
    "share/doc/trustgap/README.md": 0o644,
}


def run(*command, **more):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          check=False, **more)
    return done.returncode, done.stdout.decode("utf-8", "backslashreplace")


def files(root):
    return {path.relative_to(root).as_posix(): path for path in root.rglob("*") if path.is_file()}


@unittest.skipUnless(BUILD and shutil.which("meson") and shutil.which("ninja"), "needs meson and ninja")
class Install(harness.Case):
    def setUp(self):
        super().setUp()
        self.root = self.folder / "root"
        environment = {**os.environ, "DESTDIR": str(self.root)}
        status, text = run("meson", "install", "-C", BUILD, "--no-rebuild", env=environment)
        self.assertEqual(status, 0, text)
        self.prefix = next(path.parent.parent for path in self.root.rglob("bin/trustgap"))

    def test_files(self):
        found = files(self.prefix)
        for name, mode in WANTED.items():
            self.assertIn(name, found)
            self.assertEqual(found[name].stat().st_mode & 0o777, mode, name)
        for name, path in found.items():
            self.assertGreater(path.stat().st_size, 0, name)
            if not name.startswith("bin/"):
                self.assertNotIn(str(self.folder), path.read_text("utf-8"), name)
        self.assertEqual(set(files(self.root)),
                         {(self.prefix / name).relative_to(self.root).as_posix() for name in found},
                         "something is installed outside of the prefix")
        run("ninja", "-C", BUILD, "uninstall")
        self.assertEqual(files(self.root), {})

    def test_program(self):
        done = self.trustgap("--version", program=str(self.prefix / "bin/trustgap"))
        self.assertRegex(done.out, r"^trustgap \d+\.\d+\.\d+\n")
        inventory = self.prefix / "share/doc/trustgap/examples/inventory.ini"
        done = self.trustgap("inventory", "-i", inventory, "--list", program=str(self.prefix / "bin/trustgap"))
        self.assertIn("app04.example.com", done.out)
        self.assertEqual(done.err, "")

    def test_completions(self):
        """Each option of each command's --help is offered, and nothing else; the shells can read what is installed."""
        bash = (self.prefix / "share/bash-completion/completions/trustgap").read_text("utf-8")
        fish = (self.prefix / "share/fish/vendor_completions.d/trustgap.fish").read_text("utf-8")
        zsh = (self.prefix / "share/zsh/site-functions/_trustgap").read_text("utf-8")
        commands = re.findall(r"^  ([a-z]+) +\S", self.trustgap("--help").out.split("Options:")[0], re.M)
        self.assertGreaterEqual(len(commands), 8)
        for command in commands:
            options = set(re.findall(r"^  (?:-., )?(--[a-z-]+)", self.trustgap(command, "--help").out, re.M))
            self.assertIn("--help", options)
            words = re.search(r"^ +%s\) words='([^']*)'" % command, bash, re.M).group(1).split()
            self.assertEqual({word for word in words if word.startswith("--")}, options, command)
            self.assertEqual({"--" + name for name in
                              re.findall(r"from %s' -l ([a-z-]+)" % command, fish)}, options, command)
            part = zsh[zsh.index("    %s)\n" % command):].split("        ;;\n")[0]
            self.assertEqual(set(re.findall(r"(?:\{-.,|^ +')(--[a-z-]+)", part, re.M)), options, command)
        for shell, name in (("bash", "share/bash-completion/completions/trustgap"),
                            ("zsh", "share/zsh/site-functions/_trustgap"),
                            ("fish", "share/fish/vendor_completions.d/trustgap.fish")):
            if shutil.which(shell):
                self.assertEqual(run(shell, "-n", str(self.prefix / name)), (0, ""))

    def test_bash_offers(self):
        """What bash offers for a word that was begun."""
        script = ("source %s; COMP_WORDS=(%s); COMP_CWORD=%d; _trustgap; echo \"${COMPREPLY[*]}\"")
        path = self.prefix / "share/bash-completion/completions/trustgap"
        for words, offered in ((("trustgap", "aud"), "audit"), (("trustgap", "report", "--for"), "--format"),
                               (("trustgap", "audit", "--fanout", ""), ""), (("trustgap", "check", "--ch"), "--chain")):
            quoted = " ".join("'%s'" % word for word in words)
            self.assertEqual(run("bash", "--norc", "-c", script % (path, quoted, len(words) - 1), cwd=self.folder),
                             (0, offered + "\n"))

    @unittest.skipUnless(shutil.which("systemd-analyze"), "needs systemd-analyze")
    def test_units(self):
        folder = self.folder / "units"
        folder.mkdir()
        for name in ("trustgap.service", "trustgap.timer"):
            text = (self.prefix / "lib/systemd/system" / name).read_text("utf-8")
            inside = "/" + self.prefix.relative_to(self.root).as_posix()
            (folder / name).write_text(text.replace(inside + "/bin", str(self.prefix / "bin")), "utf-8")
        status, text = run("systemd-analyze", "verify", str(folder / "trustgap.service"), str(folder / "trustgap.timer"))
        unknown = [line for line in text.splitlines() if "trustgap" in line and "man trustgap(1)" not in line]
        self.assertEqual(unknown, [])
        status, text = run("systemd-analyze", "security", "--offline=true", "--threshold=20",
                           str(folder / "trustgap.service"))
        self.assertEqual(status, 0, text[-2000:])


if __name__ == "__main__":
    harness.main()
