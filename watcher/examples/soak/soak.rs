//! Edge: everything that goes on at the same time: the world, the faults, and the looks at each light. Joins them by a
//! [`Book`] that says what is a lie.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::pending;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Parser as _;
use futures::future::try_join_all;
use podlight_sim::Cluster;
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::book::{Book, FLIGHT, HEALED, LEASE, Lie, SILENCE};
use crate::daemon::{Daemon, Stopped};
use crate::face::Shown;
use crate::light::Light;
use crate::objects::Objects;
use crate::stage;
use crate::world::World;

/// Between two looks at a light.
const LOOK: Duration = Duration::from_millis(100);
/// Between two steps of the world.
const STEP: Duration = Duration::from_millis(10);
/// How often it is seen how late this process runs, and for how long that counts.
const BEAT: Duration = Duration::from_millis(50);
const LATE: Duration = Duration::from_secs(15);
/// For a lightd to answer at all, since it was started or answered last.
const DEAF: Duration = Duration::from_secs(5);

/// All that the parts share. They take turns on one thread.
pub(crate) struct Soak {
    pub(crate) start: Instant,
    /// From then on no fault is on.
    pub(crate) last_heal: Instant,
    pub(crate) cluster: Cluster,
    pub(crate) kubeconfig: PathBuf,
    pub(crate) lights: Vec<Light>,
    pub(crate) watcher: RefCell<Option<Daemon>>,
    pub(crate) book: RefCell<Book>,
    pub(crate) events: Cell<u64>,
    pub(crate) latest: Cell<Duration>,
    pub(crate) world: RefCell<World>,
    objects: RefCell<Objects>,
    /// The longest delay of late, and since when that counts; and when the next beat is due.
    late: Cell<(Duration, Instant)>,
    due: Cell<Instant>,
    /// What faults began and ended, the last ones.
    pub(crate) chronicle: RefCell<VecDeque<String>>,
}

/// The time, where all that is shared is stamped with it.
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

impl Soak {
    pub(crate) fn new(seed: u64, length: Duration, cluster: Cluster, kubeconfig: PathBuf, lights: Vec<Light>) -> Self {
        let start = now();
        for light in &lights {
            cluster.apply_pod(light.pod());
        }
        Self {
            start,
            last_heal: start + length.saturating_sub(HEALED + FLIGHT + Duration::from_secs(1)),
            cluster,
            kubeconfig,
            book: RefCell::new(Book::new(lights.len(), start)),
            lights,
            watcher: RefCell::new(None),
            events: Cell::new(0),
            latest: Cell::new(Duration::ZERO),
            world: RefCell::new(World::new(seed, start)),
            objects: RefCell::default(),
            late: Cell::new((Duration::ZERO, start)),
            due: Cell::new(start + BEAT),
            chronicle: RefCell::default(),
        }
    }

    /// Starts the watcher.
    pub(crate) fn start_watcher(&self) -> anyhow::Result<()> {
        let kubeconfig = self.kubeconfig.display().to_string();
        let (lease, silence) = (format!("{LEASE:?}"), format!("{SILENCE:?}"));
        let command = [
            "watcher",
            "--kubeconfig",
            &kubeconfig,
            "--lease",
            &lease,
            "--api-silence",
            &silence,
            "--listen",
            "off",
            "--http",
            "off",
        ];
        let settings = watcher::Settings::try_parse_from(command)?;
        let run = |stopped: Stopped| watcher::run(settings, async { drop(stopped.await) });
        self.watcher.replace(Some(Daemon::start("watcher", run)?));
        Ok(())
    }

    /// Stops all daemons, the watcher first: it hands its lights back.
    pub(crate) async fn stop(&self) -> anyhow::Result<()> {
        let watcher = self.watcher.take();
        if let Some(watcher) = watcher {
            watcher.stop().await?;
        }
        try_join_all(self.lights.iter().map(|light| light.end(false))).await.map(drop)
    }

    /// So much happens in a second, for ever.
    pub(crate) async fn events(&self, rate: u32) -> ! {
        let mut steps = interval(STEP);
        steps.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut owed, mut last) = (0.0, now());
        loop {
            steps.tick().await;
            let now = now();
            // After a pause no more than a second's worth.
            owed = (owed + f64::from(rate) * (now - last).as_secs_f64()).min(f64::from(rate));
            last = now;
            while owed >= 1.0 {
                self.world.borrow_mut().go_on(now);
                owed -= f64::from(self.play());
            }
            // Time alone changes things, too.
            for index in 0..self.lights.len() {
                self.write_down(index, now);
            }
        }
    }

    /// What happened in the world happens in the cluster: the truth of it is known before any light can show it.
    pub(crate) fn play(&self) -> u32 {
        let deeds = self.world.borrow_mut().deeds();
        for deed in &deeds {
            let now = now();
            self.objects.borrow_mut().apply(deed);
            if let Some(light) = self.lights.iter().position(|light| light.node == deed.node()) {
                self.write_down(light, now);
            }
            stage::play(&self.cluster, deed, now);
        }
        let count = u32::try_from(deeds.len()).unwrap_or(u32::MAX);
        self.events.set(self.events.get() + u64::from(count));
        count
    }

    /// What is true of a light now.
    fn write_down(&self, index: usize, now: Instant) {
        let (objects, node) = (self.objects.borrow(), self.lights[index].node);
        self.book.borrow_mut().truth(index, objects.footing(node), objects.crowd(node, now), now);
    }

    /// Looks how late this process runs, for ever: others may keep the host busy, and that is no fault of a light.
    pub(crate) async fn beat(&self) -> ! {
        loop {
            self.due.set(now() + BEAT);
            sleep(BEAT).await;
            let now = now();
            let late = now.saturating_duration_since(self.due.get());
            let (longest, since) = self.late.get();
            if late >= longest || since + LATE < now {
                self.late.set((late, now));
            }
            self.latest.set(self.latest.get().max(late));
        }
    }

    /// How much later than usual all may be. A change wakes one thread after another until it is seen here, and each may
    /// have to wait: the API server's, the watcher's, the link's, lightd's, its stick's.
    fn late(&self) -> Duration {
        5 * self.late.get().0.max(now().saturating_duration_since(self.due.get()))
    }

    /// Looks at a light, until it lies.
    pub(crate) async fn look_at(&self, index: usize) -> Lie {
        let light = &self.lights[index];
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard = (None, now());
        loop {
            looks.tick().await;
            let life = light.life();
            let asked = now();
            if heard.0 != life {
                heard = (life, asked);
            }
            let answer = light.ask().await;
            let answered = now();
            // It was ended while it was asked.
            if light.life() != life || life.is_none() {
                continue;
            }
            let Some(state) = answer else {
                if heard.1 + DEAF + self.late() < answered {
                    return Lie { shown: "nothing: it doesn't answer".to_owned(), allowed: "an answer".to_owned() };
                }
                continue;
            };
            heard.1 = answered;
            let shown = Shown::of(&state, light.node);
            let mut book = self.book.borrow_mut();
            let fair = book
                .look(index, &shown, (asked, answered), self.late())
                .and_then(|()| book.frame(index, &shown, &light.frame().colors, answered, self.late()));
            if let Err(lie) = fair {
                return lie;
            }
        }
    }

    /// Hears each change that a light tells of, until it lies: also what shows for too short to be looked at.
    pub(crate) async fn listen_to(&self, index: usize) -> Lie {
        let light = &self.lights[index];
        loop {
            let life = light.life();
            let mut states = light.listen().await;
            while let Some(states) = &mut states
                && let Ok(Some(state)) = states.message().await
                && light.life() == life
            {
                let (shown, now) = (Shown::of(&state, light.node), now());
                // Who is told comes as an answer, too, which may overtake this.
                if shown != Shown::Idle
                    && let Err(lie) = self.book.borrow_mut().look(index, &shown, (now, now), self.late())
                {
                    return lie;
                }
            }
            sleep(LOOK).await;
        }
    }

    /// A lie, and all that may explain it.
    pub(crate) fn accuse(&self, index: usize, Lie { shown, allowed }: Lie, seed: u64) -> String {
        let chronicle = self.chronicle.borrow().iter().map(|line| format!("\n    {line}")).collect::<String>();
        format!(
            "a light lied, with --seed {seed}, after {:.2} s\n  light: {}\n  shown: {shown}\n  allowed: {allowed}\n  faults: {chronicle}\n  \
             all may be late by {:.2?}",
            self.start.elapsed().as_secs_f64(),
            self.lights[index].node,
            self.late()
        )
    }
}

/// Goes on without end, where `result` is fine.
pub(crate) async fn unless_failed(result: impl Future<Output = anyhow::Result<()>>) -> anyhow::Error {
    match result.await {
        Ok(()) => pending().await,
        Err(error) => error,
    }
}
