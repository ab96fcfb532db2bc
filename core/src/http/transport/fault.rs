//! Classifies connection faults: would another try fail in the same way? The types of the causes decide and not texts
//! of a server, since a wrong answer is paid for twice.

use std::error::Error as Cause;
use std::io;

use rustls::AlertDescription as Alert;

/// A fault that another try would meet as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lasting {
    /// The certificate is not trusted.
    Certificate,
    /// Both sides cannot agree on TLS parameters, or one of them does not use TLS.
    Tls,
    /// The reply's head has too many or too long headers.
    Headers,
    /// The reply violates HTTP, or its body the declared encoding.
    Malformed,
    /// The proxy requires credentials.
    Proxy,
}

/// Facts about a failed request.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Facts {
    /// The reason why it would fail again, if it would.
    pub lasting: Option<Lasting>,
    /// True if the server reported that it did not process the request.
    pub is_sent_back: bool,
}

/// All causes of an error, including the error inside an `io::Error`, which `source` leaves out.
fn causes<'a>(error: &'a (dyn Cause + 'static)) -> impl Iterator<Item = &'a (dyn Cause + 'static)> {
    let inner = |error: &&'a (dyn Cause + 'static)| -> Option<&'a (dyn Cause + 'static)> {
        let error: &'a (dyn Cause + 'static) = *error;
        match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        }
    };
    std::iter::successors(Some(error), inner)
}

/// Reads the facts from the causes of an error.
pub(super) fn facts(error: &(dyn Cause + 'static)) -> Facts {
    let mut facts = Facts::default();
    for cause in causes(error) {
        if let Some(tls) = cause.downcast_ref::<rustls::Error>() {
            // The `io::Error` around it has the kind "invalid data" for all TLS errors.
            facts.lasting = of_tls(tls);
        } else if let Some(http) = cause.downcast_ref::<hyper::Error>() {
            facts.lasting = match () {
                () if http.is_parse_too_large() => Some(Lasting::Headers),
                () if http.is_parse() => Some(Lasting::Malformed),
                () => facts.lasting,
            };
        } else if let Some(http2) = cause.downcast_ref::<h2::Error>() {
            facts.is_sent_back |= http2.reason() == Some(h2::Reason::REFUSED_STREAM);
            // An error that our own side raised about the reply would be raised again.
            let is_ours = http2.is_library() && http2.is_reset();
            if is_ours || http2.reason() == Some(h2::Reason::HTTP_1_1_REQUIRED) {
                facts.lasting = Some(Lasting::Malformed);
            }
        } else if let Some(io) = cause.downcast_ref::<io::Error>() {
            // These kinds mean invalid chunks or invalid compressed data, never a broken connection.
            if matches!(io.kind(), io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput) {
                facts.lasting = Some(Lasting::Malformed);
            }
        } else if cause.to_string() == "tunnel error: proxy authorization required" {
            // The type of this error is not public; its text is a constant of hyper-util.
            facts.lasting = Some(Lasting::Proxy);
        }
    }
    facts
}

fn of_tls(error: &rustls::Error) -> Option<Lasting> {
    use rustls::Error as E;
    match error {
        E::InvalidCertificate(_) | E::NoCertificatesPresented | E::InvalidCertRevocationList(_) => {
            Some(Lasting::Certificate)
        }
        E::InvalidMessage(_)
        | E::InappropriateHandshakeMessage { .. }
        | E::PeerIncompatible(_)
        | E::UnsupportedNameType
        | E::NoApplicationProtocol
        | E::AlertReceived(
            Alert::HandshakeFailure
            | Alert::BadCertificate
            | Alert::UnsupportedCertificate
            | Alert::CertificateRevoked
            | Alert::CertificateExpired
            | Alert::CertificateUnknown
            | Alert::UnknownCA
            | Alert::AccessDenied
            | Alert::IllegalParameter
            | Alert::ProtocolVersion
            | Alert::InsufficientSecurity
            | Alert::UnrecognisedName
            | Alert::CertificateRequired
            | Alert::NoApplicationProtocol,
        ) => Some(Lasting::Tls),
        _ => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn lasting(error: impl Cause + 'static) -> Option<Lasting> {
        facts(&error).lasting
    }

    #[test]
    fn a_cause_is_known_by_its_type_however_deep_it_stands() {
        let tls = |error: rustls::Error| io::Error::new(io::ErrorKind::InvalidData, error);
        let expired = || rustls::Error::InvalidCertificate(rustls::CertificateError::Expired);
        assert_eq!(lasting(tls(expired())), Some(Lasting::Certificate));
        assert_eq!(lasting(io::Error::other(tls(expired()))), Some(Lasting::Certificate));
        assert_eq!(lasting(tls(rustls::Error::AlertReceived(Alert::ProtocolVersion))), Some(Lasting::Tls));
        // A record that was damaged on the way may be intact the next time.
        assert_eq!(lasting(tls(rustls::Error::DecryptError)), None);
        assert_eq!(lasting(tls(rustls::Error::AlertReceived(Alert::BadRecordMac))), None);
    }

    #[test]
    fn a_line_that_breaks_does_not_last_and_a_body_that_is_none_does() {
        for kind in [
            io::ErrorKind::UnexpectedEof,
            io::ErrorKind::ConnectionReset,
            io::ErrorKind::TimedOut,
            io::ErrorKind::Other,
        ] {
            assert_eq!(lasting(io::Error::from(kind)), None, "{kind}");
        }
        for kind in [io::ErrorKind::InvalidData, io::ErrorKind::InvalidInput] {
            assert_eq!(lasting(io::Error::new(kind, "corrupt deflate stream")), Some(Lasting::Malformed));
        }
        // The text alone decides nothing.
        assert_eq!(lasting(io::Error::other("invalid certificate, refused stream before processing")), None);
    }

    #[test]
    fn http2_names_what_was_not_done() {
        let refused = facts(&h2::Error::from(h2::Reason::REFUSED_STREAM));
        assert_eq!(refused, Facts { lasting: None, is_sent_back: true });
        let old = facts(&h2::Error::from(h2::Reason::HTTP_1_1_REQUIRED));
        assert_eq!(old, Facts { lasting: Some(Lasting::Malformed), is_sent_back: false });
        assert_eq!(facts(&h2::Error::from(h2::Reason::INTERNAL_ERROR)), Facts::default());
    }
}
