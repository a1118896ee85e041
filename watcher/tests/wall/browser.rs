//! A headless Chromium, by the WebDriver protocol (<https://www.w3.org/TR/webdriver2/>).

use std::net::SocketAddr;
use std::process::Command;
use std::sync::mpsc::channel;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header;
use hyper_util::rt::TokioIo;
use podlight_bed::Process;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

/// Far more than anything here takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(50);

/// Keys, as WebDriver has them.
pub(crate) const TAB: &str = "\u{e004}";
pub(crate) const ENTER: &str = "\u{e007}";
pub(crate) const ESCAPE: &str = "\u{e00c}";
pub(crate) const HOME: &str = "\u{e011}";
pub(crate) const DOWN: &str = "\u{e015}";

/// A window of a browser of its own. Dropped, both are closed.
pub(crate) struct Window {
    driver: Process,
    address: SocketAddr,
    session: String,
}

impl Window {
    pub(crate) async fn new() -> Self {
        let (say, said) = channel();
        // Of Debian's chromium-driver.
        let driver = Process::heard(Command::new("chromedriver").arg("--port=0"), move |line| drop(say.send(line)));
        let port = |line: String| line.split_once("successfully on port ")?.1.trim_end_matches('.').parse::<u16>().ok();
        let port = said.iter().find_map(port).expect("it says where it listens");
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        // In the background none of them may look for anything elsewhere.
        let flags = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-quic",
            "--window-size=1280,900",
        ];
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "goog:chromeOptions": { "args": flags }, "goog:loggingPrefs": { "browser": "ALL" },
        } } });
        let mut window = Self { driver, address, session: String::new() };
        let session = window.call("POST", "", &wanted).await;
        window.session = format!("/{}", session["sessionId"].as_str().unwrap());
        window
    }

    pub(crate) async fn open(&self, url: &str) {
        // A page that is open already is opened anew, whatever follows its #.
        self.call("POST", "/url", &json!({ "url": "about:blank" })).await;
        self.call("POST", "/url", &json!({ "url": url })).await;
    }

    /// What the function of this body returns.
    pub(crate) async fn run(&self, script: &str) -> Value {
        self.call("POST", "/execute/sync", &json!({ "script": script, "args": [] })).await
    }

    /// What the function of this body tells its last argument, which is a function.
    pub(crate) async fn run_async(&self, script: &str) -> Value {
        self.call("POST", "/execute/async", &json!({ "script": script, "args": [] })).await
    }

    /// Whether this expression is true there.
    pub(crate) async fn is(&self, expression: &str) -> bool {
        self.run(&format!("return Boolean({expression})")).await == true
    }

    /// Waits until it is.
    pub(crate) async fn until(&self, expression: &str) {
        let is = async {
            while !self.is(expression).await {
                sleep(LOOK).await;
            }
        };
        if timeout(PATIENCE, is).await.is_err() {
            let shown = self.run("return `${document.title}\n${document.body.innerText}`").await;
            panic!("never: {expression}\n{}", shown.as_str().unwrap_or_default());
        }
    }

    /// Types, wherever the focus is.
    pub(crate) async fn keys(&self, keys: &str) {
        for key in keys.chars() {
            let element = self.call("GET", "/element/active", &Value::Null).await;
            let element = element.as_object().unwrap().values().next().unwrap().as_str().unwrap().to_owned();
            self.call("POST", &format!("/element/{element}/value"), &json!({ "text": key.to_string() })).await;
        }
    }

    /// As a person has set it up.
    pub(crate) async fn prefers(&self, scheme: &str, motion: &str) {
        let features = json!([
            { "name": "prefers-color-scheme", "value": scheme }, { "name": "prefers-reduced-motion", "value": motion },
        ]);
        let command = json!({ "cmd": "Emulation.setEmulatedMedia", "params": { "features": features } });
        self.call("POST", "/goog/cdp/execute", &command).await;
    }

    /// Checks that the browser had nothing to complain about: errors, and what a policy forbids.
    pub(crate) async fn is_sound(&self) {
        let log = self.call("POST", "/se/log", &json!({ "type": "browser" })).await;
        assert_eq!(log, json!([]));
    }

    async fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        let answered = async {
            let stream = TokioIo::new(TcpStream::connect(self.address).await.unwrap());
            let (mut sender, connection) = http1::handshake(stream).await.unwrap();
            tokio::spawn(connection);
            let body = if body.is_null() { String::new() } else { body.to_string() };
            let request = hyper::Request::builder()
                .method(method)
                .uri(format!("/session{}{path}", self.session))
                .header(header::HOST, self.address.to_string())
                .body(Full::new(Bytes::from(body)));
            let response = sender.send_request(request.unwrap()).await.unwrap();
            response.into_body().collect().await.unwrap().to_bytes()
        };
        let answer = timeout(PATIENCE, answered).await.unwrap();
        let value = serde_json::from_slice::<Value>(&answer).unwrap()["value"].take();
        assert!(value["error"].is_null(), "{method} {path}: {value:#}");
        value
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        // Told so, it closes its browser first.
        self.driver.terminate();
    }
}
