"""Makes an archive with Python's tarfile. Arguments: archive, tree, format."""

import sys
import tarfile

archive, tree, form = sys.argv[1:]
form = {"ustar": tarfile.USTAR_FORMAT, "gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}[form]
with tarfile.open(archive, "w", format=form, errors="surrogateescape") as tar:
    tar.add(tree, arcname=".")
