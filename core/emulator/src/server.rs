//! The line: connections, requests in, replies out, with all the faults that a script asks for.

use std::convert::Infallible;
use std::future::poll_fn;
use std::io::{self, Write as _};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::header::{
    CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue, SERVER,
};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::Sleep;
use tokio_rustls::TlsAcceptor;

use super::answer::Answer;
use super::check::Refusal;
use super::control;
use super::endpoints::{self, Asking, flowing, nowhere, written};
use super::fields::Service;
use super::files;
use super::guard;
use super::interactions::{self, Told};
use super::line::{Answering, End, Line};
use super::log::{self, Flight, State};
use super::proto;
use super::route::{self, Form, Route};
use super::script::{self, Asked, Cut, Delivery, Reply};
use super::tape;
use nanobanana_base::memory;
use nanobanana_base::secrets::Secrets;

/// The most that a request may send.
pub(super) const LIMIT: usize = 100 << 20;

/// The most memory that the JSON of a request may take once it is read.
const PARSED: usize = 1 << 30;

/// A body goes out in pieces of this many bytes unless a script says otherwise.
const PIECE: usize = 256 << 10;

pub(super) const JSON: &str = "application/json; charset=UTF-8";

/// How many requests one HTTP/2 connection carries at once.
const STREAMS: u32 = 250;

/// How much of one request, and of all on a connection, may be under way: a large picture need not wait
/// for leave to go on, nor a small request for a large one.
const WINDOW: u32 = 8 << 20;
const WINDOW_OF_ALL: u32 = 256 << 20;

/// Requests that a client gave up before they were read: a cancelled storm is no attack here.
const GIVEN_UP: usize = 10_000;

/// What ends a request without an answer.
type Broken = Box<dyn std::error::Error + Send + Sync>;

/// Serves until it is dropped.
pub(super) async fn serve(
    listener: TcpListener,
    acceptor: Option<TlsAcceptor>,
    state: Arc<State>,
) -> Infallible {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(accept(stream, acceptor.clone(), state.clone()));
            }
            // Out of file handles, or the client is gone already: the next one may do better.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

async fn accept(stream: TcpStream, acceptor: Option<TlsAcceptor>, state: Arc<State>) {
    // Only speed depends on it.
    let _ = stream.set_nodelay(true);
    let end = Arc::new(End::default());
    let line = Line::new(stream, end.clone());
    match acceptor {
        // A handshake that fails is the client's to tell.
        Some(acceptor) => {
            if let Ok(line) = acceptor.accept(line).await {
                connection(line, end, state).await;
            }
        }
        None => connection(line, end, state).await,
    }
}

async fn connection(line: impl AsyncRead + AsyncWrite + Unpin + 'static, end: Arc<End>, state: Arc<State>) {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http2()
        .max_concurrent_streams(STREAMS)
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(WINDOW_OF_ALL)
        .max_pending_accept_reset_streams(GIVEN_UP);
    let leaving = end.clone();
    let service = hyper::service::service_fn(move |request| handle(request, state.clone(), end.clone()));
    let mut serving = std::pin::pin!(builder.serve_connection(TokioIo::new(line), service));
    // An error here is a client that went away, or a cut that a script asked for.
    tokio::select! {
        _ = serving.as_mut() => return,
        () = leaving.leave.notified() => serving.as_mut().graceful_shutdown(),
    }
    let _ = serving.await;
}

/// Hands out the pieces of a body; false says that nobody takes them.
pub(super) type Take<'a> = &'a mut dyn FnMut(Vec<u8>) -> bool;

/// What goes out.
pub(super) enum Content {
    /// Known to the last byte.
    Whole(Vec<u8>),
    /// Pieces that are handed out when they are made.
    Made(Box<dyn FnOnce(Take) + Send>),
    /// Pieces that come from elsewhere.
    Flow {
        pieces: mpsc::UnboundedReceiver<Bytes>,
        /// Whether the line breaks behind the last one; known by then.
        breaks: Arc<AtomicBool>,
    },
}

/// A reply that is ready to go.
pub(super) struct Outgoing {
    pub status: u16,
    pub content_type: &'static str,
    pub content: Content,
    pub tier: Option<String>,
    pub headers: Vec<(&'static str, String)>,
    /// Headers that were recorded.
    pub recorded: Vec<(String, String)>,
    pub hang: bool,
}

impl Outgoing {
    /// What is known to the last byte.
    pub fn of(content_type: &'static str, body: Vec<u8>) -> Self {
        Outgoing { content_type, content: Content::Whole(body), ..Outgoing::json(200, &Value::Null) }
    }

    /// What was recorded, or is.
    pub fn recorded(status: u16, headers: Vec<(String, String)>, content: Content) -> Self {
        Outgoing { content, recorded: headers, ..Outgoing::json(status, &Value::Null) }
    }

    pub fn with(self, headers: Vec<(&'static str, String)>) -> Self {
        Outgoing { headers, ..self }
    }

    pub fn json(status: u16, json: &Value) -> Self {
        let body = serde_json::to_vec_pretty(json).unwrap_or_default();
        Outgoing {
            status,
            content_type: JSON,
            content: Content::Whole(body),
            tier: None,
            headers: Vec::new(),
            recorded: Vec::new(),
            hang: false,
        }
    }

    pub fn refused(refusal: &Refusal) -> Self {
        Outgoing::json(refusal.code, &refusal.json())
    }

    /// An interaction.
    pub fn told(told: Told) -> Self {
        match told {
            Told::Json(json) => Outgoing::json(200, &json),
            Told::Events(make) => Outgoing {
                content_type: "text/event-stream",
                content: Content::Made(make),
                ..Outgoing::json(200, &Value::Null)
            },
        }
    }

    /// With a body whose length is known.
    fn whole(self) -> Self {
        let mut body = Vec::new();
        let mut take = |piece: Vec<u8>| {
            body.extend(piece);
            true
        };
        match self.content {
            Content::Whole(whole) => body = whole,
            Content::Made(make) => make(&mut take),
            // Waited for before, on no thread that draws.
            Content::Flow { .. } => {}
        }
        Outgoing { content: Content::Whole(body), ..self }
    }

    /// With a body whose length is known, if that is disturbed.
    async fn measured(self, delivery: &Delivery) -> Result<Self, Broken> {
        if delivery.length.is_none() {
            return Ok(self);
        }
        let Content::Flow { mut pieces, .. } = self.content else {
            return Ok(tokio::task::spawn_blocking(move || self.whole()).await?);
        };
        let mut body = Vec::new();
        while let Some(piece) = pieces.recv().await {
            body.extend_from_slice(&piece);
        }
        Ok(Outgoing { content: Content::Whole(body), ..self })
    }
}

/// What is made of a request.
enum Made {
    Done(Result<Outgoing, Refusal>),
    Errand(Box<tape::Errand>),
}

async fn handle(
    request: Request<Incoming>,
    state: Arc<State>,
    end: Arc<End>,
) -> Result<Response<Outflow>, Broken> {
    let (head, body) = request.into_parts();
    if let Err(refusal) = guard::check(&head, state.hosts) {
        return Ok(reply(Outgoing::refused(&refusal), Delivery::default(), Flight::untold(), None));
    }
    let shared = guard::shared_with(&head);
    if head.method == Method::OPTIONS && shared.is_some() {
        let allowed = Outgoing { headers: guard::allowed(&head), ..Outgoing::json(200, &Value::Null) };
        return Ok(guard::share(shared, reply(allowed, Delivery::default(), Flight::untold(), None)));
    }
    if control::is_for(&head) {
        let (body, _) = receive(body, &head).await?;
        let answering = Answering::of(&end);
        // A thumbnail is made on the way.
        let work = tokio::task::spawn_blocking(move || control::answer(&head, &body, &state));
        return Ok(awaited(reply(work.await?, Delivery::default(), Flight::untold(), None), answering));
    }
    let mut flight = state.arrived(&head);
    let (number, sent) = (flight.number, flight.sent.clone());
    let (body, size) = receive(body, &head).await?;
    let answering = Answering::of(&end);
    let body = Bytes::from(body);
    state.watch.request(number, &body, &sent);
    state.note(number, "size", size.into());
    let seen = state.clone();
    let version = head.version;
    // Reading and drawing may take a second: the line stays free for others.
    let work = tokio::task::spawn_blocking(move || respond(&head, body, size, &state, (number, &sent)));
    let (made, form, delivery) = work.await?;
    let made = match made {
        Made::Done(made) => made,
        Made::Errand(errand) => errand.run().await,
    };
    let made = made.unwrap_or_else(|refusal| Outgoing::json(refusal.code, &in_form(refusal.json(), form)));
    let outgoing = made.measured(&delivery).await?;
    if !outgoing.hang && !delivery.goaway && !matches!(delivery.cut, Some(Cut::Headers)) {
        seen.note(number, "status", outgoing.status.into());
    }
    tokio::time::sleep(delivery.delay).await;
    if delivery.goaway && version == Version::HTTP_2 {
        end.leave.notify_one();
        // GOAWAY goes out first: another try must find that this connection takes no more.
        tokio::task::yield_now().await;
        flight.landed();
        return Err(h2::Error::from(h2::Reason::REFUSED_STREAM).into());
    }
    if outgoing.hang {
        // A client that sends no more has nothing to wait for.
        drop(answering);
        return std::future::pending().await;
    }
    // With HTTP/2 an error ends the stream alone, and by a reset.
    let reset = (version < Version::HTTP_2).then_some(end);
    if let Some(Cut::Headers) = delivery.cut {
        flight.landed();
        return Err(cut(reset.as_deref()).into());
    }
    Ok(awaited(guard::share(shared, reply(outgoing, delivery, flight, reset)), answering))
}

/// The answer, whose client is waited for until its last byte.
fn awaited(mut response: Response<Outflow>, answering: Answering) -> Response<Outflow> {
    response.body_mut().answering = Some(answering);
    response
}

/// Breaks the line: this error ends what it is told to.
fn cut(end: Option<&End>) -> io::Error {
    if let Some(end) = end {
        end.reset.store(true, Ordering::SeqCst);
    }
    io::Error::other("cut by the script")
}

/// The whole body, or nothing of it if it is too long.
async fn receive(mut body: Incoming, head: &Parts) -> io::Result<(Vec<u8>, usize)> {
    let told = head.headers.get("content-length").and_then(|length| length.to_str().ok()?.parse().ok());
    let mut bytes = Vec::with_capacity(told.unwrap_or(0).min(LIMIT));
    let mut size = 0;
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        if let Ok(data) = frame.map_err(io::Error::other)?.into_data() {
            size += data.len();
            // A client that is still sending would not see the refusal: take in the rest, to a point.
            if size > LIMIT {
                bytes = Vec::new();
            } else {
                bytes.extend_from_slice(&data);
            }
            if size > LIMIT * 8 {
                break;
            }
        }
    }
    Ok((bytes, size))
}

/// Decides on the reply: a scripted one, or what the service would say.
fn respond(
    head: &Parts,
    body: Bytes,
    size: usize,
    state: &Arc<State>,
    (number, sent): (usize, &Arc<Secrets>),
) -> (Made, Form, Delivery) {
    let query: Vec<(String, String)> =
        url::form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    let route = Route::of(head, &query);
    let is_upload = matches!(route, Some(Route::Upload { .. } | Route::Store { .. }));
    let tape = state.deck.tape();
    let whole = tape.as_ref().map(|_| body.clone());
    // It is read as an empty message, but nothing came that could be shown.
    let is_empty = body.trim_ascii().is_empty();
    // A file's bytes are nobody's JSON, though they may be some.
    let (json, bytes) = match &route {
        _ if is_upload => {
            if !body.is_empty() {
                state.note(number, "json", files::told(&body));
            }
            (Ok(Value::Null), body)
        }
        Some(Route::Start { .. }) => (parsed(&body), body),
        _ => {
            let json = parsed(&body);
            drop(body);
            (json, Bytes::new())
        }
    };
    if let (Ok(json), false) = (&json, is_upload || is_empty) {
        state.note_json(number, json, sent);
    }
    let request = json.as_ref().ok().filter(|_| !is_empty);
    // An interaction tells its model within.
    let told = request.filter(|_| matches!(route, Some(Route::Talk(_))));
    let (model, form) = match &route {
        Some(Route::Generate { model, form, .. }) => (model.as_str(), *form),
        Some(Route::Batch(route::Batch::Create { model, .. })) => (model.as_str(), Form::Whole),
        _ => (told.and_then(|json| json.get("model")?.as_str()).unwrap_or_default(), Form::Whole),
    };
    let step = state.next_step(Asked {
        call: route.as_ref().and_then(Route::call),
        path: head.uri.path(),
        model,
        words: &request.map(log::words).unwrap_or_default(),
        seed: request.and_then(script::seed),
    });
    let drift = step.as_ref().and_then(|step| step.drift).unwrap_or(1.0);
    let (reply, delivery) = match step {
        Some(step) => (step.reply, step.delivery),
        None => (Reply::Own, Delivery::default()),
    };
    let made = match &reply {
        Reply::Own => match (&tape, &route) {
            (Some(tape), _) => {
                let body = whole.unwrap_or_default();
                match tape.find(tape::Call { head, query: &query, body, number, sent }, state) {
                    Ok(tape::Found::Here(outgoing)) => Ok(outgoing),
                    Ok(tape::Found::There(errand)) => return (Made::Errand(errand), form, delivery),
                    Err(refusal) => Err(refusal),
                }
            }
            (None, Some(route)) => endpoints::answer(
                Asking { head, query: &query, route, json, bytes: &bytes, size, form, drift },
                state,
            ),
            (None, None) => Err(nowhere(head)),
        },
        Reply::Error { status, error } => {
            let error = script::error_body(*status, error);
            let is_talk = matches!(route, Some(Route::Talk(_)));
            let error = if is_talk { interactions::error(&error) } else { in_form(error, form) };
            Ok(Outgoing::json(*status, &error))
        }
        Reply::Json { status, json } => Ok(scripted_json(*status, script::filled(json), form)),
        Reply::Raw { status, body } => {
            let content_type = if body.starts_with(b"<") { "text/html; charset=UTF-8" } else { JSON };
            let content_type = if form == Form::Events { "text/event-stream" } else { content_type };
            Ok(Outgoing {
                content_type,
                content: Content::Whole(body.clone()),
                ..Outgoing::json(*status, &Value::Null)
            })
        }
        Reply::Answer { status, given } => {
            let mut answer = Answer::scripted(model, (**given).clone());
            answer.service = route.as_ref().map_or(Service::Gemini, Route::service);
            let made = match told {
                Some(json) => Ok(Outgoing::told(state.talks.scripted(json, answer))),
                None => written(answer, form),
            };
            made.map(|written| Outgoing { status: *status, ..written })
        }
        Reply::Hang => Ok(Outgoing { hang: true, ..Outgoing::json(200, &Value::Null) }),
    };
    (Made::Done(made), form, delivery)
}

/// The JSON of a body, unless it would take too much memory.
fn parsed(body: &[u8]) -> Result<Value, String> {
    // One value takes less than this for each byte of its text.
    if body.len() > PARSED / 512 && memory::of_text(body) > PARSED {
        return Err(format!("It would take more than {} MiB of memory.", PARSED >> 20));
    }
    proto::parse(body)
}

/// Errors of a stream that is an array stand in an array too.
fn in_form(error: Value, form: Form) -> Value {
    if form == Form::Array { vec![error].into() } else { error }
}

fn scripted_json(status: u16, json: Value, form: Form) -> Outgoing {
    let events = match (form, json) {
        (Form::Whole, json) => return Outgoing::json(status, &json),
        (_, Value::Array(events)) => events,
        (_, event) => vec![event],
    };
    let tell = move |send: &mut dyn FnMut(&Value) -> bool| {
        // Ends at the first event that nobody takes.
        let _ = events.iter().all(send);
    };
    Outgoing { status, ..flowing(form, tell) }
}

fn reply(
    outgoing: Outgoing,
    delivery: Delivery,
    flight: Flight,
    reset: Option<Arc<End>>,
) -> Response<Outflow> {
    let Outgoing { status, content_type, content, tier, headers: own, recorded, .. } = outgoing;
    let breaks = match &content {
        Content::Flow { breaks, .. } => breaks.clone(),
        _ => Arc::default(),
    };
    let (mut source, mut left) = match content {
        Content::Flow { pieces, .. } if delivery.gzip => (Source::Made(zipped_on(pieces)), None),
        Content::Flow { pieces, .. } => (Source::Made(pieces), None),
        Content::Whole(body) => {
            let body = if delivery.gzip { zipped(&body) } else { body };
            let left = body.len();
            (Source::Whole(Bytes::from(body)), Some(left))
        }
        Content::Made(make) => {
            // Nothing that is made waits for the line: an artist is soon free for the next request.
            let (sender, pieces) = mpsc::unbounded_channel();
            let gzip = delivery.gzip;
            let mut take = move |piece: Vec<u8>| sender.send(Bytes::from(piece)).is_ok();
            tokio::task::spawn_blocking(
                move || if gzip { zipping(make, &mut take) } else { make(&mut take) },
            );
            (Source::Made(pieces), None)
        }
    };
    let mut told = delivery.length.zip(left).map(|(off, left)| (left as u64).saturating_add_signed(off));
    if let (Source::Whole(body), Some(_), Some(length)) = (&mut source, &reset, told)
        && let Ok(length) = usize::try_from(length)
        && length < body.len()
    {
        // With HTTP/1.1 the told length is the body's.
        body.truncate(length);
        (left, told) = (Some(length), None);
    }
    let mut flow = Outflow {
        source,
        piece: Bytes::new(),
        left,
        // A body that stalls at its end must not be told to have one.
        tells: told.is_none() && delivery.stall.zip(left).is_none_or(|(stall, left)| stall < left),
        has_begun: false,
        chunk: delivery.chunk.unwrap_or(PIECE),
        pause: delivery.pause,
        event_pause: delivery.event_pause,
        cut: match delivery.cut {
            Some(Cut::After(bytes)) => Some(bytes),
            _ => None,
        },
        stall: delivery.stall,
        breaks,
        waiting: None,
        flight,
        answering: None,
        reset,
    };
    if left == Some(0) && flow.is_end_stream() {
        flow.flight.landed();
    }
    let mut response = Response::new(flow);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(SERVER, HeaderValue::from_static("nanobanana-emulator"));
    if let Some(tier) = tier.and_then(|tier| HeaderValue::try_from(tier).ok()) {
        headers.insert("x-gemini-service-tier", tier);
    }
    if let Some(told) = told {
        headers.insert(CONTENT_LENGTH, told.into());
    }
    if delivery.goaway {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    if delivery.gzip {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    let own = own.into_iter().map(|(name, value)| (name.to_owned(), value));
    for (name, value) in recorded.into_iter().chain(own).chain(delivery.headers) {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            headers.insert(name, value);
        }
    }
    response
}

fn zipped(body: &[u8]) -> Vec<u8> {
    let mut writer = zip();
    // Writing to memory does not fail.
    let _ = writer.write_all(body);
    writer.finish().unwrap_or_default()
}

fn zip() -> GzEncoder<Vec<u8>> {
    GzEncoder::new(Vec::new(), Compression::fast())
}

/// Compresses piece by piece, so that each can be read as soon as it comes.
fn zipping(make: Box<dyn FnOnce(Take) + Send>, take: Take) {
    let mut writer = zip();
    make(&mut |piece| {
        let _ = writer.write_all(&piece).and_then(|()| writer.flush());
        take(std::mem::take(writer.get_mut()))
    });
    take(writer.finish().unwrap_or_default());
}

/// Compresses what comes from elsewhere as it comes, on no thread that draws.
fn zipped_on(mut pieces: mpsc::UnboundedReceiver<Bytes>) -> mpsc::UnboundedReceiver<Bytes> {
    let (sender, zipped) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut writer = zip();
        while let Some(piece) = pieces.recv().await {
            // Writing to memory does not fail.
            let _ = writer.write_all(&piece).and_then(|()| writer.flush());
            if sender.send(std::mem::take(writer.get_mut()).into()).is_err() {
                return;
            }
        }
        // The last bytes; nobody needs them who has left.
        let _ = sender.send(writer.finish().unwrap_or_default().into());
    });
    zipped
}

enum Source {
    Whole(Bytes),
    Made(mpsc::UnboundedReceiver<Bytes>),
}

/// A body on its way, as slow and as broken as the script wants it.
struct Outflow {
    source: Source,
    /// What is going out now.
    piece: Bytes,
    /// How many bytes are to come; none if it is not known.
    left: Option<usize>,
    /// Whether its length is told.
    tells: bool,
    has_begun: bool,
    chunk: usize,
    pause: Duration,
    event_pause: Duration,
    /// How many bytes until the line breaks.
    cut: Option<usize>,
    /// How many bytes until nothing more comes.
    stall: Option<usize>,
    /// Whether the line breaks at the end; known by then.
    breaks: Arc<AtomicBool>,
    waiting: Option<Pin<Box<Sleep>>>,
    flight: Flight,
    /// Until it is dropped, the client is waited for.
    answering: Option<Answering>,
    /// The connection, if it breaks with the body.
    reset: Option<Arc<End>>,
}

impl Outflow {
    /// Takes up the next piece; false at the end.
    fn poll_piece(&mut self, cx: &mut Context) -> Poll<bool> {
        let next = match &mut self.source {
            Source::Whole(body) => Some(std::mem::take(body)).filter(|body| !body.is_empty()),
            Source::Made(pieces) => ready!(pieces.poll_recv(cx)),
        };
        let Some(next) = next else { return Poll::Ready(false) };
        self.piece = next;
        let rests = if std::mem::replace(&mut self.has_begun, true) {
            self.pause.max(self.event_pause)
        } else {
            Duration::ZERO
        };
        self.rest(rests);
        Poll::Ready(true)
    }

    fn rest(&mut self, time: Duration) {
        if !time.is_zero() {
            self.waiting = Some(Box::pin(tokio::time::sleep(time)));
        }
    }
}

impl Body for Outflow {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        loop {
            if let Some(waiting) = &mut self.waiting {
                ready!(waiting.as_mut().poll(cx));
                self.waiting = None;
                if self.cut == Some(0) {
                    self.flight.landed();
                    return Poll::Ready(Some(Err(cut(self.reset.as_deref()))));
                }
            }
            if self.stall == Some(0) {
                return Poll::Pending;
            }
            let is_cut = self.cut == Some(0);
            if !is_cut && !self.piece.is_empty() {
                break;
            }
            if is_cut || !ready!(self.poll_piece(cx)) {
                if self.stall.is_some() {
                    self.stall = Some(0);
                    continue;
                }
                if self.cut.is_none() && !self.breaks.load(Ordering::SeqCst) {
                    self.flight.landed();
                    return Poll::Ready(None);
                }
                // A body shorter than the cut is reset at its end; and what was handed out before must be
                // on the line before it breaks.
                self.cut = Some(0);
                self.rest(Duration::from_millis(30));
            }
        }
        let ends = [Some(self.chunk), self.cut, self.stall, Some(self.piece.len())];
        let most = ends.into_iter().flatten().min().unwrap_or_default();
        let data = self.piece.split_to(most);
        self.flight.carries(&data);
        let this = &mut *self;
        for count in [&mut this.cut, &mut this.stall, &mut this.left].into_iter().flatten() {
            *count -= data.len();
        }
        if self.is_end_stream() {
            self.flight.landed();
        }
        // A cut has a rest of its own.
        if !self.piece.is_empty() && self.cut != Some(0) {
            let pause = self.pause;
            self.rest(pause);
        }
        Poll::Ready(Some(Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        let is_over = match &self.source {
            Source::Whole(_) => self.left == Some(0),
            Source::Made(pieces) => self.has_begun && pieces.is_closed() && pieces.is_empty(),
        };
        let breaks = self.cut.is_some() || self.breaks.load(Ordering::SeqCst);
        is_over && self.piece.is_empty() && !breaks && self.stall.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        let known = self.left.filter(|_| self.tells);
        known.map_or_else(SizeHint::default, |left| SizeHint::with_exact(left as u64))
    }
}
