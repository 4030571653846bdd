"""Lists the models given."""

import sys

import onnx
import tensors

for path in sys.argv[1:]:
    found = onnx.load(path, load_external_data=False)
    print("file", path)
    for text, _ in tensors.model(found):
        print(text)
    print(tensors.summary(found))
