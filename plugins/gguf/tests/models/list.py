"""Prints what Python's gguf reads in each file of a folder, a line of JSON for each, by name.

A file it takes too long or too much memory for counts as refused: a length of 2^63 makes it count.
"""

import hashlib
import json
import os
import resource
import signal
import sys

import numpy
from gguf import GGUFReader, GGUFValueType

resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
numpy.seterr(all="ignore")


def late(*_):
    raise TimeoutError("it takes too long")


signal.signal(signal.SIGALRM, late)


def fields(reader):
    said = {}
    for name, field in reader.fields.items():
        if name.startswith("GGUF."):
            continue
        try:
            value = field.contents()
        except UnicodeDecodeError:
            value = None
        plain = field.types and field.types[0] not in (GGUFValueType.ARRAY, GGUFValueType.FLOAT32, GGUFValueType.FLOAT64)
        if plain and value is not None:
            said[name] = str(value).lower() if isinstance(value, bool) else str(value)
    return said


def describe(path):
    reader = GGUFReader(path)
    tensors = []
    for tensor in reader.tensors:
        data = tensor.data.tobytes()
        tensors.append({
            "name": tensor.name,
            "dtype": tensor.tensor_type.name,
            "dimensions": [int(size) for size in tensor.shape],
            "shape": [int(size) for size in reversed(tensor.shape)],
            "elements": tensor.n_elements,
            "offset": tensor.data_offset,
            "length": tensor.n_bytes,
            "sha256": hashlib.sha256(data).hexdigest(),
            "whole": len(data) == tensor.n_bytes,
        })
    version = int(reader.fields["GGUF.version"].parts[0][0])
    return {"version": version, "alignment": int(reader.alignment), "tensors": tensors, "fields": fields(reader)}


for name in sorted(os.listdir(sys.argv[1])):
    path = os.path.join(sys.argv[1], name)
    signal.setitimer(signal.ITIMER_REAL, 0.5)
    try:
        answer = describe(path)
    except BaseException as error:
        answer = {"error": f"{type(error).__name__}: {error}"[:300]}
    signal.setitimer(signal.ITIMER_REAL, 0)
    answer["file"] = name
    print(json.dumps(answer))
