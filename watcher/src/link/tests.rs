//! A session against an in-process server, through pipes and in virtual time.

use std::sync::Mutex;

use futures::stream::{self, StreamExt as _};
use podlight_proto::v1::ColorCommand;
use podlight_proto::{Color, Command, Lease, v1};
use podlight_sim::{Answers, Play, PlayedLight};
use prost::bytes::Bytes;
use tokio::io::{DuplexStream, duplex};
use tokio::task::JoinHandle;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::{Server, Uri};
use tonic::{Status, Streaming};

use super::opening::{Made, leaving};
use super::*;

const LEASE: Duration = Duration::from_secs(15);
const EPOCH: u64 = 3;
/// In virtual time: it passes at once where nothing else is due.
const FOREVER: Duration = Duration::from_secs(3_600);

/// A light, played by the test: it takes each stream in hand.
#[derive(Clone)]
struct Played(mpsc::UnboundedSender<Stream>);

struct Stream {
    commands: Streaming<ColorCommand>,
    statuses: mpsc::Sender<Result<ColorStatus, Status>>,
}

/// A link under test, and all that it is joined to.
struct Rig {
    order: watch::Sender<Order>,
    vouch: watch::Sender<Option<Vouch>>,
    words: mpsc::Receiver<(Arc<Light>, Word)>,
    streams: mpsc::UnboundedReceiver<Stream>,
    link: JoinHandle<()>,
}

fn show(version: u64) -> Order {
    let looks = vec![Look::solid(Color::rgb(0, 25, 0))];
    let reason = Reason { text: format!("reason {version}"), ..Reason::default() };
    Order::Show(Arc::new(Show { version, reason, looks, wait: Wait::none() }))
}

/// From now on for this long.
fn vouched(time: Duration) -> Vouch {
    Vouch { epoch: EPOCH, until: now() + time }
}

/// A link to a light whose first `failures` connections fail.
fn rig(failures: u32) -> Rig {
    let (order, orders) = watch::channel(show(1));
    let (vouch, vouched) = watch::channel(Some(vouched(FOREVER)));
    let (told, words) = mpsc::channel(64);
    let (played, streams) = mpsc::unbounded_channel();
    let link = Link {
        light: Arc::new("n1=http://10.0.0.1:50051".parse().unwrap()),
        lease: LEASE,
        order: orders,
        vouch: vouched,
        words: told,
        lines: Lines::new(1, now()),
        trust: None,
        terms: Terms::Untried,
    };
    let failures = Mutex::new(failures);
    let dial = move || {
        let mut left = failures.lock().unwrap();
        let fails = *left > 0;
        *left = left.saturating_sub(1);
        connect(Played(played.clone()), fails)
    };
    Rig { order, vouch, words, streams, link: tokio::spawn(link.run(dial)) }
}

async fn connect(light: Played, fails: bool) -> io::Result<Connection> {
    if fails {
        return Err(io::ErrorKind::ConnectionRefused.into());
    }
    let (ours, theirs) = duplex(64 * 1024);
    let incoming = stream::iter([Ok::<DuplexStream, io::Error>(theirs)]).chain(stream::pending());
    tokio::spawn(Server::builder().add_service(PlayedLight::service(light)).serve_with_incoming(incoming));
    Connection::new(ours, Uri::from_static("http://10.0.0.1:50051")).await
}

impl Rig {
    /// The next stream that the link opens.
    async fn stream(&mut self) -> Stream {
        timeout(FOREVER, self.streams.recv()).await.unwrap().unwrap()
    }

    /// How many LEDs the light says next that it has.
    async fn leds(&mut self) -> u32 {
        let said = async {
            loop {
                if let (_, Word::State(state)) = self.words.recv().await.unwrap() {
                    return state.led_count;
                }
            }
        };
        timeout(FOREVER, said).await.unwrap()
    }
}

impl Stream {
    /// The next command.
    async fn told(&mut self) -> ColorCommand {
        timeout(FOREVER, self.commands.message()).await.unwrap().unwrap().unwrap()
    }

    /// Whether the link says nothing for this long.
    async fn silent(&mut self, time: Duration) -> bool {
        timeout(time, self.commands.message()).await.is_err()
    }

    async fn answer(&self, outcome: Outcome, version: u64, leds: u32) {
        let light = Some(v1::LightState { led_count: leds, ..v1::LightState::default() });
        let outcome = outcome.into();
        let status = ColorStatus { outcome, epoch: EPOCH, version, message: String::new(), light };
        self.statuses.send(Ok(status)).await.unwrap();
    }

    async fn apply(&self, version: u64) {
        self.answer(Outcome::Applied, version, 2).await;
    }
}

fn near(time: Duration, want: Duration) -> bool {
    time.abs_diff(want) < Duration::from_millis(100)
}

#[tokio::test(start_paused = true)]
async fn the_first_word_is_the_whole_state() {
    let mut rig = rig(0);
    let mut stream = rig.stream().await;
    let command = Command::try_from(stream.told().await).unwrap();
    assert_eq!((command.epoch, command.version, command.node.as_str()), (EPOCH, 1, "n1"));
    assert_eq!(command.lease, Lease::For(LEASE));
    assert_eq!(command.looks, [Look::solid(Color::rgb(0, 25, 0))]);
    assert_eq!(command.reason.text, "reason 1");
}

#[tokio::test(start_paused = true)]
async fn a_light_that_stalls_has_one_command_in_flight_and_hears_only_the_newest_next() {
    let mut rig = rig(0);
    let mut stream = rig.stream().await;
    assert_eq!(stream.told().await.version, 1);
    for version in 2..=100 {
        rig.order.send_replace(show(version));
        tokio::task::yield_now().await;
    }
    assert!(stream.silent(LEASE * 9 / 10).await);
    stream.apply(1).await;
    assert_eq!(stream.told().await.version, 100);
    stream.apply(100).await;
    assert!(stream.silent(LEASE / 4).await);
}

#[tokio::test(start_paused = true)]
async fn a_light_that_lets_a_lease_pass_without_an_answer_is_connected_anew() {
    let mut rig = rig(0);
    let mut stalled = rig.stream().await;
    assert_eq!(stalled.told().await.version, 1);
    rig.order.send_replace(show(2));
    let mut stream = rig.stream().await;
    assert_eq!(stream.told().await.version, 2);
}

#[tokio::test(start_paused = true)]
async fn a_lost_stream_is_opened_anew_with_the_whole_state_of_the_same_version() {
    let mut rig = rig(0);
    let mut stream = rig.stream().await;
    assert_eq!(stream.told().await.version, 1);
    stream.apply(1).await;
    drop(stream);
    let mut stream = rig.stream().await;
    let command = stream.told().await;
    assert_eq!((command.epoch, command.version, command.looks.len()), (EPOCH, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_light_out_of_reach_is_tried_until_it_is_there() {
    let mut rig = rig(20);
    let mut stream = rig.stream().await;
    assert_eq!(stream.told().await.version, 1);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_ends_before_its_first_answer_is_known_to_have_ended() {
    // It can't be told by the terms: they were no better before.
    let mut rig = rig(1);
    drop(rig.stream().await);
    for want in ["down", "open", "closed", "open"] {
        let (_, word) = timeout(FOREVER, rig.words.recv()).await.unwrap().unwrap();
        let is = match want {
            "open" => matches!(word, Word::Open(_)),
            "closed" => matches!(word, Word::Closed),
            _ => matches!(word, Word::Terms(Terms::Down, _)),
        };
        assert!(is, "{word:?}, not {want}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_lease_is_renewed_each_third_of_it() {
    let mut rig = rig(0);
    let mut stream = rig.stream().await;
    let start = Instant::now();
    for i in 0..4 {
        assert_eq!(stream.told().await.version, 1);
        assert!(near(start.elapsed(), LEASE / 3 * i));
        stream.apply(1).await;
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_renewed_or_said_while_the_api_is_silent_and_all_of_it_after() {
    let mut rig = rig(0);
    let mut stream = rig.stream().await;
    stream.told().await;
    stream.apply(1).await;
    rig.vouch.send_replace(None);
    rig.order.send_replace(show(2));
    assert!(stream.silent(LEASE * 10).await);
    let start = Instant::now();
    rig.vouch.send_replace(Some(vouched(FOREVER)));
    assert_eq!(stream.told().await.version, 2);
    assert!(near(start.elapsed(), Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn an_unchanged_state_is_said_again_at_once_when_the_api_is_back() {
    let mut rig = rig(0);
    let mut stream = rig.stream().await;
    stream.told().await;
    stream.apply(1).await;
    rig.vouch.send_replace(None);
    assert!(stream.silent(LEASE).await);
    let start = Instant::now();
    rig.vouch.send_replace(Some(vouched(FOREVER)));
    assert_eq!(stream.told().await.version, 1);
    assert!(near(start.elapsed(), Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn what_is_vouched_for_until_a_moment_is_neither_renewed_nor_said_from_then_on() {
    let mut rig = rig(0);
    rig.vouch.send_replace(Some(vouched(LEASE / 2)));
    let mut stream = rig.stream().await;
    for _ in 0..2 {
        assert_eq!(stream.told().await.version, 1);
        stream.apply(1).await;
    }
    assert!(stream.silent(LEASE).await);
    rig.order.send_replace(show(2));
    assert!(stream.silent(LEASE * 10).await);
}

#[tokio::test(start_paused = true)]
async fn a_vouch_that_is_prolonged_without_a_word_is_renewed_on() {
    let mut rig = rig(0);
    let mut stream = rig.stream().await;
    let start = Instant::now();
    for i in 0..9 {
        assert_eq!(stream.told().await.version, 1);
        assert!(near(start.elapsed(), LEASE / 3 * i));
        stream.apply(1).await;
        rig.vouch.send_if_modified(|vouch| {
            *vouch = Some(vouched(LEASE / 2));
            false
        });
    }
}

#[tokio::test(start_paused = true)]
async fn a_process_that_was_stopped_says_nothing_old_when_it_goes_on() {
    let mut rig = rig(0);
    rig.vouch.send_replace(Some(vouched(LEASE * 2)));
    let mut stream = rig.stream().await;
    stream.told().await;
    stream.apply(1).await;
    assert!(stream.silent(LEASE / 4).await);
    // A renewal that was due, and an order that was given, before anyone could act on them.
    rig.order.send_replace(show(2));
    tokio::time::advance(LEASE * 2).await;
    assert!(stream.silent(LEASE * 10).await);
    rig.vouch.send_replace(Some(vouched(LEASE)));
    assert_eq!(stream.told().await.version, 2);
}

#[tokio::test(start_paused = true)]
async fn a_command_that_leaves_too_late_ends_the_stream_instead() {
    for (late, leave) in [(0, true), (1, false)] {
        let (commands, made) = mpsc::channel(2);
        let (first, second) = (Bytes::from_static(b"1"), Bytes::from_static(b"2"));
        let soon = Some(now() + Duration::from_secs(1));
        commands.try_send(Box::new(Made { command: first.clone(), until: soon })).unwrap();
        commands.try_send(Box::new(Made { command: second.clone(), until: None })).unwrap();
        drop(commands);
        tokio::time::advance(Duration::from_secs(late)).await;
        let left: Vec<_> = leaving(made).collect().await;
        assert_eq!(left, if leave { vec![first, second] } else { vec![] });
    }
}

#[tokio::test(start_paused = true)]
async fn a_renewal_says_the_same_and_an_answer_that_does_is_known_as_such() {
    let mut rig = rig(0);
    let mut stream = rig.stream().await;
    let mut heard = Vec::new();
    let first = stream.told().await;
    for leds in [2, 2, 3, 3, 2] {
        stream.answer(Outcome::Applied, 1, leds).await;
        assert_eq!(stream.told().await, first);
        while let Ok((_, word)) = rig.words.try_recv() {
            match word {
                Word::State(state) => heard.push(Some(state.led_count)),
                Word::Same => heard.push(None),
                Word::Open(_) | Word::Closed | Word::Took(_) | Word::Terms(..) => {}
            }
        }
    }
    assert_eq!(heard, [Some(2), None, Some(3), None, Some(2)]);
}

#[tokio::test(start_paused = true)]
async fn under_a_new_epoch_all_is_said_again_at_once() {
    let mut rig = rig(0);
    let mut stream = rig.stream().await;
    stream.told().await;
    stream.apply(1).await;
    let start = Instant::now();
    rig.vouch.send_replace(Some(Vouch { epoch: EPOCH + 2, ..vouched(FOREVER) }));
    let command = stream.told().await;
    assert_eq!((command.epoch, command.version), (EPOCH + 2, 1));
    assert!(near(start.elapsed(), Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn a_light_is_not_even_dialled_while_the_api_is_silent() {
    let mut rig = rig(0);
    rig.vouch.send_replace(None);
    assert!(timeout(LEASE * 10, rig.streams.recv()).await.is_err());
    rig.vouch.send_replace(Some(vouched(FOREVER)));
    assert_eq!(rig.stream().await.told().await.version, 1);
}

#[tokio::test(start_paused = true)]
async fn a_light_is_handed_back_with_its_last_version_and_the_link_ends() {
    let mut rig = rig(0);
    let mut stream = rig.stream().await;
    stream.told().await;
    stream.apply(1).await;
    rig.order.send_replace(Order::HandBack);
    let command = Command::try_from(stream.told().await).unwrap();
    assert_eq!((command.epoch, command.version, command.lease), (EPOCH, 1, Lease::Over));
    assert!(stream.commands.message().await.unwrap().is_none());
    stream.apply(1).await;
    timeout(FOREVER, rig.link).await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_light_that_is_stalled_or_out_of_reach_does_not_hold_up_the_end() {
    for failures in [0, u32::MAX] {
        let mut rig = rig(failures);
        let stalled = timeout(LEASE / 2, rig.streams.recv()).await;
        assert_eq!(stalled.is_ok(), failures == 0);
        rig.order.send_replace(Order::HandBack);
        let start = Instant::now();
        timeout(FOREVER, rig.link).await.unwrap().unwrap();
        assert!(start.elapsed() <= PARTING + Duration::from_millis(100));
    }
}

#[tokio::test(start_paused = true)]
async fn a_light_that_is_gone_is_left_without_a_word() {
    let mut rig = rig(0);
    let mut stream = rig.stream().await;
    stream.told().await;
    stream.apply(1).await;
    drop(rig.order);
    timeout(FOREVER, rig.link).await.unwrap().unwrap();
    assert!(!matches!(stream.commands.message().await, Ok(Some(_))));
}

#[tokio::test(start_paused = true)]
async fn a_fenced_light_is_tried_again_at_the_pace_of_renewals() {
    let mut rig = rig(0);
    let mut stream = rig.stream().await;
    let start = Instant::now();
    for i in 0..3 {
        assert_eq!(stream.told().await.version, 1);
        assert!(near(start.elapsed(), LEASE / 3 * i));
        stream.answer(Outcome::Fenced, 1, 2).await;
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_refusal_the_next_state_is_said_at_once() {
    let mut rig = rig(0);
    let mut stream = rig.stream().await;
    stream.told().await;
    stream.answer(Outcome::Invalid, 1, 2).await;
    assert!(stream.silent(LEASE / 4).await);
    let start = Instant::now();
    rig.order.send_replace(show(2));
    assert_eq!(stream.told().await.version, 2);
    assert!(near(start.elapsed(), Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn how_many_leds_there_are_is_told_on_and_a_change_that_nobody_asked_for_answers_nothing() {
    let mut rig = rig(0);
    let mut stream = rig.stream().await;
    stream.told().await;
    stream.answer(Outcome::Changed, 1, 8).await;
    assert_eq!(rig.leds().await, 8);
    rig.order.send_replace(show(2));
    assert!(stream.silent(LEASE / 2).await);
    stream.apply(1).await;
    assert_eq!(rig.leds().await, 2);
    assert_eq!(stream.told().await.version, 2);
}

impl Play for Played {
    fn answers(&self, commands: Streaming<ColorCommand>) -> Answers {
        let (statuses, answers) = mpsc::channel(8);
        self.0.send(Stream { commands, statuses }).ok();
        ReceiverStream::new(answers).boxed()
    }
}
