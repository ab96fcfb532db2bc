//! `nanobanana doctor`: what it finds, says and returns for each kind of trouble.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant, SystemTime};

use nanobanana::{Emulator, EmulatorOptions};
use serde_json::Value;

use super::{command, text};

/// The names of all checks, in their order. Scripts depend on them.
const CHECKS: [&str; 12] = [
    "version",
    "key",
    "service",
    "certificates",
    "dns",
    "connection",
    "proxy",
    "tls",
    "clock",
    "access",
    "catalogue",
    "models",
];

const KEY: &str = "test-key-0123456789";

fn doctor(args: &[&str], set: impl FnOnce(&mut Command)) -> Output {
    let mut command = command(Path::new("."), &[&["doctor"], args].concat());
    for name in ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"] {
        command.env_remove(name).env_remove(name.to_lowercase());
    }
    for name in ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "SSL_CERT_DIR", "GOOGLE_GENAI_USE_VERTEXAI"] {
        command.env_remove(name);
    }
    command.env("GEMINI_API_KEY", KEY).env("NANOBANANA_TODAY", "2026-11-30");
    set(&mut command);
    let output = command.output().unwrap();
    let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
    assert!(!said.contains(KEY) && !said.contains(&KEY[5..]), "{said}");
    output
}

/// The checks of a run: each with its state, its words and its advice.
struct Checked {
    checks: Vec<Value>,
    code: Option<i32>,
}

impl Checked {
    fn of(args: &[&str], set: impl FnOnce(&mut Command)) -> Self {
        let output = doctor(&[args, &["--json"]].concat(), set);
        let said = text(&output.stdout);
        let json: Value = serde_json::from_str(&said).unwrap_or_else(|cause| panic!("{cause}: {said}"));
        let checks = json["checks"].as_array().unwrap().clone();
        let names: Vec<&str> = checks.iter().map(|check| check["name"].as_str().unwrap()).collect();
        assert_eq!(names, CHECKS);
        for check in &checks {
            let state = check["state"].as_str().unwrap();
            assert!(["ok", "warning", "failed", "skipped"].contains(&state), "{check}");
            assert!(check["what"].as_str().is_some_and(|what| !what.is_empty()), "{check}");
            assert_eq!(check.as_object().unwrap().len(), 4, "{check}");
        }
        assert_eq!(json["ok"], output.status.success());
        Checked { checks, code: output.status.code() }
    }

    fn check(&self, name: &str) -> &Value {
        self.checks.iter().find(|check| check["name"] == name).unwrap()
    }

    /// Asserts the state of a check, and words in what it says or advises.
    fn is(&self, name: &str, state: &str, words: &[&str]) {
        let check = self.check(name);
        assert_eq!(check["state"], state, "{name}: {:#?}", self.checks);
        let said = format!("{} {}", check["what"], check["advice"]);
        for word in words {
            assert!(said.contains(word), "{name} does not say {word:?}: {said}");
        }
    }
}

/// A server that gives each request this answer. `{n}` in it is the length of the body.
fn server(answer: impl Fn() -> String + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("127.0.0.1:{}", listener.local_addr().unwrap().port());
    std::thread::spawn(move || {
        for line in listener.incoming() {
            let mut line: TcpStream = line.unwrap();
            // A connection that is only tried sends nothing.
            if !matches!(line.read(&mut [0; 8192]), Ok(1..)) {
                continue;
            }
            let _ = line.write_all(answer().as_bytes());
        }
    });
    url
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}")
}

#[test]
fn all_is_well_at_an_emulator() {
    let emulator = Emulator::start(0).unwrap();
    let checked = Checked::of(&["--base-url", &emulator.url()], |_| ());
    assert_eq!(checked.code, Some(0), "{:#?}", checked.checks);
    checked.is("key", "ok", &["GEMINI_API_KEY"]);
    checked.is("service", "ok", &[&emulator.url(), "--base-url", "v1beta"]);
    checked.is("proxy", "ok", &["none"]);
    checked.is("access", "ok", &["accepts the key"]);
    checked.is("models", "ok", &["5 models"]);
    checked.is("catalogue", "ok", &["2026-", "built in"]);
    // Nothing was drawn, counted or uploaded.
    let asked = emulator.requests();
    assert_eq!(asked.len(), 1);
    assert!(asked[0]["path"].as_str().unwrap().ends_with("/models"), "{}", asked[0]);

    let plain = doctor(&["--base-url", &emulator.url()], |_| ());
    let said = text(&plain.stdout);
    assert!(said.contains("ok       access") && said.ends_with("Nothing failed.\n"), "{said}");
    assert_eq!(plain.status.code(), Some(0));
    let offline = Checked::of(&["--offline"], |command| {
        command.env_remove("GEMINI_API_KEY");
    });
    assert_eq!(offline.code, Some(0), "{:#?}", offline.checks);
    offline.is("key", "ok", &["none is needed"]);
}

#[test]
fn without_a_key_the_rest_is_examined_all_the_same() {
    let emulator = Emulator::start(0).unwrap();
    let run = |key: Option<&str>| {
        Checked::of(&["--base-url", &emulator.url()], |command| match key {
            Some(key) => drop(command.env("GEMINI_API_KEY", key)),
            None => drop(command.env_remove("GEMINI_API_KEY")),
        })
    };
    for (key, says) in [(None, "neither"), (Some(" "), "set and empty")] {
        let checked = run(key);
        assert_eq!(checked.code, Some(3));
        checked.is("key", "failed", &[says, "GEMINI_API_KEY", "--offline"]);
        checked.is("connection", "ok", &[]);
        checked.is("clock", "ok", &[]);
        checked.is("access", "skipped", &["no key"]);
        checked.is("models", "skipped", &[]);
    }
    let broken = run(Some("test-key- 0123456789"));
    assert_eq!(broken.code, Some(3));
    broken.is("key", "failed", &["a space", "copy it again"]);
    let both = Checked::of(&["--base-url", &emulator.url()], |command| {
        command.env("GOOGLE_API_KEY", "another-key-0123");
    });
    assert_eq!(both.code, Some(0));
    both.is("key", "warning", &["both", "GOOGLE_API_KEY is used"]);
}

#[test]
fn a_key_that_the_service_refuses_is_named_by_its_variable() {
    let emulator = Emulator::start(0).unwrap();
    let checked = Checked::of(&["--base-url", &emulator.url()], |command| {
        command.env("GOOGLE_API_KEY", "bad").env_remove("GEMINI_API_KEY");
    });
    assert_eq!(checked.code, Some(3));
    checked.is("key", "ok", &["GOOGLE_API_KEY"]);
    checked.is("access", "failed", &["API key not valid", "the variable GOOGLE_API_KEY"]);
    checked.is("models", "skipped", &[]);
    for (status, body, code, says) in [
        (
            "403 Forbidden",
            "{\"error\":{\"message\":\"has not been used in project\",\"status\":\"PERMISSION_DENIED\"}}",
            3,
            "restrictions",
        ),
        ("429 Too Many Requests", "{}", 5, "quota"),
        ("503 Unavailable", "", 6, "try again later"),
        ("404 Not Found", "", 1, "the version of the API"),
        ("302 Found", "", 1, "portal"),
        ("200 OK", "<html>Sign in</html>", 6, "portal"),
    ] {
        let url = format!("http://{}", server(move || answer(status, "", body)));
        let checked = Checked::of(&["--base-url", &url], |_| ());
        assert_eq!(checked.code, Some(code), "{status}: {:#?}", checked.checks);
        checked.is("access", "failed", &[says]);
    }
}

#[test]
fn no_network_is_told_apart_by_its_step() {
    let none = Checked::of(&["--base-url", "https://no-such-host.invalid"], |_| ());
    assert_eq!(none.code, Some(6));
    none.is("dns", "failed", &["no-such-host.invalid", "HTTPS_PROXY"]);
    for name in ["connection", "tls", "clock", "access", "models"] {
        none.is(name, "skipped", &[]);
    }
    // A port where nothing listens.
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let refused = Checked::of(&["--base-url", &format!("http://127.0.0.1:{free}")], |_| ());
    assert_eq!(refused.code, Some(6));
    refused.is("dns", "ok", &[]);
    refused.is("connection", "failed", &[&free.to_string(), "nanobanana emulate"]);
    refused.is("access", "skipped", &[]);
    // An address that leads nowhere (RFC 5737).
    let begun = Instant::now();
    let lost = Checked::of(&["--base-url", "https://192.0.2.1", "--timeout", "1"], |_| ());
    assert_eq!(lost.code, Some(6));
    lost.is("connection", "failed", &["192.0.2.1", "firewall"]);
    assert!(begun.elapsed() < Duration::from_secs(20));
    let proxy = Checked::of(&["--proxy", "http://no-such-proxy.invalid:3128"], |_| ());
    assert_eq!(proxy.code, Some(6));
    proxy.is("dns", "failed", &["the proxy no-such-proxy.invalid", "name of the proxy"]);
    proxy.is("proxy", "skipped", &["--proxy"]);
}

#[test]
fn a_service_that_never_answers_does_not_hang_it() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let begun = Instant::now();
    for (scheme, name, says) in [("http", "access", "within 1 s"), ("https", "tls", "more than 1 s")] {
        let url = format!("{scheme}://127.0.0.1:{port}");
        let checked = Checked::of(&["--base-url", &url, "--timeout", "1"], |_| ());
        assert_eq!(checked.code, Some(6), "{:#?}", checked.checks);
        checked.is("connection", "ok", &[]);
        checked.is(name, "failed", &[says]);
    }
    assert!(begun.elapsed() < Duration::from_secs(30));
}

#[test]
fn a_proxy_that_wants_a_password_is_named_without_it() {
    let refusal =
        || answer("407 Proxy Authentication Required", "proxy-authenticate: Basic realm=\"x\"\r\n", "");
    // With https: the proxy is asked to connect, with http: it is given the request.
    for (base, variable) in
        [("https://api.example.com", "HTTPS_PROXY"), ("http://api.example.com", "HTTP_PROXY")]
    {
        let proxy = server(refusal);
        let checked = Checked::of(&["--base-url", base], |command| {
            command.env(variable, format!("http://{proxy}"));
        });
        assert_eq!(checked.code, Some(6), "{:#?}", checked.checks);
        checked.is("proxy", "failed", &["407", &proxy, variable, "USER:PASSWORD@HOST"]);
        checked.is("connection", "ok", &["the proxy"]);
        checked.is("access", "skipped", &[]);
        if base.starts_with("https") {
            // A call says the same, and is not tried again.
            let args = ["generate", "x", "--base-url", base, "--proxy", &format!("http://{proxy}")];
            let drawn = command(Path::new("."), &args).env("GEMINI_API_KEY", KEY).output().unwrap();
            let said = text(&drawn.stderr);
            assert!(said.contains("Put its user and password into the URL of `--proxy`"), "{said}");
            assert!(!said.contains("attempts"), "{said}");
        }
        let output =
            doctor(&["--base-url", base, "--proxy", &format!("http://me:hidden-word@{proxy}")], |_| ());
        let said = text(&output.stdout);
        assert!(said.contains("correct the user and password") && said.contains("--proxy"), "{said}");
        assert!(!said.contains("hidden-word") && !said.contains("me:"), "{said}");
    }
    let proxy = server(refusal);
    let excepted = Checked::of(&["--base-url", "http://no-such-host.invalid"], |command| {
        command.env("HTTP_PROXY", format!("http://{proxy}")).env("no_proxy", "invalid");
    });
    excepted.is("proxy", "ok", &["by no_proxy", "HTTP_PROXY is set"]);
    let shut = server(|| answer("502 Bad Gateway", "", ""));
    let shut =
        Checked::of(&["--base-url", "https://api.example.com", "--proxy", &format!("http://{shut}")], |_| ());
    shut.is("proxy", "failed", &["no answer came through it", "NO_PROXY"]);
    assert_eq!(shut.code, Some(6));
}

#[test]
fn a_clock_that_is_wrong_is_a_warning_with_its_difference() {
    let models =
        r#"{"models": [{"name": "models/gemini-nano-banana-2.1"}, {"name": "models/gemini-9-image"}]}"#;
    let dated = move |shift: i64| {
        let now = SystemTime::now();
        let shift_by = Duration::from_secs(shift.unsigned_abs());
        let date = if shift < 0 { now - shift_by } else { now + shift_by };
        answer("200 OK", &format!("date: {}\r\n", httpdate(date)), models)
    };
    for (shift, state, says) in [
        (3 * 3600 + 150, "warning", "3h 2m "),
        (-40 * 86_400, "warning", "ahead of the service's"),
        (30, "ok", "behind"),
        (-30, "ok", "ahead"),
    ] {
        let url = format!("http://{}", server(move || dated(shift)));
        let checked = Checked::of(&["--base-url", &url], |_| ());
        assert_eq!(checked.code, Some(0), "a warning is no failure: {:#?}", checked.checks);
        checked.is("clock", state, &[says]);
        if state == "warning" {
            checked.is("clock", state, &["NTP"]);
        }
        // The list of this server differs from the catalogue's both ways.
        checked.is("models", "warning", &["does not list gemini-3-pro-image", "lists gemini-9-image"]);
    }
    // An answer that a cache has kept for an hour was right an hour ago.
    let kept = move || {
        answer(
            "200 OK",
            &format!("age: 3600\r\ndate: {}\r\n", httpdate(SystemTime::now() - Duration::from_secs(3600))),
            models,
        )
    };
    let checked = Checked::of(&["--base-url", &format!("http://{}", server(kept))], |_| ());
    checked.is("clock", "ok", &[]);
    let none = server(move || answer("200 OK", "", models));
    Checked::of(&["--base-url", &format!("http://{none}")], |_| ()).is("clock", "skipped", &["no date"]);
}

/// A date as in HTTP.
fn httpdate(date: SystemTime) -> String {
    let seconds = date.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let (days, clock) = (seconds / 86_400, seconds % 86_400);
    // Days to a date, in years that begin in March.
    let z = days as i64 + 719_468;
    let era = z / 146_097;
    let day_of_era = z % 146_097;
    let year = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year + era * 400 + i64::from(month <= 2);
    let names = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let week = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"][(days % 7) as usize];
    let month = names[month as usize - 1];
    format!(
        "{week}, {day:02} {month} {year} {:02}:{:02}:{:02} GMT",
        clock / 3600,
        clock / 60 % 60,
        clock % 60
    )
}

#[test]
fn an_authority_that_is_not_trusted_is_told_with_the_way_out() {
    let emulator = Emulator::start_with(EmulatorOptions::new().tls(true)).unwrap();
    let bundle = emulator.ca_bundle().unwrap().display().to_string();
    let url = emulator.url();
    let refused = Checked::of(&["--base-url", &url], |_| ());
    assert_eq!(refused.code, Some(6), "{:#?}", refused.checks);
    refused.is("tls", "failed", &["not trusted", "--ca-bundle", "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE"]);
    refused.is("access", "skipped", &[]);
    let trusted = Checked::of(&["--base-url", &url, "--ca-bundle", &bundle], |_| ());
    assert_eq!(trusted.code, Some(0), "{:#?}", trusted.checks);
    trusted.is("tls", "ok", &["trusted"]);
    trusted.is("certificates", "ok", &["--ca-bundle"]);
    let extra = Checked::of(&["--base-url", &url], |command| {
        command.env("NODE_EXTRA_CA_CERTS", &bundle);
    });
    extra.is("tls", "ok", &[]);
    extra.is("certificates", "ok", &["NODE_EXTRA_CA_CERTS"]);
    let missing = Checked::of(&["--base-url", &url, "--ca-bundle", "no-such.pem"], |_| ());
    assert_eq!(missing.code, Some(3));
    missing.is("certificates", "failed", &["no-such.pem"]);
    missing.is("connection", "ok", &[]);
    missing.is("tls", "skipped", &["certificates"]);
    // TLS is spoken to a port without it.
    let plain = Emulator::start(0).unwrap();
    let plain = Checked::of(&["--base-url", &plain.url().replace("http:", "https:")], |_| ());
    assert_eq!(plain.code, Some(6));
    plain.is("tls", "failed", &["does not speak TLS"]);
}

#[test]
fn what_is_set_wrongly_is_named() {
    let bad = Checked::of(&[], |command| {
        command.env("GOOGLE_GEMINI_BASE_URL", "no-url");
    });
    assert_eq!(bad.code, Some(3));
    bad.is("service", "failed", &["GOOGLE_GEMINI_BASE_URL"]);
    bad.is("dns", "skipped", &[]);
    let emulator = Emulator::start(0).unwrap();
    let url = emulator.url();
    let old = Checked::of(&["--base-url", &url], |command| {
        command.env("NANOBANANA_TODAY", "2027-11-30");
    });
    assert_eq!(old.code, Some(0));
    old.is("catalogue", "warning", &["days ago", "--catalogue"]);
    let missing = Checked::of(&["--base-url", &url, "--catalogue", "no-such.json"], |_| ());
    assert_ne!(missing.code, Some(0));
    missing.is("access", "ok", &[]);
    missing.is("catalogue", "failed", &["no-such.json"]);
    let extra = Checked::of(&["--base-url", &url], |command| {
        command.env("NODE_EXTRA_CA_CERTS", "no-such.pem").env("GOOGLE_GENAI_USE_VERTEXAI", "true");
    });
    assert_eq!(extra.code, Some(0));
    extra.is("certificates", "warning", &["no-such.pem", "NODE_EXTRA_CA_CERTS"]);
    extra.is("service", "warning", &["GOOGLE_GENAI_USE_VERTEXAI"]);
    for wrong in ["0", "-1", "soon", "inf"] {
        let output = doctor(&["--offline", "--timeout", wrong], |_| ());
        assert_eq!(output.status.code(), Some(2), "{wrong}");
    }
}
