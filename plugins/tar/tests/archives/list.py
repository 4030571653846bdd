"""Lists an archive as Python's tarfile reads it, one line a member. Argument: archive."""

import os
import sys
import tarfile

KINDS = {
    tarfile.REGTYPE: "f", tarfile.AREGTYPE: "f", tarfile.CONTTYPE: "f",
    tarfile.GNUTYPE_SPARSE: "f", tarfile.LNKTYPE: "h", tarfile.SYMTYPE: "l",
    tarfile.DIRTYPE: "d", tarfile.FIFOTYPE: "p", tarfile.CHRTYPE: "c", tarfile.BLKTYPE: "b",
}


def raw(text):
    return text.encode("utf-8", "surrogateescape").hex()


def time(member):
    text = member.pax_headers.get("mtime", str(int(member.mtime)))
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return text


with tarfile.open(sys.argv[1], errors="surrogateescape") as tar:
    for m in tar:
        kind = KINDS[m.type]
        # tarfile takes the last of this and `path`; GNU tar, which wrote both, always this.
        name = m.pax_headers.get("GNU.sparse.name", m.name)
        content = tar.extractfile(m).read() if kind == "f" else b""
        xattrs = sorted(
            (raw(key.removeprefix("SCHILY.xattr.")), raw(value))
            for key, value in m.pax_headers.items()
            if key.startswith("SCHILY.xattr.")
        )
        print(
            kind, raw(name), f"{m.mode & 0o7777:o}", m.uid, m.gid, time(m),
            raw(m.linkname) if kind in "hl" else "-",
            f"{m.devmajor}:{m.devminor}" if kind in "cb" else "-",
            f"{len(content)}:{content.hex()}" if len(content) < 1000 else
            f"{len(content)}:{__import__('zlib').crc32(content):08x}",
            ",".join(f"{name}={value}" for name, value in xattrs) or "-",
        )
