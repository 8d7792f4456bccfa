"""
Servers that misbehave below the login: what listens where a host should, and what stands between us and a real sshd.

All of them run in one thread of the test.  A behaviour is a coroutine with the two ends of a connection; what it does
ends with the connection, and when it returns the connection is closed.
"""

import asyncio
import os
import struct
import threading

BANNER = b"SSH-2.0-OpenSSH_9.2p1\r\n"
CHUNK = 65536


async def wait(reader):
    """Say nothing more until the client leaves."""
    while await reader.read(CHUNK):
        pass


def says(*pieces, then_wait=True):
    """A server that says this at once."""
    async def behave(reader, writer):
        for piece in pieces:
            writer.write(piece)
        await writer.drain()
        if then_wait:
            await wait(reader)
    return behave


def repeats(first, piece):
    """A server that never stops to talk."""
    async def behave(reader, writer):
        writer.write(first)
        while True:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)  # the other servers have their turn
    return behave


# What SSH looks like before it is encrypted (RFC 4253, section 6).

def string(data):
    return struct.pack(">I", len(data)) + data


def mpint(number):
    return string(number.to_bytes(number.bit_length() // 8 + 1, "big"))


def packet(payload):
    pad = 8 - (len(payload) + 5) % 8
    pad += 8 if pad < 4 else 0
    return struct.pack(">IB", len(payload) + pad + 1, pad) + payload + bytes(pad)


def kexinit(*methods):
    lists = [b",".join(methods), b"ssh-ed25519", b"aes128-ctr", b"aes128-ctr", b"hmac-sha2-256", b"hmac-sha2-256",
             b"none", b"none", b"", b""]
    return packet(b"\x14" + os.urandom(16) + b"".join(map(string, lists)) + bytes(5))


async def receive(reader):
    size, pad = struct.unpack(">IB", await reader.readexactly(5))
    return (await reader.readexactly(size - 1))[:size - 1 - pad]


def group_exchange(bits, method=b"diffie-hellman-group-exchange-sha256"):
    """A server with nothing but a group that costs seconds: no host key was checked when its client has to compute."""
    async def behave(reader, writer):
        writer.write(BANNER + kexinit(method))
        await reader.readline()
        await receive(reader)
        await receive(reader)
        number = (1 << bits) - 1  # odd; nobody checks whether it is a prime
        writer.write(packet(b"\x1f" + mpint(number) + mpint(2)))
        await receive(reader)
        signature = string(string(b"ssh-ed25519") + string(bytes(64)))
        writer.write(packet(b"\x21" + string(string(b"ssh-ed25519") + string(os.urandom(32))) + mpint(number - 2) +
                            signature))
        await wait(reader)
    return behave


def key_exchange_says(*pieces):
    """Begins a key exchange that could go on, then says this."""
    return says(BANNER + kexinit(b"curve25519-sha256"), *pieces)


def disconnects(text):
    """Takes leave in good form, with this text, once the client has said which algorithms it wants."""
    async def behave(reader, writer):
        writer.write(BANNER + kexinit(b"curve25519-sha256"))
        await reader.readline()
        await receive(reader)
        writer.write(packet(b"\x01" + struct.pack(">I", 2) + string(text) + string(b"en")))
        writer.write_eof()
        await wait(reader)
    return behave


# In front of a real sshd.

class _Plain:
    """Counts what the server says: the greeting, then packets, up to and with NEWKEYS; what follows is encrypted."""

    def __init__(self):
        self.seen = bytearray()
        self.at = None  # where the next packet begins
        self.encrypted = False

    def add(self, data):
        """Return how many bytes of data are still in the plain part."""
        if self.encrypted:
            return 0
        before = len(self.seen)
        self.seen += data
        while not self.encrypted:
            if self.at is None:
                end = self.seen.find(b"\n")
                if end < 0:
                    return len(data)
                self.at = end + 1
            if len(self.seen) < self.at + 6:
                return len(data)
            size, _, kind = struct.unpack_from(">IBB", self.seen, self.at)
            if len(self.seen) < self.at + 4 + size:
                return len(data)
            self.at += 4 + size
            self.encrypted = kind == 21
        return max(0, min(len(data), self.at - before))


def through(server, shape):
    """
    Passes on what the client says, and what the sshd says as shape(data, plain) yields it: pieces to write, None to
    stop to talk, False to cut the connection.
    """
    async def behave(reader, writer):
        try:
            far_reader, far_writer = await asyncio.open_connection(server.address, server.port)
        except OSError:
            return
        try:
            forth = asyncio.ensure_future(_forth(reader, far_writer))
            await _back(far_reader, writer, shape(), forth)
        finally:
            forth.cancel()
            far_writer.close()
    return behave


async def _forth(reader, writer):
    while True:
        data = await reader.read(CHUNK)
        if not data:
            writer.close()
            return
        writer.write(data)
        await writer.drain()


async def _back(reader, writer, shape, forth):
    while True:
        data = await reader.read(CHUNK)
        if not data:
            return
        for piece in shape(data):
            if piece is None:
                await forth  # which ends with the client
                return
            if piece is False:
                return
            writer.write(piece)
            await writer.drain()
            if len(piece) == 1:  # the slow one
                await asyncio.sleep(1)


def after(count, what, encrypted=False):
    """Let count bytes through, counted from the start or (encrypted) from the end of the key exchange, then: what."""
    def shape():
        plain, left = _Plain(), [count]

        def cut(data):
            free = plain.add(data) if encrypted else 0
            if encrypted and free == len(data):
                yield data
                return
            whole = data[:free + left[0]]
            left[0] -= len(whole) - free
            if whole:
                yield whole
            if left[0] <= 0:
                yield what
        return cut
    return shape


def slowly():
    """A byte a second."""
    def cut(data):
        for at in range(len(data)):
            yield data[at:at + 1]
    return cut


def flipped(count):
    """One bit of the byte that has this number after the key exchange."""
    def shape():
        plain, passed = _Plain(), [0]

        def cut(data):
            free = plain.add(data)
            at = free + count - passed[0]
            passed[0] += len(data) - free
            if free <= at < len(data):
                data = data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]
            yield data
        return cut
    return shape


class Servers:
    """The thread, and all that listens in it."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    def listen(self, address, behave):
        """Have behave() answer each connection to this address; return the port."""
        return self._ask(self._listen(address, behave))

    def _ask(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(30)

    async def _listen(self, address, behave):
        async def answer(reader, writer):
            try:
                await behave(reader, writer)
            except (OSError, asyncio.IncompleteReadError, struct.error, IndexError):
                pass
            finally:
                writer.close()
        server = await asyncio.start_server(answer, address, 0, backlog=64)
        return server.sockets[0].getsockname()[1]

    def stop(self):
        async def end():
            tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if self.thread.is_alive():
            self._ask(end())
            self.loop.call_soon_threadsafe(self.loop.stop)
            self.thread.join(10)
