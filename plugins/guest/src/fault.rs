//! What a parser says of an input that it refuses: the rule that was broken, and where. Every parser
//! has rules of its own, listed once with [`rules!`](crate::rules); the rest is the same for all.

use std::convert::Infallible;
use std::error::Error;
use std::fmt;

use crate::{ByteRange, Failure};

/// A place in the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Bytes before it.
    pub offset: u64,
    /// Bytes of it; zero where something is missing.
    pub length: u64,
}

impl Span {
    /// The `length` bytes at `offset`.
    #[must_use]
    pub const fn new(offset: u64, length: u64) -> Self {
        Self { offset, length }
    }

    /// From one offset to another that is not before it.
    #[must_use]
    pub const fn between(start: u64, end: u64) -> Self {
        Self::new(start, end - start)
    }

    /// Offset of the first byte behind it.
    #[must_use]
    pub const fn end(self) -> u64 {
        self.offset + self.length
    }

    /// The fault that what stands here breaks a rule.
    #[must_use]
    pub const fn breaks<R: Copy>(self, rule: R) -> Fault<R> {
        Fault { rule, at: self }
    }
}

/// A parser's rules: what [`rules!`](crate::rules) makes.
pub trait Reason: Copy + fmt::Debug {
    /// In words: lower case, no full stop, no values.
    fn reason(self) -> &'static str;

    /// What breaks it is sound, but of a kind or size that the importer does not know.
    fn is_unsupported(self) -> bool;
}

/// The input is not one that all readers understand alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault<R> {
    /// What is wrong.
    pub rule: R,
    /// Where: a field, a number, a string, a description, or for what is cut off the part that is
    /// there.
    pub at: Span,
}

impl<R: Reason> Fault<R> {
    /// Always: a parser has no other failures.
    #[must_use]
    pub const fn is_input_fault(&self) -> bool {
        true
    }

    /// Sound, but of a kind or size the importer does not know.
    #[must_use]
    pub fn is_unsupported(&self) -> bool {
        self.rule.is_unsupported()
    }
}

impl<R: Reason> fmt::Display for Fault<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.rule.reason(), self.at.offset)
    }
}

impl<R: Reason> Error for Fault<R> {}

impl<R: Reason> From<Fault<R>> for Failure {
    fn from(fault: Fault<R>) -> Self {
        let said = crate::Fault {
            at: Some(ByteRange {
                offset: fault.at.offset,
                length: fault.at.length,
            }),
            reason: fault.rule.reason().to_owned(),
        };
        if fault.is_unsupported() {
            Self::Unsupported(said)
        } else {
            Self::Malformed(said)
        }
    }
}

/// Why reading ended early.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop<R, E> {
    /// The input is refused.
    Fault(Fault<R>),
    /// The input could not be read.
    Input(E),
}

impl<R, E> From<Fault<R>> for Stop<R, E> {
    fn from(fault: Fault<R>) -> Self {
        Self::Fault(fault)
    }
}

impl<R> Stop<R, Infallible> {
    /// The fault: an input that can always be read gives no other reason.
    #[must_use]
    pub fn into_fault(self) -> Fault<R> {
        match self {
            Self::Fault(fault) => fault,
            Self::Input(never) => match never {},
        }
    }
}

/// Lists a parser's rules, each with why it is one (its documentation) and what is said when it is
/// broken; first those whose breach is only beyond this version. Makes the enum `Rule` and the type
/// `Fault`.
#[macro_export]
macro_rules! rules {
    (
        unsupported: [$($unsupported:ident),* $(,)?];
        $($(#[$doc:meta])* $name:ident = $reason:literal,)*
    ) => {
        /// The rules an input can break.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Rule {
            $($(#[$doc])* $name,)*
        }

        impl Rule {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// In words: lower case, no full stop, no values.
            #[must_use]
            pub const fn reason(self) -> &'static str {
                match self {
                    $(Self::$name => $reason,)*
                }
            }
        }

        impl $crate::fault::Reason for Rule {
            fn reason(self) -> &'static str {
                Self::reason(self)
            }

            fn is_unsupported(self) -> bool {
                matches!(self, $(Self::$unsupported)|*)
            }
        }

        /// The rule that an input broke, and where.
        pub type Fault = $crate::fault::Fault<Rule>;
    };
}

#[cfg(test)]
mod tests {
    use super::Span;
    use crate::{Failure, malformed_at, unsupported_at};

    crate::rules! {
        unsupported: [New];
        /// From the future.
        New = "version is new",
        /// Never right.
        Odd = "number is odd",
    }

    #[test]
    fn a_fault_becomes_a_failure_with_its_place() {
        let at = Span::between(3, 10);
        let odd: Fault = at.breaks(Rule::Odd);
        assert_eq!(odd.to_string(), "number is odd at byte 3");
        assert_eq!(Failure::from(odd), malformed_at(3, 7, "number is odd"));
        assert_eq!(
            Failure::from(at.breaks(Rule::New)),
            unsupported_at(3, 7, "version is new")
        );
        assert_eq!(Rule::ALL, [Rule::New, Rule::Odd]);
    }
}
