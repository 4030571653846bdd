# Writes files with Python's safetensors: every type it can name, odd shapes and names, metadata.
import numpy
from safetensors import TensorSpec, serialize_file
from safetensors.numpy import save_file

random = numpy.random.default_rng(7)
arrays = {}
for number, dtype in enumerate(["bool", "uint8", "int8", "int16", "uint16", "float16", "int32",
                                "uint32", "float32", "float64", "int64", "uint64"]):
    shape = [(), (3,), (2, 5), (0,), (4, 0, 2), (1, 1, 1, 7)][number % 6]
    arrays[f"model.{dtype}.weight"] = random.integers(0, 2, shape).astype(dtype)
arrays["größe/✓ \"quoted\" \\ \n"] = numpy.arange(2000, dtype="float32").reshape(40, 50)
save_file(arrays, "numpy.safetensors", metadata={"format": "np", "note": "ä\n\"x\""})
save_file(arrays, "plain.safetensors")
save_file({}, "empty.safetensors")

# Types that numpy lacks, from raw bytes.
buffers, specs = [], {}
for dtype, shape, length in [
    ("bfloat16", [3, 4], 24), ("float8_e4m3fn", [5], 5), ("float8_e5m2", [2, 2], 4),
    ("float8_e8m0fnu", [6], 6), ("float8_e4m3fnuz", [1, 3], 3), ("float8_e5m2fnuz", [3], 3),
    ("complex64", [2], 16), ("float4_e2m1fn_x2", [2, 4], 8), ("float64", [], 8),
]:
    buffers.append(numpy.frombuffer(random.bytes(length), dtype="uint8"))
    specs[dtype] = TensorSpec(dtype=dtype, shape=shape, data_ptr=buffers[-1].ctypes.data,
                              data_len=length)
serialize_file(specs, "raw.safetensors", metadata={"format": "pt"})
