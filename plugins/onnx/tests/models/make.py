"""Models of all kinds, written by the onnx package into the folder given."""

import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

folder = Path(sys.argv[1])


def value(name, dtype=TensorProto.FLOAT, shape=(2,)):
    return helper.make_tensor_value_info(name, dtype, shape)


def model(graph, **options):
    options.setdefault("opset_imports", [helper.make_opsetid("", 17)])
    return helper.make_model(graph, ir_version=10, producer_name="make.py", **options)


def save(name, made, check=True, **options):
    if check:
        onnx.checker.check_model(made)
    onnx.save_model(made, folder / f"{name}.onnx", **options)


def identity(initializers, **options):
    names = [tensor.name for tensor in initializers]
    nodes = [helper.make_node("Identity", ["x"], ["y"])]
    return helper.make_graph(nodes, "graph of " + (names[0] if names else "nothing"),
                             [value("x")], [value("y")], initializers, **options)


def every_type():
    for name, number in TensorProto.DataType.items():
        if name == "UNDEFINED":
            continue
        for shape in [(5,), (2, 3), (), (0, 4)]:
            count = int(np.prod(shape))
            if name == "STRING":
                values = [f"text {place}" * place for place in range(count)]
            elif name == "BOOL":
                values = [place % 2 for place in range(count)]
            elif "COMPLEX" in name:
                values = [complex(place, -place) for place in range(count)]
            else:
                values = [place % 2 for place in range(count)]
            yield helper.make_tensor(f"{name} typed {shape}", number, shape, values)
            if name != "STRING":
                dtype = helper.tensor_dtype_to_np_dtype(number)
                array = np.asarray(values).reshape(shape).astype(dtype)
                yield numpy_helper.from_array(array, f"{name} raw {shape}")


def large(name, size, seed):
    array = np.random.default_rng(seed).standard_normal(size).astype(np.float32)
    return numpy_helper.from_array(array, name)


def integers(name, values):
    return helper.make_tensor(name, TensorProto.INT64, [len(values)], values)


def sparse(name, indices, shape):
    values = helper.make_tensor(name, TensorProto.FLOAT, [len(indices)], [1.0] * len(indices))
    places = np.asarray(indices, dtype=np.int64)
    return helper.make_sparse_tensor(values, numpy_helper.from_array(places, "places"), shape)


def branches():
    def branch(weight):
        constant = helper.make_node("Constant", [], ["c"], value=large("", (3, 3), 4))
        inner = helper.make_graph(
            [helper.make_node("Identity", [weight], ["out"])], "inner", [], [value("out")],
            [large(weight, (2,), 5)])
        nested = helper.make_node("If", ["flag"], ["z"], then_branch=inner, else_branch=inner)
        return helper.make_graph([constant, nested], "branch", [], [value("z")],
                                 [large("same name", (7,), 6)])

    choose = helper.make_node("If", ["flag"], ["y"], then_branch=branch("a"), else_branch=branch("b"))
    flag = helper.make_tensor("flag", TensorProto.BOOL, [], [1])
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["on"]), helper.make_node("Identity", ["v"], ["w"])],
        "body", [value("i", TensorProto.INT64, ()), value("go", TensorProto.BOOL, ()), value("v")],
        [value("on", TensorProto.BOOL, ()), value("w")], [integers("body weight", [-1, 2**62])])
    loop = helper.make_node("Loop", ["", "flag", "y"], ["last"], body=body)
    custom = helper.make_node("Custom", ["last"], ["end"], domain="com.example", tensors=[
        large("", (2, 2), 1), large("named", (1,), 2)])
    custom.attribute.append(helper.make_attribute("graphs", [branch("c"), branch("d")]))
    custom.attribute.append(helper.make_attribute("sparse", sparse("", [0, 3], [4])))
    return helper.make_graph([choose, loop, custom], "control", [], [value("end")], [flag])


def functions():
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("local", 1)]
    constant = helper.make_node("Constant", [], ["c"], value=large("c", (4,), 8))
    add = helper.make_node("Add", ["x", "c"], ["y"])
    function = helper.make_function(
        "local", "AddConstant", ["x"], ["y"], [constant, add], opsets[:1],
        attribute_protos=[helper.make_attribute("t", large("default", (3,), 9))])
    node = helper.make_node("AddConstant", ["x"], ["y"], domain="local")
    graph = helper.make_graph([node], "calls", [value("x", shape=(4,))], [value("y", shape=(4,))])
    return model(graph, functions=[function], opset_imports=opsets)


save("types", model(identity(list(every_type()))), check=False)
save("branches", model(branches(), opset_imports=[
    helper.make_opsetid("", 17), helper.make_opsetid("com.example", 2)]))
save("functions", functions())
save("empty", model(identity([])))
save("sparse", model(identity([large("dense", (9,), 1)], sparse_initializer=[
    sparse("linear", [1, 5, 7], [3, 3]), sparse("table", [[0, 1], [2, 2]], [3, 3])])))
many = model(identity([large(f"layer.{number}/weight", (64, 33), number) for number in range(40)]
                      + [large("../escape", (3,), 1), large("a//b", (3,), 1)]))
helper.set_model_props(many, {"licence": "MIT", "text": "ü" * 5000, "empty": ""})
many.doc_string = "some words\n"
many.model_version = 7
many.domain = "org.example"
training = many.training_info.add()
training.algorithm.CopyFrom(identity([large("trained", (3,), 1)]))
save("many", many, check=False)
for name, one in [("one-file", True), ("files", False)]:
    again = onnx.ModelProto()
    again.CopyFrom(many)
    for tensor in again.graph.initializer:
        tensor.name = tensor.name.replace("/", ".").replace("..", "x")
    save(f"external-{name}", again, check=False, save_as_external_data=True,
         all_tensors_to_one_file=one, location=f"{name}.data" if one else None, size_threshold=100)
again = onnx.ModelProto()
again.CopyFrom(many)
save("external-constants", model(branches()), check=False, save_as_external_data=True,
     location="constants.data", size_threshold=0, convert_attribute=True)
