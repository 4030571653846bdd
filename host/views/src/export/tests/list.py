import hashlib
import sys
import tarfile


def raw(name):
    return name.encode("utf-8", "surrogateescape").hex()


with tarfile.open(sys.argv[1], encoding="utf-8", errors="surrogateescape") as archive:
    for member in archive:
        digest = "-"
        if member.isreg() and member.size < 1 << 30:
            digest = hashlib.sha256(archive.extractfile(member).read()).hexdigest()
        print(
            raw(member.name), member.type.decode(), f"{member.mode:o}", member.uid, member.gid,
            member.size, member.pax_headers.get("mtime", member.mtime), raw(member.linkname) or "-",
            f"{member.devmajor}:{member.devminor}", "sparse" if member.issparse() else "-", digest,
            *sorted(
                raw(key[13:]) + "=" + raw(value)
                for key, value in member.pax_headers.items() if key.startswith("SCHILY.xattr.")
            ),
        )
