//! What generated code says of types to a program without the feature `schema`: nothing.

/// Expands to the value: nothing is compiled for the types.
#[doc(hidden)]
#[macro_export]
macro_rules! __described {
    ($function:ident [$($value:tt)*] [$($types:tt)*]) => { $($value)* };
    ([$($items:tt)*]) => {};
}
