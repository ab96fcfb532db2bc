//! Who may ask. Every key and every token is good, but for `bad`.

use hyper::http::request::Parts;
use serde_json::json;

use super::check::Refusal;
use super::fields::Service;
use super::route::{header, value};

/// Whether this service knows who asks.
pub(super) fn admitted(service: Service, head: &Parts, query: &[(String, String)]) -> Result<(), Refusal> {
    if service == Service::Vertex
        && let Some(token) = header(head, "authorization")
    {
        return bearer(&token);
    }
    let key = header(head, "x-goog-api-key").filter(|key| !key.is_empty());
    match (key.as_deref().or(value(query, "key")), service) {
        (None | Some(""), Service::Gemini) => Err(Refusal::new(
            403,
            "PERMISSION_DENIED",
            "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other form of API consumer identity to call this API.",
        )),
        (None | Some(""), Service::Vertex) => {
            Err(unknown("Request is missing required authentication credential.", "CREDENTIALS_MISSING"))
        }
        (Some("bad"), Service::Gemini) => Err(bad_key("generativelanguage.googleapis.com")),
        (Some("bad"), Service::Vertex) => Err(bad_key("aiplatform.googleapis.com")),
        (Some(_), _) => Ok(()),
    }
}

fn bearer(header: &str) -> Result<(), Refusal> {
    let token = header.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    match token.map(|(_, token)| token.trim()) {
        Some("bad") | None => {
            Err(unknown("Request had invalid authentication credentials.", "ACCESS_TOKEN_TYPE_UNSUPPORTED"))
        }
        Some("") => {
            Err(unknown("Request is missing required authentication credential.", "CREDENTIALS_MISSING"))
        }
        Some(_) => Ok(()),
    }
}

fn unknown(problem: &str, reason: &str) -> Refusal {
    let message = format!(
        "{problem} Expected OAuth 2 access token, login cookie or other valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project."
    );
    let mut refusal = Refusal::new(401, "UNAUTHENTICATED", message);
    refusal.details.push(json!({
        "@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": "googleapis.com",
        "metadata": {"service": "aiplatform.googleapis.com"},
    }));
    refusal
}

fn bad_key(service: &str) -> Refusal {
    let message = "API key not valid. Please pass a valid API key.";
    let mut refusal = Refusal::new(400, "INVALID_ARGUMENT", message);
    refusal.details = vec![
        json!({
            "@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID",
            "domain": "googleapis.com", "metadata": {"service": service},
        }),
        json!({
            "@type": "type.googleapis.com/google.rpc.LocalizedMessage", "locale": "en-US", "message": message,
        }),
    ];
    refusal
}
