//! Which classes and functions a checkpoint may name, and what is known of the others.
//!
//! The list is what `torch.load(weights_only=True)` allows (`torch/_weights_only_unpickler.py`), and
//! what `NumPy`'s arrays and scalars need; it holds names that make data of data. Everything else is a
//! finding. A name may be reached through any module that imported it, so telling names count wherever
//! they stand.

use crate::pickle::finding::Level;
use crate::tensor::Dtype;

/// What is known of a name on the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Makes a value that is of no interest here.
    Plain,
    /// A dictionary that keeps its order, or counts.
    Dict,
    /// `list`, `set` and the like.
    Collection,
    /// Makes a tensor.
    Rebuild(Rebuild),
    /// Calls its first argument with its third.
    FromType,
    /// Makes a tensor of others.
    Combine,
    /// The class of a storage; none where it has no type of elements.
    Storage(Option<Dtype>),
    /// A type of elements.
    Dtype(Dtype),
    /// Makes bytes of text.
    Encode,
    /// Makes an object of the class that is its first argument.
    Construct,
    /// Looks up classes that fail if they are absent, by name: `defaultdict` and its factory.
    Factory,
}

/// Functions of `torch._utils`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rebuild {
    Plain,
    V2,
    V3,
    Quantised,
    Parameter,
}

/// What is said of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Judgement {
    Allowed(Role),
    Finding(Level, &'static str),
}

/// Modules that run programs, code or files, or open connections; with everything below them.
const DANGEROUS_MODULES: &[&str] = &[
    "BaseHTTPServer",
    "CGIHTTPServer",
    "SimpleHTTPServer",
    "SocketServer",
    "_aix_support",
    "_ctypes",
    "_frozen_importlib",
    "_frozen_importlib_external",
    "_imp",
    "_io",
    "_osx_support",
    "_pickle",
    "_posixsubprocess",
    "_pyrepl",
    "_socket",
    "_testcapi",
    "_thread",
    "_winapi",
    "aiohttp",
    "anydbm",
    "asyncio",
    "atexit",
    "bdb",
    "cPickle",
    "cProfile",
    "cffi",
    "cgi",
    "cloudpickle",
    "code",
    "codeop",
    "commands",
    "compileall",
    "concurrent",
    "ctypes",
    "dbm",
    "dill",
    "distutils",
    "doctest",
    "dumbdbm",
    "ensurepip",
    "fcntl",
    "fileinput",
    "ftplib",
    "functools",
    "gc",
    "gdbm",
    "http",
    "httplib",
    "idlelib",
    "imaplib",
    "imp",
    "importlib",
    "inspect",
    "io",
    "joblib",
    "jsonpickle",
    "lib2to3",
    "linecache",
    "logging",
    "mailcap",
    "marshal",
    "mmap",
    "msvcrt",
    "multiprocessing",
    "nntplib",
    "nt",
    "ntpath",
    "operator",
    "os",
    "paramiko",
    "pdb",
    "pickle",
    "pip",
    "pkg_resources",
    "pkgutil",
    "platform",
    "popen2",
    "poplib",
    "posix",
    "posixpath",
    "profile",
    "pty",
    "py_compile",
    "pydoc",
    "readline",
    "requests",
    "rlcompleter",
    "runpy",
    "selectors",
    "setuptools",
    "shelve",
    "shutil",
    "signal",
    "site",
    "smtpd",
    "smtplib",
    "socket",
    "socketserver",
    "sqlite3",
    "ssl",
    "subprocess",
    "sys",
    "tarfile",
    "telnetlib",
    "tempfile",
    "test",
    "thread",
    "threading",
    "timeit",
    "tkinter",
    "trace",
    "types",
    "unittest",
    "urllib",
    "urllib2",
    "venv",
    "webbrowser",
    "xmlrpc",
    "xmlrpclib",
    "zipapp",
    "zipimport",
];

/// Likewise, of packages that are otherwise no danger.
const DANGEROUS_PATHS: &[&str] = &[
    "numpy.ctypeslib",
    "numpy.distutils",
    "numpy.f2py",
    "numpy.fromfile",
    "numpy.load",
    "numpy.memmap",
    "numpy.testing",
    "pandas.read_pickle",
    "torch._dynamo",
    "torch._inductor",
    "torch.classes",
    "torch.distributed",
    "torch.fx",
    "torch.hub",
    "torch.jit",
    "torch.load",
    "torch.multiprocessing",
    "torch.ops",
    "torch.package",
    "torch.save",
    "torch.serialization",
    "torch.storage._load_from_bytes",
    "torch.utils",
    "uuid._get_command_stdout",
];

/// Names that say what they do wherever they are found: modules re-export what they import.
const DANGEROUS_NAMES: &[&str] = &[
    "Popen",
    "__import__",
    "_load_from_bytes",
    "apply",
    "attrgetter",
    "breakpoint",
    "call",
    "check_call",
    "check_output",
    "compile",
    "delattr",
    "eval",
    "exec",
    "execfile",
    "execl",
    "execv",
    "execve",
    "execvp",
    "file",
    "fork",
    "forkpty",
    "fromfile",
    "getattr",
    "getoutput",
    "getstatusoutput",
    "globals",
    "import_module",
    "input",
    "itemgetter",
    "load_library",
    "load_module",
    "load_state_dict_from_url",
    "locals",
    "methodcaller",
    "open",
    "partial",
    "popen",
    "posix_spawn",
    "reduce",
    "remove",
    "rmtree",
    "run",
    "runcode",
    "runstring",
    "setattr",
    "spawnl",
    "startfile",
    "system",
    "unlink",
];

/// What Python 2 called the modules of today; unpicklers translate for protocols below 3.
fn module_of_today(module: &str) -> &str {
    match module {
        "__builtin__" | "__builtins__" => "builtins",
        "copy_reg" => "copyreg",
        "UserDict" | "UserList" | "UserString" => "collections",
        other => other,
    }
}

/// What a name stands for.
pub(crate) fn judge(module: &str, name: &str) -> Judgement {
    let module = module_of_today(module);
    if let Some(role) = allowed(module, name) {
        return Judgement::Allowed(role);
    }
    let (level, reason) = suspect(module, name);
    Judgement::Finding(level, reason)
}

fn allowed(module: &str, name: &str) -> Option<Role> {
    Some(match (module, name) {
        ("collections", "OrderedDict" | "Counter") => Role::Dict,
        ("collections", "defaultdict") => Role::Factory,
        ("builtins", "dict") => Role::Dict,
        ("builtins", "list" | "tuple" | "set" | "frozenset") => Role::Collection,
        (
            "builtins",
            "bool" | "bytearray" | "bytes" | "complex" | "float" | "int" | "long" | "object"
            | "range" | "slice" | "str" | "unicode" | "xrange",
        ) => Role::Plain,
        ("copyreg", "_reconstructor") => Role::Construct,
        ("_codecs", "encode") => Role::Encode,
        ("torch._utils", name) => match name {
            "_rebuild_tensor" => Role::Rebuild(Rebuild::Plain),
            "_rebuild_tensor_v2" => Role::Rebuild(Rebuild::V2),
            "_rebuild_tensor_v3" => Role::Rebuild(Rebuild::V3),
            "_rebuild_qtensor" => Role::Rebuild(Rebuild::Quantised),
            "_rebuild_parameter" | "_rebuild_parameter_with_state" => {
                Role::Rebuild(Rebuild::Parameter)
            }
            "_rebuild_sparse_tensor"
            | "_rebuild_sparse_csr_tensor"
            | "_rebuild_nested_tensor"
            | "_rebuild_device_tensor_from_numpy"
            | "_rebuild_device_tensor_from_cpu_tensor"
            | "_rebuild_xla_tensor"
            | "_rebuild_meta_tensor_no_storage"
            | "_rebuild_wrapper_subclass" => Role::Combine,
            _ => return None,
        },
        ("torch._tensor", "_rebuild_from_type_v2") => Role::FromType,
        ("torch.nn.parameter", "Parameter" | "Buffer") => Role::Rebuild(Rebuild::Parameter),
        ("torch.serialization", "_get_layout") => Role::Plain,
        ("torch.storage", "UntypedStorage" | "_UntypedStorage") => Role::Storage(None),
        ("torch", "UntypedStorage") => Role::Storage(None),
        ("torch.storage", "TypedStorage" | "_TypedStorage") => Role::Plain,
        ("torch", name) => torch_name(name)?,
        ("torch.cuda", name) => match Dtype::from_storage(name) {
            Some(dtype) => Role::Storage(Some(dtype)),
            None if is_tensor_class(name) => Role::Plain,
            None => return None,
        },
        ("numpy.core.multiarray" | "numpy._core.multiarray", "_reconstruct") => Role::Construct,
        ("numpy.core.multiarray" | "numpy._core.multiarray", "scalar") => Role::Plain,
        ("numpy.core.numeric" | "numpy._core.numeric", "_frombuffer") => Role::Plain,
        ("numpy", "dtype" | "ndarray") => Role::Plain,
        ("numpy", name) if is_numpy_scalar(name) => Role::Plain,
        ("numpy.dtypes", name) if is_numpy_dtype(name) => Role::Plain,
        _ => return None,
    })
}

fn torch_name(name: &str) -> Option<Role> {
    if let Some(dtype) = Dtype::from_storage(name) {
        return Some(Role::Storage(Some(dtype)));
    }
    if let Some(dtype) = Dtype::from_name(name) {
        return Some(Role::Dtype(dtype));
    }
    let is_small_int = name
        .strip_prefix("uint")
        .or_else(|| name.strip_prefix("int"))
        .is_some_and(|bits| matches!(bits.as_bytes(), [b'1'..=b'7']));
    let is_plain = matches!(
        name,
        "Size"
            | "Tensor"
            | "device"
            | "strided"
            | "sparse_coo"
            | "sparse_csr"
            | "sparse_csc"
            | "sparse_bsr"
            | "sparse_bsc"
            | "_mkldnn"
            | "jagged"
            | "per_tensor_affine"
            | "per_tensor_symmetric"
            | "per_channel_affine"
            | "per_channel_symmetric"
            | "per_channel_affine_float_qparams"
            | "contiguous_format"
            | "channels_last"
            | "channels_last_3d"
            | "preserve_format"
    );
    (is_small_int || is_plain || is_tensor_class(name)).then_some(Role::Plain)
}

fn is_tensor_class(name: &str) -> bool {
    matches!(
        name,
        "BFloat16Tensor"
            | "BoolTensor"
            | "ByteTensor"
            | "CharTensor"
            | "DoubleTensor"
            | "FloatTensor"
            | "HalfTensor"
            | "IntTensor"
            | "LongTensor"
            | "ShortTensor"
    )
}

fn is_numpy_scalar(name: &str) -> bool {
    matches!(
        name,
        "bool"
            | "bool_"
            | "bytes_"
            | "complex128"
            | "complex64"
            | "datetime64"
            | "float16"
            | "float32"
            | "float64"
            | "int16"
            | "int32"
            | "int64"
            | "int8"
            | "intc"
            | "longdouble"
            | "longlong"
            | "str_"
            | "timedelta64"
            | "uint16"
            | "uint32"
            | "uint64"
            | "uint8"
            | "uintc"
            | "ulonglong"
    )
}

fn is_numpy_dtype(name: &str) -> bool {
    name.strip_suffix("DType").is_some_and(|name| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

/// What is wrong with a name that is not on the list.
fn suspect(module: &str, name: &str) -> (Level, &'static str) {
    let parts = || module.split('.').chain(name.split('.'));
    let is_identifier = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    if !parts().all(is_identifier) {
        return (Level::Dangerous, "not a name Python code would have");
    }
    let root = module.split('.').next().unwrap_or(module);
    if DANGEROUS_MODULES.contains(&root) {
        return (Level::Dangerous, "module that can run code or reach out");
    }
    if module == "builtins" {
        let is_exception = ["Error", "Exception", "Warning"]
            .iter()
            .any(|end| name.ends_with(end));
        return if is_exception {
            (
                Level::Suspicious,
                "not on the list of what a checkpoint needs",
            )
        } else {
            (Level::Dangerous, "built-in function that can run code")
        };
    }
    let path = format!("{module}.{name}");
    let is_below = |start: &str| {
        path.strip_prefix(start)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    if DANGEROUS_PATHS.iter().any(|start| is_below(start)) {
        return (Level::Dangerous, "function that can run code or reach out");
    }
    let is_internal = |part: &str| part.starts_with("__") && part.ends_with("__");
    if parts().any(|part| is_internal(part) && part != "__main__") {
        return (Level::Dangerous, "internals of Python objects");
    }
    let mut rest = name.split('.').chain(module.split('.').skip(1));
    if rest.any(|part| DANGEROUS_NAMES.contains(&part)) {
        return (Level::Dangerous, "name of a function that runs code");
    }
    if name
        .split('.')
        .any(|part| DANGEROUS_MODULES.contains(&part))
    {
        return (Level::Dangerous, "module reached through another");
    }
    (
        Level::Suspicious,
        "not on the list of what a checkpoint needs",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_checkpoints_need_is_allowed() {
        for (module, name) in [
            ("torch._utils", "_rebuild_tensor_v2"),
            ("torch", "FloatStorage"),
            ("torch.cuda", "HalfStorage"),
            ("torch.storage", "UntypedStorage"),
            ("torch", "bfloat16"),
            ("torch", "float8_e4m3fn"),
            ("torch", "Size"),
            ("torch", "device"),
            ("collections", "OrderedDict"),
            ("__builtin__", "set"),
            ("copy_reg", "_reconstructor"),
            ("numpy.core.multiarray", "_reconstruct"),
            ("numpy._core.multiarray", "scalar"),
            ("numpy.dtypes", "Float64DType"),
            ("numpy", "float64"),
            ("_codecs", "encode"),
        ] {
            assert!(
                matches!(judge(module, name), Judgement::Allowed(_)),
                "{module} {name}"
            );
        }
    }

    #[test]
    fn everything_else_is_found() {
        use Level::{Dangerous, Suspicious};
        for (level, module, name) in [
            (Dangerous, "os", "system"),
            (Dangerous, "posix", "system"),
            (Dangerous, "nt", "system"),
            (Dangerous, "os.path", "join"),
            (Dangerous, "subprocess", "Popen"),
            (Dangerous, "builtins", "eval"),
            (Dangerous, "__builtin__", "execfile"),
            (Dangerous, "builtins", "getattr"),
            (Dangerous, "builtins", "print"),
            (Dangerous, "builtins", "__import__"),
            (Dangerous, "runpy", "_run_code"),
            (Dangerous, "socket", "create_connection"),
            (Dangerous, "shutil", "rmtree"),
            (Dangerous, "pip", "main"),
            (Dangerous, "pip._internal.cli", "main"),
            (Dangerous, "importlib", "import_module"),
            (Dangerous, "sys", "exit"),
            (Dangerous, "webbrowser", "open"),
            (Dangerous, "torch.hub", "load"),
            (Dangerous, "torch", "hub.load"),
            (Dangerous, "torch", "load"),
            (Dangerous, "torch.storage", "_load_from_bytes"),
            (Dangerous, "torch._utils", "os.system"),
            (Dangerous, "torch._utils", "os"),
            (Dangerous, "collections", "OrderedDict.__reduce__"),
            (Dangerous, "collections", "abc.sys"),
            (Dangerous, "torch.storage", "io"),
            (Dangerous, "somewhere", "system"),
            (Dangerous, "numpy.testing._private.utils", "runstring"),
            (Dangerous, "оs", "system"),
            (Dangerous, "ｏｓ", "system"),
            (Dangerous, "os ", "system"),
            (Dangerous, "", ""),
            (Dangerous, "torch\0", "FloatStorage"),
            (Suspicious, "models.yolo", "Model"),
            (Suspicious, "argparse", "Namespace"),
            (Suspicious, "__main__", "Net"),
            (Suspicious, "builtins", "ValueError"),
            (Suspicious, "torch.nn.modules.linear", "Linear"),
            (Suspicious, "collections", "OrderedDict.fromkeys"),
            (Suspicious, "torch", "floatstorage"),
        ] {
            match judge(module, name) {
                Judgement::Finding(found, _) => assert_eq!(found, level, "{module} {name}"),
                Judgement::Allowed(role) => panic!("{module} {name}: {role:?}"),
            }
        }
    }
}
