//! The targets of a stub, and the return types of its methods for each target.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use syn::Path;

use crate::model::{Method, Output, Progress};

/// The target of a stub's calls and notifications.
#[derive(Clone, Copy)]
pub(super) enum Target {
    Peer,
    Batch,
    Group,
}

impl Target {
    pub(super) const ALL: [Self; 3] = [Self::Peer, Self::Batch, Self::Group];

    /// Returns the `T` of the `ChatClient<T>`.
    pub(super) fn ty(self, private: &Path) -> TokenStream {
        match self {
            Self::Peer => quote!(#private::Peer),
            Self::Batch => quote!(&#private::Batch),
            Self::Group => quote!(#private::Group),
        }
    }

    /// Returns the return type of a request: `Call<T, E, P>` or `Answers<T, E>`, without `E` and `P` if they are the
    /// defaults.
    pub(super) fn call(
        self,
        private: &Path,
        method: &Method,
        ok: &TokenStream,
        err: &TokenStream,
    ) -> TokenStream {
        let call = match self {
            Self::Peer | Self::Batch => quote!(#private::Call),
            Self::Group => quote!(#private::Answers),
        };
        if let (Some(Progress { value, .. }), Self::Peer | Self::Batch) = (method.progress(), self)
        {
            return quote!(#call<#ok, #err, #value>);
        }
        match &method.output {
            Output::Nothing | Output::Plain(_) => quote!(#call<#ok>),
            Output::Result { .. } | Output::Alias(_) => quote!(#call<#ok, #err>),
        }
    }

    /// Returns the return type of a notification.
    pub(super) fn notified(self, private: &Path) -> TokenStream {
        let result = |ok| quote!(::core::result::Result<#ok, #private::NotifyError>);
        match self {
            Self::Peer => quote!(#private::Notify),
            Self::Batch => result(quote!(())),
            Self::Group => {
                let result = result(quote!(::core::primitive::usize));
                quote!(#private::Ready<#result>)
            }
        }
    }

    /// Returns the function of `private` for this target: `call`, `batch_call` or `group_call`.
    pub(super) fn function(self, name: &str) -> Ident {
        match self {
            Self::Peer => format_ident!("{name}"),
            Self::Batch => format_ident!("batch_{name}"),
            Self::Group => format_ident!("group_{name}"),
        }
    }
}
