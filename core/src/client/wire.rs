//! One request that is sent as it is written, and sent once: for the commands that examine the service.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use tokio::time::timeout;
use url::Url;

use super::Client;
use crate::error::{Billed, Error, Kind};
use crate::http::key::Keys;
use crate::http::transport::{Ask, Content, Method};
use crate::secrets::Secrets;

/// A request.
pub struct Once {
    /// Its method.
    pub method: Method,
    /// Its address behind the base URL: the version and what follows.
    pub path: String,
    /// Its headers besides the client's.
    pub headers: Vec<(&'static str, String)>,
    /// Its body, if it has one.
    pub body: Option<Bytes>,
    /// The size limit of the answer in bytes.
    pub most: usize,
}

/// An answer of any status.
pub struct Answered {
    /// Its status.
    pub status: u16,
    headers: BTreeMap<&'static str, String>,
    /// Its body.
    pub body: Vec<u8>,
    /// The local clock when its head came.
    pub when: SystemTime,
}

/// The headers of answers that are kept.
const KEPT: [&str; 4] = ["age", "content-type", "date", "retry-after"];

impl Answered {
    /// One of the headers that are kept.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

impl Client {
    /// Sends a request with the client's key, headers, proxy and certificates. It is not sent again.
    ///
    /// # Errors
    /// [`Kind::APITimeoutError`] if the answer is not there within `limit`, and those of the connection.
    pub async fn once(&self, request: Once, limit: Duration) -> Result<Answered, Error> {
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
                    content: request.body.clone().map_or(Content::Nothing, Content::Bytes),
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
            Err(Error::new(Kind::APITimeoutError, problem).with_billed(Billed::Unknown))
        })
    }

    /// The filter for what the service says.
    pub async fn filter(&self) -> Result<Secrets, Error> {
        let key = Keys::of(self.0.key.clone()).next().await?;
        Ok(self.transport().await?.secrets(&[key], &BTreeMap::new()))
    }

    /// The address of the service.
    pub fn base(&self) -> &Url {
        &self.0.base
    }

    /// The catalogue of its models.
    pub fn known(&self) -> &crate::catalogue::Catalogue {
        self.catalogue()
    }
}
