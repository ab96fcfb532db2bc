//! Who may ask. Every key and every token is good, but for `bad`.

use hyper::http::request::Parts;
use serde_json::json;

use super::check::Refusal;
use super::fields::Service;
use super::route::{header, value};

/// Whether this service knows who asks: by a key, or by a token of OAuth, each in a header or in the query. With the
/// Gemini API a token needs the project that it is billed to (`x-goog-user-project`), which may be any.
pub(super) fn admitted(service: Service, head: &Parts, query: &[(String, String)]) -> Result<(), Refusal> {
    let named = |name: &str| value(query, name).or(value(query, &format!("${name}")));
    let key = header(head, "x-goog-api-key").filter(|key| !key.is_empty());
    let key = key.as_deref().or(named("key")).filter(|key| !key.is_empty());
    let query_token = named("access_token").or(named("oauth_token")).map(|token| format!("Bearer {token}"));
    let token = header(head, "authorization").or(query_token);
    match (token, key, service) {
        (Some(token), _, Service::Vertex) => bearer(&token, "aiplatform.googleapis.com"),
        (Some(token), None, Service::Gemini) => {
            bearer(&token, "generativelanguage.googleapis.com")?;
            let project = header(head, "x-goog-user-project").filter(|project| !project.is_empty());
            match project.as_deref().or(named("userProject")) {
                Some(_) => Ok(()),
                None => Err(Refusal::new(
                    403,
                    "PERMISSION_DENIED",
                    "The generativelanguage.googleapis.com API requires a quota project, which is not set by default: name it in the header x-goog-user-project.",
                )),
            }
        }
        (_, Some("bad"), Service::Gemini) => Err(bad_key("generativelanguage.googleapis.com")),
        (_, Some("bad"), Service::Vertex) => Err(bad_key("aiplatform.googleapis.com")),
        (_, Some(_), _) => Ok(()),
        (None, None, Service::Gemini) => Err(Refusal::new(
            403,
            "PERMISSION_DENIED",
            "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other form of API consumer identity to call this API.",
        )),
        (None, None, Service::Vertex) => Err(unknown(
            "Request is missing required authentication credential.",
            "CREDENTIALS_MISSING",
            "aiplatform.googleapis.com",
        )),
    }
}

fn bearer(header: &str, service: &str) -> Result<(), Refusal> {
    let token = header.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    match token.map(|(_, token)| token.trim()) {
        Some("bad") | None => Err(unknown(
            "Request had invalid authentication credentials.",
            "ACCESS_TOKEN_TYPE_UNSUPPORTED",
            service,
        )),
        Some("") => Err(unknown(
            "Request is missing required authentication credential.",
            "CREDENTIALS_MISSING",
            service,
        )),
        Some(_) => Ok(()),
    }
}

fn unknown(problem: &str, reason: &str, service: &str) -> Refusal {
    let message = format!(
        "{problem} Expected OAuth 2 access token, login cookie or other valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project."
    );
    let mut refusal = Refusal::new(401, "UNAUTHENTICATED", message);
    refusal.details.push(json!({
        "@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": "googleapis.com",
        "metadata": {"service": service},
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
