//! What a request is for, by its method and path.

use hyper::Method;
use hyper::http::request::Parts;

use super::fields::Service;
use super::script;
use super::upload::{self, Protocol};

/// The versions of the Gemini API.
const VERSIONS: [&str; 3] = ["v1", "v1beta", "v1alpha"];

/// Those of Vertex AI.
const VERTEX_VERSIONS: [&str; 2] = ["v1", "v1beta1"];

/// Whose models a path names.
#[derive(Debug, Clone)]
pub(super) struct House {
    pub service: Service,
    pub version: String,
    /// What stands before `models/`: nothing with the Gemini API.
    pub parent: String,
}

/// What a request is for.
pub(super) enum Route {
    Generate {
        house: House,
        model: String,
        form: Form,
    },
    Models {
        version: String,
    },
    Model {
        version: String,
        model: String,
    },
    Count {
        house: House,
        model: String,
    },
    Batch(Batch),
    Talk(Talk),
    /// A resumable upload begins.
    Start {
        version: String,
    },
    /// A file comes in one request.
    Store {
        version: String,
        protocol: Protocol,
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
    /// The bytes of a generated file.
    Download {
        id: String,
    },
}

/// What is asked of the batches.
pub(super) enum Batch {
    Create { version: String, model: String },
    List,
    Get { id: String },
    Cancel { id: String },
    Delete { id: String },
}

/// What is asked of the Interactions API.
pub(super) enum Talk {
    Create { version: String },
    Get { id: String },
    Cancel { id: String },
    Delete { id: String },
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
        // Where the service itself says that a file is to be had, and where its clients ask.
        let path = path.strip_prefix("download/").filter(|path| path.ends_with(":download")).unwrap_or(path);
        let (version, rest) = path.split_once('/')?;
        if rest.starts_with("projects/") || rest.starts_with("publishers/") {
            return Route::of_vertex(head, version, rest, query);
        }
        if !VERSIONS.contains(&version) {
            return None;
        }
        let version = version.to_owned();
        let post = head.method == Method::POST;
        match rest.split_once('/') {
            None => match (&head.method, rest) {
                (&Method::GET, "models") => Some(Route::Models { version }),
                (&Method::GET, "files") => Some(Route::Files { version }),
                (&Method::GET, "batches") => Some(Route::Batch(Batch::List)),
                (&Method::POST, "interactions") => Some(Route::Talk(Talk::Create { version })),
                _ => None,
            },
            Some(("models", model)) if head.method == Method::GET => {
                is_id(model).then(|| Route::Model { version, model: model.to_owned() })
            }
            Some(("models", rest)) if post => {
                let (model, verb) = rest.rsplit_once(':')?;
                if verb == "batchGenerateContent" {
                    return Some(Route::Batch(Batch::Create { version, model: model.to_owned() }));
                }
                let house = House { service: Service::Gemini, version, parent: String::new() };
                Route::of_verb(house, model, verb, query)
            }
            Some(("files", rest)) => match (&head.method, rest.strip_suffix(":download")) {
                (&Method::GET, Some(id)) if is_id(id) => Some(Route::Download { id: id.to_owned() }),
                (&Method::GET, None) if is_id(rest) => Some(Route::File { version, id: rest.to_owned() }),
                (&Method::DELETE, None) if is_id(rest) => Some(Route::Delete { id: rest.to_owned() }),
                _ => None,
            },
            Some(("batches", rest)) => match rest.strip_suffix(":cancel") {
                Some(id) if is_id(id) && post => Some(Route::Batch(Batch::Cancel { id: id.to_owned() })),
                None if is_id(rest) => match head.method {
                    Method::GET => Some(Route::Batch(Batch::Get { id: rest.to_owned() })),
                    Method::DELETE => Some(Route::Batch(Batch::Delete { id: rest.to_owned() })),
                    _ => None,
                },
                _ => None,
            },
            Some(("interactions", rest)) => match rest.strip_suffix("/cancel") {
                Some(id) if is_id(id) && post => Some(Route::Talk(Talk::Cancel { id: id.to_owned() })),
                None if is_id(rest) => match head.method {
                    Method::GET => Some(Route::Talk(Talk::Get { id: rest.to_owned() })),
                    Method::DELETE => Some(Route::Talk(Talk::Delete { id: rest.to_owned() })),
                    _ => None,
                },
                _ => None,
            },
            _ => None,
        }
    }

    /// `projects/P/locations/L/publishers/google/models/M:verb`, and without project and location.
    fn of_vertex(head: &Parts, version: &str, rest: &str, query: &[(String, String)]) -> Option<Self> {
        let (parent, rest) = rest.split_once("/models/")?;
        let (model, verb) = rest.rsplit_once(':')?;
        let is_parent = match parent.split('/').collect::<Vec<_>>().as_slice() {
            ["projects", project, "locations", location, "publishers", "google"] => {
                !project.is_empty() && !location.is_empty()
            }
            ["publishers", "google"] => true,
            _ => false,
        };
        if !is_parent || head.method != Method::POST || !VERTEX_VERSIONS.contains(&version) {
            return None;
        }
        let (version, parent) = (version.to_owned(), parent.to_owned());
        Route::of_verb(House { service: Service::Vertex, version, parent }, model, verb, query)
    }

    fn of_verb(house: House, model: &str, verb: &str, query: &[(String, String)]) -> Option<Self> {
        let model = model.to_owned();
        if verb == "countTokens" {
            return Some(Route::Count { house, model });
        }
        let events = value(query, "alt").or(value(query, "$alt")) == Some("sse");
        let form = match verb {
            "generateContent" => Form::Whole,
            "streamGenerateContent" if events => Form::Events,
            "streamGenerateContent" => Form::Array,
            _ => return None,
        };
        Some(Route::Generate { house, model, form })
    }

    fn of_upload(head: &Parts, rest: &str, query: &[(String, String)]) -> Option<Self> {
        let version = rest.strip_suffix("/files").filter(|version| VERSIONS.contains(version))?;
        let command = header(head, "x-goog-upload-command").unwrap_or_default();
        let version = version.to_owned();
        Some(match (value(query, "upload_id"), &head.method) {
            (Some(id), &Method::POST | &Method::PUT) => Route::Upload { id: id.to_owned(), command },
            (None, &Method::POST) => match upload::protocol(head, query) {
                Some(protocol) => Route::Store { version, protocol },
                None => Route::Start { version },
            },
            _ => return None,
        })
    }

    /// What a script calls it; none if a script cannot answer it.
    pub fn call(&self) -> Option<&'static str> {
        Some(match self {
            Route::Generate { .. } => script::GENERATE,
            Route::Count { .. } => "count_tokens",
            Route::Start { .. } | Route::Store { .. } => "upload_start",
            Route::Upload { command, .. } if command == "query" => "upload_query",
            Route::Upload { .. } => "upload_chunk",
            Route::Files { .. } => "file_list",
            Route::File { .. } => "file_get",
            Route::Delete { .. } => "file_delete",
            Route::Download { .. } => "file_download",
            Route::Batch(batch) => match batch {
                Batch::Create { .. } => "batch_create",
                Batch::List => "batch_list",
                Batch::Get { .. } => "batch_get",
                Batch::Cancel { .. } => "batch_cancel",
                Batch::Delete { .. } => "batch_delete",
            },
            Route::Talk(talk) => match talk {
                Talk::Create { .. } => "interaction_create",
                Talk::Get { .. } => "interaction_get",
                Talk::Cancel { .. } => "interaction_cancel",
                Talk::Delete { .. } => "interaction_delete",
            },
            Route::Models { .. } | Route::Model { .. } => return None,
        })
    }

    /// Who is asked.
    pub fn service(&self) -> Service {
        match self {
            Route::Generate { house, .. } | Route::Count { house, .. } => house.service,
            _ => Service::Gemini,
        }
    }
}

fn is_id(text: &str) -> bool {
    !text.is_empty() && !text.contains([':', '/'])
}

pub(super) fn header(head: &Parts, name: &str) -> Option<String> {
    head.headers.get(name)?.to_str().ok().map(str::to_owned)
}

pub(super) fn value<'a>(query: &'a [(String, String)], name: &str) -> Option<&'a str> {
    query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}
