//! Reports: the plan and what came of it, for people (Markdown, for an issue) and for machines (JSON).
//!
//! No report has a key, a picture, an id of a project or an account, or the address of a gateway.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};
use url::Url;

use super::table::{Price, Question, Way};
use super::{Plan, Row, Run, Side, scrub};
use nanobanana::catalogue::Catalogue;
use nanobanana::internals::is_loopback;
use nanobanana_base::message::counted;

/// The longest text of a request that is shown.
const SHOWN: usize = 120;

/// A request's JSON with its long texts cut.
fn shortened(value: &Value) -> Value {
    match value {
        Value::String(text) if text.chars().count() > SHOWN => {
            let start: String = text.chars().take(20).collect();
            format!("{start}… ({} characters)", text.chars().count()).into()
        }
        Value::Array(list) => list.iter().map(shortened).collect(),
        Value::Object(map) => {
            map.iter().map(|(name, value)| (name.clone(), shortened(value))).collect::<Map<_, _>>().into()
        }
        other => other.clone(),
    }
}

/// The price of a question, in a word.
fn price(question: &Question) -> &'static str {
    match question.price {
        Price::Free => "free",
        Price::Accepted(_) => "free if refused",
        Price::Picture(_) => "draws a picture",
    }
}

/// The service, without the address of a gateway.
fn service(base: &Url) -> &'static str {
    match base.host_str() {
        Some("generativelanguage.googleapis.com") => "the Gemini API (generativelanguage.googleapis.com)",
        _ if is_loopback(base) => "an emulator on this machine, and not the service itself",
        _ => "a gateway or another address, and not Google's own",
    }
}

fn usd(cost: Option<f64>) -> String {
    cost.map_or("unknown".to_owned(), |cost| format!("${cost:.4}"))
}

impl Row {
    fn json(&self) -> Value {
        let questions = self.questions().iter().enumerate().map(|(at, question)| {
            let answer = self.answers.get(at).map(
                |(status, message, cost)| json!({ "status": status, "message": message, "cost_usd": cost }),
            );
            json!({
                "method": question.verb(), "path": question.path, "body": shortened(&question.body),
                "price": price(question), "answer": answer,
            })
        });
        json!({
            "name": self.name(), "usual": self.probe.usual, "other": self.probe.reading.what(),
            "source": self.probe.reading.source(), "most_usd": self.most, "asked": questions.collect::<Vec<_>>(),
            "supports": self.is_done.then(|| self.side.as_str()), "why": self.is_done.then_some(&self.why),
        })
    }
}

impl Plan {
    /// The plan for people: what is asked, and what it may cost.
    pub fn text(&self) -> String {
        let mut out = String::new();
        for row in &self.rows {
            let said = match &row.probe.way {
                Way::Ask(questions, _) => {
                    let first = questions.first().map_or("", price);
                    let most = match (first, row.most) {
                        ("free", _) => String::new(),
                        (_, 0.0) => ", with the request of another conflict".to_owned(),
                        (_, most) => format!(", at most ${most:.4}"),
                    };
                    format!("{first}{most}")
                }
                Way::Not(why) => format!("not asked: {why}"),
            };
            let _ = writeln!(out, "{:<38} {said}", row.name());
        }
        let (conflicts, requests) = (
            counted(self.rows.len(), "conflict", "conflicts"),
            counted(self.requests(), "request", "requests"),
        );
        let _ = write!(
            out,
            "\n{conflicts}, {requests}: at most ${:.4} in all, by the prices of {}. It is much less if the service \
             limits an answer to one token as it is asked to.",
            self.most(),
            self.catalogue.checked
        );
        out
    }

    /// The plan for machines.
    pub fn json(&self) -> Value {
        json!({
            "most_usd": self.most(), "requests": self.requests(), "spent_usd": Value::Null,
            "conflicts": self.rows.iter().map(Row::json).collect::<Vec<_>>(),
        })
    }
}

impl Run {
    /// The report for machines.
    pub fn json(&self) -> Value {
        json!({
            "version": env!("CARGO_PKG_VERSION"), "catalogue": Catalogue::builtin().checked,
            "begun": humantime::format_rfc3339_seconds(self.begun).to_string(),
            "service": service(self.client.base()), "max_usd": self.most, "most_usd": self.plan.most(),
            "requests": self.plan.requests(), "spent_usd": self.spent, "spent_is_exact": !self.is_unsure,
            "conflicts": self.plan.rows.iter().map(Row::json).collect::<Vec<_>>(),
        })
    }

    /// The report for people, in Markdown.
    pub fn markdown(&self) -> String {
        let count = |side: Side| self.plan.rows.iter().filter(|row| row.is_done && row.side == side).count();
        let mut out = format!(
            "# Report of `nanobanana probe`\n\n- version {}, catalogue of {}\n- begun {}\n- asked: {}\n\
             - spent: {}{:.4} USD of at most {:.2}\n- {} as usual, {} otherwise, {} undecided, {} not asked\n",
            env!("CARGO_PKG_VERSION"),
            Catalogue::builtin().checked,
            humantime::format_rfc3339_seconds(self.begun),
            service(self.client.base()),
            if self.is_unsure { "up to " } else { "" },
            self.spent,
            self.most,
            count(Side::Usual),
            count(Side::Other),
            count(Side::Undecided),
            self.plan.rows.iter().filter(|row| !row.is_done || row.side == Side::NotAsked).count(),
        );
        out.push_str("\n| conflict | supports | why |\n| --- | --- | --- |\n");
        for row in &self.plan.rows {
            let why = if row.is_done { &row.why } else { "" };
            let _ = writeln!(out, "| `{}` | {} | {} |", row.name(), row.side.as_str(), in_a_cell(why));
        }
        for row in &self.plan.rows {
            let _ = write!(
                out,
                "\n## {}\n\n- usual: {}\n- other: {} ({})\n- supports: **{}**{}\n",
                row.name(),
                row.probe.usual,
                row.probe.reading.what(),
                row.probe.reading.source(),
                row.side.as_str(),
                if row.why.is_empty() { String::new() } else { format!(": {}", row.why) },
            );
            for (at, question) in row.questions().iter().enumerate() {
                let body = match &question.body {
                    Value::Null => String::new(),
                    body => format!(" `{}`", scrub::cut(&shortened(body).to_string(), 700)),
                };
                let _ = writeln!(out, "- asked: `{} {}`{body}", question.verb(), question.path);
                if let Some((status, message, cost)) = row.answers.get(at) {
                    let status = status.map_or("none".to_owned(), |status| status.to_string());
                    let message = message.replace('`', "'");
                    let _ = writeln!(out, "- answer: {status} `{message}`, cost {}", usd(*cost));
                }
            }
        }
        out
    }
}

fn in_a_cell(text: &str) -> String {
    text.replace('|', "\\|")
}
