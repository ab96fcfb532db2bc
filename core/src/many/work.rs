//! The work of one item, from its options to its files: what earlier runs knew of it, the line before it
//! is sent, its pictures, its note, and the line that it is done.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use serde_json::{Map, Value, json};
use tokio::sync::OnceCell;

use super::folder::{self, Kept, Missing, Note, Shelf, Stored};
use super::journal::{Done, Journal, Known};
use super::{AtWork, End, Item, Place, Run, ended, failed, is_fatal};
use crate::blocking;
use crate::call::attempt::Before;
use crate::client::{Client, Identity, Landed, Plan};
use crate::error::{Billed, Error, Kind, now};
use crate::input::Input;
use crate::message::{counted, inner, message, option};
use crate::options::OutputFormat;
use crate::records::{Generation, Outcome};
use crate::schema::{Case, Write as _};
use crate::secrets;

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
        let plan = || client.plan_of(inputs.clone(), options.clone(), true);
        let failed = |key: String, error: Error| failed(index, id.clone(), key, error);

        let journal = sending.journal.clone();
        let mut known = match known_to(&journal, key.clone()).await {
            Ok(known) => known,
            Err(error) => return ended(failed(key.unwrap_or_default(), error)),
        };
        // What is done by its name needs nothing from the web, which may be gone by now.
        let is_known = matches!(known, Known::Done(Done { found: false, .. }));
        let mut planned = None;
        if !is_known || !inputs.iter().any(Input::is_fetched) {
            match planned_with_digest(&plan).await {
                Ok(both) => planned = Some(both),
                Err(_) if is_known => {}
                Err(error) => return ended(failed(key.unwrap_or_default(), error)),
            }
        }
        let digest = planned.as_ref().map(|(_, digest)| digest.clone());
        // The digest of version 0.1.0, where an item of that version may match.
        let recorded = if let Known::Done(done) = &known { done.digest.as_deref() } else { None };
        let unmatched = journal.as_ref().map_or(0, |journal| journal.unmatched());
        let is_first = recorded.is_some_and(|digest| digest.starts_with("sha256:"));
        let first = match &planned {
            Some((plan, _)) if is_first || (key.is_none() && unmatched > 0) => plan.first_digest().await.ok(),
            _ => None,
        };
        let has_id = key.is_some();
        let mut recognised = None;
        let key = match key {
            Some(key) => key,
            None => {
                if let Some(ticket) = &ticket {
                    ticket.wait().await;
                }
                let key = self.keys.key(digest.clone().unwrap_or_default());
                let first = first.clone().map(|first| self.keys.key(first));
                let mut found = known_to(&journal, Some(key.clone())).await;
                if let (Ok(Known::New), Some(first)) = (&found, first) {
                    found = known_to(&journal, Some(first.clone())).await;
                    recognised = Some(first);
                }
                match found {
                    Ok(found) => known = found,
                    Err(error) => return ended(failed(key, error)),
                }
                key
            }
        };
        drop(ticket);
        if let Known::Done(Done { digest: recorded, found: true, .. }) = &known
            && recorded.is_some()
            && *recorded != digest
            && *recorded != first
        {
            // A note with this id exists, but no line says that it belongs to this item.
            known = Known::New;
        }

        let mut warnings = Vec::new();
        let mut maybe_paid = false;
        let mut kept = Kept::default();
        if let (Known::New | Known::MaybePaid, Some(journal), Some(digest)) = (&known, &journal, &digest) {
            let notes = journal.parts(&key);
            if !notes.is_empty() {
                let (key, digest) = (key.clone(), digest.clone());
                kept = match blocking::disk(move || Kept::of_parts(notes, &key, &digest)).await {
                    Ok(kept) => kept,
                    Err(lost) => Kept::unread(&lost),
                };
            }
        }
        match known {
            Known::New if !kept.results.is_empty() => maybe_paid = true,
            Known::New => {
                let left = journal.as_ref().map_or(0, |journal| journal.unmatched());
                if let (Some(journal), false, true) = (&journal, has_id, left > 0) {
                    let (path, left) = (journal.path().display(), counted(left, "item", "items"));
                    warnings.push(message!(
                        "the journal {path} holds {left} of version 0.1.0 that no item of this run has matched so far. \
                         This item matches none of those and is sent as a new one. If it is one of those, it is paid for \
                         again; give the prompts, options and pictures of that run, or an `id`"
                    ));
                }
            }
            Known::MaybePaid => maybe_paid = true,
            Known::Done(done) => {
                let is_same = digest.is_none()
                    || done.digest.is_none()
                    || done.digest == digest
                    || (done.digest == first && first.is_some());
                let done = Arc::new(done);
                match restored(done.clone()).await {
                    Ok((mut result, files)) => {
                        if let (Some(journal), Some(_), Some(digest)) = (&journal, recognised, &digest) {
                            let (journal, key, digest) = (journal.clone(), key.clone(), digest.clone());
                            // From now on the item is found by its new key. If the line cannot be written, the item is
                            // recognised in the same way the next time.
                            let _ = blocking(move || journal.recognised(&key, &digest, &done)).await;
                        }
                        let known = result.warnings.len();
                        if !is_same {
                            result.warnings.push(
                                "this id was done before with another prompt, pictures or options; what came then is \
                                 given. To draw it anew give it another id"
                                    .into(),
                            );
                        }
                        if let Some(format) = options.output_format.map(OutputFormat::as_str)
                            && result
                                .images
                                .iter()
                                .any(|image| image.mime_type() != format!("image/{format}"))
                        {
                            result.warnings.push(message!(
                                "this item was done before with another {}; its files are given as they \
                                 are. Call `convert` for {format}",
                                option("output_format")
                            ));
                        }
                        let said = result.warnings.get(known..).unwrap_or_default();
                        if !said.is_empty() {
                            let plan = planned.as_ref().map(|(plan, _)| plan);
                            result.call = Some(client.warns(plan, &result.model, said));
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
                    Err(Missing { why, is_unreadable: true }) => kept.unreadable = Some(why),
                    Err(Missing { why, .. }) => {
                        if is_same {
                            kept = match blocking::disk(move || kept_of(&done)).await {
                                Ok(kept) => kept,
                                Err(lost) => Kept::unread(&lost),
                            };
                        }
                        let rest = match kept.results.len() {
                            0 => String::new(),
                            count => {
                                let are = if count == 1 { "is" } else { "are" };
                                format!(
                                    "; {count} of its calls {are} kept, and only the others are made again"
                                )
                            }
                        };
                        warnings
                            .push(message!("this item was done before, but {}; it is done again{rest}", why));
                        kept.lost.clear();
                    }
                }
            }
        }
        if let Some(why) = kept.unreadable.take() {
            let problem = format!(
                "an earlier run has done this item or a part of it, and {why}. Nothing was sent: make that readable and \
                 run it again, or delete the item's note to have it drawn anew"
            );
            return ended(failed(key, Error::new(Kind::NanoBananaError, problem)));
        }
        let (plan, digest) = match planned {
            Some(planned) => planned,
            None => match planned_with_digest(&plan).await {
                Ok(planned) => planned,
                Err(error) => return ended(failed(key, error)),
            },
        };
        let n = plan.options.n.unwrap_or(1);
        kept.results.retain(|call, _| *call < n);
        let missing = n as usize - kept.results.len();
        if maybe_paid && missing > 0 {
            let there = match kept.results.len() {
                0 => String::new(),
                count => format!("; the pictures of {count} of its {n} calls are, and are kept"),
            };
            if !plan.policy.resend_unknown {
                let problem = message!(
                    "an earlier run sent this item and its answer is not on disk{there}: it may have been paid for. It \
                     is not sent again, as {} says",
                    inner("retry", "resend_unknown")
                );
                let error = Error::new(Kind::APIError, problem).with_billed(Billed::Unknown);
                return ended(failed(key, error));
            }
            warnings.push(message!(
                "an earlier run sent this item and its answer is not on disk{there}: it may have been paid for, and is \
                 sent again"
            ));
        }
        warnings.append(&mut kept.lost);

        let _ = sending.key.set((key.clone(), digest.clone()));
        let results = std::mem::take(&mut kept.results);
        let shelf = self.folder.as_ref().map(|folder| {
            let early = n > 1 || plan.masked.is_some();
            let of_item = journal.as_ref().map(|journal| of_item(journal, &key, &digest));
            let stem = folder::stem(id.as_deref(), index);
            Arc::new(Shelf::new(folder.clone(), stem, n > 1, early, of_item, kept))
        });
        let before: Before = {
            let sending = sending.clone();
            Arc::new(move || {
                let sending = sending.clone();
                Box::pin(async move { sending.before().await })
            })
        };
        let landed: Arc<Landed> = {
            let (shelf, at_work) = (shelf.clone(), sending.at_work.clone());
            Arc::new(move |call, result| Box::pin(landed(shelf.clone(), call, result, at_work.clone())))
        };
        // Of equal items each has an answer of its own, in the cache too.
        let repeat = key.strip_prefix(digest.as_str()).unwrap_or(&key);
        let drawn = client.alive(plan.draw(Some(before), repeat, Some(landed), results)).await;
        if matches!(sending.state(), Sent::Yes) {
            client.warns(Some(&plan), &plan.id, &warnings);
        }
        match (drawn, sending.state()) {
            (Err(_), Sent::Refused(why)) => End::Unsent(why),
            (Err(error), sent) => {
                let outcome = failed(key, error.clone());
                let noted = match (journal, sent) {
                    (Some(journal), Sent::Yes) => {
                        let (key, error) = (outcome.key.clone(), error.clone());
                        blocking(move || journal.failed(&key, &error)).await
                    }
                    _ => None,
                };
                match noted {
                    Some(Err(trouble)) if !is_fatal(&error) => End::Last(Box::new(outcome), trouble),
                    _ => ended(outcome),
                }
            }
            (Ok(mut result), _) => {
                result.warnings.splice(0..0, warnings);
                let stored = match (shelf, notes) {
                    (Some(shelf), Some(mut note)) => {
                        match &journal {
                            Some(journal) => note.extend(of_item(journal, &key, &digest)),
                            None => {
                                note.insert("key".to_owned(), json!(key));
                                note.insert("digest".to_owned(), json!(digest));
                            }
                        }
                        note.insert("options".to_owned(), options_of(&plan));
                        let mut whole = folder::describe(&result);
                        whole.append(&mut note);
                        stored(shelf, whole, &result, sending.clone()).await
                    }
                    _ => Stored::default(),
                };
                if let Some(trouble) = &stored.trouble {
                    let warning = match stored.files.len() < result.images.len() {
                        true => {
                            message!("not all pictures are on disk; save them now: {}", trouble.words())
                        }
                        false => trouble.words().clone(),
                    };
                    client.warns(Some(&plan), &plan.id, std::slice::from_ref(&warning));
                    result.warnings.push(warning);
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
    /// The result of writing the `sent` line.
    line: OnceCell<Result<(), Error>>,
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
            line: OnceCell::new(),
            state: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Sent> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> Sent {
        self.lock().clone()
    }

    /// Writes the `sent` line before the item's first request.
    async fn before(&self) -> Result<(), Error> {
        {
            let mut sent = self.lock();
            if matches!(*sent, Sent::No) {
                // From here on `forestalled` does not end the item.
                *sent = if self.run.is_stopping() { Sent::Refused(None) } else { Sent::Yes };
            }
        }
        if let (Sent::Yes, Some(journal), Some((key, digest))) = (self.state(), &self.journal, self.key.get())
        {
            // The concurrent calls of one item share one line.
            let line = || async {
                let (journal, key, digest) = (journal.clone(), key.clone(), digest.clone());
                let written = blocking::disk(move || journal.sent(&key, &digest)).await;
                written.unwrap_or_else(|lost| Err(lost.into()))
            };
            if let Err(error) = self.line.get_or_init(line).await {
                *self.lock() = Sent::Refused(Some(error.clone()));
            }
        }
        match self.state() {
            Sent::Refused(Some(error)) => Err(error),
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
async fn known_to(journal: &Option<Arc<Journal>>, key: Option<String>) -> Result<Known, Error> {
    match (journal.clone(), key) {
        (Some(journal), Some(key)) => Ok(blocking::disk(move || journal.known(&key)).await?),
        _ => Ok(Known::New),
    }
}

/// Does file I/O on the threads for it.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    blocking::disk(work).await.ok()
}

/// Makes the plan and the item's digest.
async fn planned_with_digest<F>(plan: &impl Fn() -> F) -> Result<(Plan, String), Error>
where
    F: Future<Output = Result<Plan, Error>>,
{
    let plan = plan().await?;
    let digest = plan.identity.as_ref().map(Identity::item).unwrap_or_default();
    Ok((plan, digest))
}

/// The fields of a note that identify its item and its journal.
fn of_item(journal: &Journal, key: &str, digest: &str) -> Map<String, Value> {
    let fields = [("key", json!(key)), ("digest", json!(digest)), ("journal", journal.belonging())];
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The remaining files of an item that was done. Blocks.
fn kept_of(done: &Done) -> Kept {
    let mut kept = Kept::default();
    if let Ok(note) = own_note(done) {
        kept.add(&note);
    }
    kept
}

/// The note of an item that is done: the first of its two paths with a matching note. Blocks.
fn own_note(done: &Done) -> Result<Note, Missing> {
    // The digest in a note of version 0.1.0 has another form.
    let digest = if done.is_renamed { None } else { done.digest.as_deref() };
    let read = |note: &PathBuf| Note::read(note)?.of(&done.key, digest);
    let [first, second] = &done.notes;
    read(first)
        .or_else(|missing| read(second).map_err(|other| if other.is_unreadable { other } else { missing }))
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

/// The options that the call was made with, without secrets.
fn options_of(plan: &Plan) -> Value {
    let mut options = plan.options.write(Case::Snake);
    if let Some(map) = options.as_object_mut() {
        map.retain(|name, _| !secrets::is_option(name));
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
        let result = result.clone();
        blocking::kept(move || {
            shelf.put(call, &result);
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
    let result = result.clone();
    let work = move || {
        if !shelf.is_early() {
            shelf.put(0, &result);
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
    blocking::kept(work).await.unwrap_or_else(|cause| Stored {
        trouble: Some(Error::new(Kind::NanoBananaError, format!("writing the pictures was lost: {cause}"))),
        ..Stored::default()
    })
}

/// The result of an earlier run, or the reason why it is missing.
async fn restored(done: Arc<Done>) -> Result<(Generation, Vec<String>), Missing> {
    let work = move || own_note(&done)?.restore();
    let lost = |lost: blocking::Lost| Err(Missing { why: lost.to_string(), is_unreadable: true });
    blocking::disk(work).await.unwrap_or_else(lost)
}
