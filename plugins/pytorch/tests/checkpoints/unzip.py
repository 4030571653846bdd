"""Members of each archive in a folder, in the order of the file: name, offset of data, size, CRC."""

import os
import sys
import zipfile

folder = sys.argv[1]
for name in sorted(os.listdir(folder)):
    with zipfile.ZipFile(os.path.join(folder, name)) as archive:
        assert archive.testzip() is None
        for info in sorted(archive.infolist(), key=lambda info: info.header_offset):
            with archive.open(info) as member:
                # Where zipfile begins to read, behind the local header.
                start = member._orig_compress_start
            print(info.filename, start, info.file_size, f"{info.CRC:08x}")
