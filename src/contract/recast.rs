//! Conversion between the newest form of a type and its older ones.

use super::value::Secret;

/// Converts between a type and its older or newer view; each type is also a view of itself.
pub trait Recast<T> {
    fn recast(self) -> T;
}

impl<A: Recast<B>, B> Recast<Option<B>> for Option<A> {
    fn recast(self) -> Option<B> {
        self.map(A::recast)
    }
}

impl<A: Recast<B>, B> Recast<Vec<B>> for Vec<A> {
    fn recast(self) -> Vec<B> {
        self.into_iter().map(A::recast).collect()
    }
}

/// Types of which the contract has one form.
macro_rules! one_form {
    ($($ty:ty),*) => {$(
        impl Recast<$ty> for $ty {
            fn recast(self) -> $ty {
                self
            }
        }
    )*};
}

one_form!(bool, i32, u32, i64, f64, String, Secret);
