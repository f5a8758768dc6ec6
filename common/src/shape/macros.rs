//! One declaration for a type, its reader, its writer and its schema.

/// Declares a struct that is a table of the environment file:
///
/// ```text
/// table! {
///     /// `[slo]`: what the service promises.
///     pub struct Slo {
///         /// Share of good minutes.
///         pub availability: Share,              // must be there
///         pub e2e_p99: Option<Span>,            // may be left out
///         pub error_rate: Share = Share::ALL,   // has a default
///         pub quantile: Share as Fraction,      // is written in another way
///     }
/// }
/// ```
#[macro_export]
macro_rules! table {
    (@wire $ty:ty) => { $ty };
    (@wire $ty:ty, $wire:ty) => { $wire };
    (@default) => { None };
    (@default $default:expr) => { Some(|| $default) };
    (
        $(#[doc = $about:literal])*
        $(#[derive($extra:ident)])?
        $vis:vis struct $table:ident {
            $(
                $(#[doc = $doc:literal])*
                pub $field:ident : $ty:ty $(as $wire:ty)? $(= $default:expr)?
            ),* $(,)?
        }
    ) => {
        $(#[doc = $about])*
        #[derive(Debug, Clone, PartialEq $(, $extra)?)]
        $vis struct $table {
            $( $(#[doc = $doc])* pub $field: $ty, )*
        }

        impl $crate::shape::Shape for $table {
            fn decode(
                node: &$crate::document::Node,
                decoder: &mut $crate::shape::Decoder<'_>,
            ) -> Option<Self> {
                let table = (decoder.table(node)?, &node.at);
                decoder.reject_unknown(table.0, &[$(stringify!($field)),*]);
                $(
                    let $field = decoder
                        .field::<$crate::table!(@wire $ty $(, $wire)?), $ty>(
                            table,
                            stringify!($field),
                            $crate::table!(@default $($default)?),
                        );
                )*
                Some(Self { $($field),* })
            }

            fn absent(
                at: &$crate::document::At,
                decoder: &mut $crate::shape::Decoder<'_>,
            ) -> Option<Self> {
                let value = $crate::document::Value::Table(Default::default());
                Self::decode(&$crate::document::Node { value, at: at.clone() }, decoder)
            }

            fn stand_in() -> Self {
                use $crate::shape::Wire as _;
                Self {
                    $(
                        $field: <$crate::table!(@wire $ty $(, $wire)?)
                            as $crate::shape::Shape>::stand_in().meaning(),
                    )*
                }
            }

            fn may_be_absent() -> bool {
                Self::required().is_empty()
            }

            fn encode(&self) -> Option<$crate::shape::Tree> {
                let fields = [$((
                    stringify!($field),
                    <$crate::table!(@wire $ty $(, $wire)?)
                        as $crate::shape::Wire<$ty>>::written(&self.$field).encode(),
                )),*];
                let present = fields.into_iter();
                let present = present.filter_map(|(key, value)| Some((key.to_owned(), value?)));
                Some($crate::shape::Tree::Table(present.collect()))
            }

            fn schema(whole: bool) -> $crate::shape::Json {
                let mut schema = $crate::shape::TableSchema::new(concat!($($about, "\n"),*));
                $({
                    let default: Option<fn() -> $ty> =
                        $crate::table!(@default $($default)?);
                    schema.property::<$crate::table!(@wire $ty $(, $wire)?), $ty>(
                        stringify!($field),
                        concat!("", $($doc, "\n"),*),
                        default,
                        whole,
                    );
                })*
                schema.finish(if whole { Self::required() } else { Vec::new() })
            }
        }

        impl $table {
            /// The keys that have no default.
            fn required() -> Vec<&'static str> {
                let mut required = Vec::new();
                $({
                    let default: Option<fn() -> $ty> =
                        $crate::table!(@default $($default)?);
                    let optional =
                        <$crate::table!(@wire $ty $(, $wire)?)
                            as $crate::shape::Shape>::may_be_absent();
                    if default.is_none() && !optional {
                        required.push(stringify!($field));
                    }
                })*
                required
            }
        }
    };
}

/// Declares an enum that is one of a few words of the environment file.
#[macro_export]
macro_rules! choice {
    (
        $(#[doc = $about:literal])*
        $vis:vis enum $choice:ident {
            $( $(#[doc = $doc:literal])* $variant:ident = $word:literal ),* $(,)?
        }
    ) => {
        $(#[doc = $about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        $vis enum $choice {
            $( $(#[doc = $doc])* $variant, )*
        }

        impl $choice {
            /// The word that stands for it.
            $vis const fn as_str(self) -> &'static str {
                match self {
                    $( Self::$variant => $word, )*
                }
            }
        }

        impl $crate::shape::Shape for $choice {
            fn decode(
                node: &$crate::document::Node,
                decoder: &mut $crate::shape::Decoder<'_>,
            ) -> Option<Self> {
                let words = [$($word),*];
                match <String as $crate::shape::Shape>::decode(node, decoder)?.as_str() {
                    $( $word => Some(Self::$variant), )*
                    other => {
                        let known = $crate::shape::in_words(&words);
                        let why = format!("`{other}` is not {known}");
                        let help = $crate::diag::nearest(other, words)
                            .map(|near| format!("did you mean \"{near}\"?"));
                        decoder.wrong_value(node, &why, help);
                        None
                    }
                }
            }

            fn stand_in() -> Self {
                [$(Self::$variant),*][0]
            }

            fn encode(&self) -> Option<$crate::shape::Tree> {
                Some($crate::shape::Tree::String(self.as_str().to_owned()))
            }

            fn schema(_: bool) -> $crate::shape::Json {
                serde_json::json!({ "type": "string", "enum": [$($word),*] })
            }
        }
    };
}
