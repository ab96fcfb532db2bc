//! The signals that end a command. The host of the command handles them and passes them on.
//!
//! The plain binary installs handlers itself. Python and Node have their own handlers, which call [`Signals::tell`]. A
//! second handler would call theirs again; Node's raises its signal anew until the process ends, so the process would
//! spin and never end. A library within a host installs no handler.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

/// A signal that ends a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// The terminal is gone.
    Hangup = 1,
    /// Ctrl-C.
    Interrupt = 2,
    /// A request to end: `kill`, a service manager and a container send it.
    Terminate = 15,
}

impl Signal {
    /// All signals that end a command.
    pub const ALL: [Signal; 3] = [Signal::Hangup, Signal::Interrupt, Signal::Terminate];

    /// The signal of this name, such as `SIGINT`.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|signal| signal.name() == name)
    }

    /// Its name, for example `SIGINT`.
    pub fn name(self) -> &'static str {
        match self {
            Signal::Hangup => "SIGHUP",
            Signal::Interrupt => "SIGINT",
            Signal::Terminate => "SIGTERM",
        }
    }

    /// The exit code of a command that it ended, by the convention of shells.
    pub fn exit_code(self) -> u8 {
        128 + self as u8
    }
}

#[derive(Debug, Default)]
struct State {
    /// The signals that end the command, in the order in which they came.
    ending: Vec<Signal>,
    /// How many parts of the command take Ctrl-C for themselves.
    takers: usize,
    /// How many times Ctrl-C came while a part of the command took it.
    taken: usize,
    /// How many parts of the command write what was paid for.
    holds: usize,
}

/// Receives the signals of a process from its host. Clones share their state.
#[derive(Debug, Clone)]
pub struct Signals {
    state: Arc<watch::Sender<State>>,
    is_own: bool,
}

impl Signals {
    /// For a host that calls [`Signals::tell`] from handlers of its own.
    pub fn of_host() -> Self {
        Signals { state: Arc::new(watch::Sender::new(State::default())), is_own: false }
    }

    /// For the plain binary: the command installs the handlers.
    pub fn of_process() -> Self {
        Signals { is_own: true, ..Self::of_host() }
    }

    /// Passes on a signal, and never blocks. The first one ends the command; the second one ends it without waiting for
    /// pending writes.
    pub fn tell(&self, signal: Signal) {
        self.state.send_modify(|state| match signal {
            Signal::Interrupt if state.takers > 0 => state.taken += 1,
            signal => state.ending.push(signal),
        });
    }

    /// While the returned value lives, Ctrl-C ends a part of the command and not the command.
    pub(super) fn take_interrupts(&self) -> Interrupts {
        self.state.send_modify(|state| state.takers += 1);
        Interrupts { signals: self.clone(), seen: self.state.borrow().taken }
    }

    /// While the returned value lives, the end of the command is delayed for a short time. Held by work that writes a
    /// picture that was paid for, on any thread.
    pub(super) fn hold(&self) -> Hold {
        self.state.send_modify(|state| state.holds += 1);
        Hold(self.clone())
    }

    /// Installs the handlers, if the process is the plain binary.
    pub(super) fn listen(&self) {
        if self.is_own {
            own::listen(self);
        }
    }

    /// Waits for the signal with this number among those that end the command, counted from 0.
    pub(super) async fn ending(&self, place: usize) -> Signal {
        let mut changes = self.state.subscribe();
        loop {
            let signal = changes.borrow_and_update().ending.get(place).copied();
            if let Some(signal) = signal {
                return signal;
            }
            if changes.changed().await.is_err() {
                // Never reached: this value holds the sender.
                return std::future::pending().await;
            }
        }
    }

    /// Waits until no [`Hold`] is left, at most for `most`.
    pub(super) async fn released(&self, most: Duration) {
        let mut changes = self.state.subscribe();
        let _ = tokio::time::timeout(most, changes.wait_for(|state| state.holds == 0)).await;
    }
}

/// Receives Ctrl-C for a part of the command.
#[derive(Debug)]
pub(super) struct Interrupts {
    signals: Signals,
    seen: usize,
}

impl Interrupts {
    /// Waits for the next Ctrl-C.
    pub async fn next(&mut self) {
        let seen = self.seen;
        let mut changes = self.signals.state.subscribe();
        let taken = changes.wait_for(|state| state.taken > seen).await.map(|state| state.taken);
        match taken {
            Ok(taken) => self.seen = taken,
            Err(_) => std::future::pending().await,
        }
    }
}

impl Drop for Interrupts {
    fn drop(&mut self) {
        self.signals.state.send_modify(|state| state.takers -= 1);
    }
}

/// Delays the end of the command.
#[derive(Debug)]
pub(super) struct Hold(Signals);

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.state.send_modify(|state| state.holds -= 1);
    }
}

#[cfg(unix)]
mod own {
    use tokio::signal::unix::{SignalKind, signal};

    use super::{Signal, Signals};

    /// A signal that was ignored when the process started, by `nohup` or in the background of a script, stays ignored.
    pub fn listen(signals: &Signals) {
        let ignored = ignored();
        for kind in Signal::ALL.into_iter().filter(|kind| ignored & (1 << (*kind as u32 - 1)) == 0) {
            // If the handler cannot be installed, the signal ends the process by default.
            let Ok(mut coming) = signal(SignalKind::from_raw(kind as i32)) else { continue };
            let signals = signals.clone();
            tokio::spawn(async move {
                while coming.recv().await.is_some() {
                    signals.tell(kind);
                }
            });
        }
    }

    /// The ignored signals as a bit mask. Known on Linux only; elsewhere the mask is empty.
    fn ignored() -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
    }
}

#[cfg(windows)]
mod own {
    use tokio::signal::windows;

    use super::{Signal, Signals};

    pub fn listen(signals: &Signals) {
        macro_rules! listen {
            ($($coming:expr => $signal:ident),* $(,)?) => { $(
                if let Ok(mut coming) = $coming {
                    let signals = signals.clone();
                    tokio::spawn(async move {
                        while coming.recv().await.is_some() {
                            signals.tell(Signal::$signal);
                        }
                    });
                }
            )* };
        }
        listen! {
            windows::ctrl_c() => Interrupt,
            windows::ctrl_break() => Terminate,
            windows::ctrl_close() => Hangup,
            windows::ctrl_shutdown() => Terminate,
        }
    }
}

#[cfg(not(any(unix, windows)))]
mod own {
    pub fn listen(_signals: &super::Signals) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_millis(50);

    #[tokio::test]
    async fn each_ending_signal_is_seen_by_its_place_whenever_it_came() {
        let signals = Signals::of_host();
        signals.tell(Signal::Terminate);
        assert_eq!(signals.ending(0).await, Signal::Terminate);
        assert!(tokio::time::timeout(SOON, signals.ending(1)).await.is_err());
        signals.tell(Signal::Interrupt);
        assert_eq!(signals.ending(1).await.exit_code(), 130);
        assert_eq!(Signal::named("SIGHUP").map(Signal::exit_code), Some(129));
        assert_eq!(Signal::named("SIGWINCH"), None);
    }

    #[tokio::test]
    async fn ctrl_c_belongs_to_the_part_that_takes_it_and_no_other_signal_does() {
        let signals = Signals::of_host();
        let mut turn = signals.take_interrupts();
        signals.tell(Signal::Interrupt);
        turn.next().await;
        assert!(tokio::time::timeout(SOON, turn.next()).await.is_err(), "it was one");
        assert!(tokio::time::timeout(SOON, signals.ending(0)).await.is_err());
        signals.tell(Signal::Terminate);
        assert_eq!(signals.ending(0).await, Signal::Terminate);
        drop(turn);
        signals.tell(Signal::Interrupt);
        assert_eq!(signals.ending(1).await, Signal::Interrupt);
    }

    #[tokio::test]
    async fn the_end_waits_for_what_is_held() {
        let signals = Signals::of_host();
        signals.released(Duration::ZERO).await;
        let hold = signals.hold();
        let held = signals.clone();
        let waited = tokio::spawn(async move { held.released(Duration::from_secs(60)).await });
        tokio::time::sleep(SOON).await;
        assert!(!waited.is_finished());
        drop(hold);
        assert!(waited.await.is_ok());
    }
}
