"""Writes a checkpoint as torch.save does, with Python's own pickle and zipfile, and lists its tensors:
name, type, shape, stride or -, CRC-32 of the bytes from the first element to the last.

torch is not needed: its classes are stand-ins, so that their names are written.
"""

import collections
import io
import pickle
import struct
import sys
import types
import zipfile
import zlib

MAGIC = 0x1950A86A20F9469CFC6C
TYPES = {
    "float64": ("DoubleStorage", 8),
    "float32": ("FloatStorage", 4),
    "float16": ("HalfStorage", 2),
    "bfloat16": ("BFloat16Storage", 2),
    "int64": ("LongStorage", 8),
    "int32": ("IntStorage", 4),
    "int16": ("ShortStorage", 2),
    "int8": ("CharStorage", 1),
    "uint8": ("ByteStorage", 1),
    "bool": ("BoolStorage", 1),
    "complex64": ("ComplexFloatStorage", 8),
    "complex128": ("ComplexDoubleStorage", 16),
}


def module(name):
    made = types.ModuleType(name)
    sys.modules[name] = made
    return made


torch = module("torch")
torch._utils = module("torch._utils")
STORAGES = {}
for dtype, (name, _) in TYPES.items():
    STORAGES[dtype] = type(name, (), {"__module__": "torch"})
    setattr(torch, name, STORAGES[dtype])


def rebuild(*args):
    raise AssertionError("never called")


rebuild.__module__ = "torch._utils"
rebuild.__qualname__ = rebuild.__name__ = "_rebuild_tensor_v2"
torch._utils._rebuild_tensor_v2 = rebuild


class Storage:
    def __init__(self, key, dtype, elements):
        self.key, self.dtype, self.elements = str(key), dtype, elements
        size = TYPES[dtype][1]
        self.bytes = bytes((key * 31 + place * 7) % 251 for place in range(elements * size))


class Tensor:
    def __init__(self, storage, offset, size, stride):
        self.storage, self.offset, self.size, self.stride = storage, offset, size, stride

    def __reduce_ex__(self, protocol):
        hooks = collections.OrderedDict()
        return rebuild, (self.storage, self.offset, self.size, self.stride, False, hooks)

    def line(self, name):
        contiguous, product = [], 1
        for size in reversed(self.size):
            contiguous.insert(0, product)
            product *= size
        last = sum((size - 1) * stride for size, stride in zip(self.size, self.stride)) + 1
        width = TYPES[self.storage.dtype][1]
        data = b""
        if product:
            data = self.storage.bytes[self.offset * width : (self.offset + last) * width]
        differs = product and any(
            size != 1 and stride != expected
            for size, stride, expected in zip(self.size, self.stride, contiguous)
        )
        numbers = lambda values: ",".join(map(str, values))
        stride = numbers(self.stride) if differs else "-"
        return "\t".join(
            [name, self.storage.dtype, numbers(self.size), stride, f"{zlib.crc32(data):08x}"]
        )


def make():
    storages = []

    def storage(dtype, elements):
        made = Storage(len(storages), dtype, elements)
        storages.append(made)
        return made

    state = collections.OrderedDict()
    listed = []

    def put(name, tensor):
        state[name] = tensor
        listed.append(tensor.line("model/" + name))

    for dtype in TYPES:
        put(f"layer.{dtype}.weight", Tensor(storage(dtype, 12), 0, (3, 4), (4, 1)))
        put(f"layer.{dtype}.bias", Tensor(storage(dtype, 5), 0, (5,), (1,)))
    shared = storage("float32", 24)
    put("shared", Tensor(shared, 0, (2, 3, 4), (12, 4, 1)))
    put("transposed", Tensor(shared, 0, (4, 6), (1, 4)))
    put("slice", Tensor(shared, 7, (2, 2), (8, 1)))
    put("expanded", Tensor(shared, 3, (9, 2), (0, 1)))
    put("scalar", Tensor(storage("int64", 1), 0, (), ()))
    put("empty", Tensor(storage("float32", 0), 0, (0, 3), (3, 1)))
    put("ünï/cödé", Tensor(storage("float32", 2), 0, (2,), (1,)))
    optimizer = {"state": {}, "param_groups": [{"lr": 0.1, "params": [0, 1]}]}
    for number in range(3):
        tensor = Tensor(storage("float32", 6), 0, (6,), (1,))
        optimizer["state"][number] = {"step": 3, "exp_avg": tensor}
        listed.append(tensor.line(f"optimizer/state/{number}/exp_avg"))
    checkpoint = {"epoch": 3, "model": state, "optimizer": optimizer, "best": None, "big": 1 << 70}
    return checkpoint, storages, listed


def pickled(value, protocol, before_zip):
    class Pickler(pickle._Pickler):
        def persistent_id(self, value):
            if not isinstance(value, Storage):
                return None
            id = ("storage", STORAGES[value.dtype], value.key, "cpu", value.elements)
            return id + (None,) if before_zip else id

        # Protocol 0 writes persistent ids as text; torch's are tuples, on the stack.
        def save_pers(self, pid):
            self.save(pid, save_persistent_id=False)
            self.write(pickle.BINPERSID)

    out = io.BytesIO()
    Pickler(out, protocol).dump(value)
    return out.getvalue()


def main():
    kind, protocol, path = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    checkpoint, storages, listed = make()
    if kind == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr("model/data.pkl", pickled(checkpoint, protocol, False))
            archive.writestr("model/byteorder", "little")
            for storage in storages:
                archive.writestr("model/data/" + storage.key, storage.bytes)
            archive.writestr("model/version", "3\n")
    else:
        with open(path, "wb") as file:
            for value in [MAGIC, 1001, {"protocol_version": 1001, "little_endian": True}]:
                file.write(pickle.dumps(value, protocol))
            file.write(pickled(checkpoint, protocol, True))
            # In the order of the keys as texts, as torch sorts them.
            storages.sort(key=lambda storage: storage.key)
            file.write(pickle.dumps([storage.key for storage in storages], protocol))
            for storage in storages:
                file.write(struct.pack("<q", storage.elements) + storage.bytes)
    print("\n".join(listed))


main()
