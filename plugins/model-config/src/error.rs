//! Why nothing is said of a file: every rule, and where it was broken.

pub use lazaret_guest::fault::Span;

/// Why reading ended early.
pub type Stop<E> = lazaret_guest::fault::Stop<Rule, E>;

lazaret_guest::rules! {
    unsupported: [TooLarge, TooDeep, TooManyNames];

    /// Beyond what is held.
    TooLarge = "file is larger than a model's configuration",
    /// The input's size and what it gives differ.
    ShortInput = "input ends before its own size",

    // JSON (RFC 8259).
    /// Of the whole file.
    Utf8 = "not UTF-8",
    /// Within the document.
    Truncated = "JSON ends early",
    /// A byte that cannot stand there.
    Syntax = "malformed JSON",
    /// More than one document.
    Trailing = "something follows the document",
    /// Unescaped; some readers take them.
    Control = "control character in a string",
    /// Not one of the eight, or not four digits.
    Escape = "malformed escape in a string",
    /// Readers replace, drop or keep it: three texts.
    Surrogate = "escaped surrogate without its pair",
    /// A file that nests without end.
    TooDeep = "JSON is nested too deeply",
    /// The first wins in some JSON readers, the last in others (RFC 8259, section 4).
    DuplicateName = "name comes twice",
    /// Beyond what is held.
    TooManyNames = "too many names",

    // What it is about.
    /// A list, a text, or nothing.
    NotObject = "not an object",
    /// Any other program's configuration.
    NotModel = "has neither model_type nor architectures",
    /// Nothing that a card would show.
    NotTokenizer = "has neither tokenizer_class nor chat_template",
}
