//! Credentials that are asked for at each attempt to connect.

use std::error::Error;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;

use futures_util::FutureExt;
use http::HeaderValue;
use rpc_core::internal::catch::caught_future;

use crate::error::ConnectError;

type Mistake = Box<dyn Error + Send + Sync>;

type Asked = Pin<Box<dyn Future<Output = Result<String, Mistake>> + Send>>;

/// The output of a provider of tokens: a `String`, or a `Result` of a `String`.
/// [`bearer_token`](crate::ClientBuilder::bearer_token) takes such a provider.
///
/// Implement this trait for a type of your own that holds a secret.
pub trait IntoToken {
    /// Returns the token.
    ///
    /// # Errors
    /// If the provider has no token. The attempt to connect then fails with [`ConnectError::Credentials`].
    fn into_token(self) -> Result<String, Box<dyn Error + Send + Sync>>;
}

impl IntoToken for String {
    fn into_token(self) -> Result<String, Mistake> {
        Ok(self)
    }
}

impl<T: IntoToken, E: Into<Mistake>> IntoToken for Result<T, E> {
    fn into_token(self) -> Result<String, Mistake> {
        self.map_err(Into::into)?.into_token()
    }
}

/// The program's provider of bearer tokens.
#[derive(Clone)]
pub(crate) struct Credentials(Arc<dyn Fn() -> Asked + Send + Sync>);

impl Credentials {
    pub(crate) fn new<F>(provider: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output: IntoToken> + Send + 'static,
    {
        Self(Arc::new(move || {
            let asked = provider();
            Box::pin(async { asked.await.into_token() })
        }))
    }

    /// Asks the provider. Returns the value of the header `Authorization`, which is never shown.
    pub(crate) async fn ask(&self) -> Result<HeaderValue, ConnectError> {
        // Inside of `async`, since the call of the provider itself may panic, too.
        let asked = caught_future(async { (self.0)().await });
        let asked = AssertUnwindSafe(asked).catch_unwind().await;
        let token = asked.unwrap_or_else(|_| Err("its provider panicked".into()));
        token.and_then(|token| bearer(&token)).map_err(ConnectError::Credentials)
    }
}

/// The provider may have captured secrets, so nothing of it is shown.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials")
    }
}

fn bearer(token: &str) -> Result<HeaderValue, Mistake> {
    // Many tokens are read from a file, whose last line ends. An error here does not repeat the token.
    if token.is_empty() || token.contains(|char: char| !char.is_ascii_graphic()) {
        return Err("a token is ASCII without spaces and line breaks, and not empty".into());
    }
    let mut value = HeaderValue::try_from(format!("Bearer {token}"))?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn asked<F>(provider: impl Fn() -> F + Send + Sync + 'static) -> Result<String, String>
    where
        F: Future<Output: IntoToken> + Send + 'static,
    {
        let credentials = Credentials::new(provider);
        let value = credentials.ask().await;
        let shown = format!("{value:?} {credentials:?}");
        assert!(!shown.contains("s3cr3t"), "{shown}");
        value.map(|value| value.to_str().unwrap().to_owned()).map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn a_provider_returns_a_token_or_a_result() {
        let expected = Ok("Bearer s3cr3t".to_owned());
        assert_eq!(asked(|| async { "s3cr3t".to_owned() }).await, expected);
        assert_eq!(
            asked(|| async { Ok::<_, std::io::Error>("s3cr3t".to_owned()) }).await,
            expected
        );
        assert_eq!(
            asked(|| async { Err::<String, _>("the vault is closed\n") }).await,
            Err("no credentials: the vault is closed\\n".to_owned())
        );
    }

    #[tokio::test]
    async fn an_error_of_a_provider_is_told_with_its_causes() {
        #[derive(Debug, thiserror::Error)]
        #[error("no token")]
        struct NoToken(#[source] std::io::Error);
        let refused = || NoToken(std::io::Error::other("the vault is closed"));
        let told = asked(move || async move { Err::<String, _>(refused()) }).await;
        assert_eq!(told, Err("no credentials: no token: the vault is closed".to_owned()));
    }

    #[tokio::test]
    async fn a_token_that_cannot_be_sent_is_not_repeated() {
        for token in ["s3cr3t\n", "", "s3cr3t s3cr3t", "s3cr3té", "s3cr3t\0"] {
            let told = asked(move || async move { token.to_owned() }).await.unwrap_err();
            assert!(told.starts_with("no credentials: a token is ASCII"), "{token:?}: {told}");
        }
    }
}
