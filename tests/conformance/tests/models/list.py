"""Lists the tensors of a model file: one JSON line each.

safetensors, GGUF and ONNX are read by the packages of their projects; PyTorch's zip by zipfile and
pickle, with stand-ins for torch's classes.
"""

import hashlib
import json
import pickle
import sys
import zipfile


def safetensors(path):
    from safetensors import deserialize

    with open(path, "rb") as file:
        for name, info in deserialize(file.read()):
            yield name, info["dtype"], info["shape"], bytes(info["data"])


def gguf(path):
    from gguf import GGUFReader

    for tensor in GGUFReader(path).tensors:
        shape = [int(size) for size in reversed(tensor.shape)]
        yield tensor.name, tensor.tensor_type.name, shape, tensor.data.tobytes()


def onnx(path):
    import onnx

    for tensor in onnx.load(path).graph.initializer:
        dtype = onnx.TensorProto.DataType.Name(tensor.data_type)
        yield tensor.name, dtype, list(tensor.dims), tensor.raw_data


class Unpickler(pickle.Unpickler):
    dtypes = {"FloatStorage": "float32", "HalfStorage": "float16", "CharStorage": "int8"}

    def __init__(self, archive):
        self.archive = archive
        super().__init__(archive.open("archive/data.pkl"))

    def find_class(self, module, name):
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda storage, offset, size, stride, grad, hooks: (*storage, size)
        if (module, name) == ("collections", "OrderedDict"):
            return dict
        assert module == "torch", module
        return self.dtypes[name]

    def persistent_load(self, named):
        _, dtype, key, _, _ = named
        return dtype, self.archive.read("archive/data/" + key)


def pytorch(path):
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        for name, (dtype, data, shape) in Unpickler(archive).load().items():
            yield name, dtype, list(shape), data


path = sys.argv[1]
read = next(
    read
    for suffix, read in [(".safetensors", safetensors), (".gguf", gguf), (".onnx", onnx), (".bin", pytorch)]
    if path.endswith(suffix)
)
for name, dtype, shape, data in read(path):
    print(json.dumps({"name": name, "dtype": dtype, "shape": shape, "size": len(data),
                      "digest": "sha256:" + hashlib.sha256(data).hexdigest()}))
