"""Says of each model in the file given, each behind its length, what becomes of it: `unread` if
protobuf refuses it, `unsound` and why if the onnx package refuses a tensor, else `sound`, and then the
tensors."""

import struct
import sys

import onnx
import tensors
from google.protobuf.message import DecodeError


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


with open(sys.argv[1], "rb") as models:
    while length := models.read(8):
        verdict, lines = judge(models.read(struct.unpack("<Q", length)[0]))
        print("verdict", verdict.replace("\n", " "))
        for text in lines:
            print(text)
