//! What a request is for, by its method and path.

use hyper::Method;
use hyper::http::request::Parts;

use super::script;

/// The versions of the API.
const VERSIONS: [&str; 3] = ["v1", "v1beta", "v1alpha"];

/// What a request is for.
pub(super) enum Route {
    Generate {
        version: String,
        model: String,
        form: Form,
    },
    Models,
    Model {
        version: String,
        model: String,
    },
    Count {
        version: String,
        model: String,
    },
    /// An upload begins.
    Start {
        version: String,
    },
    /// An upload goes on, by this command.
    Upload {
        id: String,
        command: String,
    },
    Files {
        version: String,
    },
    File {
        version: String,
        id: String,
    },
    Delete {
        id: String,
    },
}

/// How a generated answer is written.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Form {
    Whole,
    /// A JSON array that grows.
    Array,
    /// Server-sent events.
    Events,
}

impl Route {
    pub fn of(head: &Parts, query: &[(String, String)]) -> Option<Self> {
        let path = head.uri.path().replace("%3A", ":").replace("%3a", ":");
        let path = path.strip_prefix('/')?;
        if let Some(rest) = path.strip_prefix("upload/") {
            return Route::of_upload(head, rest, query);
        }
        let (version, rest) = path.split_once('/')?;
        if !VERSIONS.contains(&version) {
            return None;
        }
        let version = version.to_owned();
        let model = rest.strip_prefix("models/");
        match (&head.method, model) {
            (&Method::GET, None) if rest == "models" => Some(Route::Models),
            (&Method::GET, Some(model)) if !model.contains([':', '/']) && !model.is_empty() => {
                Some(Route::Model { version, model: model.to_owned() })
            }
            (&Method::GET, None) if rest == "files" => Some(Route::Files { version }),
            (method, None) => {
                let id =
                    rest.strip_prefix("files/").filter(|id| !id.is_empty() && !id.contains([':', '/']))?;
                match *method {
                    Method::GET => Some(Route::File { version, id: id.to_owned() }),
                    Method::DELETE => Some(Route::Delete { id: id.to_owned() }),
                    _ => None,
                }
            }
            (&Method::POST, Some(rest)) => {
                let (model, verb) = rest.rsplit_once(':')?;
                if verb == "countTokens" {
                    return Some(Route::Count { version, model: model.to_owned() });
                }
                let events = value(query, "alt").or(value(query, "$alt")) == Some("sse");
                let form = match verb {
                    "generateContent" => Form::Whole,
                    "streamGenerateContent" if events => Form::Events,
                    "streamGenerateContent" => Form::Array,
                    _ => return None,
                };
                Some(Route::Generate { version, model: model.to_owned(), form })
            }
            _ => None,
        }
    }

    fn of_upload(head: &Parts, rest: &str, query: &[(String, String)]) -> Option<Self> {
        let version = rest.strip_suffix("/files").filter(|version| VERSIONS.contains(version))?;
        if head.method != Method::POST {
            return None;
        }
        let command = header(head, "x-goog-upload-command").unwrap_or_default();
        Some(match value(query, "upload_id") {
            Some(id) => Route::Upload { id: id.to_owned(), command },
            None => Route::Start { version: version.to_owned() },
        })
    }

    /// What a script calls it; none if a script cannot answer it.
    pub fn call(&self) -> Option<&'static str> {
        Some(match self {
            Route::Generate { .. } => script::GENERATE,
            Route::Count { .. } => "count_tokens",
            Route::Start { .. } => "upload_start",
            Route::Upload { command, .. } if command == "query" => "upload_query",
            Route::Upload { .. } => "upload_chunk",
            Route::Files { .. } => "file_list",
            Route::File { .. } => "file_get",
            Route::Delete { .. } => "file_delete",
            Route::Models | Route::Model { .. } => return None,
        })
    }
}

pub(super) fn header(head: &Parts, name: &str) -> Option<String> {
    head.headers.get(name)?.to_str().ok().map(str::to_owned)
}

pub(super) fn value<'a>(query: &'a [(String, String)], name: &str) -> Option<&'a str> {
    query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}
