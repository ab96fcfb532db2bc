//! Which catalogue a client goes by: the built-in one, a file, or one from the web, which is fetched when a call first
//! needs it and never by itself.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use tokio::sync::OnceCell;
use url::Url;

use super::{Client, variable};
use crate::catalogue::{Catalogue, day_of, days};
use crate::error::{Error, InvalidOption, Kind};
use crate::input;
use crate::message::{message, option};
use crate::options::GenerateOptions;

/// The most bytes of one from the web; the built-in one has some 12 kB.
const MOST: u64 = 4 << 20;

#[derive(Clone)]
pub(super) enum Catalogues {
    Builtin(&'static Catalogue),
    Loaded(Arc<Catalogue>),
    /// Until it has come, the built-in one stands in for it.
    Remote(Arc<Remote>),
}

pub(super) struct Remote {
    url: Url,
    found: OnceCell<Catalogue>,
}

impl Catalogues {
    /// The one that the option `catalogue` names.
    pub fn of(place: Option<&str>) -> Result<Self, Error> {
        let Some(place) = place else { return Ok(Catalogues::Builtin(Catalogue::builtin())) };
        if !input::is_scheme(place, "http://") && !input::is_scheme(place, "https://") {
            return Ok(Catalogues::Loaded(Arc::new(Catalogue::load(place)?)));
        }
        let url = Url::parse(place).map_err(|cause| {
            Error::invalid_option(
                message!("option {} is not a URL: {cause}", option("catalogue")),
                InvalidOption::of("catalogue"),
            )
        })?;
        Ok(Catalogues::Remote(Arc::new(Remote { url, found: OnceCell::new() })))
    }

    /// The one to go by now.
    pub fn now(&self) -> &Catalogue {
        match self {
            Catalogues::Builtin(catalogue) => catalogue,
            Catalogues::Loaded(catalogue) => catalogue,
            Catalogues::Remote(remote) => remote.found.get().unwrap_or(Catalogue::builtin()),
        }
    }
}

impl Client {
    /// Fetches the catalogue that the option `catalogue` names by a URL, unless it is there. Every call does so first.
    ///
    /// # Errors
    /// [`Kind::ConfigError`] if it cannot be had, is larger than 4 MB, or is no catalogue.
    pub async fn ready(&self) -> Result<(), Error> {
        self.ready_for(&GenerateOptions::new(), 0).await
    }

    pub(super) async fn ready_for(&self, options: &GenerateOptions, call: u64) -> Result<(), Error> {
        let Catalogues::Remote(remote) = &self.0.catalogue else { return Ok(()) };
        let fetch = || async {
            let mut name = remote.url.clone();
            name.set_query(None);
            // Both fail for URLs alone that have no host.
            let _ = (name.set_username(""), name.set_password(None));
            let transport = self.transport().await?;
            let fetcher = self.fetcher(&transport, options, call, "");
            let fetched = fetcher.fetch_at_most(remote.url.clone(), MOST).await;
            let bytes = fetched.map_err(|cause| {
                let problem = format!("the catalogue {name} cannot be had: {}", cause.message());
                Error::new(Kind::ConfigError, problem).because(cause)
            })?;
            Catalogue::read(&bytes, name.as_str())
        };
        remote.found.get_or_try_init(fetch).await.map(drop)
    }

    /// Tells, once in a process, that the catalogue is old.
    pub(super) fn warn_of_age(&self, call: u64, model: &str) {
        static TOLD: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
        let catalogue = self.0.catalogue.now();
        // For tests, which must not depend on the day of their run.
        let set = variable("NANOBANANA_TODAY").and_then(|date| days(&date));
        let today = set.unwrap_or_else(|| day_of(SystemTime::now()));
        if let Some(warning) = catalogue.age_warning(today)
            && TOLD.lock().unwrap_or_else(PoisonError::into_inner).insert(catalogue.checked.clone())
        {
            self.0.watcher.warns(call, model, &[warning]);
        }
    }
}
