"""Writes GGUF files with Python's gguf into the current folder, and prints their names."""

import random

import numpy
from gguf import GGUFEndian, GGUFValueType, GGUFWriter
from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType

random.seed(4)


def noise(count):
    return numpy.frombuffer(random.randbytes(count), dtype=numpy.uint8)


def close(writer):
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def metadata(writer):
    writer.add_name("Tiny model")
    writer.add_license("apache-2.0")
    writer.add_file_type(15)
    writer.add_context_length(4096)
    writer.add_embedding_length(256)
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list([f"token{number}" for number in range(300)])
    writer.add_token_scores([0.5] * 300)
    writer.add_chat_template("{% for message in messages %}{{ message }}{% endfor %}")
    writer.add_uint8("x.u8", 200)
    writer.add_int8("x.i8", -100)
    writer.add_uint16("x.u16", 60000)
    writer.add_int16("x.i16", -30000)
    writer.add_int32("x.i32", -(2**31))
    writer.add_uint64("x.u64", 2**64 - 1)
    writer.add_int64("x.i64", -(2**63))
    writer.add_float64("x.f64", 0.1)
    writer.add_bool("x.yes", True)
    writer.add_bool("x.no", False)
    writer.add_array("x.bools", [True, False])
    writer.add_array("x.tags", ["text-generation", "tiny", 'quoted "so"'])
    writer.add_string("x.long", "é" * 5000)


def every_type(path, version=3, alignment=None):
    writer = GGUFWriter(path, "llama")
    metadata(writer)
    if alignment:
        writer.add_custom_alignment(alignment)
    plain = [numpy.float16, numpy.float32, numpy.float64, numpy.int8, numpy.int16, numpy.int32, numpy.int64]
    for number, dtype in enumerate(plain):
        for shape in [(3,), (2, 5), (2, 3, 4), (1, 2, 3, 4)]:
            tensor = noise(int(numpy.prod(shape)) * numpy.dtype(dtype).itemsize).view(dtype).reshape(shape)
            writer.add_tensor(f"plain.{number}.{len(shape)}", tensor)
    for kind in GGMLQuantizationType:
        # Python thinks that its blocks have 40 bytes; see the test of that.
        if kind == GGMLQuantizationType.Q8_1:
            continue
        elements, size = GGML_QUANT_SIZES[kind]
        rows = noise(3 * 2 * size).reshape(3, 2 * size)
        writer.add_tensor(f"blk.{int(kind)}.{kind.name}", rows, raw_dtype=kind)
    close(writer)
    if version != 3:
        with open(path, "r+b") as file:
            file.seek(4)
            file.write(bytes([version]))


every_type("types.gguf")
every_type("version2.gguf", version=2)
every_type("aligned64.gguf", alignment=64)
every_type("aligned4096.gguf", alignment=4096)

writer = GGUFWriter("keys-only.gguf", "llama")
metadata(writer)
close(writer)

writer = GGUFWriter("small.gguf", "llama")
writer.add_custom_alignment(16)
writer.add_array("x.tags", ["one", "two"])
writer.add_array("x.numbers", [1, 2, 3])
writer.add_bool("x.yes", True)
writer.add_tensor("a.weight", numpy.arange(12, dtype=numpy.float32).reshape(3, 4))
writer.add_tensor("b.weight", noise(34 * 2).reshape(2, 34), raw_dtype=GGMLQuantizationType.Q8_0)
writer.add_tensor("c.bias", numpy.arange(5, dtype=numpy.int8))
close(writer)

writer = GGUFWriter("plain.gguf", "llama")
writer.add_tensor("a", numpy.arange(3, dtype=numpy.float32))
writer.add_tensor("b", numpy.arange(6, dtype=numpy.float16).reshape(2, 3))
close(writer)

writer = GGUFWriter("shard.gguf", "llama", split_max_tensors=2)
for number in range(5):
    writer.add_tensor(f"t.{number}", numpy.arange(number + 1, dtype=numpy.float32))
close(writer)

writer = GGUFWriter("big-endian.gguf", "llama", endianess=GGUFEndian.BIG)
writer.add_tensor("a", numpy.arange(3, dtype=numpy.float32))
close(writer)

writer = GGUFWriter("nested.gguf", "llama")
writer.add_key_value("x.nested", [[1, 2], [3]], GGUFValueType.ARRAY, GGUFValueType.ARRAY)
close(writer)

writer = GGUFWriter("q8_1.gguf", "llama")
writer.add_tensor("a", noise(320).reshape(1, 320), raw_dtype=GGMLQuantizationType.Q8_1)
writer.add_tensor("b", numpy.arange(3, dtype=numpy.float32))
close(writer)
