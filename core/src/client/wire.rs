//! One request that is sent as it is written, and sent once: for the commands that examine the service.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use tokio::time::timeout;
use url::Url;

use super::Client;
use crate::error::{Error, Kind};
use crate::key::Keys;
use crate::secrets::Secrets;
use crate::transport::{Ask, Content, Method};

/// A request.
pub(crate) struct Once {
    pub method: Method,
    /// Its address behind the base URL: the version and what follows.
    pub path: String,
    pub headers: Vec<(&'static str, String)>,
    pub content: Content,
    /// The size limit of the answer in bytes.
    pub most: usize,
}

/// An answer of any status.
pub(crate) struct Answered {
    pub status: u16,
    headers: BTreeMap<&'static str, String>,
    pub body: Vec<u8>,
    /// The local clock when its head came.
    pub when: SystemTime,
}

/// The headers of answers that are kept.
const KEPT: [&str; 4] = ["age", "content-type", "date", "retry-after"];

impl Answered {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

impl Client {
    /// Sends a request with the client's key, headers, proxy and certificates. It is not sent again.
    ///
    /// # Errors
    /// [`Kind::APITimeoutError`] if the answer is not there within `limit`, and those of the connection.
    pub(crate) async fn once(&self, request: Once, limit: Duration) -> Result<Answered, Error> {
        let transport = self.transport().await?;
        let key = Keys::of(self.0.key.clone()).next().await?;
        let exchange = async {
            let mut reply = transport
                .ask(Ask {
                    method: request.method,
                    url: transport.address(&request.path)?,
                    key: &key,
                    headers: &BTreeMap::new(),
                    own: &request.headers,
                    content: request.content.clone(),
                    left: limit,
                })
                .await?;
            let when = SystemTime::now();
            let kept = KEPT.into_iter().filter_map(|name| Some((name, reply.header(name)?.to_owned())));
            let headers = kept.collect();
            let body = reply.whole(request.most).await?;
            Ok(Answered { status: reply.status(), headers, body, when })
        };
        timeout(limit, exchange).await.unwrap_or_else(|_| {
            let problem = format!("no answer came within {} s", limit.as_secs_f64());
            Err(Error::new(Kind::APITimeoutError, problem).with("billed", "unknown".to_owned()))
        })
    }

    /// The filter for what the service says.
    pub(crate) async fn filter(&self) -> Result<Secrets, Error> {
        let key = Keys::of(self.0.key.clone()).next().await?;
        Ok(self.transport().await?.secrets(&[key], &BTreeMap::new()))
    }

    /// The address of the service.
    pub(crate) fn base(&self) -> &Url {
        &self.0.base
    }

    /// The catalogue of its models.
    pub(crate) fn known(&self) -> &crate::catalogue::Catalogue {
        self.catalogue()
    }
}
