//! Edge: keeps the one [`Light`]. Gives it the time, wakes for its deadlines, and publishes what follows: the scene to
//! the sticks, the state to whoever watches.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use podlight_proto::Lease;
use podlight_proto::v1::{self, Layer};
use tokio::sync::watch;

use crate::canvas::Scene;
use crate::light::{GONE, IDLE, Light};
use crate::state;
use crate::stick::{Order, Report};

/// Keeps the light.
pub(crate) struct Keeper {
    lit: Mutex<Lit>,
    orders: watch::Sender<Order>,
    /// The state but for the time that is left, so that passing time is no change. `None`, for good: lightd stops.
    changes: watch::Sender<Option<v1::LightState>>,
    deadline: watch::Sender<Option<Instant>>,
}

struct Lit {
    light: Light,
    sticks: Vec<(String, Report)>,
}

impl Keeper {
    /// Keeps a light whose sticks are named so.
    pub(crate) fn new(sticks: Vec<String>) -> Self {
        let sticks = sticks.into_iter().map(|name| (name, Report::default())).collect();
        let lit = Lit { light: Light::default(), sticks };
        let state = state::describe(&lit.light, &lit.sticks, now());
        Self {
            lit: Mutex::new(lit),
            orders: watch::Sender::new(Order { scene: Scene::all(IDLE), last: false }),
            changes: watch::Sender::new(Some(state::timeless(state))),
            deadline: watch::Sender::new(None),
        }
    }

    /// What the sticks shall show.
    pub(crate) fn orders(&self) -> watch::Receiver<Order> {
        self.orders.subscribe()
    }

    /// Turns at each change of the state; to `None` when lightd stops.
    pub(crate) fn changes(&self) -> watch::Receiver<Option<v1::LightState>> {
        self.changes.subscribe()
    }

    /// Changes the light, or only looks at it; then publishes what follows. Returns the state after it, too.
    pub(crate) fn tell<R>(&self, change: impl FnOnce(&mut Light, Instant) -> R) -> (R, v1::LightState) {
        self.lit(|lit, now| change(&mut lit.light, now))
    }

    /// Stick `index` has something to report.
    pub(crate) fn report(&self, index: usize, report: Report) {
        self.lit(|lit, _| {
            if let Some((name, known)) = lit.sticks.get_mut(index) {
                log(name, known, &report);
                *known = report;
            }
            let leds = lit.sticks.iter().filter_map(|(_, report)| Some(report.identity.as_ref()?.leds));
            lit.light.resize(leds.min().unwrap_or_default());
        });
    }

    fn lit<R>(&self, change: impl FnOnce(&mut Lit, Instant) -> R) -> (R, v1::LightState) {
        let mut lit = self.lit.lock().unwrap_or_else(PoisonError::into_inner);
        let now = now();
        lit.light.expire(now);
        let result = change(&mut lit, now);
        let state = state::describe(&lit.light, &lit.sticks, now);
        self.orders.send_if_modified(|order| !order.last && replace(&mut order.scene, lit.light.scene(now)));
        self.changes.send_if_modified(|known| {
            known.as_mut().is_some_and(|known| {
                turns(known.layer(), &state, &lit.light);
                replace(known, state::timeless(state.clone()))
            })
        });
        self.deadline.send_if_modified(|deadline| replace(deadline, lit.light.next_deadline(now)));
        (result, state)
    }

    /// Lets deadlines come to pass, for ever.
    pub(crate) async fn keep(&self) {
        let mut deadlines = self.deadline.subscribe();
        loop {
            let deadline = *deadlines.borrow_and_update();
            tokio::select! {
                () = until(deadline) => drop(self.tell(|_, _| ())),
                _ = deadlines.changed() => {}
            }
        }
    }

    /// The last scene, for after lightd is gone; and the end of whatever follows the changes.
    pub(crate) fn leave(&self) {
        self.orders.send_replace(Order { scene: Scene::all(GONE), last: true });
        self.changes.send_replace(None);
    }
}

/// Puts `new` in the place of `old`; whether that is a change.
fn replace<T: PartialEq>(old: &mut T, new: T) -> bool {
    let news = *old != new;
    *old = new;
    news
}

fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}

/// Another layer decides what shows.
fn turns(before: Layer, state: &v1::LightState, light: &Light) {
    let (layer, reason, owner) = (state.layer(), &state.reason, &state.owner);
    let left = light.watcher().is_some_and(|watcher| watcher.command.lease == Lease::Over);
    match layer {
        _ if layer == before => {}
        Layer::Stale if left => tracing::info!(reason, "the light shows that nobody knows"),
        Layer::Stale => tracing::warn!(reason, "the light shows that nobody knows"),
        Layer::Watcher => tracing::info!("the light shows what the watcher says"),
        Layer::Manual => tracing::info!(owner, "the light shows a person's color"),
        Layer::Identify => tracing::info!(owner, "the light flashes, for a person looks for it"),
        Layer::Idle | Layer::Unspecified => tracing::info!("the light waits for a watcher"),
    }
}

/// A failure is logged when it begins and when it ends.
fn log(name: &str, before: &Report, after: &Report) {
    match (&after.problem, &after.identity) {
        (Some(problem), _) if after.problem != before.problem => match &before.identity {
            Some(_) => tracing::warn!(stick = name, problem, "stick lost"),
            None => tracing::warn!(stick = name, problem, "no stick"),
        },
        (None, Some(identity)) if before.problem.is_some() || before.identity.is_none() => {
            tracing::info!(stick = name, model = identity.model, serial = identity.serial, "stick found");
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use podlight_proto::Identify;

    use super::*;

    #[test]
    fn who_has_left_comes_back_for_nobody() {
        let keeper = Keeper::new(vec!["virtual:nano".to_owned()]);
        keeper.leave();
        let identify = Identify::try_from(v1::IdentifyRequest::default()).unwrap();
        keeper.tell(|light, now| light.identify(identify, now));
        keeper.report(0, Report { problem: Some("gone".to_owned()), ..Report::default() });
        assert_eq!(*keeper.changes().borrow(), None);
        assert!(keeper.orders().borrow().last);
    }
}
