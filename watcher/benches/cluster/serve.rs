//! An API server of a crowd, as fast as bytes can be copied: lists in pages and watches, over plain HTTP/1.1, in JSON or protobuf. All it says
//! is rendered before it begins. Answers GET alone, knows no selectors, and keeps no history: a watch goes on with
//! whatever is emitted next.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::ops::Range;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use podlight_sim::{Crowd, protobuf};
use serde_json::{Value, json};

/// Changes of each pod that changes, after which they begin again.
const CHANGES: u64 = 16;
/// Pods that change, at most.
const ACTIVE: usize = 2_000;
/// Events of a chunk, at most: what a Go server writes while its client reads.
const BATCH: u64 = 16;

/// Serves until stdin ends. `emit EVENTS PER_SECOND` there emits so many events, as fast as they are taken where the rate
/// is 0, and says `sent`.
pub(crate) fn run(crowd: Crowd) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = Arc::new(Server::new(&crowd));
    println!("{}", listener.local_addr().unwrap().port());
    let commanded = Arc::clone(&server);
    thread::spawn(move || {
        for line in io::stdin().lines().map_while(Result::ok) {
            let mut words = line.split_whitespace().skip(1).map(|word| word.parse().unwrap());
            commanded.emit(words.next().unwrap(), words.next().unwrap());
            println!("sent");
        }
        std::process::exit(0);
    });
    for stream in listener.incoming() {
        let (stream, server) = (stream.unwrap(), Arc::clone(&server));
        thread::spawn(move || server.answer(stream).ok());
    }
}

struct Server {
    pods: Items,
    nodes: Items,
    events: Items,
    version: u64,
    /// Pods of a page, at most, however many a client asks for.
    page: usize,
    emission: Mutex<Emission>,
    changed: Condvar,
}

#[derive(Default)]
struct Emission {
    /// Events so far, and up to which there shall be.
    sent: u64,
    until: u64,
    /// Between two events.
    gap: Duration,
    /// The newest watch of pods: only it is sent events.
    watch: u64,
}

/// Objects or events, in both encodings.
#[derive(Default)]
struct Items {
    /// Each with a comma behind it.
    json: Arena,
    protobuf: Arena,
}

/// Texts, one behind the other.
#[derive(Default)]
struct Arena {
    text: Vec<u8>,
    ends: Vec<usize>,
}

impl Arena {
    fn add(&mut self, text: &[u8]) {
        self.text.extend_from_slice(text);
        self.ends.push(self.text.len());
    }

    fn slice(&self, range: Range<usize>) -> &[u8] {
        let end = |count: usize| count.checked_sub(1).map_or(0, |last| self.ends[last]);
        &self.text[end(range.start)..end(range.end)]
    }
}

impl Items {
    /// An element of a list.
    fn element(&mut self, kind: &str, write: impl FnOnce(&mut Vec<u8>)) {
        let mut json = Vec::new();
        write(&mut json);
        self.protobuf.add(&protobuf::element(kind, &serde_json::from_slice(&json).unwrap()));
        json.push(b',');
        self.json.add(&json);
    }

    /// An event of a watch of pods.
    fn event(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let mut json = Vec::new();
        write(&mut json);
        let event: Value = serde_json::from_slice(&json).unwrap();
        self.protobuf.add(&protobuf::event("MODIFIED", "Pod", &event["object"]));
        self.json.add(&json);
    }

    /// Elements of a list in JSON, without the last comma.
    fn elements(&self, range: Range<usize>) -> &[u8] {
        let elements = self.json.slice(range);
        elements.strip_suffix(b",").unwrap_or(elements)
    }

    fn len(&self) -> usize {
        self.json.ends.len()
    }
}

impl Server {
    fn new(crowd: &Crowd) -> Self {
        let (mut pods, mut nodes, mut events) = <(Items, Items, Items)>::default();
        (0..crowd.pods).for_each(|number| pods.element("Pod", |out| crowd.pod(number, 0, out)));
        (0..crowd.nodes).for_each(|number| nodes.element("Node", |out| crowd.node(number, out)));
        let active = ACTIVE.min(crowd.pods / 4).max(1);
        for change in 1..=CHANGES {
            for i in 0..active {
                // Half of them are turned over when the others are not.
                let change = 1 + (change + 2 * (i as u64 % 2)) % CHANGES;
                events.event(|out| crowd.event(i * (crowd.pods / active), change, out));
            }
        }
        let version = crowd.version(crowd.pods, CHANGES);
        // To find out what a page's size costs.
        let page =
            std::env::var_os("PODLIGHT_BENCH_PAGE").and_then(|page| page.to_str()?.parse().ok()).unwrap_or(usize::MAX);
        Self { pods, nodes, events, version, page, emission: Mutex::default(), changed: Condvar::new() }
    }

    /// Lets the watch of pods have so many events, and waits until it has.
    fn emit(&self, events: u64, rate: u64) {
        let mut emission = self.emission.lock().unwrap();
        emission.until += events;
        emission.gap = Duration::from_secs(1).checked_div(u32::try_from(rate).unwrap()).unwrap_or_default();
        self.changed.notify_all();
        drop(self.changed.wait_while(emission, |emission| emission.sent < emission.until).unwrap());
    }

    fn answer(&self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let mut requests = BufReader::new(stream.try_clone()?);
        loop {
            let mut line = String::new();
            if requests.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let (mut header, mut in_protobuf) = (String::new(), false);
            while requests.read_line(&mut header)? > 2 {
                let accepts = header.to_ascii_lowercase().replace(' ', "");
                in_protobuf |= accepts.starts_with(&format!("accept:{}", protobuf::MEDIA_TYPE));
                header.clear();
            }
            let target = line.split(' ').nth(1).unwrap_or_default();
            let (path, query) = target.split_once('?').unwrap_or((target, ""));
            let of = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
            let (kind, items) = match path {
                "/api/v1/pods" => ("Pod", &self.pods),
                "/api/v1/nodes" => ("Node", &self.nodes),
                _ => {
                    stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")?;
                    continue;
                }
            };
            if of("watch").is_some_and(|watch| watch.eq_ignore_ascii_case("true")) {
                let seconds = of("timeoutSeconds").and_then(|time| time.parse().ok()).unwrap_or(3600);
                let all = of("resourceVersion").is_none_or(|version| version.is_empty() || version == "0");
                let end = Instant::now() + Duration::from_secs(seconds);
                if in_protobuf {
                    self.watch_in_protobuf(kind, end, &mut stream)?;
                } else {
                    self.watch(kind, items, all, end, &mut stream)?;
                }
            } else {
                let from = of("continue").and_then(|token| token.parse().ok()).unwrap_or(0);
                let limit = of("limit").and_then(|limit| limit.parse().ok()).filter(|limit| *limit > 0);
                let to = limit.map_or(items.len(), |limit: usize| items.len().min(from + limit.min(self.page)));
                if in_protobuf {
                    self.list_in_protobuf(kind, items, from..to, &mut stream)?;
                } else {
                    self.list(kind, items, from..to, &mut stream)?;
                }
            }
        }
    }

    fn list(&self, kind: &str, items: &Items, range: Range<usize>, stream: &mut TcpStream) -> io::Result<()> {
        let (version, left) = (self.version, items.len() - range.end);
        let more = if left > 0 {
            format!(r#","continue":"{}","remainingItemCount":{left}"#, range.end)
        } else {
            String::new()
        };
        let head = format!(
            r#"{{"kind":"{kind}List","apiVersion":"v1","metadata":{{"resourceVersion":"{version}"{more}}},"items":["#
        );
        let items = items.elements(range);
        let length = head.len() + items.len() + 2;
        let http = format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n");
        stream.write_all((http + &head).as_bytes())?;
        stream.write_all(items)?;
        stream.write_all(b"]}")
    }

    fn watch(&self, kind: &str, items: &Items, all: bool, end: Instant, stream: &mut TcpStream) -> io::Result<()> {
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")?;
        let mut chunk = |text: &[u8]| {
            stream.write_all(format!("{:x}\r\n", text.len()).as_bytes())?;
            stream.write_all(text)?;
            stream.write_all(b"\r\n")
        };
        for number in 0..if all { items.len() } else { 0 } {
            // Behind its brace an element lacks what a line has.
            let item = &items.elements(number..number + 1)[1..];
            let head = format!(r#"{{"type":"ADDED","object":{{"kind":"{kind}","apiVersion":"v1","#);
            chunk(&[head.as_bytes(), item, b"}\n"].concat())?;
        }
        if kind == "Pod" {
            self.follow(&self.events.json, end, &mut chunk)?;
        } else {
            thread::sleep(end.saturating_duration_since(Instant::now()));
        }
        let version = self.version;
        let metadata = format!(r#""metadata":{{"resourceVersion":"{version}","creationTimestamp":null}}"#);
        let rest =
            if kind == "Pod" { r#","spec":{"containers":null},"status":{}"# } else { r#","spec":{},"status":{}"# };
        chunk(
            format!(
                "{{\"type\":\"BOOKMARK\",\"object\":{{\"kind\":\"{kind}\",\"apiVersion\":\"v1\",{metadata}{rest}}}}}\n"
            )
            .as_bytes(),
        )?;
        stream.write_all(b"0\r\n\r\n")
    }

    fn list_in_protobuf(
        &self,
        kind: &str,
        items: &Items,
        range: Range<usize>,
        stream: &mut TcpStream,
    ) -> io::Result<()> {
        let mut metadata = json!({ "resourceVersion": self.version.to_string() });
        if range.end < items.len() {
            metadata["continue"] = json!(range.end.to_string());
        }
        let elements = items.protobuf.slice(range);
        let list = protobuf::object(&format!("{kind}List"), &json!({ "metadata": metadata }), elements);
        let (kind, length) = (protobuf::MEDIA_TYPE, list.len());
        let http = format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n");
        stream.write_all(http.as_bytes())?;
        stream.write_all(&list)
    }

    fn watch_in_protobuf(&self, kind: &str, end: Instant, stream: &mut TcpStream) -> io::Result<()> {
        let media_type = protobuf::MEDIA_TYPE_OF_WATCHES;
        let http = format!("HTTP/1.1 200 OK\r\nContent-Type: {media_type}\r\nTransfer-Encoding: chunked\r\n\r\n");
        stream.write_all(http.as_bytes())?;
        let mut chunk = |text: &[u8]| {
            stream.write_all(format!("{:x}\r\n", text.len()).as_bytes())?;
            stream.write_all(text)?;
            stream.write_all(b"\r\n")
        };
        if kind == "Pod" {
            self.follow(&self.events.protobuf, end, &mut chunk)?;
        } else {
            thread::sleep(end.saturating_duration_since(Instant::now()));
        }
        let mark = json!({ "metadata": { "resourceVersion": self.version.to_string() } });
        chunk(&protobuf::event("BOOKMARK", kind, &mark))?;
        stream.write_all(b"0\r\n\r\n")
    }

    /// Sends what is emitted until the end.
    fn follow(&self, events: &Arena, end: Instant, chunk: &mut impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        let mut emission = self.emission.lock().unwrap();
        emission.watch += 1;
        let own = emission.watch;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() || emission.watch != own {
                return Ok(());
            }
            let due = emission.until - emission.sent;
            if due == 0 {
                emission = self.changed.wait_timeout(emission, left).unwrap().0;
                continue;
            }
            let (first, gap) = (emission.sent, emission.gap);
            let count = if gap.is_zero() { due.min(BATCH) } else { 1 };
            drop(emission);
            let mut lines = Vec::new();
            for number in first..first + count {
                let number = usize::try_from(number).unwrap() % self.events.len();
                lines.extend_from_slice(events.slice(number..number + 1));
            }
            chunk(&lines)?;
            thread::sleep(gap);
            emission = self.emission.lock().unwrap();
            emission.sent += count;
            self.changed.notify_all();
        }
    }
}
