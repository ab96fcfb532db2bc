//! What a running emulator remembers is bounded by the memory that it takes, measured by the kernel.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Stdio};

use super::command;

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Running {
    fn megabytes(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() / 1024
    }
}

fn ask(place: &str, method: &str, path: &str, body: &[u8]) -> String {
    let mut line = TcpStream::connect(place).unwrap();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\nx-goog-api-key: k\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    line.write_all(head.as_bytes()).and_then(|()| line.write_all(body)).unwrap();
    let mut reply = Vec::new();
    line.read_to_end(&mut reply).unwrap();
    String::from_utf8_lossy(&reply).into_owned()
}

#[test]
fn small_values_of_requests_and_scripts_stay_within_the_bounds() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = command(folder.path(), &["emulate"]);
    let mut running = Running(command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap());
    let mut url = String::new();
    BufReader::new(running.0.stdout.take().unwrap()).read_line(&mut url).unwrap();
    let place = url.trim().trim_start_matches("http://");
    let small = "1,".repeat(1 << 20);
    let body = format!("{{\"contents\":[{{\"parts\":[{{\"text\":\"a\"}}]}}],\"zz\":[{small}1]}}");
    for _ in 0..12 {
        let path = "/v1beta/models/gemini-3-pro-image:generateContent";
        assert!(ask(place, "POST", path, body.as_bytes()).starts_with("HTTP/1.1 400"));
    }
    let held = running.megabytes();
    assert!(held < 256, "12 requests of 2 MB hold {held} MB");

    let step = format!("{{\"json\":[{small}1]}}");
    let told: Vec<String> =
        (0..4).map(|_| ask(place, "POST", "/__emulator/script", step.as_bytes())).collect();
    assert!(told[0].starts_with("HTTP/1.1 200"), "{}", &told[0][..200]);
    let refusal = told.last().unwrap();
    assert!(refusal.starts_with("HTTP/1.1 400") && refusal.contains("256 MiB of memory"), "{refusal}");
    let held = running.megabytes();
    assert!(held < 512 + 64, "the steps hold {held} MB");
}
