"""Opcodes and offsets of each pickle in a folder, one line each."""

import os
import pickletools
import sys

folder = sys.argv[1]
for name in sorted(os.listdir(folder)):
    with open(os.path.join(folder, name), "rb") as file:
        pickle = file.read()
    line = ""
    try:
        for opcode, _, offset in pickletools.genops(pickle):
            line += f"{offset} {opcode.name},"
    except Exception:
        line = "error"
    print(line)
