//! The loop against a stick that records, fails and vanishes as it is told, in time that is paused.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

use podlight_proto::Look;
use tokio::task::JoinHandle;
use tokio::time::advance;

use super::*;
use crate::counts::read;

const RED: Color = Color::rgb(50, 0, 0);
const GREEN: Color = Color::rgb(0, 25, 0);
const BLUE: Color = Color::rgb(0, 0, 50);
const MOUNT: Mount = Mount { max_brightness: 255, flip: false, inverse: false };

/// A port whose stick does as it is told.
#[derive(Clone, Default)]
struct Bench(Arc<Mutex<Told>>);

#[derive(Default)]
struct Told {
    absent: bool,
    gone: bool,
    /// What the next attempts come to; then all work.
    faults: VecDeque<Fault>,
    openings: usize,
    shown: Vec<(Color, Instant)>,
    attempts: usize,
}

impl Bench {
    fn told(&self) -> MutexGuard<'_, Told> {
        self.0.lock().expect("no test panics while it holds it")
    }

    /// Openings, and attempts to show a frame.
    fn tried(&self) -> (usize, usize) {
        let told = self.told();
        (told.openings, told.attempts)
    }

    fn colors(&self) -> Vec<Color> {
        self.told().shown.iter().map(|(color, _)| *color).collect()
    }
}

impl Port for Bench {
    fn open(&mut self) -> Result<Box<dyn Stick>, Problem> {
        let mut told = self.told();
        if told.absent {
            return Err(Problem::Absent);
        }
        told.openings += 1;
        told.gone = false;
        let identity = Identity {
            model: "Bench".to_owned(),
            serial: String::new(),
            path: "1-1".to_owned(),
            leds: 1,
            interval: Duration::from_millis(20),
        };
        Ok(Box::new(OnBench { told: self.clone(), identity }))
    }
}

struct OnBench {
    told: Bench,
    identity: Identity,
}

impl Stick for OnBench {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn show(&mut self, frame: &[Color], odometer: &Odometer) -> Result<(), Fault> {
        count(&odometer.transfers);
        let mut told = self.told.told();
        told.attempts += 1;
        if let Some(fault) = told.faults.pop_front() {
            return Err(fault);
        }
        told.shown.push((frame[0], Instant::now()));
        Ok(())
    }

    fn gone(&self) -> bool {
        self.told.told().gone
    }
}

struct Running {
    bench: Bench,
    orders: watch::Sender<Order>,
    reports: watch::Receiver<Report>,
    odometer: Arc<Odometer>,
    task: JoinHandle<()>,
}

fn run(bench: Bench, look: Look) -> Running {
    let orders = watch::Sender::new(Order { scene: Scene::all(look), last: false });
    let (report, reports) = watch::channel(Report::default());
    let odometer = Arc::new(Odometer::new(Instant::now().into_std()));
    let task = tokio::spawn(drive(Box::new(bench.clone()), MOUNT, orders.subscribe(), report, Arc::clone(&odometer)));
    Running { bench, orders, reports, odometer, task }
}

impl Running {
    fn order(&self, look: Look) {
        self.orders.send_replace(Order { scene: Scene::all(look), last: false });
    }

    /// Frames that were taken, attempts again, and openings.
    fn counted(&self) -> [u64; 3] {
        [&self.odometer.frames, &self.odometer.retries, &self.odometer.openings].map(read)
    }

    fn problem(&self) -> Option<String> {
        self.reports.borrow().problem.clone()
    }
}

/// Lets time pass in steps, so that each timer on the way fires in its turn.
async fn pass(time: Duration) {
    let end = Instant::now() + time;
    while Instant::now() < end {
        advance(Duration::from_millis(5)).await;
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_frame_is_shown_once_and_asserted_again() {
    let running = run(Bench::default(), Look::solid(GREEN));
    pass(Duration::from_millis(500)).await;
    assert_eq!(running.bench.colors(), [GREEN]);
    assert_eq!(running.problem(), None);
    pass(REASSERT).await;
    assert_eq!(running.bench.colors(), [GREEN, GREEN]);
}

#[tokio::test(start_paused = true)]
async fn of_many_scenes_the_newest_wins_and_frames_keep_their_distance() {
    let running = run(Bench::default(), Look::solid(GREEN));
    pass(Duration::from_millis(100)).await;
    for step in 0..=200u8 {
        running.order(Look::solid(Color::rgb(step, 0, 0)));
        pass(Duration::from_millis(5)).await;
    }
    pass(Duration::from_millis(50)).await;
    let shown = running.bench.told().shown.clone();
    assert_eq!(shown.last().map(|(color, _)| *color), Some(Color::rgb(200, 0, 0)));
    assert!(shown.len() < 60, "201 scenes in a second are {} frames", shown.len());
    assert!(shown.windows(2).all(|pair| pair[1].1 - pair[0].1 >= Duration::from_millis(20)));
}

#[tokio::test(start_paused = true)]
async fn a_morph_is_shown_frame_by_frame_and_gives_way_to_a_newer_color() {
    let running = run(Bench::default(), Look::solid(GREEN));
    pass(Duration::from_millis(100)).await;
    running.order(Look::morph(BLUE));
    pass(Duration::from_millis(150)).await;
    running.order(Look::solid(RED));
    pass(Duration::from_millis(50)).await;
    let colors = running.bench.colors();
    assert_eq!(colors.last(), Some(&RED));
    let between = |color: &&Color| color.g > 0 && color.b > 0;
    assert!(colors.iter().filter(between).count() >= 3, "{colors:?}");
}

#[tokio::test(start_paused = true)]
async fn a_transient_fault_is_tried_again_without_a_reopening() {
    let bench = Bench::default();
    bench.told().faults.extend((0..4).map(|_| Fault::Transient("EPROTO".to_owned())));
    let running = run(bench, Look::solid(GREEN));
    pass(Duration::from_millis(500)).await;
    assert_eq!(running.bench.tried(), (1, 5));
    assert_eq!(running.bench.colors(), [GREEN]);
    assert_eq!(running.counted(), [1, 4, 1]);
}

#[tokio::test(start_paused = true)]
async fn a_stick_is_not_there_before_it_took_a_frame_nor_while_it_takes_none() {
    let bench = Bench::default();
    bench.told().faults.extend((0..4).map(|_| Fault::Transient("EPROTO".to_owned())));
    let running = run(bench, Look::solid(GREEN));
    let is_there = || running.reports.borrow().identity.is_some() && running.problem().is_none();
    pass(Duration::from_millis(60)).await;
    assert!(!is_there(), "it took no frame yet");
    pass(Duration::from_millis(60)).await;
    assert!(is_there());
    running.bench.told().faults.extend((0..4).map(|_| Fault::Transient("EPROTO".to_owned())));
    running.order(Look::solid(RED));
    pass(Duration::from_millis(60)).await;
    assert!(!is_there(), "the newest frame was refused more than once");
    pass(Duration::from_millis(60)).await;
    assert!(is_there());
}

#[tokio::test(start_paused = true)]
async fn a_fault_that_lasts_reopens_and_repaints_the_newest_scene() {
    let running = run(Bench::default(), Look::solid(GREEN));
    pass(Duration::from_millis(1500)).await;
    running.bench.told().faults.extend((0..5).map(|_| Fault::Transient("EPROTO".to_owned())));
    running.order(Look::solid(RED));
    pass(Duration::from_millis(90)).await;
    running.order(Look::solid(BLUE));
    pass(Duration::from_millis(200)).await;
    assert_eq!(running.bench.told().openings, 2);
    assert_eq!(running.bench.colors(), [GREEN, BLUE]);
    assert_eq!(running.problem(), None);
}

#[tokio::test(start_paused = true)]
async fn a_stall_reopens_at_once() {
    let running = run(Bench::default(), Look::solid(GREEN));
    pass(Duration::from_millis(1500)).await;
    running.bench.told().faults.push_back(Fault::Broken("STALL".to_owned()));
    running.order(Look::solid(RED));
    pass(Duration::from_millis(100)).await;
    assert_eq!(running.bench.tried(), (2, 3));
    assert_eq!(running.bench.colors(), [GREEN, RED]);
    assert_eq!(running.counted(), [2, 0, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_stick_that_breaks_each_time_is_left_in_peace_between() {
    let bench = Bench::default();
    bench.told().faults.extend((0..100).map(|_| Fault::Broken("STALL".to_owned())));
    let running = run(bench, Look::solid(GREEN));
    pass(Duration::from_secs(10)).await;
    let (openings, _) = running.bench.tried();
    assert!(openings <= 11, "{openings} openings in 10 s");
    assert!(running.problem().is_some_and(|problem| problem.contains("STALL")));
}

#[tokio::test(start_paused = true)]
async fn a_stick_that_is_pulled_out_is_reported_and_repainted_when_it_is_back() {
    let running = run(Bench::default(), Look::solid(GREEN));
    pass(Duration::from_millis(100)).await;
    {
        let mut told = running.bench.told();
        (told.absent, told.gone) = (true, true);
    }
    pass(LOOK_OUT + PAUSE).await;
    assert_eq!(running.problem(), Some(Problem::Absent.to_string()));
    assert!(running.odometer.stood_still(Instant::now().into_std()).is_some_and(|still| still <= LOOK_OUT));
    assert!(running.reports.borrow().identity.is_some(), "what it was stays known");
    running.order(Look::solid(RED));
    running.bench.told().absent = false;
    pass(LOOK_OUT + PAUSE).await;
    assert_eq!(running.bench.colors(), [GREEN, RED]);
    assert_eq!(running.problem(), None);
}

#[tokio::test(start_paused = true)]
async fn the_loop_ends_when_the_last_scene_shows() {
    let running = run(Bench::default(), Look::solid(GREEN));
    pass(Duration::from_millis(100)).await;
    running.bench.told().faults.push_back(Fault::Transient("busy".to_owned()));
    running.orders.send_replace(Order { scene: Scene::all(Look::solid(BLUE)), last: true });
    pass(Duration::from_millis(100)).await;
    assert!(running.task.is_finished());
    assert_eq!(running.bench.colors(), [GREEN, BLUE]);
}

#[tokio::test(start_paused = true)]
async fn the_loop_of_a_missing_stick_ends_too() {
    let bench = Bench::default();
    bench.told().absent = true;
    let running = run(bench, Look::solid(GREEN));
    pass(Duration::from_millis(100)).await;
    running.orders.send_replace(Order { scene: Scene::all(Look::solid(BLUE)), last: true });
    pass(Duration::from_millis(100)).await;
    assert!(running.task.is_finished());
}
