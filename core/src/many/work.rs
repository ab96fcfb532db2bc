//! The work of one item, from its options to its files: what earlier runs knew of it, the line before it
//! is sent, its pictures, its note, and the line that it is done.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use serde_json::{Map, Value, json};

use super::folder::{self, Note, Shelf, Stored};
use super::journal::{Journal, Known};
use super::{AtWork, End, Item, Place, Run, ended, failed, is_fatal};
use crate::client::{Client, Landed, Plan};
use crate::error::{Error, Kind, now};
use crate::input::Input;
use crate::options::OutputFormat;
use crate::records::{Generation, Outcome};
use crate::schema::{Case, Write as _};

impl Run {
    /// One item from its options to its files.
    pub(super) async fn work(
        self: &Arc<Self>,
        client: &Client,
        item: Item,
        place: Place,
        sending: &Arc<Sending>,
    ) -> End {
        let Item { id, inputs, options } = item;
        let Place { index, ticket, key } = place;
        let options = options.over(self.options.clone());
        let notes = self.folder.as_ref().map(|_| noted(&inputs, id.as_deref(), index));
        let plan = || client.plan(inputs.clone(), options.clone(), self.case);
        let failed = |key: String, error: Error| failed(index, id.clone(), key, error);

        let journal = sending.journal.as_deref();
        let known = known_to(journal, key.as_deref());
        // What is done by its name needs nothing from the web, which may be gone by now.
        let is_known = matches!(known, Known::Done { .. });
        let mut planned = None;
        if !is_known || !inputs.iter().any(Input::is_fetched) {
            match planned_with_digest(&plan).await {
                Ok(both) => planned = Some(both),
                Err(_) if is_known => {}
                Err(error) => return ended(failed(key.unwrap_or_default(), error)),
            }
        }
        let digest = planned.as_ref().map(|(_, digest)| digest.clone());
        let (key, known) = match key {
            Some(key) => (key, known),
            None => {
                let base = digest.clone().unwrap_or_default();
                if let Some(ticket) = &ticket {
                    ticket.wait().await;
                }
                let key = self.keys.key(base);
                let known = known_to(journal, Some(&key));
                (key, known)
            }
        };
        drop(ticket);

        let mut warnings = Vec::new();
        let mut maybe_paid = false;
        match known {
            Known::New => {}
            Known::MaybePaid => {
                maybe_paid = true;
                warnings.push(
                    "an earlier run sent this item and its answer is not on disk: it may have been paid for, and is \
                     sent again"
                        .to_owned(),
                );
            }
            Known::Done { notes, digest: recorded } => match restored(notes, key.clone(), recorded.clone())
                .await
            {
                Ok((mut result, files)) => {
                    let is_another = digest.is_some() && recorded.is_some() && recorded != digest;
                    if is_another {
                        result.warnings.push(
                            "this id was done before with another prompt, pictures or options; what came then is \
                             given. To draw it anew give it another id"
                                .to_owned(),
                        );
                    }
                    if let Some(format) = options.output_format.map(OutputFormat::as_str)
                        && result.images.iter().any(|image| image.mime_type() != format!("image/{format}"))
                    {
                        result.warnings.push(format!(
                            "this item was done before with another `output_format`; its files are given as they \
                             are. Call `convert` for {format}"
                        ));
                    }
                    return End::Outcome(Box::new(Outcome {
                        index,
                        id,
                        ok: true,
                        result: Some(result),
                        cached: true,
                        files,
                        key,
                        ..Outcome::default()
                    }));
                }
                Err(why) => warnings.push(format!("this item was done before, but {why}; it is done again")),
            },
        }
        let (plan, digest) = match planned {
            Some(planned) => planned,
            None => match planned_with_digest(&plan).await {
                Ok(planned) => planned,
                Err(error) => return ended(failed(key, error)),
            },
        };
        if maybe_paid && !plan.policy.resend_unknown {
            let problem = "an earlier run sent this item and its answer is not on disk: it may have been paid for. It \
                           is not sent again, as `resend_unknown` says";
            let error = Error::new(Kind::APIError, problem).with("billed", "unknown".to_owned());
            return ended(failed(key, error));
        }

        let _ = sending.key.set((key.clone(), digest.clone()));
        let shelf = self.folder.as_ref().map(|folder| {
            let several = plan.options.n.unwrap_or(1) > 1;
            let early = several || plan.masked.is_some();
            Arc::new(Shelf::new(folder.clone(), folder::stem(id.as_deref(), index), several, early))
        });
        let before = {
            let sending = sending.clone();
            Arc::new(move || sending.before())
        };
        let landed: Arc<Landed> = {
            let (shelf, at_work) = (shelf.clone(), sending.at_work.clone());
            Arc::new(move |call, result| Box::pin(landed(shelf.clone(), call, result, at_work.clone())))
        };
        // Of equal items each has an answer of its own, in the cache too.
        let repeat = key.strip_prefix(digest.as_str()).unwrap_or(&key);
        let drawn = client.alive(plan.draw(Some(before), repeat, Some(landed))).await;
        match (drawn, sending.state()) {
            (Err(_), Sent::Refused(why)) => End::Unsent(why),
            (Err(error), sent) => {
                let outcome = failed(key, error.clone());
                let noted = match (journal, sent) {
                    (Some(journal), Sent::Yes) => journal.failed(&outcome.key, &error),
                    _ => Ok(()),
                };
                match noted {
                    Ok(()) => ended(outcome),
                    Err(_) if is_fatal(&error) => ended(outcome),
                    Err(trouble) => End::Last(Box::new(outcome), trouble),
                }
            }
            (Ok(mut result), _) => {
                result.warnings.splice(0..0, warnings);
                let stored = match (shelf, notes) {
                    (Some(shelf), Some(mut note)) => {
                        for (name, value) in [("key", json!(key)), ("digest", json!(digest))] {
                            note.insert(name.to_owned(), value);
                        }
                        note.insert("options".to_owned(), options_of(&plan));
                        let mut whole = folder::describe(&result);
                        whole.append(&mut note);
                        stored(shelf, whole, &result, sending.clone()).await
                    }
                    _ => Stored::default(),
                };
                if let Some(trouble) = &stored.trouble {
                    result.warnings.push(match stored.files.len() < result.images.len() {
                        true => format!("not all pictures are on disk; save them now: {}", trouble.message()),
                        false => trouble.message().to_owned(),
                    });
                }
                let outcome = Box::new(Outcome {
                    index,
                    id,
                    ok: true,
                    cached: result.cached,
                    result: Some(result),
                    files: stored.files,
                    key,
                    ..Outcome::default()
                });
                match stored.trouble {
                    None => End::Outcome(outcome),
                    Some(trouble) => End::Last(outcome, trouble),
                }
            }
        }
    }
}

/// What stands before each request of an item: the journal's line, and whether the run goes on.
pub(super) struct Sending {
    run: Arc<Run>,
    journal: Option<Arc<Journal>>,
    at_work: AtWork,
    /// The item's key and digest: known before the first request.
    key: OnceLock<(String, String)>,
    state: Mutex<Sent>,
}

#[derive(Clone, Default)]
enum Sent {
    #[default]
    No,
    Yes,
    /// It may not be sent; an error, if the journal could not be written.
    Refused(Option<Error>),
}

impl Sending {
    pub fn new(run: &Arc<Run>) -> Self {
        Sending {
            journal: run.journal(),
            at_work: run.at_work(),
            run: run.clone(),
            key: OnceLock::new(),
            state: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Sent> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> Sent {
        self.lock().clone()
    }

    fn before(&self) -> Result<(), Error> {
        let mut sent = self.lock();
        if matches!(*sent, Sent::No) {
            *sent = match (self.run.is_stopping(), &self.journal, self.key.get()) {
                (true, ..) => Sent::Refused(None),
                (false, Some(journal), Some((key, digest))) => match journal.sent(key, digest) {
                    Ok(()) => Sent::Yes,
                    Err(error) => Sent::Refused(Some(error)),
                },
                (false, ..) => Sent::Yes,
            };
        }
        match &*sent {
            Sent::Refused(Some(error)) => Err(error.clone()),
            Sent::Refused(None) => {
                Err(Error::new(Kind::NanoBananaError, "the run stops; this item was not sent"))
            }
            Sent::Yes | Sent::No => Ok(()),
        }
    }

    /// Comes back once the run stops before this item was sent, and sees to it that it will not be: an
    /// item may wait for a minute until it is its turn.
    pub async fn forestalled(&self) {
        loop {
            let mut changed = std::pin::pin!(self.run.changed.notified());
            changed.as_mut().enable();
            if self.run.is_stopping() {
                let mut sent = self.lock();
                if matches!(*sent, Sent::No) {
                    *sent = Sent::Refused(None);
                    return;
                }
            }
            changed.await;
        }
    }
}

/// What earlier runs knew of an item.
fn known_to(journal: Option<&Journal>, key: Option<&str>) -> Known {
    match (journal, key) {
        (Some(journal), Some(key)) => journal.known(key),
        _ => Known::New,
    }
}

/// A plan, and the hash of all that it sends.
async fn planned_with_digest<F>(plan: &impl Fn() -> F) -> Result<(Plan, String), Error>
where
    F: Future<Output = Result<Plan, Error>>,
{
    let plan = plan().await?;
    let body = plan.job(&[], 0, false).body.digest().await?;
    let mut more = format!("{}\n{}", plan.id, plan.options.n.unwrap_or(1));
    if let Some(masked) = &plan.masked {
        more.push('\n');
        more.push_str(&masked.digest().await?);
    }
    let all = body.and(&more);
    Ok((plan, format!("sha256:{all}")))
}

/// What an item's note says of how it was asked for: words as they are, pictures by their names.
fn noted(inputs: &[Input], id: Option<&str>, index: u64) -> Map<String, Value> {
    let words = |input: &Input| if let Input::Text(text) = input { Some(text.clone()) } else { None };
    let labels = |option: Option<&str>| -> Vec<Value> {
        inputs.iter().filter(|input| input.option() == option).filter_map(Input::noted).collect()
    };
    let mut note = Map::new();
    for (name, value) in [
        ("prompt", json!(inputs.iter().filter_map(words).collect::<Vec<_>>())),
        ("images", json!(labels(None))),
        ("id", json!(id)),
        ("index", json!(index)),
        ("time", json!(now())),
    ] {
        note.insert(name.to_owned(), value);
    }
    for option in Input::OPTIONS {
        let given = labels(Some(option));
        if !given.is_empty() {
            note.insert((*option).to_owned(), json!(given));
        }
    }
    note
}

/// The options that the call was made with. Headers may hold what is nobody else's business.
fn options_of(plan: &Plan) -> Value {
    let mut options = plan.options.clone();
    options.headers = None;
    let mut options = options.write(Case::Snake);
    if let Some(map) = options.as_object_mut() {
        map.entry("model").or_insert_with(|| plan.id.clone().into());
        if let Some(Value::Object(told)) = plan.masked.as_ref().map(|masked| masked.told().write(Case::Snake))
        {
            map.extend(told);
        }
    }
    options
}

/// Writes the pictures of one of several calls as soon as they are there, and those that were worked on. That of
/// a single call goes else with its note, in one go that nothing can interrupt.
///
/// The work begins at once and not when the future is first polled: who gives up waiting for it has
/// lost nothing.
fn landed(
    shelf: Option<Arc<Shelf>>,
    call: u32,
    result: &Generation,
    at_work: AtWork,
) -> impl Future<Output = ()> + use<> {
    let work = shelf.filter(|shelf| shelf.is_early()).map(|shelf| {
        let (images, masked) = (result.images.clone(), result.masked.clone());
        tokio::task::spawn_blocking(move || {
            shelf.put(call, &images, &masked);
            drop(at_work);
        })
    });
    async {
        if let Some(work) = work {
            // If it was lost, its files are missing in the end, which is told then.
            let _ = work.await;
        }
    }
}

/// Writes what is not written yet: the pictures, the note, the line in the journal.
async fn stored(
    shelf: Arc<Shelf>,
    note: Map<String, Value>,
    result: &Generation,
    sending: Arc<Sending>,
) -> Stored {
    let (images, masked) = (result.images.clone(), result.masked.clone());
    let work = move || {
        if !shelf.is_early() {
            shelf.put(0, &images, &masked);
        }
        let mut stored = shelf.close(note);
        if let (Some(journal), Some(note), Some((key, digest))) =
            (&sending.journal, &stored.note, sending.key.get())
            && let Err(trouble) = journal.done(key, digest, note)
        {
            stored.trouble = Some(trouble);
        }
        stored
    };
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|cause| Stored {
        trouble: Some(Error::new(Kind::NanoBananaError, format!("writing the pictures was lost: {cause}"))),
        ..Stored::default()
    })
}

/// What an earlier run made of an item, by the first of these notes that is its own; or why there is none.
async fn restored(
    notes: [PathBuf; 2],
    key: String,
    digest: Option<String>,
) -> Result<(Generation, Vec<String>), String> {
    let read = move |note: &PathBuf| Note::read(note)?.of(&key, digest.as_deref())?.restore();
    let work = tokio::task::spawn_blocking(move || {
        let [first, second] = &notes;
        read(first).or_else(|why| read(second).map_err(|_| why))
    });
    work.await.unwrap_or_else(|cause| Err(format!("reading its note was lost: {cause}")))
}
