#!/usr/bin/env python3
"""Servers that want to keep the collector busy before anybody knows who they are: they cost themselves and nobody else."""

import os
import socket
import struct
import threading

import harness
import traces
from harness import CLEAN, HOSTS_MISSING

GROUP_EXCHANGE = "diffie-hellman-group-exchange-sha256"
SLOW = ("diffie-hellman-group-exchange", "diffie-hellman-group16", "diffie-hellman-group18")
KEXINIT, NEWKEYS, GEX_GROUP, GEX_INIT, GEX_REPLY = 20, 21, 31, 32, 33


def string(data):
    return struct.pack(">I", len(data)) + data


def mpint(number):
    return string(number.to_bytes(number.bit_length() // 8 + 1, "big"))


def packet(payload):
    padding = 8 - (len(payload) + 5) % 8
    padding += 8 if padding < 4 else 0
    return struct.pack(">IB", len(payload) + padding + 1, padding) + payload + bytes(padding)


def offer(*exchanges):
    lists = [",".join(exchanges).encode(), b"ssh-ed25519", b"aes128-ctr", b"aes128-ctr", b"hmac-sha2-256",
             b"hmac-sha2-256", b"none", b"none", b"", b""]
    return packet(bytes([KEXINIT]) + os.urandom(16) + b"".join(map(string, lists)) + bytes(5))


def group(bits, padding=0):
    number = ((1 << bits) - 1).to_bytes((bits + 7) // 8, "big")
    return packet(bytes([GEX_GROUP]) + string(bytes(padding + 1) + number) + mpint(2))


def key(bits):
    return string(b"ssh-rsa") + mpint(65537) + mpint((1 << bits) - 1)


class Server:
    """
    An SSH server up to its first packets: sends the first of what it is given, and the others when it has the client's
    offer and its first message; keeps what it hears, by connection.
    """

    def __init__(self, *sends):
        self.sends, self.heard = sends, []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            heard = []
            self.heard.append(heard)
            threading.Thread(target=self.talk, args=(connection, heard), daemon=True).start()

    def talk(self, connection, heard):
        try:
            with connection, connection.makefile("rb") as stream:
                connection.sendall(b"SSH-2.0-OpenSSH_9.2p1\r\n")
                stream.readline()
                left = list(self.sends)
                connection.sendall(left.pop(0))
                while head := stream.read(4):
                    body = stream.read(struct.unpack(">I", head)[0])
                    heard.append(body[1:len(body) - body[0]])
                    while len(heard) >= 2 and left:
                        connection.sendall(left.pop(0))
        except (OSError, struct.error, IndexError):
            pass

    def exchanges(self, connection):
        """The key exchanges that the client offered."""
        offered = self.heard[connection][0]
        return offered[21:21 + struct.unpack(">I", offered[17:21])[0]].decode().split(",")

    def stop(self):
        self.socket.close()


class Stall(harness.Case):
    def setUp(self):
        super().setUp()
        self.whole = self.landscape()

    def sap_host(self, name, **more):
        host = self.whole.host(name, **more)
        host.instance("PRD", "D00").trace(traces.Trace())
        return host

    def against(self, servers, *more, expect=HOSTS_MISSING):
        """Collect what the landscape has and a host for each of the servers; the lines of the capture."""
        with self.whole:
            with self.whole.inventory.open("a") as inventory:
                inventory.write("\n[bad]\n" + "".join(
                    "%s ansible_host=127.0.0.1 ansible_port=%d\n" % (name, server.port)
                    for name, server in servers.items()))
            for server in servers.values():
                self.addCleanup(server.stop)
            self.collect(self.whole, "capture", *more, expect=expect)
        return self.capture(self.folder / "capture")[1]

    def test_what_is_refused(self):
        """Whatever number or key is too large is refused before anything is computed with it."""
        offered = offer(GROUP_EXCHANGE)
        rows = {
            "group16384": ((offered, group(16384)), "16384 bits in the key exchange: more than 8192"),
            "group9000": ((offered, group(9000)), "9000 bits in the key exchange: more than 8192"),
            "padded": ((offered, group(2048, padding=2000)), "bits in the key exchange: more than 8192"),
            "group30000": ((offered, group(30000 * 8)), "bits in the key exchange: more than 8192"),
            "generator": ((offered, packet(bytes([GEX_GROUP]) + mpint(1 << 2047 | 1) + mpint(1 << 20000))),
                          "20008 bits in the key exchange"),
            "early": ((offered, packet(bytes([NEWKEYS])), group(16384)), "new keys before any were exchanged"),
            "ignored": ((offered, packet(b"\2" + string(b"x" * 100)) * 100), "more than 64 packets before the keys"),
            "huge": ((offered, struct.pack(">I", 200000)), "a packet of 200000 bytes"),
            "hostkey": ((offer("curve25519-sha256"),
                         packet(bytes([GEX_GROUP]) + string(key(30000)) + string(bytes(32)) + string(bytes(64)))),
                        "bits in the key exchange: more than 16384"),
            "line": ((b"x" * 300,), "a packet of "),
        }
        servers = {name: Server(*sends) for name, (sends, _) in rows.items()}
        hosts = self.against(servers)
        self.assertEqual(sorted(hosts), sorted(rows))
        for name, (_, said) in rows.items():
            with self.subTest(name):
                host = hosts[name]
                self.assertEqual((host["status"], host["reason"]), ("failed", "protocol"), host)
                self.assertIn(said, host["message"])
                for heard in servers[name].heard:
                    self.assertFalse([m for m in heard if m[0] == GEX_INIT], "it computed its half of the exchange")

    def test_slow_ones_are_not_offered_at_first(self):
        """Only to a server that has none but these, and once."""
        servers = {"all": Server(offer(GROUP_EXCHANGE, "diffie-hellman-group18-sha512", "curve25519-sha256")),
                   "slow": Server(offer(GROUP_EXCHANGE)), "odd": Server(offer("sntrup761x25519-sha512"))}
        self.against(servers, "--connect-timeout", "3")
        self.assertEqual({name: len(server.heard) for name, server in servers.items()}, {"all": 1, "slow": 2, "odd": 1})
        for server in servers.values():
            self.assertFalse([e for e in server.exchanges(0) if e.startswith(SLOW)])
            self.assertIn("curve25519-sha256", server.exchanges(0))
        self.assertIn(GROUP_EXCHANGE, servers["slow"].exchanges(1))

    def test_hosts_that_need_a_slow_one(self):
        """They are collected all the same."""
        for number, exchange in enumerate((GROUP_EXCHANGE, "diffie-hellman-group-exchange-sha1",
                                           "diffie-hellman-group16-sha512", "diffie-hellman-group18-sha512",
                                           "diffie-hellman-group14-sha256", "ecdh-sha2-nistp521")):
            self.sap_host("sapprd%02d" % number, more="KexAlgorithms " + exchange)
        with self.whole:
            self.collect(self.whole, "capture", expect=CLEAN)
        _, hosts = self.capture(self.folder / "capture")
        self.assertEqual(len(hosts), 6)

    def test_healthy_hosts_beside_them(self):
        """The good ones have less time than all of the bad ones together ask for."""
        for number in range(10):
            self.sap_host("good%02d" % number)
        servers = {"bad%02d" % n: Server(offer(GROUP_EXCHANGE), group(16384 if n % 2 else 8192)) for n in range(40)}
        hosts = self.against(servers)
        bad = [h for name, h in hosts.items() if name.startswith("good") and h["status"] != "collected"]
        self.assertFalse(bad, self.last)
        self.assertEqual(len(hosts), 50)


if __name__ == "__main__":
    harness.main()
