//! Random histories of three candidates and the Lease that they share: requests that are slow, lost, or done without an
//! answer, candidates that are stopped for a while, killed or told to end, clocks that don't run alike, a Lease that is
//! deleted. After every step: at most one leads, and no epoch returns. Then all goes well, and within 20 s one leads, also
//! where its leader dies.
//!
//! A seed is a history: one that fails names itself.

use super::*;

const SEEDS: u64 = 2_000;
/// How long things go wrong.
const TROUBLE: u64 = 240_000;
/// As long as a message may be on its way, in all.
const SLOWEST: u64 = 30_000;
/// How old a Lease is at least that is deleted. A younger one, that some may not have seen at all, is left alone: to
/// delete it again and again is beyond what an election that lives in it can bear.
const OLD: u64 = 60_000;
/// After which whoever asked gives up, as [`crate::lease`] does.
const PATIENCE: u64 = 4_000;
const WITHIN: u64 = 20_000;

/// The Lease as it is stored. All times are in milliseconds since the start.
#[derive(Default)]
struct Store {
    lease: Option<Lease>,
    version: u64,
    made: u64,
}

/// Whatever the API was asked, and what it answered.
#[derive(Clone)]
enum Answer {
    Read(Option<Lease>),
    Written(Lease),
    Refused,
}

impl Store {
    fn ask(&mut self, step: &Step, now: u64) -> Answer {
        let Step::Write(lease) = step else { return Answer::Read(self.lease.clone()) };
        let there = self.lease.as_ref().map(|lease| &lease.metadata.resource_version);
        if there.is_none_or(Option::is_none) != lease.metadata.resource_version.is_none()
            || there.is_some_and(|version| *version != lease.metadata.resource_version)
        {
            return Answer::Refused;
        }
        self.version += 1;
        let mut written = stored(lease, &self.version.to_string());
        if self.lease.is_none() {
            written.metadata.uid = Some(self.version.to_string());
            let made = wall(i64::try_from(now / 1_000).unwrap());
            written.metadata.creation_timestamp = Some(Time(made));
            self.made = now;
        }
        self.lease = Some(written.clone());
        Answer::Written(written)
    }
}

/// A process with a candidate in it.
struct Process {
    candidate: Candidate,
    /// How fast its clock runs, in thousandths.
    rate: u64,
    /// When it goes on.
    wakes: u64,
    /// Not before this, whatever there is for it.
    stopped: u64,
    asked: Option<Asked>,
    led: Option<u64>,
}

/// A request on its way.
struct Asked {
    step: Step,
    /// By the clock of whoever asked.
    sent: Instant,
    gives_up: u64,
    answer: Option<(u64, Answer)>,
}

/// A request that reaches the API at some time, and the answer, if it ever gets back.
struct Flight {
    arrives: u64,
    back: Option<u64>,
    process: usize,
    identity: String,
    step: Step,
}

struct World {
    seed: u64,
    dice: fastrand::Rng,
    start: Instant,
    now: u64,
    store: Store,
    processes: Vec<Process>,
    flights: Vec<Flight>,
    born: u64,
    well: bool,
    /// The last one of all.
    epoch: u64,
    seen: Happened,
}

/// So that histories in which nothing happens are noticed.
#[derive(Debug, Default)]
struct Happened {
    acquired: u64,
    refused: u64,
    deleted: u64,
    rewritten: u64,
    released: u64,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut world = Self {
            seed,
            dice: fastrand::Rng::with_seed(seed),
            start: start(),
            now: 0,
            store: Store::default(),
            processes: Vec::new(),
            flights: Vec::new(),
            born: 0,
            well: false,
            epoch: 0,
            seen: Happened::default(),
        };
        if world.dice.bool() {
            // An old one, that many have held.
            let mut lease = held_by("", 1_000, 0);
            lease.metadata.creation_timestamp = Some(Time(wall(-100_000)));
            world.store.lease = Some(lease);
        }
        world.processes = (0..3).map(|_| world.process()).collect();
        world
    }

    fn process(&mut self) -> Process {
        self.born += 1;
        Process {
            candidate: candidate(&format!("{}", self.born)),
            rate: self.dice.u64(980..=1_020),
            wakes: self.now + self.dice.u64(0..5_000),
            stopped: 0,
            asked: None,
            led: None,
        }
    }

    /// What process `i` reads on its clock.
    fn clock(&self, i: usize) -> Instant {
        self.start
            + Duration::from_millis(1_000_000 + self.now) * u32::try_from(self.processes[i].rate).unwrap() / 1_000
    }

    /// When that clock will read this, or just after.
    fn when(&self, i: usize, until: Instant) -> u64 {
        let mine = u64::try_from((until - self.start).as_micros()).unwrap();
        (mine.div_ceil(self.processes[i].rate) + 1).saturating_sub(1_000_000).max(self.now + 1)
    }

    fn chance(&mut self, percent: u64) -> bool {
        !self.well && self.dice.u64(0..100) < percent
    }

    /// How long a message takes.
    fn delay(&mut self) -> u64 {
        match self.dice.u64(0..100) {
            0..10 if !self.well => self.dice.u64(0..SLOWEST / 2),
            _ => self.dice.u64(1..60),
        }
    }

    /// What happens next, happens.
    fn step(&mut self) {
        let wakes = self.processes.iter().map(|process| process.wakes);
        let arrives = self.flights.iter().map(|flight| flight.arrives);
        self.now = wakes.chain(arrives).min().unwrap();
        if let Some(i) = self.flights.iter().position(|flight| flight.arrives == self.now) {
            let flight = self.flights.swap_remove(i);
            self.arrive(flight);
        } else {
            let i = self.processes.iter().position(|process| process.wakes == self.now).unwrap();
            self.wake(i);
        }
        if self.chance(1) && self.now > self.store.made + OLD && self.store.lease.take().is_some() {
            self.seen.deleted += 1;
        }
        self.check();
    }

    fn arrive(&mut self, Flight { back, process, identity, step, .. }: Flight) {
        let was_there = self.store.lease.is_some();
        let answer = self.store.ask(&step, self.now);
        match &answer {
            Answer::Refused => self.seen.refused += 1,
            Answer::Written(_) if !was_there => self.seen.rewritten += 1,
            Answer::Read(_) | Answer::Written(_) => {}
        }
        let process = &mut self.processes[process];
        if let (Some(back), Some(asked)) = (back, &mut process.asked)
            && process.candidate.identity == identity
            && asked.step == step
        {
            asked.answer = Some((back, answer));
            process.wakes = back.min(asked.gives_up).max(process.stopped).max(self.now + 1);
        }
    }

    /// A process goes on where it was, unless something befalls it.
    fn wake(&mut self, i: usize) {
        if self.chance(3) {
            let longest = if self.dice.bool() { 5_000 } else { 60_000 };
            let stopped = self.now + self.dice.u64(1..longest);
            let process = &mut self.processes[i];
            (process.stopped, process.wakes) = (stopped, stopped);
            return;
        }
        if self.chance(1) {
            return self.end(i);
        }
        let (now, clock) = (self.now, self.clock(i));
        let process = &mut self.processes[i];
        if let Some(Asked { sent, answer, .. }) = process.asked.take() {
            match answer.filter(|(back, _)| *back <= now).map(|(_, answer)| answer) {
                None => process.candidate.failed(clock),
                Some(Answer::Refused) => process.candidate.refused(clock),
                Some(Answer::Read(lease)) => process.candidate.saw(lease, clock),
                Some(Answer::Written(lease)) => process.candidate.wrote(lease, sent, clock),
            }
        }
        let step = process.candidate.next(clock, wall(0));
        if let Step::Wait(until) = step {
            self.processes[i].wakes = self.when(i, until);
            return;
        }
        self.send(i, step);
    }

    fn send(&mut self, i: usize, step: Step) {
        let arrives = self.now + self.delay();
        let back = arrives + self.delay();
        let (lost, unanswered, sent) = (self.chance(10), self.chance(10), self.clock(i));
        let process = &mut self.processes[i];
        let identity = process.candidate.identity.clone();
        if !lost {
            let back = Some(back).filter(|_| !unanswered);
            self.flights.push(Flight { arrives, back, process: i, identity, step: step.clone() });
        }
        let gives_up = self.now + PATIENCE;
        process.asked = Some(Asked { step, sent, gives_up, answer: None });
        process.wakes = gives_up;
    }

    /// It ends, well or not, and another begins.
    fn end(&mut self, i: usize) {
        let clock = self.clock(i);
        if self.dice.bool()
            && let Some(lease) = self.processes[i].candidate.resign(clock, wall(0))
        {
            self.seen.released += 1;
            self.send(i, Step::Write(lease.into()));
        }
        self.processes[i] = self.process();
    }

    fn leads(&self, i: usize) -> Option<u64> {
        leads(&self.processes[i].candidate, self.clock(i))
    }

    fn check(&mut self) {
        let leaders: Vec<_> = (0..self.processes.len()).filter_map(|i| Some((i, self.leads(i)?))).collect();
        assert!(leaders.len() < 2, "seed {}: {leaders:?} lead at {} ms", self.seed, self.now);
        let Some((i, epoch)) = leaders.first().copied() else { return };
        let process = &mut self.processes[i];
        // The same one may go on after a while in which it couldn't renew.
        if process.led != Some(epoch) {
            let (seed, now, last) = (self.seed, self.now, self.epoch);
            assert!(epoch > last, "seed {seed}: epoch {epoch} after {last} at {now} ms");
            process.led = Some(epoch);
            self.epoch = epoch;
            self.seen.acquired += 1;
        }
    }

    /// Goes on until one leads, which must be soon.
    fn until_led(&mut self) -> usize {
        let since = self.now;
        loop {
            if let Some(leader) = (0..self.processes.len()).find(|i| self.leads(*i).is_some()) {
                return leader;
            }
            self.step();
            assert!(self.now < since + WITHIN, "seed {}: nobody leads, {since} to {} ms", self.seed, self.now);
        }
    }

    /// One is gone for good, without a word.
    fn kill(&mut self, i: usize) {
        let mut dead = self.process();
        dead.wakes = u64::MAX;
        self.processes[i] = dead;
    }

    /// From now on all is well: nothing is on its way, and nobody sleeps.
    fn heal(&mut self) {
        self.well = true;
        self.flights.clear();
        for process in &mut self.processes {
            (process.stopped, process.wakes) = (0, self.now + 1);
        }
    }
}

#[test]
fn never_do_two_lead_or_epochs_return_and_one_leads_soon_after_all_is_well() {
    let mut all = Happened::default();
    for seed in 0..SEEDS {
        let mut world = World::new(seed);
        while world.now < TROUBLE {
            world.step();
        }
        world.heal();
        world.until_led();
        // What was on its way may be missed once more.
        let settled = world.now + WITHIN;
        while world.now < settled {
            world.step();
        }
        for _ in 0..2 {
            let leader = world.until_led();
            let until = world.now + WITHIN + world.dice.u64(0..5_000);
            while world.now < until {
                world.step();
                assert!(world.leads(leader).is_some(), "seed {seed}: nobody leads at {} ms", world.now);
            }
            world.kill(leader);
        }
        world.until_led();
        let Happened { acquired, refused, deleted, rewritten, released } = world.seen;
        all.acquired += acquired;
        all.refused += refused;
        all.deleted += deleted;
        all.rewritten += rewritten;
        all.released += released;
    }
    let Happened { acquired, refused, deleted, rewritten, released } = all;
    for happened in [acquired, refused, deleted, rewritten, released] {
        assert!(happened > SEEDS / 10, "too little happened: {all:?}");
    }
}
