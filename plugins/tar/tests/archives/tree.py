"""Makes a tree with everything an archive can hold. Arguments: directory, "short" or "long"."""

import os
import sys

root, names = sys.argv[1:]
os.makedirs(root)
os.chdir(root)


def write(name, data):
    with open(name, "wb") as file:
        file.write(data)


os.mkdir("dir")
os.mkdir("dir/sub")
for size in 0, 1, 64, 65, 511, 512, 513, 10000:
    write(f"dir/size-{size}", bytes(b"abc"[i % 3] for i in range(size)))
write("dir/caf\u00e9", b"utf-8")
write(b"dir/\xff\xfe", b"not utf-8")
write("dir/with space", b"x")
os.symlink("size-64", "dir/link")
os.symlink("/nowhere/at/all", "dangling")
os.link("dir/size-65", "dir/twin")
os.mkfifo("dir/fifo")
os.chmod("dir/size-1", 0o4711)
os.chmod("dir/sub", 0o1777)
if os.geteuid() == 0:
    os.chown("dir/size-64", 4321, 1234)
    try:
        os.mknod("dir/null", 0o666 | 0o020000, os.makedev(1, 3))
        os.mknod("dir/disk", 0o660 | 0o060000, os.makedev(259, 70000))
    except PermissionError:
        pass
for name in "dir/size-64", "dir/size-513":
    try:
        os.setxattr(name, "user.binary", b"\0=\n\xff" + name.encode())
        os.setxattr(name, "user.another", b"value")
    except OSError:
        pass
if names == "long":
    deep = "dir/" + "/".join(["component-of-a-long-path"] * 12)
    os.makedirs(deep)
    write(deep + "/file", b"deep")
    write("dir/" + "n" * 200, b"long")
    os.symlink("t/" * 120 + "t", "dir/long-link")
    os.link(deep + "/file", "dir/long-twin")
    if os.geteuid() == 0:
        os.chown("dir/size-65", 3000000, 4000000)

# Times at last, deepest first. Fractions, and one before 1970.
times = {"dir/size-1": 1234567890_123456789, "dir/size-64": 1000000000_500000000}
if names == "long":
    times["dir/size-0"] = -86400_000000000
for directory, _, files in os.walk(".", topdown=False):
    for name in files + [""]:
        path = os.path.normpath(os.path.join(directory, name))
        time = times.get(path, 1700000000_000000000)
        os.utime(path, ns=(time, time), follow_symlinks=False)
