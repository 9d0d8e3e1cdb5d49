//! A macro for enumerations whose variants have a word each in scenario files.

/// Declares an enumeration: `Type { Name => "word", }`.
macro_rules! words {
    ($(#[doc = $doc:literal])* $type:ident { $($(#[doc = $about:literal])* $name:ident => $word:literal,)* }) => {
        $(#[doc = $doc])*
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        pub enum $type { $($(#[doc = $about])* $name,)* }

        impl $type {
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Each with its word.
            pub const WORDS: &[(&str, Self)] = &[$(($word, Self::$name),)*];

            /// The word for it in scenario files.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }
        }
    };
}
pub(super) use words;
