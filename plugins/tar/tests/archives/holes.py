"""Makes sparse files. Argument: directory."""

import os
import sys

root = sys.argv[1]
os.makedirs(root)
os.chdir(root)


def sparse(name, size, pieces):
    with open(name, "wb") as file:
        file.truncate(size)
        for offset, length in pieces:
            file.seek(offset)
            file.write(os.urandom(length))
    os.utime(name, ns=(1700000000_000000000,) * 2)


sparse("dense", 20000, [(0, 20000)])
sparse("empty-end", 1 << 20, [(0, 4096)])
sparse("empty-start", 1 << 20, [((1 << 20) - 4096, 4096)])
sparse("only-hole", 1 << 20, [])
sparse("odd-size", 300001, [(65536, 4096), (299999, 2)])
sparse("many", 200 * 16384, [(i * 16384, 4096) for i in range(200)])
sparse("s" * 120, 1 << 19, [(131072, 8192)])
