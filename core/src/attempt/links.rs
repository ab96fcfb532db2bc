//! Pictures that a reply gives by URL instead of inline. They are fetched within the call's timeout, with the same
//! protection as URLs in the caller's inputs.

use bytes::Bytes;
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::{Job, Progress};
use crate::error::{Error, Kind};
use crate::image::Image;
use crate::reply::Link;
use crate::transport::{Ask, Content, Method};

/// The size limit of a picture that is downloaded from the service itself, in bytes.
const MOST: usize = 100 << 20;

/// How many pictures of one reply are fetched, and how many bytes they may have together before no further one is.
const MOST_LINKS: usize = 32;
const MOST_OF_ALL: usize = 256 << 20;

impl Job {
    /// Fetches the pictures that the reply links to. A failed download is a warning, or the reason of the error if no
    /// other picture came.
    pub(super) async fn follow(&self, progress: &mut Progress, deadline: Instant) {
        let mut total = 0;
        for (place, link) in progress.fold.take_links().into_iter().enumerate() {
            if place >= MOST_LINKS || total >= MOST_OF_ALL {
                progress.not_fetched(
                    link,
                    &"the reply links to more pictures than are fetched for one reply".into(),
                );
                continue;
            }
            let fetched = timeout_at(deadline, self.fetched(&link)).await;
            let late = || {
                let seconds = self.total.as_secs_f64();
                Err(Error::new(Kind::ImageError, format!("the call's timeout of {seconds} s ran out")))
            };
            match fetched.unwrap_or_else(|_| late()) {
                Ok(image) => {
                    total += image.len();
                    progress.fetched(&link, image);
                }
                Err(problem) => progress.not_fetched(link, problem.words()),
            }
        }
    }

    async fn fetched(&self, link: &Link) -> Result<Image, Error> {
        let bad = |problem: String| Error::new(Kind::ImageError, problem);
        let url = Url::parse(&link.uri).map_err(|cause| bad(format!("its address is none: {cause}")))?;
        if !self.transport.is_own(&url) {
            return read(self.transport.fetch(url).await?, link);
        }
        let image = read(self.own(url.clone()).await?, link);
        // The address of a file gives its metadata; the bytes have an address of their own.
        if image.is_err() && url.path().contains("/files/") && !url.path().ends_with(":download") {
            let mut download = url.clone();
            download.set_path(&format!("{}:download", url.path()));
            download.query_pairs_mut().append_pair("alt", "media");
            return read(self.own(download).await?, link);
        }
        image
    }

    /// Downloads a file from the service's own host. The key is sent to that host only.
    async fn own(&self, url: Url) -> Result<Bytes, Error> {
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
        let mut reply = self.transport.ask(ask).await?;
        if !(200..300).contains(&reply.status()) {
            return Err(Error::new(Kind::ImageError, format!("the service answered {}", reply.status())));
        }
        Ok(reply.whole(MOST).await?.into())
    }
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
