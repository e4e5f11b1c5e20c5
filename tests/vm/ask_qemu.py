#!/usr/bin/env python3
"""Asks the monitor of a QEMU for what it knows of a guest that does not move any more.

usage: ask_qemu.py SOCKET

Prints the state of the processors. The interrupt at the end makes the guest's kernel print where it is and reboot, if it
can still do that (unknown_nmi_panic, panic=-1).
"""
import re
import socket
import sys

QUESTIONS = ("info status", "info cpus", "info registers -a", "info lapic 0", "info lapic 1", "info irq", "nmi")
PATIENCE_SECONDS = 5
# Nothing that waits or spins is seen there.
FLOATING_POINT = re.compile("FCW|FPR|[XYZ]MM|OPMASK|\\(qemu\\) $")


def main():
    monitor = socket.socket(socket.AF_UNIX)
    monitor.settimeout(PATIENCE_SECONDS)
    monitor.connect(sys.argv[1])
    for question in ("", *QUESTIONS):
        if question:
            monitor.sendall(question.encode() + b"\n")
        answer = b""
        try:
            while not answer.endswith(b"(qemu) "):
                part = monitor.recv(65536)
                if not part:
                    return
                answer += part
        except TimeoutError:
            print(f"{question}: no answer within {PATIENCE_SECONDS} s")
        # Between command and answer the monitor repeats the command, with the escape sequences of a terminal.
        text = answer.decode(errors="replace").replace("\r", "").rpartition("\x1b[K")[2]
        print("\n".join(line for line in [question, *text.splitlines()] if not FLOATING_POINT.match(line)))


main()
