//! Every message of `onnx.proto` (onnx 1.23, IR version 14): numbers, types, and how often.
//!
//! A field that is not here is passed over, as protobuf does, whatever its type.

/// What is known of a message.
#[derive(Debug)]
pub(crate) struct Schema(&'static [Known]);

/// What is known of a field.
#[derive(Debug)]
pub(crate) struct Known {
    /// At most 63.
    pub(crate) number: u32,
    pub(crate) kind: Kind,
    pub(crate) times: Times,
}

/// A field's type, as far as it matters here.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    /// 32 bits with sign, and enumerations.
    Int32,
    /// 64 bits, with or without sign.
    Int64,
    Fixed32,
    Fixed64,
    /// Should be UTF-8, which is looked at where the text is used.
    Text,
    Bytes,
    Message(&'static Schema),
}

/// How often a field may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Times {
    Once,
    Many,
    /// One of several fields may come once; the first of them has this number.
    OneOf(u32),
}

impl Schema {
    pub(crate) fn get(&self, number: u32) -> Option<&Known> {
        self.0.iter().find(|known| known.number == number)
    }
}

impl Kind {
    /// Whether a field of this type may have that wire type. Repeated numbers may be packed, however
    /// they are declared.
    pub(crate) const fn allows(self, wire_type: u32, repeated: bool) -> bool {
        match self {
            Self::Int32 | Self::Int64 => wire_type == 0 || repeated && wire_type == 2,
            Self::Fixed32 => wire_type == 5 || repeated && wire_type == 2,
            Self::Fixed64 => wire_type == 1 || repeated && wire_type == 2,
            Self::Text | Self::Bytes | Self::Message(_) => wire_type == 2,
        }
    }
}

macro_rules! kind {
    (int32) => {
        Kind::Int32
    };
    (int64) => {
        Kind::Int64
    };
    (float) => {
        Kind::Fixed32
    };
    (double) => {
        Kind::Fixed64
    };
    (text) => {
        Kind::Text
    };
    (bytes) => {
        Kind::Bytes
    };
    ($message:ident) => {
        Kind::Message(&$message)
    };
}

macro_rules! times {
    (one) => {
        Times::Once
    };
    (many) => {
        Times::Many
    };
    (oneof $first:literal) => {
        Times::OneOf($first)
    };
}

macro_rules! messages {
    ($($(#[$doc:meta])* $name:ident {
        $($number:literal $times:ident $(($first:literal))? $kind:ident,)*
    })*) => {
        $($(#[$doc])*
        pub(crate) static $name: Schema = Schema(&[
            $(Known { number: $number, kind: kind!($kind), times: times!($times $($first)?) },)*
        ]);)*

        #[cfg(test)]
        const ALL: &[&Schema] = &[$(&$name,)*];
    };
}

messages! {
    /// `ModelProto`: ir_version, producer_name, producer_version, domain, model_version, doc_string,
    /// graph, opset_import, metadata_props, training_info, functions, configuration.
    MODEL {
        1 one int64,
        2 one text,
        3 one text,
        4 one text,
        5 one int64,
        6 one text,
        7 one GRAPH,
        8 many OPERATOR_SET,
        14 many ENTRY,
        20 many TRAINING,
        25 many FUNCTION,
        26 many DEVICE,
    }
    /// `OperatorSetIdProto`: domain, version.
    OPERATOR_SET {
        1 one text,
        2 one int64,
    }
    /// `StringStringEntryProto`: key, value.
    ENTRY {
        1 one text,
        2 one text,
    }
    /// `TrainingInfoProto`: initialization, algorithm, and their bindings.
    TRAINING {
        1 one GRAPH,
        2 one GRAPH,
        3 many ENTRY,
        4 many ENTRY,
    }
    /// `DeviceConfigurationProto`: name, num_devices, device.
    DEVICE {
        1 one text,
        2 one int32,
        3 many text,
    }
    /// `FunctionProto`: name, input, output, attribute, node, doc_string, opset_import, domain,
    /// attribute_proto, value_info, overload, metadata_props.
    FUNCTION {
        1 one text,
        4 many text,
        5 many text,
        6 many text,
        7 many NODE,
        8 one text,
        9 many OPERATOR_SET,
        10 one text,
        11 many ATTRIBUTE,
        12 many VALUE_INFO,
        13 one text,
        14 many ENTRY,
    }
    /// `GraphProto`: node, name, initializer, doc_string, input, output, value_info,
    /// quantization_annotation, sparse_initializer, metadata_props.
    GRAPH {
        1 many NODE,
        2 one text,
        5 many TENSOR,
        10 one text,
        11 many VALUE_INFO,
        12 many VALUE_INFO,
        13 many VALUE_INFO,
        14 many ANNOTATION,
        15 many SPARSE_TENSOR,
        16 many ENTRY,
    }
    /// `TensorAnnotation`: tensor_name, quant_parameter_tensor_names.
    ANNOTATION {
        1 one text,
        2 many ENTRY,
    }
    /// `NodeProto`: input, output, name, op_type, attribute, doc_string, domain, overload,
    /// metadata_props, device_configurations.
    NODE {
        1 many text,
        2 many text,
        3 one text,
        4 one text,
        5 many ATTRIBUTE,
        6 one text,
        7 one text,
        8 one text,
        9 many ENTRY,
        10 many NODE_DEVICE,
    }
    /// `NodeDeviceConfigurationProto`: configuration_id, sharding_spec, pipeline_stage.
    NODE_DEVICE {
        1 one text,
        2 many SHARDING,
        3 one int32,
    }
    /// `ShardingSpecProto`: tensor_name, device, index_to_device_group_map, sharded_dim.
    SHARDING {
        1 one text,
        2 many int64,
        3 many DEVICE_GROUP,
        4 many SHARDED_DIM,
    }
    /// `IntIntListEntryProto`: key, value.
    DEVICE_GROUP {
        1 one int64,
        2 many int64,
    }
    /// `ShardedDimProto`: axis, simple_sharding.
    SHARDED_DIM {
        1 one int64,
        2 many SIMPLE_SHARDED_DIM,
    }
    /// `SimpleShardedDimProto`: dim_value or dim_param, num_shards.
    SIMPLE_SHARDED_DIM {
        1 oneof(1) int64,
        2 oneof(1) text,
        3 one int64,
    }
    /// `AttributeProto`: name, f, i, s, t, g, floats, ints, strings, tensors, graphs, doc_string, tp,
    /// type_protos, type, ref_attr_name, sparse_tensor, sparse_tensors.
    ATTRIBUTE {
        1 one text,
        2 one float,
        3 one int64,
        4 one bytes,
        5 one TENSOR,
        6 one GRAPH,
        7 many float,
        8 many int64,
        9 many bytes,
        10 many TENSOR,
        11 many GRAPH,
        13 one text,
        14 one TYPE,
        15 many TYPE,
        20 one int32,
        21 one text,
        22 one SPARSE_TENSOR,
        23 many SPARSE_TENSOR,
    }
    /// `TensorProto`: dims, data_type, segment, float_data, int32_data, string_data, int64_data, name,
    /// raw_data, double_data, uint64_data, doc_string, external_data, data_location, metadata_props.
    TENSOR {
        1 many int64,
        2 one int32,
        3 one SEGMENT,
        4 many float,
        5 many int32,
        6 many bytes,
        7 many int64,
        8 one text,
        9 one bytes,
        10 many double,
        11 many int64,
        12 one text,
        13 many ENTRY,
        14 one int32,
        16 many ENTRY,
    }
    /// `TensorProto.Segment`: begin, end.
    SEGMENT {
        1 one int64,
        2 one int64,
    }
    /// `SparseTensorProto`: values, indices, dims.
    SPARSE_TENSOR {
        1 one TENSOR,
        2 one TENSOR,
        3 many int64,
    }
    /// `ValueInfoProto`: name, type, doc_string, metadata_props.
    VALUE_INFO {
        1 one text,
        2 one TYPE,
        3 one text,
        4 many ENTRY,
    }
    /// `TypeProto`: tensor_type, sequence_type, map_type, denotation, opaque_type,
    /// sparse_tensor_type, optional_type.
    TYPE {
        1 oneof(1) TENSOR_TYPE,
        4 oneof(1) WRAPPED_TYPE,
        5 oneof(1) MAP_TYPE,
        6 one text,
        7 oneof(1) OPAQUE_TYPE,
        8 oneof(1) TENSOR_TYPE,
        9 oneof(1) WRAPPED_TYPE,
    }
    /// `TypeProto.Tensor` and `TypeProto.SparseTensor`: elem_type, shape.
    TENSOR_TYPE {
        1 one int32,
        2 one SHAPE,
    }
    /// `TypeProto.Sequence` and `TypeProto.Optional`: elem_type.
    WRAPPED_TYPE {
        1 one TYPE,
    }
    /// `TypeProto.Map`: key_type, value_type.
    MAP_TYPE {
        1 one int32,
        2 one TYPE,
    }
    /// `TypeProto.Opaque`: domain, name.
    OPAQUE_TYPE {
        1 one text,
        2 one text,
    }
    /// `TensorShapeProto`: dim.
    SHAPE {
        1 many DIMENSION,
    }
    /// `TensorShapeProto.Dimension`: dim_value or dim_param, denotation.
    DIMENSION {
        1 oneof(1) int64,
        2 oneof(1) text,
        3 one text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_in_order_and_fit_a_set_of_bits() {
        for Schema(fields) in ALL {
            assert!(
                fields
                    .windows(2)
                    .all(|pair| pair[0].number < pair[1].number)
            );
            assert!(fields.iter().all(|known| (1..64).contains(&known.number)));
        }
    }
}
