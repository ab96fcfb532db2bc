//! Pictures that a reply gives by URL instead of inline. They are fetched within the call's timeout, with the same
//! protection as URLs in the caller's inputs.

use bytes::Bytes;
use tokio::time::Instant;
use url::Url;

use super::{Fetcher, Job, Progress};
use crate::error::{Error, Kind};
use crate::http::transport::{Ask, Content, Method, NotFetched};
use crate::image::Image;
use crate::service::gemini::reply::Link;

/// The size limit of a picture that is downloaded from the service itself, in bytes.
const MOST: usize = 100 << 20;

/// How many pictures of one reply are fetched, and how many bytes they may have together before no further one is.
const MOST_LINKS: usize = 32;
const MOST_OF_ALL: usize = 256 << 20;

impl Job {
    /// Fetches the pictures that the reply links to. A failed download is a warning, or the reason of the error if no
    /// other picture came.
    pub(super) async fn follow(&self, progress: &mut Progress, deadline: Instant) {
        let fetcher = Fetcher {
            transport: self.transport.clone(),
            traffic: self.common.traffic(),
            policy: self.policy,
            deadline,
            late: format!("the call's timeout of {} s ran out", self.total.as_secs_f64()),
            report: self.watcher.call(self.call, self.number, &self.id),
        };
        let mut total = 0;
        for (place, link) in progress.fold.take_links().into_iter().enumerate() {
            if place >= MOST_LINKS || total >= MOST_OF_ALL {
                progress.not_fetched(
                    link,
                    &"the reply links to more pictures than are fetched for one reply".into(),
                );
                continue;
            }
            match self.fetched(&link, &fetcher).await {
                Ok(image) => {
                    total += image.len();
                    progress.fetched(&link, image);
                }
                Err(problem) => progress.not_fetched(link, problem.words()),
            }
        }
    }

    async fn fetched(&self, link: &Link, fetcher: &Fetcher) -> Result<Image, Error> {
        let bad = |problem: String| Error::new(Kind::ImageError, problem);
        let url = Url::parse(&link.uri).map_err(|cause| bad(format!("its address is none: {cause}")))?;
        if !self.transport.is_own(&url) {
            return read(fetcher.fetch(url).await?, link);
        }
        let own = async |url: Url| {
            let host = url.host_str().unwrap_or_default();
            fetcher.ask(host, || self.own(url.clone())).await
        };
        let image = read(own(url.clone()).await?, link);
        // The address of a file gives its metadata; the bytes have an address of their own.
        if image.is_err() && url.path().contains("/files/") && !url.path().ends_with(":download") {
            let mut download = url.clone();
            download.set_path(&format!("{}:download", url.path()));
            download.query_pairs_mut().append_pair("alt", "media");
            return read(own(download).await?, link);
        }
        image
    }

    /// Downloads a file from the service's own host. The key is sent to that host only.
    async fn own(&self, url: Url) -> Result<Bytes, NotFetched> {
        let key = self.keys.next().await?;
        let ask = Ask {
            method: Method::Get,
            url,
            key: &key,
            headers: &self.headers,
            own: &[],
            content: Content::Nothing,
            left: self.total,
        };
        let mut reply = self.transport.ask(ask).await.map_err(lost)?;
        if !(200..300).contains(&reply.status()) {
            return Err(NotFetched::answered(&reply));
        }
        Ok(reply.whole(MOST).await.map_err(lost)?.into())
    }
}

/// A connection that was not made, or broke.
fn lost(error: Error) -> NotFetched {
    NotFetched { is_passing: error.retryable(), ..NotFetched::from(error) }
}

fn read(bytes: Bytes, link: &Link) -> Result<Image, Error> {
    match Image::from_bytes(bytes.clone()) {
        Err(_) if link.mime_type.starts_with("image/") && !is_json(&bytes) => {
            Ok(Image::unknown(bytes, &link.mime_type))
        }
        outcome => outcome,
    }
}

/// True if the bytes are JSON or HTML about a picture and not a picture.
fn is_json(bytes: &[u8]) -> bool {
    matches!(bytes.trim_ascii_start().first(), None | Some(b'{' | b'[' | b'<'))
}
