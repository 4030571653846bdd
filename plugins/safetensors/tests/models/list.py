# Lists a file as Python's safetensors reads it: one JSON line a tensor, and one of metadata.
import hashlib
import json
import sys
from safetensors import deserialize, safe_open

name = sys.argv[1]
with open(name, "rb") as file:
    for tensor, info in deserialize(file.read()):
        print(json.dumps([tensor, info["dtype"], info["shape"],
                          hashlib.sha256(bytes(info["data"])).hexdigest()]))
with safe_open(name, framework="np") as file:
    print(json.dumps(file.metadata()))
