//! A call whose answer is handed out while it arrives.
//!
//! The stream drives the call itself: nothing is read ahead of whoever reads the events, and
//! dropping the stream ends the request.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::Stream;

use crate::call::attempt::Sink;
use crate::error::Error;
use crate::records::{DoneEvent, Event, Generation, ImageEvent};

type Call = Pin<Box<dyn Future<Output = Result<Generation, Error>> + Send>>;

/// The events of one call, in order: thoughts, text and final pictures as they arrive, then one
/// [`Event::Done`] with the whole result. What goes wrong is the last item; what had arrived by
/// then stands in its [`Error::partial`].
pub struct EventStream {
    call: Option<Call>,
    sink: Sink,
    /// A final picture that is converted as the caller asked. Nothing is read meanwhile.
    shaping: Option<Pin<Box<dyn Future<Output = Event> + Send>>>,
}

impl EventStream {
    /// The stream of a call that hands its events to the sink which it is given.
    pub(crate) fn new<F>(call: impl FnOnce(Sink) -> F) -> Self
    where
        F: Future<Output = Result<Generation, Error>> + Send + 'static,
    {
        let sink = Sink::open();
        EventStream { call: Some(Box::pin(call(sink.clone()))), sink, shaping: None }
    }

    /// The next event; none after the last.
    ///
    /// # Errors
    /// As the call without a stream, and for a stream that breaks off or stands still.
    pub async fn next(&mut self) -> Result<Option<Event>, Error> {
        std::future::poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await.transpose()
    }

    fn poll_shaping(&mut self, context: &mut Context<'_>) -> Option<Poll<Event>> {
        let poll = self.shaping.as_mut()?.as_mut().poll(context);
        if poll.is_ready() {
            self.shaping = None;
        }
        Some(poll)
    }

    /// Hands out an event that arrived, its picture as the caller asked for it.
    fn hand_out(&mut self, event: Event, context: &mut Context<'_>) -> Poll<Option<Result<Event, Error>>> {
        let (event, output) = match (event, self.sink.output()) {
            (Event::Image(event), Some(output)) => (event, output),
            (event, _) => return Poll::Ready(Some(Ok(event))),
        };
        self.shaping =
            Some(Box::pin(
                async move { Event::Image(ImageEvent { image: output.shaped(event.image).await }) },
            ));
        self.poll_shaping(context).map_or(Poll::Pending, |poll| poll.map(|event| Some(Ok(event))))
    }
}

impl Stream for EventStream {
    type Item = Result<Event, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(poll) = self.poll_shaping(context) {
            return poll.map(|event| Some(Ok(event)));
        }
        if let Some(event) = self.sink.take() {
            return self.hand_out(event, context);
        }
        let Some(call) = &mut self.call else { return Poll::Ready(None) };
        let outcome = call.as_mut().poll(context);
        if outcome.is_ready() {
            // Its connection goes back to the pool now, not when the stream is dropped.
            self.call = None;
        }
        match (self.sink.take(), outcome) {
            (Some(event), Poll::Pending) => self.hand_out(event, context),
            (Some(event), Poll::Ready(outcome)) => {
                self.call = Some(Box::pin(std::future::ready(outcome)));
                self.hand_out(event, context)
            }
            (None, Poll::Pending) => Poll::Pending,
            (None, Poll::Ready(Ok(result))) => {
                Poll::Ready(Some(Ok(Event::Done(Box::new(DoneEvent { result })))))
            }
            (None, Poll::Ready(Err(error))) => Poll::Ready(Some(Err(error))),
        }
    }
}

impl fmt::Debug for EventStream {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(if self.call.is_some() { "EventStream(open)" } else { "EventStream(ended)" })
    }
}
