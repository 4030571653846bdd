"""What protobuf and the onnx package see in a model: one line for each tensor, in the order of the
file, and one for the model."""

import hashlib

import numpy as np
from onnx import AttributeProto, TensorProto

FIELDS = ["float_data", "int32_data", "string_data", "int64_data", "double_data", "uint64_data"]


def values(tensor):
    if tensor.data_location == TensorProto.EXTERNAL:
        said = {entry.key: entry.value for entry in tensor.external_data}
        return f"external {said['location'].encode().hex()} {said.get('offset', 0)}"
    if tensor.raw_data:
        return f"raw_data {hashlib.sha256(tensor.raw_data).hexdigest()}"
    for field in FIELDS:
        found = getattr(tensor, field)
        if found:
            if field in ("float_data", "double_data"):
                kind = "<f4" if field == "float_data" else "<f8"
                found = list(np.asarray(found, dtype=kind).tobytes())
            elif field == "string_data":
                found = [text.hex() for text in found]
            return f"{field} {','.join(map(str, found))}"
    return "empty"


def line(name, tensor, role):
    shape = ",".join(map(str, tensor.dims))
    dtype = TensorProto.DataType.Name(tensor.data_type)
    return f"{name.encode().hex()} {role} {dtype} [{shape}] {values(tensor)}"


def sparse(name, tensor):
    yield line(name, tensor.values, "sparse-values"), tensor.values
    if tensor.HasField("indices"):
        yield line(name + "/indices", tensor.indices, "sparse-indices"), tensor.indices


def attribute(scope, found):
    name = scope + found.name
    if found.HasField("t"):
        yield line(name, found.t, "attribute"), found.t
    if found.HasField("g"):
        yield from graph(name + "/", found.g)
    for number, tensor in enumerate(found.tensors):
        yield line(f"{name}/{number}", tensor, "attribute"), tensor
    for number, inner in enumerate(found.graphs):
        yield from graph(f"{name}/{number}/", inner)
    if found.HasField("sparse_tensor"):
        yield from sparse(name, found.sparse_tensor)
    for number, tensor in enumerate(found.sparse_tensors):
        yield from sparse(f"{name}/{number}", tensor)


def nodes(scope, found):
    for number, node in enumerate(found):
        for inner in node.attribute:
            yield from attribute(f"{scope}node-{number}/", inner)


def graph(scope, found):
    yield from nodes(scope, found.node)
    for tensor in found.initializer:
        yield line(scope + tensor.name, tensor, "initializer"), tensor
    for tensor in found.sparse_initializer:
        yield from sparse(scope + tensor.values.name, tensor)


def model(found):
    yield from graph("", found.graph)
    for number, training in enumerate(found.training_info):
        yield from graph(f"training-{number}/initialization/", training.initialization)
        yield from graph(f"training-{number}/algorithm/", training.algorithm)
    for number, function in enumerate(found.functions):
        scope = f"function-{number}/"
        yield from nodes(scope, function.node)
        for inner in function.attribute_proto:
            yield from attribute(scope + "attribute/", inner)


def count(found, type_of):
    """Nodes of all graphs, by what `type_of` says."""
    total = {}

    def visit(nodes):
        for node in nodes:
            total[type_of(node)] = total.get(type_of(node), 0) + 1
            for inner in node.attribute:
                for branch in [*([inner.g] if inner.HasField("g") else []), *inner.graphs]:
                    visit(branch.node)

    visit(found.graph.node)
    for training in found.training_info:
        visit(training.initialization.node)
        visit(training.algorithm.node)
    for function in found.functions:
        visit(function.node)
    counts = sorted(total.items(), key=lambda pair: (-pair[1], pair[0]))
    return ",".join(f"{name}:{number}" for name, number in counts)


def operator(node):
    known = node.domain in ("", "ai.onnx")
    return node.op_type if known else node.domain + "." + node.op_type


def summary(found):
    opsets = ",".join(f"{entry.domain or 'ai.onnx'}:{entry.version}" for entry in found.opset_import)
    texts = [found.producer_name, found.graph.name, opsets, count(found, operator)]
    return (f"model {found.ir_version} {' '.join(text.encode().hex() for text in texts)} "
            f"{len(found.graph.input)} {len(found.graph.output)} {len(found.functions)}")
