"""What Python's two unpicklers import from each pickle in a folder: two lines each, C's first.

Nothing is imported or run: every class is a stand-in that takes anything.
"""

import io
import os
import pickle
import resource
import sys


# A memo slot of 2^32 takes C's implementation 64 GiB.
resource.setrlimit(resource.RLIMIT_AS, (256 << 20, 256 << 20))


class Stand:
    def __new__(cls, *args, **kwargs):
        return object.__new__(cls)

    def __init__(self, *args, **kwargs):
        pass

    def __call__(self, *args, **kwargs):
        return Stand()

    def __setstate__(self, state):
        pass

    def __setitem__(self, key, value):
        pass

    def append(self, value):
        pass

    def extend(self, values):
        pass

    def add(self, value):
        pass


def escape(text):
    return "".join(f"\\u{{{ord(letter):x}}}" for letter in text)


def read(kind, data):
    imports = []

    class Reader(kind):
        def find_class(self, module, name):
            imports.append(f"{escape(module)} {escape(name)},")
            return type("Stand", (Stand,), {})

        def persistent_load(self, id):
            return Stand()

    try:
        Reader(io.BytesIO(data), fix_imports=False, encoding="utf-8").load()
        end = "loaded"
    except Exception:
        end = "failed"
    print(end, "".join(imports))


folder = sys.argv[1]
for name in sorted(os.listdir(folder)):
    with open(os.path.join(folder, name), "rb") as file:
        data = file.read()
    read(pickle.Unpickler, data)
    read(pickle._Unpickler, data)
