"""Damages the models given in ways that are always the same, and says of each what becomes of it:
`unread` if protobuf refuses it, `unsound` and why if the onnx package refuses a tensor, else `sound`,
and then the tensors. Writes the damaged models, each behind its length, to the file given first."""

import random
import struct
import sys

import onnx
import tensors
from google.protobuf.message import DecodeError

TIMES = 700
chance = random.Random(4)


def damaged(data):
    data = bytearray(data)
    for _ in range(chance.choice([1, 1, 1, 2, 3])):
        at = chance.randrange(len(data))
        end = min(len(data), at + chance.randrange(1, 24))
        match chance.randrange(7):
            case 0:
                data[at] ^= 1 << chance.randrange(8)
            case 1:
                data[at] = chance.choice([0, 1, 2, 7, 8, 0x0A, 0x12, 0x42, 0x4A, 0x7F, 0x80, 0xFF])
            case 2:
                del data[at:end]
            case 3:
                data[at:at] = data[at:end]
            case 4:
                data[at] = (data[at] + chance.choice([-1, 1])) % 256
            case 5:
                to = chance.randrange(len(data))
                data[to:to] = data[at:end]
            case 6:
                del data[at:]
        if not data:
            break
    return bytes(data)


def judge(data):
    try:
        found = onnx.ModelProto.FromString(data)
    except DecodeError:
        return "unread", []
    try:
        lines = list(tensors.model(found)) + [(tensors.summary(found), None)]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        # A data type that has no name, no location, a text that is not UTF-8 (which is bytes then).
        return f"unsound {type(error).__name__}: {error}", []
    for text, tensor in lines:
        try:
            if tensor is not None and tensor.data_location != onnx.TensorProto.EXTERNAL:
                onnx.checker.check_tensor(tensor)
        except (onnx.checker.ValidationError, UnicodeError) as error:
            return f"unsound {error}", []
    return "sound", [text for text, _ in lines]


with open(sys.argv[1], "wb") as out:
    for path in sys.argv[2:]:
        with open(path, "rb") as file:
            whole = file.read()
        for _ in range(TIMES):
            data = damaged(whole)
            verdict, lines = judge(data)
            out.write(struct.pack("<Q", len(data)) + data)
            print("verdict", verdict.replace("\n", " "))
            for text in lines:
                print(text)
