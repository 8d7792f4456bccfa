#!/usr/bin/env python3
"""What answers at port 22 and is not an SSH server that we could talk to: each is called what it is."""

import socket
import threading

import harness
from harness import HOSTS_MISSING

ENDS, STAYS = True, False
ROWS = {  # what it says, whether it hangs up then: reason, a part of the message
    "ssh1": (b"SSH-1.5-1.2.27\n", STAYS, "protocol", 'speaks only SSH 1, which nobody should use any more: its banner is "SSH-1.5-1.2.27"'),
    "ssh1-closed": (b"SSH-1.5-Cisco-1.25\n", ENDS, "protocol", "speaks only SSH 1"),
    "ssh1-text": (b"Authorized use only\r\nSSH-1.3-old\r\n", STAYS, "protocol", 'its banner is "SSH-1.3-old"'),
    "both": (b"SSH-1.99-OpenSSH_3.9p1\n", STAYS, "time-out", 'has sent the banner "SSH-1.99-OpenSSH_3.9p1" and no more'),
    "banner": (b"SSH-2.0-OpenSSH_9.2p1\r\n", STAYS, "time-out", "while waiting for the key exchange of 127.0.0.1 port"),
    "half": (b"SSH-2.0-Open", STAYS, "time-out", 'has sent the banner "SSH-2.0-Open" and no more'),
    "silent": (b"", STAYS, "time-out", "while waiting for the SSH banner of 127.0.0.1 port"),
    "endless": (b"SSH-2.0-" + b"x" * 100000, STAYS, "protocol", "an SSH banner of more than 255 bytes"),
    "lines": (b"welcome\r\n" * 20000, STAYS, "protocol", 'is no SSH server: it says "welcome"'),
    "mail": (b"220 mail.example.com ESMTP\r\n", STAYS, "protocol", 'it says "220 mail.example.com ESMTP"'),
    "web": (b"HTTP/1.1 400 Bad Request\r\n\r\n", ENDS, "protocol", 'it says "HTTP/1.1 400 Bad Request"'),
    "tls": (b"\x15\x03\x01\x00\x02\x02\x46", ENDS, "protocol", "is no SSH server: it says"),
    "terminal": (b"\xff\xfd\x18\xff\xfd\x20login: ", STAYS, "protocol", "is no SSH server: it says"),
    "packets": (b"SSH-2.0-x\r\n" + b"GET / HTTP/1.1\r\n" * 9, STAYS, "protocol", "sends a packet of 1195725856 bytes"),
}


class Server:
    """Says one thing to whoever comes, and hangs up or stays."""

    def __init__(self, says, ends):
        self.says, self.ends, self.connections = says, ends, []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.connections.append(connection)  # and so it stays open
            threading.Thread(target=self.say, args=(connection,), daemon=True).start()

    def say(self, connection):
        try:
            connection.recv(1)  # the client's banner
            connection.sendall(self.says)
            if self.ends:
                connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def stop(self):
        self.socket.close()
        for connection in self.connections:
            connection.close()


class Misnamed(harness.Case):
    def test_each_is_called_what_it_is(self):
        whole = self.landscape()
        whole.host("unused", server="refusing")
        servers = {name: Server(says, ends) for name, (says, ends, _, _) in ROWS.items()}
        with whole:
            whole.inventory.write_text("".join(
                "%s ansible_host=127.0.0.1 ansible_port=%d\n" % (name, server.port) for name, server in servers.items()) +
                "[all:vars]\nansible_ssh_private_key_file=%s\n" % whole.client_key)
            for server in servers.values():
                self.addCleanup(server.stop)
            self.collect(whole, "capture", "--connect-timeout", "10", expect=HOSTS_MISSING)
        _, hosts = self.capture(self.folder / "capture")
        self.assertEqual(sorted(hosts), sorted(ROWS))
        for name, (_, _, reason, said) in ROWS.items():
            with self.subTest(name):
                self.assertEqual((hosts[name]["status"], hosts[name]["reason"]), ("failed", reason), hosts[name])
                self.assertIn(said, hosts[name]["message"])
                self.assertEqual(len(servers[name].connections), 1, "nothing of this gets better by trying again")


if __name__ == "__main__":
    harness.main()
