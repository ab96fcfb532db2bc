//! Asks the service about the conflicts of sources: what the command `probe` does.
//!
//! Each reading of `options::readings` has a row in [`table`]: requests, and how their answers are read. A request is sent
//! once and never again. Questions that cost nothing come first, then those that one side refuses, then pictures.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use serde_json::Value;

use nanobanana::catalogue::Catalogue;
use nanobanana::client::Client;
use nanobanana::error::{Billed, BudgetExceeded, Error, Kind, Usage};
use nanobanana::internals::{Method, Once, is_unconnected, read_usage, status_error};
use nanobanana::options::{GenerateOptions, Readings};
use nanobanana::schema::Case;
use nanobanana_base::memory;
use nanobanana_base::secrets::Secrets;

mod judge;
mod report;
mod scrub;
mod table;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

pub(crate) use judge::Side;
use judge::{Judge, Verdict};
use table::{Drawn, Price, Probe, Question, Way};

/// The size limit of an answer: a picture of 4K has some 30 MB in base64.
const MOST: usize = 96 << 20;

/// The longest message of the service in a report, in letters.
const LONGEST: usize = 400;

/// So many requests without an answer in a row end a run.
const MOST_LOST: u32 = 3;

/// The revision of the Interactions API that is asked.
const REVISION: &str = "2026-05-20";

/// An answer to a question.
pub(crate) struct Answer {
    /// None if no answer came.
    pub status: Option<u16>,
    /// The service's message, cut and without secrets and ids; or why no answer came.
    pub message: String,
    pub json: Value,
    /// In USD; none if it is not known.
    pub cost: Option<f64>,
}

impl Answer {
    fn is_success(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }
}

/// The questions of a conflict and their outcome.
pub(crate) struct Row {
    probe: Probe,
    /// The most that its own questions may cost, in USD. One that an earlier row asks costs nothing again.
    most: f64,
    side: Side,
    why: String,
    /// The answers to its questions: status, message and cost.
    answers: Vec<(Option<u16>, String, Option<f64>)>,
    is_done: bool,
}

impl Row {
    /// The name of the conflict: that of its reading.
    pub fn name(&self) -> &'static str {
        self.probe.reading.as_str()
    }

    pub fn side(&self) -> Side {
        self.side
    }

    pub fn why(&self) -> &str {
        &self.why
    }

    fn questions(&self) -> &[Question] {
        match &self.probe.way {
            Way::Ask(questions, _) => questions,
            Way::Not(_) => &[],
        }
    }

    /// 0: free; 1: free if it is refused; 2: draws a picture.
    fn rank(&self) -> u8 {
        let rank = |question: &Question| match question.price {
            Price::Free => 0,
            Price::Accepted(_) => 1,
            Price::Picture(_) => 2,
        };
        self.questions().iter().map(rank).max().unwrap_or(0)
    }
}

/// The conflicts that are asked about, in the order of asking.
pub(crate) struct Plan {
    pub rows: Vec<Row>,
    catalogue: Catalogue,
}

impl Plan {
    /// The plan for these readings.
    pub fn new(readings: Readings, catalogue: &Catalogue) -> Self {
        let row = |reading| Row {
            probe: table::probe(reading),
            most: 0.0,
            side: Side::NotAsked,
            why: String::new(),
            answers: Vec::new(),
            is_done: false,
        };
        let mut rows: Vec<Row> = readings.iter().map(row).collect();
        rows.sort_by_key(Row::rank);
        let mut seen = Vec::new();
        for row in &mut rows {
            let mut most = 0.0;
            for question in row.questions() {
                let key = question.key();
                if !seen.contains(&key) {
                    most += most_of(question, catalogue);
                    seen.push(key);
                }
            }
            row.most = most;
        }
        Plan { rows, catalogue: catalogue.clone() }
    }

    /// The most that it may cost, in USD.
    pub fn most(&self) -> f64 {
        self.rows.iter().map(|row| row.most).sum()
    }

    /// The number of its requests.
    pub fn requests(&self) -> usize {
        let mut keys: Vec<String> =
            self.rows.iter().flat_map(|row| row.questions().iter().map(Question::key)).collect();
        keys.sort_unstable();
        keys.dedup();
        keys.len()
    }
}

/// The most that a question may cost, in USD.
fn most_of(question: &Question, catalogue: &Catalogue) -> f64 {
    match question.price {
        Price::Free => 0.0,
        Price::Accepted(drawn) | Price::Picture(drawn) => most_of_picture(&drawn, catalogue),
    }
}

fn most_of_picture(drawn: &Drawn, catalogue: &Catalogue) -> f64 {
    let builtin = Catalogue::builtin();
    let Some(model) = catalogue.find(drawn.model).or_else(|| builtin.find(drawn.model)) else { return 0.0 };
    let mut options = GenerateOptions::new();
    options.image_size = drawn.size.map(Into::into);
    options.thinking = drawn.thinking;
    options.service_tier = drawn.tier;
    let price = |options: &GenerateOptions| model.expected(200, 0, options).price.map(|price| price.high);
    let priced = price(&options).or_else(|| {
        // A tier without a known price: twice the usual one.
        options.service_tier = None;
        price(&options).map(|price| 2.0 * price)
    });
    let search = model.prices.search_per_1000.unwrap_or(0.0) / 1000.0;
    priced.unwrap_or(0.0) + f64::from(drawn.queries) * search
}

/// A plan that is carried out, and what came of it.
pub(crate) struct Run {
    client: Client,
    secrets: Secrets,
    pub plan: Plan,
    /// The budget in USD.
    most: f64,
    spent: f64,
    /// True if an answer was lost, or came without counts: then `spent` has the most that it may have cost.
    is_unsure: bool,
    limit: Duration,
    answers: BTreeMap<String, Answer>,
    /// Requests in a row that got no answer.
    lost: u32,
    begun: SystemTime,
}

impl Run {
    /// Sees that the key is accepted, which is free, before anything else is asked.
    ///
    /// # Errors
    /// Those of the connection, and the service's refusal.
    pub async fn begin(client: Client, plan: Plan, most: f64, limit: Duration) -> Result<Self, Error> {
        let secrets = client.filter().await?;
        let run = Run {
            client,
            secrets,
            plan,
            most,
            spent: 0.0,
            is_unsure: false,
            limit,
            answers: BTreeMap::new(),
            lost: 0,
            begun: SystemTime::now(),
        };
        let list = Once {
            method: Method::Get,
            path: "v1beta/models?pageSize=1".to_owned(),
            headers: Vec::new(),
            body: None,
            most: MOST,
        };
        let answered = run.client.once(list, limit).await.map_err(|error| error.censored(&run.secrets))?;
        if answered.status != 200 {
            let header = |name: &str| answered.header(name).map(str::to_owned);
            let body = run.secrets.clean(&String::from_utf8_lossy(&answered.body)).into_owned();
            let error = status_error(answered.status, &header, body.as_bytes(), None);
            return Err(error.with_billed(Billed::No));
        }
        Ok(run)
    }

    /// Asks the questions of the next row; none if all are done.
    pub async fn next(&mut self) -> Option<usize> {
        let at = self.plan.rows.iter().position(|row| !row.is_done)?;
        let (questions, judge) = match &self.plan.rows.get(at)?.probe.way {
            Way::Ask(questions, judge) => (questions.clone(), *judge),
            Way::Not(why) => {
                let why = (*why).to_owned();
                self.done(at, Side::Undecided, why, Vec::new());
                return Some(at);
            }
        };
        let refused = match () {
            () if self.lost >= MOST_LOST => Some("the requests before it got no answer"),
            () if self.spent + self.plan.rows.get(at)?.most > self.most => {
                Some("the budget has no room for it")
            }
            () => None,
        };
        if let Some(why) = refused {
            self.done(at, Side::NotAsked, why.to_owned(), Vec::new());
            return Some(at);
        }
        let mut told = Vec::new();
        for question in &questions {
            let key = question.key();
            if let Some(known) = self.answers.get(&key) {
                // It was paid for by the row that asked it.
                told.push((known.status, known.message.clone(), Some(0.0)));
                continue;
            }
            let answer = self.ask(question).await;
            self.lost = if answer.status.is_none() { self.lost + 1 } else { 0 };
            match answer.cost {
                Some(cost) => self.spent += cost,
                None => {
                    self.spent += most_of(question, &self.plan.catalogue);
                    self.is_unsure = true;
                }
            }
            told.push((answer.status, answer.message.clone(), answer.cost));
            self.answers.insert(key, answer);
        }
        let Verdict { side, why } = self.verdict(&questions, judge);
        self.done(at, side, why, told);
        // Pictures are kept as long as another row reads them.
        let wanted: Vec<String> = (self.plan.rows.iter().filter(|row| !row.is_done))
            .flat_map(|row| row.questions().iter().map(Question::key))
            .collect();
        for (key, answer) in &mut self.answers {
            if !wanted.contains(key) {
                answer.json = Value::Null;
            }
        }
        Some(at)
    }

    fn verdict(&self, questions: &[Question], judge: Judge) -> Verdict {
        let answers: Vec<&Answer> =
            questions.iter().filter_map(|question| self.answers.get(&question.key())).collect();
        judge(&answers)
    }

    fn done(&mut self, at: usize, side: Side, why: String, answers: Vec<(Option<u16>, String, Option<f64>)>) {
        if let Some(row) = self.plan.rows.get_mut(at) {
            (row.side, row.why, row.answers, row.is_done) = (side, why, answers, true);
        }
    }

    /// The exit code: 0 if all was asked.
    pub fn code(&self) -> u8 {
        let is_asked = self.plan.rows.iter().all(|row| row.side != Side::NotAsked);
        match is_asked {
            true => 0,
            false if self.lost >= MOST_LOST => Kind::APIConnectionError.exit_code(),
            false => Kind::BudgetExceededError.exit_code(),
        }
    }

    /// Sends a question, once.
    async fn ask(&self, question: &Question) -> Answer {
        let is_interaction = question.path.ends_with("interactions");
        let headers = is_interaction.then(|| ("api-revision", REVISION.to_owned()));
        let body = match &question.body {
            Value::Null => None,
            body => Some(Bytes::from(body.to_string())),
        };
        let once = Once {
            method: question.method,
            path: question.path.clone(),
            headers: headers.into_iter().collect(),
            body,
            most: MOST,
        };
        match self.client.once(once, self.limit).await {
            Ok(answered) => self.read(question, answered.status, &answered.body),
            Err(error) => {
                let error = error.censored(&self.secrets);
                // A request that was not sent cannot have cost anything; a lost answer may have.
                let is_free = matches!(question.price, Price::Free) || is_unconnected(&error);
                let message = scrub::cut(&scrub::without_ids(&error.words().render(Case::Shell)), LONGEST);
                Answer { status: None, message, json: Value::Null, cost: is_free.then_some(0.0) }
            }
        }
    }

    fn read(&self, question: &Question, status: u16, body: &[u8]) -> Answer {
        let is_small = memory::of_text(body) <= 4 * MOST;
        let json = if is_small { serde_json::from_slice(body).unwrap_or_default() } else { Value::Null };
        let json: Value = json;
        let is_success = (200..300).contains(&status);
        let message = match is_success {
            true => success(&json),
            false => {
                let text = String::from_utf8_lossy(body.get(..body.len().min(8192)).unwrap_or_default());
                refusal(&json).unwrap_or_else(|| format!("not in JSON: {text}"))
            }
        };
        let message = scrub::cut(&scrub::without_ids(&self.secrets.clean(&message)), LONGEST);
        let cost = match question.price {
            Price::Free => Some(0.0),
            // The service bills answers alone.
            _ if !is_success => Some(0.0),
            Price::Accepted(drawn) | Price::Picture(drawn) => self.cost(&drawn, &json),
        };
        Answer { status: Some(status), message, json, cost }
    }

    /// The cost of an answer, by its own counts.
    fn cost(&self, drawn: &Drawn, json: &Value) -> Option<f64> {
        let usage = usage(json)?;
        let builtin = Catalogue::builtin();
        let model = self.plan.catalogue.find(drawn.model).or_else(|| builtin.find(drawn.model))?;
        let tier = drawn.tier.map(|tier| tier.as_str());
        let queries = if drawn.queries > 0 { queries(json) } else { 0 };
        let search = model.prices.search_per_1000.unwrap_or(0.0) / 1000.0;
        Some(model.cost(&usage, tier)? + queries as f64 * search)
    }
}

/// The number of queries that the searches of an answer had, by its own word in either API.
fn queries(json: &Value) -> u64 {
    let list =
        |value: &'_ Value, name: &str| value.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let of_candidates = list(json, "candidates")
        .iter()
        .filter_map(|candidate| candidate.get("groundingMetadata").cloned())
        .flat_map(|found| {
            ["webSearchQueries", "imageSearchQueries"].map(|name| list(&found, name).len() as u64)
        })
        .sum::<u64>();
    let usage = json.get("usage").cloned().unwrap_or_default();
    let counts = list(&usage, "grounding_tool_count");
    let of_usage = counts.iter().filter_map(|row| row.get("count")?.as_u64()).fold(0, u64::saturating_add);
    of_candidates.saturating_add(of_usage)
}

/// The token counts of an answer, in either API's names.
fn usage(json: &Value) -> Option<Usage> {
    if let Some(counts) = json.get("usageMetadata") {
        return Some(read_usage(counts));
    }
    let counts = json.get("usage")?;
    let tokens = |name: &str| counts.get(name).and_then(Value::as_u64).unwrap_or(0);
    let rows = counts.get("output_tokens_by_modality").and_then(Value::as_array).into_iter().flatten();
    let is_image = |row: &&Value| {
        let modality = row.get("modality").and_then(Value::as_str);
        modality.is_some_and(|name| name.eq_ignore_ascii_case("image"))
    };
    let images = rows.filter(is_image).filter_map(|row| row.get("tokens")?.as_u64());
    let mut usage = Usage::default();
    usage.input_tokens = tokens("total_input_tokens").saturating_add(tokens("total_tool_use_tokens"));
    usage.output_tokens = tokens("total_output_tokens");
    usage.image_tokens = images.fold(0, u64::saturating_add);
    usage.thought_tokens = tokens("total_thought_tokens");
    Some(usage)
}

/// The result of a success, in a word.
fn success(json: &Value) -> String {
    let finish = json.pointer("/candidates/0/finishReason").or_else(|| json.get("status"));
    match finish.and_then(Value::as_str) {
        Some(word) => word.chars().take(40).collect(),
        None => "OK".to_owned(),
    }
}

/// The message of a refusal. Some come as a list of one.
fn refusal(json: &Value) -> Option<String> {
    let json = json.as_array().map_or(Some(json), |list| list.first())?;
    let error = json.get("error")?;
    let message = error.get("message")?.as_str()?;
    let code = error.get("status").or_else(|| error.get("code")).and_then(Value::as_str);
    Some(match code {
        Some(code) => format!("{code}: {message}"),
        None => message.to_owned(),
    })
}

/// The error for a plan that costs more than may be spent.
pub(crate) fn too_dear(plan: &Plan, most: f64) -> Error {
    let needed = plan.most();
    let problem = format!(
        "the plan may cost up to ${needed:.4}, and --max-usd is {most}; raise it, or name fewer conflicts by --only. \
         Nothing was sent"
    );
    let detail = BudgetExceeded {
        budget: Some(most),
        needed: Some(needed),
        spent: Some(0.0),
        ..BudgetExceeded::default()
    };
    Error::budget_exceeded(problem, detail)
}
