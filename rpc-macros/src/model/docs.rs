//! The documentation of a service, its methods and their parameters.

use syn::ext::IdentExt;
use syn::punctuated::Punctuated;
use syn::{Attribute, Expr, ExprLit, FnArg, Lit, Meta, MetaNameValue, Pat, PatIdent, PatType};
use syn::{Token, parse_quote};

/// Returns the text of the documentation, for tables and schemas.
pub(crate) fn text(attrs: &[Attribute]) -> String {
    let lines: Vec<String> = attrs.iter().filter_map(line).collect();
    lines.join("\n")
}

/// Returns the `text` of `/// text`.
fn line(attr: &Attribute) -> Option<String> {
    let Meta::NameValue(MetaNameValue { path, value, .. }) = &attr.meta else {
        return None;
    };
    match value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) if path.is_ident("doc") => {
            let text = text.value();
            Some(text.strip_prefix(' ').unwrap_or(&text).to_owned())
        }
        _ => None,
    }
}

/// Returns the documentation of the parameters as a list at the end of the method's documentation, because Rust allows
/// no documentation on parameters.
///
/// ```text
/// async fn join(                        /// # Parameters
///     &self,                            /// - `room`: The room.
///     /// The room.                     async fn join(&self, room: &str);
///     room: &str,
/// );
/// ```
pub(crate) fn of_params(inputs: &Punctuated<FnArg, Token![,]>) -> Vec<Attribute> {
    let items: Vec<String> = inputs.iter().filter_map(item).collect();
    if items.is_empty() {
        return Vec::new();
    }
    let list = format!("\n# Parameters\n{}", items.join("\n"));
    // With a leading space, as in `/// text`. rustdoc removes the space.
    let lines = list.lines().map(|line| format!(" {line}"));
    lines.map(|line| parse_quote!(#[doc = #line])).collect()
}

/// `- room: The room.`
fn item(input: &FnArg) -> Option<String> {
    let FnArg::Typed(PatType { attrs, pat, .. }) = input else { return None };
    let Pat::Ident(PatIdent { ident, .. }) = &**pat else { return None };
    let text = text(attrs);
    // Further lines of a list item are indented.
    let text = text.trim_end().replace('\n', "\n  ");
    (!text.is_empty()).then(|| format!("- `{}`: {text}", ident.unraw()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(inputs: &Punctuated<FnArg, Token![,]>) -> String {
        text(&of_params(inputs))
    }

    #[test]
    fn parameters_are_listed_below_the_method() {
        let listed = lines(&parse_quote! {
            &self,
            /// The room:
            ///
            /// - a public one, or
            /// - one's own.
            room: &str,
            seat: u8,
            /** How far it is. */
            r#done: Progress<u8>
        });
        let expected = "
# Parameters
- `room`: The room:
\x20\x20
  - a public one, or
  - one's own.
- `done`: How far it is.";
        assert_eq!(listed, expected);
    }

    #[test]
    fn without_documented_parameters_there_is_no_list() {
        assert!(of_params(&parse_quote!(&self, room: &str)).is_empty());
    }
}
