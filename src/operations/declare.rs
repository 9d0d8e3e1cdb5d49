//! The macros that declare an operation.

/// Declares an operation: its wire name, its parameters and its out parameters. What it does is its `Answers`.
/// `on_master` says that it runs on the master server, here and in the other two macros.
macro_rules! operation {
    ($(#[doc = $doc:literal])* $wire:literal $($on_master:ident)? => $request:ident { $($in:tt)* } -> $out:ident {
        $($outs:tt)*
    }) => {
        message! { $(#[doc = $doc])* $request = $wire { $($in)* } }
        message! { $out = $wire { $($outs)* } }

        impl $request {
            pub(in crate::operations) const OPERATION: &[$crate::operations::Operation] =
                &[$crate::operations::Operation::new::<Self>($wire, module_path!())$(.$on_master())?];
        }
    };
}

/// Declares an operation that takes nothing and answers a text. What it answers is its `AnswersText`.
macro_rules! plain {
    ($(#[doc = $doc:literal])* $wire:literal $($on_master:ident)? => $request:ident) => {
        message! { $(#[doc = $doc])* $request = $wire {} }

        impl $request {
            pub(in crate::operations) const OPERATION: &[$crate::operations::Operation] =
                &[$crate::operations::Operation::plain::<Self>($wire, module_path!())$(.$on_master())?];
        }
    };
}

/// Declares further signatures of an operation, a row each: its own fields with their own wire types. What a row
/// does not list is absent from the request and from the answer.
macro_rules! forms {
    ($rows:ident of $newest:ident {$(
        $wire:literal $($on_master:ident)? $(, overloads $of:literal)? { $($key:literal => $field:ident: $ty:ty,)* } -> {
            $($out_key:literal => $out_field:ident: $out_ty:ty,)*
        }
    )*}) => {
        impl $newest {
            pub(in crate::operations) const $rows: &[$crate::operations::Operation] = &[$({
                form! { In = $wire into $newest { $($key => $field: $ty,)* } }
                type NewestOut = <$newest as $crate::operations::Answers>::Out;
                view! { Out = $wire of NewestOut { $($out_key => $out_field: $out_ty,)* } }
                $crate::operations::Operation::form::<$newest, In, Out>($wire, module_path!())
                    $(.overload_of($of))?
                    $(.$on_master())?
            },)*];
        }
    };
}
