//! The API key of a request: fixed, or given by a function for each attempt.
//!
//! A key from a function is checked before anything is sent. A client with such a function holds no placeholder that
//! could be sent instead.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::{Error, Kind};
use crate::message::{message, option};
use crate::options::Secret;

/// The result of a key function: `None` if it returned no value.
pub type Asking = Pin<Box<dyn Future<Output = Result<Option<String>, Error>> + Send>>;

/// The key of a client.
#[derive(Clone)]
pub enum Key {
    /// Always the same.
    Fixed(Secret),
    /// A function, called for each attempt of each request.
    Asked(Arc<dyn Fn() -> Asking + Send + Sync>),
}

impl Key {
    /// A key that `ask` gives. It is called for each attempt, within the call's timeout. If it returns an error, the
    /// call ends with that error.
    ///
    /// ```
    /// # use nanobanana::{Client, ClientOptions, Key};
    /// let key = Key::asked(|| async { Ok(Some("from-a-vault".to_owned())) });
    /// let client = Client::with_key(ClientOptions::new(), key)?;
    /// # Ok::<(), nanobanana::Error>(())
    /// ```
    pub fn asked<F>(ask: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<Option<String>, Error>> + Send + 'static,
    {
        Key::Asked(Arc::new(move || Box::pin(ask()) as Asking))
    }

    /// The key of a client whose binding passes the function with each call.
    #[doc(hidden)]
    pub fn of_each_call() -> Self {
        Key::asked(|| async {
            let problem =
                "this call came without the function that gives its key; please report this as a bug";
            Err(Error::new(Kind::ConfigError, problem))
        })
    }

    /// The error for a function that returned another type than a string.
    #[doc(hidden)]
    pub fn of_type(name: &str) -> Error {
        refused(&format!("gave a value of type {name}; it gives the key as a text"))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Key::Fixed(_) => "Fixed(…)",
            Key::Asked(_) => "Asked(…)",
        })
    }
}

impl From<Secret> for Key {
    fn from(secret: Secret) -> Self {
        Key::Fixed(secret)
    }
}

impl Key {
    /// The caller's own function failed, which is this error's source.
    #[doc(hidden)]
    pub fn failed(why: &str) -> Error {
        Error::foreign(message!("the function {} failed{why}", option("api_key")))
    }
}

fn refused(problem: &str) -> Error {
    Error::new(Kind::ConfigError, message!("the function {} {problem}; nothing was sent", option("api_key")))
}

/// Checks that a key can be sent.
fn usable(text: Option<String>) -> Result<Secret, Error> {
    let text = text.ok_or_else(|| refused("gave no key, but nothing (None, null)"))?;
    if text.trim().is_empty() {
        return Err(refused("gave an empty text"));
    }
    if !text.bytes().all(|letter| letter.is_ascii_graphic()) {
        return Err(refused(
            "gave a text with a space, a line break or a letter beyond ASCII in it, which no key has; was it read with \
             the line break at its end?",
        ));
    }
    Ok(Secret(text))
}

/// The source of the keys of one call, and the keys that were used.
pub(crate) struct Keys {
    key: Key,
    asked: Mutex<Vec<Secret>>,
}

impl Keys {
    pub fn of(key: Key) -> Self {
        Keys { key, asked: Mutex::default() }
    }

    /// The key of one attempt.
    ///
    /// # Errors
    /// The function's own error; [`Kind::ConfigError`] if it returns no key.
    pub async fn next(&self) -> Result<Secret, Error> {
        let ask = match &self.key {
            Key::Fixed(secret) => return Ok(secret.clone()),
            Key::Asked(ask) => ask,
        };
        let secret = usable(ask().await?)?;
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if !asked.contains(&secret) {
            asked.push(secret.clone());
        }
        Ok(secret)
    }

    /// All keys that were used, for the filter of secrets.
    pub fn known(&self) -> Vec<Secret> {
        match &self.key {
            Key::Fixed(secret) => vec![secret.clone()],
            Key::Asked(_) => self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_no_key_is_refused_and_what_was_asked_is_known() {
        for (given, says) in [
            (None, "nothing"),
            (Some(""), "empty"),
            (Some(" \t"), "empty"),
            (Some("key\n"), "line break"),
            (Some("a key"), "a space"),
            (Some("schlüssel"), "ASCII"),
        ] {
            let keys = Keys::of(Key::asked(move || async move { Ok(given.map(str::to_owned)) }));
            let error = keys.next().await.unwrap_err();
            assert_eq!(error.kind(), Kind::ConfigError);
            assert!(error.message().contains(says), "{given:?}: {error}");
            assert!(keys.known().is_empty());
        }
        let count = Arc::new(Mutex::new(0));
        let keys = Keys::of(Key::asked(move || {
            *count.lock().unwrap() += 1;
            let key = format!("key-{}", count.lock().unwrap());
            async move { Ok(Some(key)) }
        }));
        assert_eq!(keys.next().await.unwrap().0, "key-1");
        assert_eq!(keys.next().await.unwrap().0, "key-2");
        assert_eq!(keys.known().len(), 2);
    }
}
