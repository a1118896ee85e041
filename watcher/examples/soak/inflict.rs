//! Edge: makes faults happen, and heals them.

use std::ops::RangeInclusive;
use std::time::Duration;

use podlight_proto::v1::Effect;
use podlight_sim::Server;
use tokio::time::sleep;

use crate::face::{self, UNKNOWN};
use crate::fault::{Bag, Kind};
use crate::pipe::Link;
use crate::soak::{Soak, now};

/// Seconds from one fault to the next: of those that befall all lights, and of one light's own.
const PAUSES: RangeInclusive<f64> = 3.0..=25.0;
const OWN_PAUSES: RangeInclusive<f64> = 5.0..=50.0;
/// For something to happen that no watch tells of.
const GAP: Duration = Duration::from_millis(50);
/// Beginnings and ends of faults that are told with a lie.
const CHRONICLE: usize = 12;

impl Soak {
    /// Faults that befall all lights, until it is time for the last to heal.
    pub(crate) async fn befall_all(&self, server: &mut Server, rng: fastrand::Rng) -> anyhow::Result<()> {
        let lights: Vec<usize> = (0..self.lights.len()).collect();
        let mut bag = Bag::new(&Kind::GLOBAL, rng);
        while let Some((pause, kind, length)) = bag.next(PAUSES) {
            sleep(pause).await;
            if now() + length > self.last_heal {
                break;
            }
            self.begin(kind, &lights);
            self.inflict(kind, length, server).await?;
            self.end(kind, &lights);
        }
        Ok(())
    }

    async fn inflict(&self, kind: Kind, length: Duration, server: &mut Server) -> anyhow::Result<()> {
        match kind {
            Kind::ApiRefuses => {
                self.cluster.refuse(true);
                sleep(length).await;
                self.cluster.refuse(false);
            }
            Kind::ApiHangs => {
                self.cluster.hang(true);
                sleep(length).await;
                self.cluster.hang(false);
            }
            Kind::WatchesBreak => self.cluster.drop_watches(),
            Kind::HistoryLost => {
                self.cluster.drop_watches();
                // Something has happened by then that nobody was told of.
                sleep(GAP).await;
                self.cluster.compact();
            }
            Kind::ApiRestarts => {
                server.stop().await;
                sleep(length).await;
                server.restart().await?;
            }
            Kind::DeletionsLost => {
                server.stop().await;
                self.world.borrow_mut().relieve(now());
                self.play();
                sleep(length).await;
                self.cluster.compact();
                server.restart().await?;
            }
            Kind::WatcherKilled | Kind::WatcherStopped => {
                let watcher = self.watcher.take();
                if let Some(watcher) = watcher {
                    if kind == Kind::WatcherKilled { watcher.kill().await? } else { watcher.stop().await? }
                }
                sleep(length).await;
                self.start_watcher()?;
            }
            Kind::LightdKilled | Kind::LightdStopped | Kind::LinkHangs | Kind::LinkBreaks => {}
        }
        Ok(())
    }

    /// Faults that befall one light, likewise.
    pub(crate) async fn befall(&self, index: usize, rng: fastrand::Rng) -> anyhow::Result<()> {
        let mut bag = Bag::new(&Kind::LOCAL, rng);
        while let Some((pause, kind, length)) = bag.next(OWN_PAUSES) {
            sleep(pause).await;
            if now() + length > self.last_heal {
                break;
            }
            self.begin(kind, &[index]);
            self.inflict_on(kind, length, index).await?;
            self.end(kind, &[index]);
        }
        Ok(())
    }

    async fn inflict_on(&self, kind: Kind, length: Duration, index: usize) -> anyhow::Result<()> {
        let light = &self.lights[index];
        if matches!(kind, Kind::LinkHangs | Kind::LinkBreaks) {
            light.pipe.turn(if kind == Kind::LinkHangs { Link::Hole } else { Link::Broken });
            sleep(length).await;
            light.pipe.turn(Link::Sound);
            return Ok(());
        }
        light.end(kind == Kind::LightdKilled).await?;
        if kind == Kind::LightdStopped {
            // Its sticks are left in the color of not knowing, which then no longer moves.
            let frame = light.frame().colors;
            let left = face::may_show(&frame, (UNKNOWN.0, Effect::Solid));
            anyhow::ensure!(left, "{} left its LEDs at {frame:?}", light.node);
        }
        sleep(length).await;
        light.begin().await?;
        self.book.borrow_mut().born(index);
        Ok(())
    }

    fn begin(&self, kind: Kind, lights: &[usize]) {
        self.book.borrow_mut().begin(kind, lights, now());
        self.note(kind, lights, "begins");
    }

    fn end(&self, kind: Kind, lights: &[usize]) {
        self.book.borrow_mut().end(kind, lights, now());
        self.note(kind, lights, "is over");
    }

    fn note(&self, kind: Kind, lights: &[usize], what: &str) {
        let whom = if let [light] = lights { self.lights[*light].node } else { "all" };
        let at = self.start.elapsed();
        tracing::info!(target: "soak", whom, "{}: {what}", kind.name());
        let mut chronicle = self.chronicle.borrow_mut();
        chronicle.push_back(format!("{:8.2} s  {} {what} ({whom})", at.as_secs_f64(), kind.name()));
        let old = chronicle.len().saturating_sub(CHRONICLE);
        chronicle.drain(..old);
    }
}
