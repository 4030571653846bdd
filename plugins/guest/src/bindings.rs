//! Generated from `wit/0.1/importer.wit`.

wit_bindgen::generate!({
    path: "../../wit/0.1",
    world: "importer",
    pub_export_macro: true,
    export_macro_name: "export_importer",
    default_bindings_module: "lazaret_guest::bindings",
    additional_derives: [PartialEq],
});
