#!/usr/bin/env python3
"""The command line and the files that it names: each mistake has its message and its status, and costs nothing."""

import json
import os
import signal
import socket
import subprocess

import harness
from harness import BOTH, CLEAN, DATA, FAILED, FINDINGS, HOSTS_MISSING, NO_INPUT, USAGE

COMMANDS = ("audit", "collect", "analyze", "report", "explain", "inventory", "validate")


def make_socket(path):
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


class Inventory(harness.Case):
    def list(self, content, *more, expect=CLEAN):
        path = self.folder / "hosts.ini"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return self.trustgap("inventory", "-i", path, "--list", *more, expect=expect)

    def test_list(self):
        done = self.list("[prod]\napp[01:03].example.com sap_tier=production\n\n[dev]\nlocal ansible_connection=local\n"
                         "[all:children]\nprod\ndev\n[prod:vars]\nansible_user=sapaudit\nansible_port=2222\n")
        listed = json.loads(done.out)
        hosts = listed["_meta"]["hostvars"]
        self.assertEqual(sorted(hosts), ["app%02d.example.com" % n for n in (1, 2, 3)] + ["local"])
        self.assertEqual(listed["prod"]["hosts"], ["app%02d.example.com" % n for n in (1, 2, 3)])
        self.assertEqual(str(hosts["app02.example.com"]["ansible_port"]), "2222")
        self.assertEqual(hosts["app02.example.com"]["ansible_user"], "sapaudit")
        self.assertEqual(done.err, "")

    def test_limit(self):
        text = "[a]\nx1\nx2\n[b]\nx2\nx3\n"
        rows = (("x1", ["x1"]), ("a", ["x1", "x2"]), ("a,!x2", ["x1"]), ("a,&b", ["x2"]), ("x*", ["x1", "x2", "x3"]))
        for pattern, names in rows:
            with self.subTest(pattern):
                listed = json.loads(self.list(text, "--limit", pattern).out)
                self.assertEqual(sorted(listed["_meta"]["hostvars"]), names)
        self.expect_in("nothing", self.list(text, "--limit", "nothing", expect=USAGE))

    def test_bad_inventories(self):
        rows = [  # description, content, what the message has in it
            ("empty", "", "hosts.ini"),
            ("only comments", "# nothing\n\n; nothing\n", "hosts.ini"),
            ("only an empty group", "[prod]\n", "hosts.ini"),
            ("binary", b"\x00\x01\x02\xff\xfe" * 100, "hosts.ini: a binary file"),
            ("a program", open("/bin/sh", "rb").read(), "hosts.ini: a binary file"),
            ("a range without end", "[prod]\napp[01:\n", "hosts.ini:2:"),
            ("a range that goes down", "app[09:01]\n", "hosts.ini:1:"),
            ("a range without measure", "app[0:99999999]\n", "hosts.ini:1:"),
            ("a section without end", "one\n[prod\ntwo\n", "hosts.ini:2:"),
            ("a group that does not exist", "one\n\n[prod:children]\nnothing\n", "hosts.ini:4:"),
            ("groups in a circle", "[a:children]\nb\n[b:children]\na\n[a]\nx\n", "hosts.ini:"),
            ("a port that is none", "one ansible_port=http\n", "hosts.ini:1:"),
            ("a port out of range", "one ansible_port=65536\n", "hosts.ini:1:"),
            ("one of our variables misspelt", "one\n\ntwo sap_teir=x\n",
             'hosts.ini:3: unknown variable "sap_teir", did you mean "sap_tier"?'),
            ("a user in the name", "sapadm@one\n", "ansible_user"),
            ("a quote without end", "one sap_owner=\"nobody\n", "hosts.ini:1:"),
        ]
        for description, content, message in rows:
            with self.subTest(description):
                done = self.list(content, expect=DATA)
                self.expect_in(message, done)
                self.assertEqual(done.out, "")
                self.assertEqual(done.err.count("\n"), 1, done)

    def test_one_host_that_is_not_supported(self):
        """A Windows host is reported as not collected, and costs the others nothing; left out, it is not even named."""
        (self.folder / "sap" / "PRD" / "D00" / "sec").mkdir(parents=True)
        text = ("[linux]\none ansible_connection=ansible.builtin.local sap_root=%s\n"
                "[windows]\nbo01 ansible_connection=winrm ansible_port=5986 ansible_password=s3cret\n"
                "[docker]\nbox ansible_connection=community.docker.docker\n" % (self.folder / "sap"))
        listed = json.loads(self.list(text).out)["_meta"]["hostvars"]
        self.assertEqual({name: host["ansible_connection"] for name, host in listed.items()},
                         {"one": "local", "bo01": "winrm", "box": "community.docker.docker"})
        done = self.trustgap("collect", "-i", "hosts.ini", "-o", "all", expect=HOSTS_MISSING)
        self.expect_in("bo01: winrm is not supported", done)
        self.assertNotIn("s3cret", done.err)
        _, hosts = self.capture(self.folder / "all")
        self.assertEqual(hosts["bo01"]["reason"], "unsupported-connection")
        self.assertEqual(hosts["box"]["status"], "failed")
        self.assertNotEqual(hosts["one"]["status"], "failed")
        done = self.trustgap("collect", "-i", "hosts.ini", "-o", "some", "--limit", "linux",
                             expect=(CLEAN, HOSTS_MISSING))
        self.assertNotIn("winrm", done.out + done.err)
        done = self.trustgap("collect", "-i", "hosts.ini", "--dry-run")
        self.assertIn("# bo01: nothing: winrm is not supported", done.out)

    def test_login_variables_that_are_ignored(self):
        done = self.list("one\n[all:vars]\nansible_ssh_common_args='-o ProxyJump=bastion -o s3cret'\n")
        self.expect_in("hosts.ini:3: ansible_ssh_common_args is ignored (1 host)", done)
        self.assertNotIn("s3cret", done.err)
        self.assertEqual(self.list("one\n[all:vars]\nansible_password=x\n", "--quiet").err, "")
        (self.folder / "group_vars").mkdir()
        (self.folder / "group_vars" / "all.yml").write_text("ansible_user: sapaudit\n")
        os.mkfifo(self.folder / "group_vars" / "all")
        self.expect_in("group_vars/all.yml: ansible_user has no effect", self.list("one\n"))

    def test_pipes_that_nobody_named(self):
        """A pipe, a socket or a folder where a file with a fixed name should be: a message, and no waiting."""
        (self.folder / "sap").mkdir()
        inventory = "one ansible_connection=local sap_root=%s\n" % (self.folder / "sap")
        ssh = "host ansible_host=127.0.0.1 ansible_port=1 ansible_ssh_private_key_file=%s\n"
        self.list(inventory)
        state = self.folder / "state"
        audit = ("audit", "-i", "hosts.ini", "--state", "state", "--no-system-reference")
        done = self.trustgap(*audit, expect=(CLEAN, FINDINGS, HOSTS_MISSING, BOTH))
        usual = done.status
        for kind in (os.mkfifo, make_socket):
            for name in ("latest.xml", "report.html", "report.txt", "lock"):
                with self.subTest(name=name, kind=kind.__name__):
                    (state / name).unlink()
                    kind(state / name)
                    if name == "lock" and kind is make_socket:
                        done = self.trustgap(*audit, expect=FAILED)
                        self.expect_in("state/lock: cannot be created", done)
                        (state / name).unlink()
                        continue
                    if name == "latest.xml":
                        done = self.trustgap("report", "state", expect=DATA)
                        self.expect_in("state/latest.xml: not a regular file", done)
                    done = self.trustgap(*audit, expect=usual)
                    self.assertEqual("state/latest.xml: not a regular file; going on" in done.err, name == "latest.xml")
                    self.assertEqual(name == "lock", not (state / name).is_file())
                    if name == "lock":
                        (state / name).unlink()
                    self.trustgap("validate", "state")
        key = self.folder / "key"
        os.mkfifo(key)
        self.list(ssh % key)
        done = self.trustgap("collect", "-i", "hosts.ini", "-o", "a", "--no-agent", "--known-hosts", "/dev/null",
                             "--connect-timeout", "5", expect=HOSTS_MISSING)
        (self.folder / ".ssh").mkdir()
        os.mkfifo(self.folder / ".ssh" / "known_hosts")
        done = self.trustgap("collect", "-i", "hosts.ini", "-o", "b", "--no-agent", "--connect-timeout", "5",
                             expect=HOSTS_MISSING)
        self.expect_in(".ssh/known_hosts: not a regular file", done)
        for number, name in enumerate(("key", ".", "/dev/zero", "/dev/tty")):  # one that is named has to be right
            done = self.trustgap("collect", "-i", "hosts.ini", "-o", "c%d" % number, "--known-hosts", name,
                                 expect=(DATA, NO_INPUT))
            self.expect_in("%s: " % name, done)

    def test_pipes_that_somebody_named(self):
        """What is read once may be a pipe that is named on the command line."""
        def piped(command):
            return self.trustgap("-c", "T='%s'; %s" % (harness.TRUSTGAP, command), program="bash",
                                 expect=(CLEAN, FINDINGS))

        (self.folder / "hosts.ini").write_text("one\n")
        (self.folder / "policy.ini").write_text("[trustgap]\n")
        self.assertIn('"one"', piped('"$T" inventory -i <(cat hosts.ini) --list').out)
        self.assertIn('"one"', piped('cat hosts.ini | "$T" inventory -i /dev/stdin --list').out)
        trace = "[Thr 1] *** ERROR => SSL handshake with a.example.com:443 failed: SSSLERR_CONN_CLOSED (-10)"
        self.assertIn("a.example.com", piped('"$T" explain <(echo "%s")' % trace).out)
        self.assertIn("a.example.com", piped('echo "%s" | "$T" explain /dev/stdin' % trace).out)

    def test_dry_run_begins_with_a_summary(self):
        self.list("[a]\nx1\nx2 ansible_become=true\nx3 ansible_connection=local\n[b]\nx4 ansible_connection=winrm\nx5\n")
        done = self.trustgap("collect", "-i", "hosts.ini", "--dry-run", "--limit", "!x5")
        head = done.out.splitlines()[:6]
        self.assertEqual(head[0], "# 3 hosts would be collected: 2 over SSH, 1 on this machine")
        self.assertEqual(head[1], "# 1 host would not be collected because the connection is not supported")
        self.assertEqual(head[2], "# 1 host would be left out (--limit !x5)")
        self.assertIn('"exec /bin/sh"', head[3])
        self.assertIn("# 1 of them may use", head[4])
        self.assertEqual(head[5], "#")
        self.trustgap("collect", "-i", "hosts.ini", "-o", "c", "--limit", "b", "--connect-timeout", "1",
                      expect=HOSTS_MISSING)
        done = self.trustgap("collect", "-i", "hosts.ini", "-o", "c", "--resume", "--dry-run")
        self.assertEqual(done.out.splitlines()[1], "# 2 hosts would be passed over because c has them")

    def test_probe_to_install(self):
        """It is a program, and the same that runs without being installed; it needs no inventory."""
        probe = self.trustgap("collect", "--print-probe").out
        self.assertTrue(probe.startswith("#!/bin/sh\ntg_installed=1\n"), probe[:100])
        subprocess.run(["/bin/sh", "-n"], input=probe.encode(), check=True)
        self.list("x1\nx2 sap_probe=/opt/trustgap-probe ansible_become=true\nx3 sap_trust_local_users=true\n")
        script = self.trustgap("collect", "-i", "hosts.ini", "--dry-run").out
        self.assertIn(probe.split("\n", 2)[2], script)
        self.assertEqual(script.count("tg_probe='/opt/trustgap-probe'\n"), 1)
        self.assertEqual(script.count("tg_trust_users='1'\n"), 1)

    def test_folders_of_others(self):
        """Root writes to no folder that somebody else could change under its hands."""
        if os.getuid() != 0:
            self.skipTest("only root is asked")
        self.list("x1 ansible_connection=local sap_root=/nonexistent\n")
        self.trustgap("collect", "-i", "hosts.ini", "-o", "good", expect=HOSTS_MISSING)
        cases = {
            "theirs": lambda p: (p.mkdir(), os.chown(p, 65534, 65534)),
            "open": lambda p: (p.mkdir(), p.chmod(0o777)),
            "group": lambda p: (p.mkdir(), p.chmod(0o770)),
            "link": lambda p: p.symlink_to(self.folder / "empty"),
        }
        (self.folder / "empty").mkdir()
        for name, make in cases.items():
            with self.subTest(name):
                path = self.folder / name
                make(path)
                self.expect_in("%s: " % name, self.trustgap("collect", "-i", "hosts.ini", "-o", name, expect=USAGE))
                self.expect_in("%s: " % name, self.trustgap("audit", "-i", "hosts.ini", "--state", name, expect=USAGE))
                self.assertEqual(list(path.iterdir()), [])
        # A capture that was good, and is not any more.
        for flag in ("--resume", "--only-failed"):
            for make in (lambda p: os.chown(p, 65534, 65534), lambda p: p.chmod(0o777)):
                for folder in ("good", "good/objects"):
                    path = self.folder / folder
                    make(path)
                    before = (self.folder / "good" / "capture.jsonl").read_bytes()
                    self.expect_in("%s: " % folder, self.trustgap("collect", "-i", "hosts.ini", "-o", "good", flag,
                                                                  expect=USAGE))
                    self.assertEqual((self.folder / "good" / "capture.jsonl").read_bytes(), before)
                    os.chown(path, 0, 0)
                    path.chmod(0o700)
        # And one behind a link.
        (self.folder / "other").symlink_to("good")
        self.expect_in("other/: ", self.trustgap("collect", "-i", "hosts.ini", "-o", "other/", "--resume", expect=USAGE))

    def test_no_such_inventory(self):
        self.expect_in("none.ini", self.trustgap("inventory", "-i", "none.ini", "--list", expect=NO_INPUT))
        self.expect_in("none.ini", self.trustgap("collect", "-i", "none.ini", "-o", "capture", expect=NO_INPUT))
        self.expect_in("none.ini", self.trustgap("audit", "-i", "none.ini", "--state", "state", expect=NO_INPUT))
        self.assertFalse((self.folder / "capture").exists() or (self.folder / "state").exists(), "nothing was made")

    def test_inventory_is_a_folder(self):
        self.expect_in(str(self.folder), self.trustgap("inventory", "-i", self.folder, "--list",
                                                       expect=(NO_INPUT, DATA, 74, 2)))

    def test_unreadable(self):
        if os.getuid() == 0:
            self.skipTest("root may read everything")
        path = self.folder / "hosts.ini"
        path.write_text("one\n")
        path.chmod(0)
        self.expect_in("hosts.ini", self.trustgap("inventory", "-i", path, "--list", expect=NO_INPUT))


class CommandLine(harness.Case):
    def test_help(self):
        overview = self.trustgap("--help").out
        for command in COMMANDS:
            self.assertIn(command, overview)
            with self.subTest(command):
                done = self.trustgap(command, "--help")
                self.assertIn("Examples:", done.out)
                self.assertEqual(done.err, "")
        self.assertRegex(self.trustgap("--version").out, r"^trustgap \d+\.\d+\.\d+\n$")

    def test_wrong_usage(self):
        (self.folder / "hosts.ini").write_text("one\n")
        rows = [
            (), ("frobnicate",), ("--frobnicate",), ("audit",), ("collect",), ("collect", "-i", "hosts.ini"),
            ("collect", "-i", "hosts.ini", "-o", "capture", "surplus"), ("analyze",), ("report",), ("validate",),
            ("report", "a.xml", "-f", "pdf"), ("inventory", "-i", "hosts.ini"),
            ("explain", "--format", "xml"), ("analyze", "capture", "--at", "yesterday"),
            ("analyze", "capture", "--fail-on", "everything"), ("audit", "--frobnicate"),
            ("collect", "-i", "hosts.ini", "-o", "c", "--fanout", "-1"),
            ("collect", "-i", "hosts.ini", "-o", "c", "--fanout", "many"),
            ("collect", "-i", "hosts.ini", "-o", "c", "--host-timeout", "99999999"),
        ]
        for row in rows:
            with self.subTest(" ".join(row)):
                done = self.trustgap(*row, expect=USAGE)
                self.assertEqual(done.out, "")
                self.assertTrue(done.err, "there is a message")

    def test_captures_that_are_none(self):
        (self.folder / "empty").mkdir()
        (self.folder / "wrong").mkdir()
        (self.folder / "wrong" / "capture.jsonl").write_text('{"format": "something else", "version": 1}\n')
        (self.folder / "future").mkdir()
        (self.folder / "future" / "capture.jsonl").write_text('{"format": "trustgap capture", "version": 99}\n')
        (self.folder / "binary").mkdir()
        (self.folder / "binary" / "capture.jsonl").write_bytes(os.urandom(1000))
        for name, status in (("nothing", NO_INPUT), ("empty", NO_INPUT), ("wrong", DATA), ("future", DATA),
                             ("binary", DATA)):
            with self.subTest(name):
                self.expect_in(name, self.trustgap("analyze", name, "-o", "audit.xml", expect=status))
                self.assertFalse((self.folder / "audit.xml").exists())

    def an_instance(self):
        """One host, this machine, with an instance that nothing is wrong with."""
        (self.folder / "PRD" / "D00" / "work").mkdir(parents=True)
        (self.folder / "PRD" / "D00" / "work" / "dev_icm").write_text("trc file: \"dev_icm\"\n")
        (self.folder / "hosts.ini").write_text("one ansible_connection=local sap_root=%s\n" % self.folder)

    def test_output_that_cannot_be_made(self):
        self.an_instance()
        self.trustgap("collect", "-i", "hosts.ini", "-o", "capture")
        done = self.trustgap("analyze", "capture", "-o", "no/such/folder/audit.xml", expect=(2, 73))
        self.expect_in("no/such/folder", done)
        done = self.trustgap("collect", "-i", "hosts.ini", "-o", "no/such/folder/capture", expect=(0, 2, 73))

    def test_closed_descriptors(self):
        """What is said or printed with nobody to hear it does not get into a file instead."""
        (self.folder / "hosts.ini").write_text(
            "one ansible_connection=local sap_root=%s\ntwo ansible_host=127.0.0.1 ansible_port=1\n" % self.folder)
        for number, closed in enumerate((">&-", "2>&-", "<&-", "<&- >&- 2>&-")):
            with self.subTest(closed):
                prefix = ("sh", "-c", 'exec "$@" ' + closed, "sh")
                capture, state = "capture%d" % number, self.folder / ("state%d" % number)
                self.trustgap("collect", "-v", "--no-agent", "-i", "hosts.ini", "-o", capture, expect=4, prefix=prefix)
                lines = (self.folder / capture / "capture.jsonl").read_bytes().splitlines()
                self.assertEqual([line[:1] for line in lines], [b"{"] * 3, lines)
                self.trustgap("audit", "-v", "--no-agent", "-i", "hosts.ini", "--state", state, expect=(4, 5),
                              prefix=prefix)
                self.trustgap("validate", state / "latest.xml")
                self.assertEqual((state / "lock").read_bytes(), b"")
                if ">&-" in closed.split():
                    self.trustgap("report", state / "latest.xml", expect=2, prefix=prefix)

    def test_file_names_do_not_drive_the_terminal(self):
        name = "\x1b[31mred\x1b]0;title\x07"
        (self.folder / name).write_text("<audit")
        for row in (("explain", "no" + name), ("report", name), ("validate", name), ("inventory", "--list", "-i", name),
                    ("collect", "-o", "capture", "-i", "no" + name), (name,), ("analyze", name)):
            with self.subTest(row[0]):
                done = self.trustgap(*row, expect=(USAGE, DATA, NO_INPUT))
                self.assertNotIn("\x1b", done.out + done.err)
                self.expect_in("\\x1b[31mred", done)

    def test_state_folder_is_used_once_at_a_time(self):
        import fcntl
        self.an_instance()
        self.trustgap("audit", "-i", "hosts.ini", "--state", "state", expect=(0, 1))
        with open(self.folder / "state" / "lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            done = self.trustgap("audit", "-i", "hosts.ini", "--state", "state", expect=(2, 73, 75))
        self.expect_in("state", done)

    def test_previous_audit_that_cannot_be_read(self):
        """It costs the comparison, not the night."""
        self.an_instance()
        (self.folder / "state").mkdir()
        (self.folder / "state" / "latest.xml").write_text("<audit")
        done = self.trustgap("audit", "-i", "hosts.ini", "--state", "state", expect=(0, 1))
        self.expect_in("latest.xml", done)
        self.trustgap("validate", "state/latest.xml")


class Words(harness.Case):
    """Help, version, slips of the pen, and readers that have seen enough."""

    def test_help_and_version(self):
        self.assertEqual(self.trustgap("-V").out, self.trustgap("--version").out)
        for option in ("-h", "--help"):
            self.expect_in("--version", self.trustgap(option))
            for command in (*COMMANDS, "check"):
                done = self.trustgap(command, option)
                self.expect_in("Examples:", done)
                self.assertEqual(done.err, "")

    def test_nearest(self):
        rows = [  # arguments, what is proposed
            (["collect", "--ouput=s3cret"], "--output"),
            (["audit", "--limt", "x"], "--limit"),
            (["report", "--formt", "text"], "--format"),
            (["check", "a.xml", "--chains", "x"], "--chain"),
            (["validate", "--hlep"], "--help"),
            (["reprot"], '"report"'),
            (["--vesion"], '"--version"'),
        ]
        for arguments, meant in rows:
            with self.subTest(" ".join(arguments)):
                done = self.trustgap(*arguments, expect=USAGE)
                self.expect_in("did you mean " + meant, done)
                self.assertNotIn("s3cret", done.err)
                self.assertEqual(done.err.count("\n"), 1)
        for arguments in (["report", "--something-else"], ["frobnicate"], ["report", "-x"]):
            self.assertNotIn("did you mean", self.trustgap(*arguments, expect=USAGE).err)

    def test_a_reader_that_goes_away(self):
        """As with any other command in front of "| head": not a word, and the status is the signal's."""
        (self.folder / "hosts.ini").write_text("one\n")
        (self.folder / "trace").write_text("nothing\n")
        self.trustgap("analyze", self.capture_of_nothing(), "-o", "audit.xml", "--at", "2030-01-02T03:04:05Z",
                      expect=(CLEAN, 1))
        rows = [
            ["report", "audit.xml"],
            ["report", "audit.xml", "-f", "html", "-o", "/dev/stdout"],
            ["explain", "trace"],
            ["validate", "audit.xml"],
            ["inventory", "-i", "hosts.ini", "--list"],
            ["collect", "-i", "hosts.ini", "--dry-run"],
            ["--help"],
            ["--version"],
        ]
        for arguments in rows:
            with self.subTest(" ".join(arguments)):
                reading, writing = os.pipe()
                os.close(reading)
                done = subprocess.run([harness.TRUSTGAP, *arguments], stdout=writing, stderr=subprocess.PIPE,
                                      stdin=subprocess.DEVNULL, cwd=self.folder, env=self.environment, check=False)
                os.close(writing)
                self.assertEqual((done.returncode, done.stderr), (-signal.SIGPIPE, b""))

    def capture_of_nothing(self):
        (self.folder / "capture").mkdir()
        (self.folder / "capture" / "capture.jsonl").write_text('{"format": "trustgap capture", "version": 1}\n')
        return "capture"

    def test_a_folder_stands_for_its_audit(self):
        self.trustgap("analyze", self.capture_of_nothing(), "-o", "audit.xml", expect=(CLEAN, 1))
        text = self.trustgap("report", "audit.xml").out
        for name in ("latest.xml", "audit.xml"):
            folder = self.folder / name.replace(".", "-")
            folder.mkdir()
            (folder / name).symlink_to(self.folder / "audit.xml")
            self.assertEqual(self.trustgap("report", folder).out, text)
            self.trustgap("validate", folder)
            self.trustgap("analyze", "capture", "--previous", folder, "-o", "next.xml", expect=(CLEAN, 1))
        (self.folder / "empty").mkdir()
        self.expect_in("empty/latest.xml: ", self.trustgap("report", "empty", expect=NO_INPUT))


if __name__ == "__main__":
    harness.main()
