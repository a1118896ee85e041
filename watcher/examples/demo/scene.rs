//! Edge: everything that moves: the story, the cluster that plays it, and the lights that show it.

use std::net::SocketAddr;
use std::time::Duration;

use podlight_sim::Cluster;
use tokio::time::Instant;

use crate::lights::Light;
use crate::stage;
use crate::story::{Action, Story};
use crate::view::{Tile, View};

/// Captions that are kept in view.
const CAPTIONS: usize = 2;

/// The demo at a moment.
pub(crate) struct Scene {
    story: Story,
    cluster: Cluster,
    pub(crate) lights: Vec<Light>,
    /// Where the wall is served.
    pub(crate) wall: Option<SocketAddr>,
    captions: Vec<String>,
    start: Instant,
}

impl Scene {
    /// The story's beginning, with no lights yet.
    pub(crate) fn new(story: Story, cluster: Cluster) -> Self {
        let mut scene =
            Self { story, cluster, lights: Vec::new(), wall: None, captions: Vec::new(), start: Instant::now() };
        scene.advance(Duration::ZERO);
        scene
    }

    /// The names of all nodes.
    pub(crate) fn nodes(&self) -> Vec<String> {
        self.story.world().nodes().iter().map(|node| node.name.clone()).collect()
    }

    /// The lights are there: from now on time counts.
    pub(crate) fn begin(&mut self) {
        self.start = Instant::now();
    }

    /// Lets the story go on to now.
    pub(crate) fn go_on(&mut self) {
        self.advance(self.start.elapsed().mul_f64(self.story.speed()));
    }

    fn advance(&mut self, now: Duration) {
        for action in self.story.advance(now) {
            stage::play(&self.cluster, &action);
            if let Action::Say(text) = action {
                self.captions.push(text);
            }
        }
        self.captions.drain(..self.captions.len().saturating_sub(CAPTIONS));
    }

    /// What there is to see now.
    pub(crate) fn view(&self) -> View {
        let world = self.story.world();
        let tallies = world.tallies();
        let tiles = self.lights.iter().map(|light| {
            let frame = light.frame.borrow();
            let cordoned = world.nodes().iter().any(|node| node.name == light.node && node.cordoned);
            let mut tally = tallies.get(light.node.as_str()).copied().unwrap_or_default();
            // The light's own lightd is a pod, too.
            tally.running += 1;
            Tile {
                node: light.node.clone(),
                remark: if cordoned { "cordoned" } else { "" },
                tally,
                model: frame.model.clone(),
                port: light.address.port(),
                colors: frame.colors.clone(),
                state: light.state.borrow().clone(),
            }
        });
        View {
            seconds: self.start.elapsed().as_secs(),
            captions: self.captions.clone(),
            tiles: tiles.collect(),
            wall: self.wall,
        }
    }
}
