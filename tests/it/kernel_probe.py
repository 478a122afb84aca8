"""Sends packets through the network namespaces that a script has built, and says what became of each.

Reads one probe a line: number, namespace it starts in, protocol, source, destination, source port, destination port.
Writes one line a probe: number, the namespaces that got it, whether its sender got an answer from the address it asked.
Needs nothing but Python's own library. No server listens anywhere: the kernel answers a TCP SYN with RST and an ICMP
echo by itself; UDP is answered here, by whoever got it.
"""

import ctypes
import os
import select
import socket
import struct
import sys
import time

libc = ctypes.CDLL(None, use_errno=True)


def enter(name):
    handle = os.open("/run/netns/" + name, os.O_RDONLY)
    if libc.setns(handle, 0x40000000) != 0:
        raise OSError(ctypes.get_errno(), "setns " + name)
    os.close(handle)


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ip(protocol, source, destination, load):
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(load), 0, 0, 64, protocol, 0, source, destination)
    return head + load


def with_sum(protocol, source, destination, load, at):
    pseudo = source + destination + struct.pack("!BBH", 0, protocol, len(load))
    return load[:at] + struct.pack("!H", checksum(pseudo + load)) + load[at + 2:]


def packet(number, protocol, source, destination, first, second, answer=False):
    if protocol == 6:
        load = struct.pack("!HHIIBBHHH", first, second, number, 0, 0x50, 2, 1024, 0, 0)
        return ip(6, source, destination, with_sum(6, source, destination, load, 16))
    if protocol == 17:
        mark = b"A" if answer else b"Q"
        load = struct.pack("!HHHH", first, second, 13, 0) + mark + struct.pack("!I", number)
        return ip(17, source, destination, with_sum(17, source, destination, load, 6))
    load = struct.pack("!BBHHHI", 8, 0, 0, number & 0xFFFF, 0, number)
    return ip(1, source, destination, load[:2] + struct.pack("!H", checksum(load)) + load[4:])


class Prober:
    def __init__(self, probes):
        self.probes = probes
        self.got, self.answered = {}, set()
        self.send, self.sockets = {}, {}
        names = sorted(os.listdir("/run/netns"))
        for name in names:
            if name[0] not in "hi":
                continue
            enter(name)
            self.send[name] = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
            for protocol in (1, 6, 17):
                receiver = socket.socket(socket.AF_INET, socket.SOCK_RAW, protocol)
                receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
                receiver.setblocking(False)
                self.sockets[receiver.fileno()] = (receiver, name)
        self.poll = select.poll()
        for number in self.sockets:
            self.poll.register(number, select.POLLIN)

    def take(self, name, data):
        head = (data[0] & 15) * 4
        protocol, source, destination, load = data[9], data[12:16], data[16:20], data[head:]
        if protocol == 6:
            first, second, sequence, acknowledged = struct.unpack("!HHII", load[:12])
            if load[13] & 4:
                self.answer(name, (acknowledged - 1) & 0xFFFFFFFF, protocol, source, first)
            elif load[13] & 2:
                self.got.setdefault(sequence, set()).add(name)
        elif protocol == 17 and len(load) >= 13:
            first, second = struct.unpack("!HH", load[:4])
            number = struct.unpack("!I", load[9:13])[0]
            if load[8:9] == b"A":
                self.answer(name, number, protocol, source, first)
            else:
                self.got.setdefault(number, set()).add(name)
                self.write(name, packet(number, 17, destination, source, second, first, True), source)
        elif protocol == 1 and len(load) >= 12:
            number = struct.unpack("!I", load[8:12])[0]
            if load[0] == 0:
                self.answer(name, number, protocol, source, None)
            elif load[0] == 8:
                self.got.setdefault(number, set()).add(name)

    def answer(self, name, number, protocol, source, port):
        probe = self.probes.get(number)
        if probe and probe[0] == name and probe[1] == protocol and probe[3] == source and port in (None, probe[5]):
            self.answered.add(number)

    def write(self, name, data, destination):
        try:
            self.send[name].sendto(data, (socket.inet_ntoa(destination), 0))
        except OSError:
            pass  # The groups of its own machine drop it.

    def drain(self, patience):
        end = time.monotonic() + patience
        while True:
            ready = self.poll.poll(max(0, end - time.monotonic()) * 1000)
            if not ready:
                return
            for number, _ in ready:
                receiver, name = self.sockets[number]
                try:
                    while True:
                        self.take(name, receiver.recv(2048))
                        end = time.monotonic() + patience
                except BlockingIOError:
                    pass

    def run(self):
        for patience in (0.15, 0.4):
            missing = [n for n in self.probes if n not in self.answered]
            for i in range(0, len(missing), 200):
                for number in missing[i:i + 200]:
                    name, protocol, source, destination, first, second = self.probes[number]
                    self.write(name, packet(number, protocol, source, destination, first, second), destination)
                self.drain(0.01)
            self.drain(patience)


def main():
    probes = {}
    for line in sys.stdin:
        number, name, protocol, source, destination, first, second = line.split()
        probes[int(number)] = (name, int(protocol), socket.inet_aton(source), socket.inet_aton(destination), int(first), int(second))
    prober = Prober(probes)
    prober.run()
    for number in probes:
        places = ",".join(sorted(prober.got.get(number, ()))) or "-"
        print(number, places, int(number in prober.answered))


main()
