"""Damages the models given in ways that are always the same, and writes what comes of it, each behind
its length, to the file given first."""

import random
import struct
import sys

TIMES = 700
chance = random.Random(4)


def damaged(data):
    data = bytearray(data)
    for _ in range(chance.choice([1, 1, 1, 2, 3])):
        at = chance.randrange(len(data))
        end = min(len(data), at + chance.randrange(1, 24))
        match chance.randrange(7):
            case 0:
                data[at] ^= 1 << chance.randrange(8)
            case 1:
                data[at] = chance.choice([0, 1, 2, 7, 8, 0x0A, 0x12, 0x42, 0x4A, 0x7F, 0x80, 0xFF])
            case 2:
                del data[at:end]
            case 3:
                data[at:at] = data[at:end]
            case 4:
                data[at] = (data[at] + chance.choice([-1, 1])) % 256
            case 5:
                to = chance.randrange(len(data))
                data[to:to] = data[at:end]
            case 6:
                del data[at:]
        if not data:
            break
    return bytes(data)


with open(sys.argv[1], "wb") as out:
    for path in sys.argv[2:]:
        with open(path, "rb") as file:
            whole = file.read()
        for _ in range(TIMES):
            data = damaged(whole)
            out.write(struct.pack("<Q", len(data)) + data)
