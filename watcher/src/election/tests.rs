//! The rules one by one, then random histories of several candidates and one Lease.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::*;

mod history;

const SECOND: Duration = Duration::from_secs(1);
const MOMENT: Duration = Duration::from_nanos(1);

#[expect(clippy::disallowed_methods, reason = "any instant serves as the origin")]
fn start() -> Instant {
    Instant::now()
}

fn wall(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

fn candidate(identity: &str) -> Candidate {
    Candidate::new("watcher".to_owned(), identity.to_owned())
}

/// A Lease as another's election left it.
fn held_by(holder: &str, transitions: i32, renewed: i64) -> Lease {
    let mut lease = Lease::default();
    lease.metadata.name = Some("watcher".to_owned());
    lease.metadata.resource_version = Some(format!("{transitions}.{renewed}"));
    lease.spec = Some(LeaseSpec {
        holder_identity: Some(holder.to_owned()),
        lease_duration_seconds: Some(15),
        lease_transitions: Some(transitions),
        renew_time: Some(MicroTime(wall(renewed))),
        ..LeaseSpec::default()
    });
    lease
}

/// What `candidate` wants to write at `now`.
#[track_caller]
fn write(candidate: &Candidate, now: Instant) -> Lease {
    match candidate.next(now, wall(0)) {
        Step::Write(lease) => *lease,
        step @ (Step::Look | Step::Wait(_)) => panic!("{step:?}"),
    }
}

fn stored(lease: &Lease, version: &str) -> Lease {
    let mut lease = lease.clone();
    lease.metadata.resource_version = Some(version.to_owned());
    lease
}

/// Writes what it wants to, at once.
#[track_caller]
fn writes(candidate: &mut Candidate, now: Instant) -> Lease {
    let lease = stored(&write(candidate, now), &format!("{now:?}"));
    candidate.wrote(lease.clone(), now, now);
    lease
}

/// Makes the Lease that isn't there, at once and at these seconds of the API's clock.
#[track_caller]
fn makes(candidate: &mut Candidate, now: Instant, made: i64) -> Lease {
    let mut lease = stored(&write(candidate, now), "made");
    assert_eq!((&lease.metadata.creation_timestamp, transitions_of(&lease)), (&None, 0));
    lease.metadata.creation_timestamp = Some(Time(wall(made)));
    candidate.wrote(lease.clone(), now, now);
    lease
}

/// The first epoch of a Lease that was made at these seconds.
fn epoch_of(made: i64) -> Option<u64> {
    u64::try_from(wall(made).as_second() + 1).ok()
}

/// A leader of this epoch, from `now` on.
fn leader(identity: &str, epoch: i32, now: Instant) -> (Candidate, Lease) {
    let mut candidate = candidate(identity);
    candidate.saw(Some(held_by("", epoch - 2, 0)), now);
    let lease = writes(&mut candidate, now);
    assert_eq!(leads(&candidate, now), u64::try_from(epoch).ok());
    (candidate, lease)
}

fn leads(candidate: &Candidate, now: Instant) -> Option<u64> {
    let term = candidate.term()?;
    term.until.is_none_or(|until| now < until).then_some(term.epoch)
}

fn transitions_of(lease: &Lease) -> i32 {
    transitions(spec(lease))
}

#[test]
fn a_candidate_is_called_by_its_host_and_what_no_other_has() {
    assert_eq!(identity("watcher-7f", 0xab), "watcher-7f_00000000000000ab");
    for (identity, want) in [("watcher-7f_00000000000000ab", "watcher-7f"), ("a_b_1", "a_b"), ("someone", ""), ("", "")]
    {
        assert_eq!(host(identity), want);
    }
}

#[test]
fn it_looks_before_anything_else() {
    assert_eq!(candidate("a").next(start(), wall(0)), Step::Look);
    assert_eq!(candidate("a").term(), None);
}

#[test]
fn where_there_is_no_lease_the_first_makes_it_after_its_duration_and_leads_when_it_has_renewed_it() {
    let (mut a, t) = (candidate("a"), start());
    for seconds in (0..15).step_by(2) {
        let now = t + seconds * SECOND;
        assert_eq!(a.next(now, wall(0)), Step::Look);
        a.saw(None, now);
        assert_eq!(a.next(now, wall(0)), Step::Wait((now + LOOK).min(t + DURATION)));
    }
    let lease = makes(&mut a, t + DURATION, 15);
    assert_eq!((lease.metadata.name.as_deref(), leads(&a, t + DURATION)), (Some("watcher"), None));
    let now = t + DURATION + RETRY;
    assert_eq!(a.next(t + DURATION, wall(0)), Step::Wait(now));
    let renewed = writes(&mut a, now);
    assert_eq!((transitions_of(&renewed), leads(&a, now)), (0, epoch_of(15)));
}

#[test]
fn a_lease_that_was_released_is_taken_at_once_over_its_version() {
    let (mut a, t) = (candidate("a"), start());
    a.saw(Some(held_by("", 6, 0)), t);
    let lease = write(&a, t);
    assert_eq!(lease.metadata.resource_version.as_deref(), Some("6.0"));
    let spec = lease.spec.unwrap();
    assert_eq!((spec.holder_identity.as_deref(), spec.lease_transitions), (Some("a"), Some(7)));
    assert_eq!((spec.lease_duration_seconds, spec.acquire_time), (Some(15), spec.renew_time));
}

#[test]
fn a_leader_renews_every_five_seconds_within_its_term() {
    let t = start();
    let (mut a, first) = leader("a", 8, t);
    assert_eq!(a.next(t, wall(0)), Step::Wait(t + RENEWAL));
    let renewed = writes(&mut a, t + RENEWAL);
    assert_eq!((transitions_of(&renewed), leads(&a, t + RENEWAL)), (7, Some(8)));
    let (first, renewed) = (first.spec.unwrap(), renewed.spec.unwrap());
    assert_eq!(first.acquire_time, renewed.acquire_time);
    assert!(renewed.renew_time > first.renew_time, "the clock of the wall stood still");
}

#[test]
fn a_leader_that_cannot_renew_stops_ten_seconds_after_it_last_asked() {
    let t = start();
    let (mut a, _) = leader("a", 8, t);
    a.failed(t + RENEWAL);
    assert_eq!(a.next(t + RENEWAL, wall(0)), Step::Wait(t + RENEWAL + RETRY));
    write(&a, t + RENEWAL + RETRY);
    assert_eq!(leads(&a, t + DEADLINE - MOMENT), Some(8));
    assert_eq!(leads(&a, t + DEADLINE), None);
    // An answer that was long on its way counts from when it was asked for.
    let lease = stored(&write(&a, t + RENEWAL + RETRY), "9");
    a.wrote(lease, t + SECOND, t + DEADLINE);
    assert_eq!(leads(&a, t + SECOND + DEADLINE - MOMENT), Some(8));
    assert_eq!(leads(&a, t + SECOND + DEADLINE), None);
}

#[test]
fn a_stand_by_takes_over_what_was_not_renewed_for_its_duration() {
    let (mut b, t) = (candidate("b"), start());
    let mut now = t;
    b.saw(Some(held_by("a", 4, 0)), now);
    assert_eq!(b.holder(), Some("a"));
    // It lives.
    now += LOOK;
    b.saw(Some(held_by("a", 4, 5)), now);
    let renewed = now;
    while now < renewed + DURATION {
        assert_eq!(b.next(now, wall(0)), Step::Wait((now + LOOK).min(renewed + DURATION)));
        now += LOOK;
        assert_eq!(b.next(now, wall(0)), Step::Look);
        b.saw(Some(held_by("a", 4, 5)), now);
    }
    let lease = writes(&mut b, now);
    assert_eq!((transitions_of(&lease), leads(&b, now)), (5, Some(6)));
    assert!(now - renewed + LOOK < Duration::from_secs(20));
}

#[test]
fn only_what_leaders_write_is_a_sign_of_life_and_no_time_in_it_is_believed() {
    for renewed in [-1_000_000, 0, 1_000_000] {
        let (mut b, t) = (candidate("b"), start());
        b.saw(Some(held_by("a", 4, renewed)), t);
        let mut labelled = held_by("a", 4, renewed);
        labelled.metadata.resource_version = Some("another".to_owned());
        b.saw(Some(labelled), t + DURATION - MOMENT);
        assert_eq!(b.next(t + DURATION - MOMENT, wall(0)), Step::Wait(t + DURATION));
        assert_eq!(write(&b, t + DURATION).metadata.resource_version.as_deref(), Some("another"));
    }
}

#[test]
fn a_lease_that_says_it_lasts_longer_is_waited_for() {
    let (mut b, t) = (candidate("b"), start());
    let mut lease = held_by("a", 4, 0);
    lease.spec.as_mut().unwrap().lease_duration_seconds = Some(30);
    b.saw(Some(lease.clone()), t);
    let end = t + 2 * DURATION;
    b.saw(Some(lease), end - MOMENT);
    assert_eq!(b.next(end - MOMENT, wall(0)), Step::Wait(end));
}

#[test]
fn a_leader_that_was_stopped_knows_at_once_that_it_leads_no_longer_and_looks_before_it_writes() {
    for taken in [true, false] {
        let t = start();
        let (mut a, lease) = leader("a", 8, t);
        let woken = t + 60 * SECOND;
        assert_eq!(leads(&a, woken), None);
        assert_eq!(a.next(woken, wall(0)), Step::Look);
        if taken {
            a.saw(Some(held_by("b", 8, 30)), woken);
            assert_eq!((a.term(), a.holder()), (None, Some("b")));
            assert_eq!(a.next(woken, wall(0)), Step::Wait(woken + LOOK));
        } else {
            a.saw(Some(lease), woken);
            writes(&mut a, woken);
            assert_eq!(leads(&a, woken), Some(8));
        }
    }
}

#[test]
fn a_write_that_came_too_late_is_looked_into_after_a_moment() {
    let t = start();
    let (mut a, _) = leader("a", 8, t);
    let now = t + RENEWAL;
    a.refused(now);
    assert_eq!(a.next(now, wall(0)), Step::Wait(now + RETRY));
    assert_eq!(a.next(now + RETRY, wall(0)), Step::Look);
    assert_eq!(leads(&a, now), Some(8));
    a.saw(Some(held_by("b", 8, 30)), now + RETRY);
    assert_eq!(a.term(), None);
}

#[test]
fn a_lease_deleted_under_its_leader_is_written_anew_and_the_term_goes_on() {
    let t = start();
    let (mut a, _) = leader("a", 8, t);
    a.refused(t + RENEWAL);
    let now = t + RENEWAL + RETRY;
    a.saw(None, now);
    assert_eq!(leads(&a, now), Some(8));
    makes(&mut a, now, 6);
    assert_eq!(leads(&a, now), Some(8));
    writes(&mut a, now + RETRY);
    assert_eq!(leads(&a, now + RETRY + DEADLINE - MOMENT), epoch_of(6));
}

#[test]
fn a_lease_deleted_with_its_leader_is_made_by_a_stand_by() {
    let (mut b, t) = (candidate("b"), start());
    b.saw(Some(held_by("a", 4, 0)), t);
    let deleted = t + 14 * SECOND;
    b.saw(None, deleted);
    // Its leader may be about to write it anew.
    b.saw(None, deleted + DURATION / 2);
    b.saw(None, deleted + DURATION - MOMENT);
    assert_eq!(b.next(deleted + DURATION - MOMENT, wall(0)), Step::Wait(deleted + DURATION));
    makes(&mut b, deleted + DURATION, 29);
    writes(&mut b, deleted + DURATION + RETRY);
    assert_eq!(leads(&b, deleted + DURATION + RETRY), epoch_of(29));
}

#[test]
fn a_lease_made_anew_by_one_who_never_saw_the_old_one_has_a_higher_epoch() {
    let mut old = held_by("a", 999, 0);
    old.metadata.creation_timestamp = Some(Time(wall(0)));
    // Those transitions took their time.
    let mut anew = held_by("b", 0, 0);
    anew.metadata.creation_timestamp = Some(Time(wall(2_000)));
    assert!(epoch(&anew) > epoch(&old));
    old.metadata.creation_timestamp = Some(Time(Timestamp::MIN));
    assert_eq!(epoch(&old), 1_000);
}

#[test]
fn that_there_was_no_lease_long_ago_does_not_count() {
    let (mut b, t) = (candidate("b"), start());
    b.saw(None, t);
    let woken = t + 60 * SECOND;
    assert_eq!(b.next(woken, wall(0)), Step::Look);
    b.saw(None, woken);
    assert_eq!(b.next(woken, wall(0)), Step::Wait(woken + LOOK));
}

#[test]
fn a_lease_made_anew_that_looks_as_before_is_another() {
    let (mut b, t) = (candidate("b"), start());
    let mut lease = held_by("a", 4, 0);
    lease.metadata.uid = Some("1".to_owned());
    b.saw(Some(lease.clone()), t);
    lease.metadata.uid = Some("2".to_owned());
    b.saw(Some(lease), t + DURATION);
    assert_eq!(b.next(t + DURATION, wall(0)), Step::Wait(t + DURATION + LOOK));
}

#[test]
fn an_own_write_of_unknown_outcome_is_found_out() {
    let (mut b, t) = (candidate("b"), start());
    b.saw(Some(held_by("", 4, 0)), t);
    let lease = stored(&write(&b, t), "5");
    b.failed(t + 4 * SECOND);
    let now = t + 5 * SECOND;
    assert_eq!(b.next(now, wall(0)), Step::Look);
    b.saw(Some(lease), now);
    // It is ours, but since when we don't know: so it is renewed before we lead.
    assert_eq!(b.term(), None);
    let renewed = writes(&mut b, now);
    assert_eq!((transitions_of(&renewed), leads(&b, now)), (5, Some(6)));
}

#[test]
fn a_leader_that_resigns_leads_no_longer_and_leaves_the_lease_free() {
    let t = start();
    let (mut a, lease) = leader("a", 8, t);
    let released = a.resign(t + SECOND, wall(1)).unwrap();
    assert_eq!(a.term(), None);
    assert_eq!(released.metadata.resource_version, lease.metadata.resource_version);
    let spec = released.spec.clone().unwrap();
    assert_eq!((spec.holder_identity.as_deref(), spec.lease_duration_seconds), (Some(""), Some(1)));
    let mut b = candidate("b");
    b.saw(Some(lease), t);
    b.saw(Some(stored(&released, "10")), t + SECOND);
    writes(&mut b, t + SECOND);
    assert_eq!(leads(&b, t + SECOND), Some(9));
}

#[test]
fn who_does_not_lead_has_nothing_to_release() {
    let t = start();
    let mut b = candidate("b");
    assert_eq!(b.resign(t, wall(0)), None);
    b.saw(Some(held_by("a", 4, 0)), t);
    assert_eq!(b.resign(t, wall(0)), None);
    let (mut a, _) = leader("a", 8, t);
    assert_eq!(a.resign(t + DEADLINE, wall(0)), None);
}

#[test]
fn whatever_stands_in_a_lease_locks_nobody_out() {
    for (odd, transitions) in [
        (LeaseSpec::default(), 1),
        (LeaseSpec { lease_transitions: Some(-5), ..LeaseSpec::default() }, 1),
        (LeaseSpec { lease_transitions: Some(i32::MAX), ..LeaseSpec::default() }, i32::MAX),
        (LeaseSpec { holder_identity: Some("x".to_owned()), ..LeaseSpec::default() }, 1),
        (
            LeaseSpec {
                holder_identity: Some("x".to_owned()),
                lease_duration_seconds: Some(-1),
                renew_time: Some(MicroTime(Timestamp::MAX)),
                ..LeaseSpec::default()
            },
            1,
        ),
    ] {
        let (mut a, t) = (candidate("a"), start());
        let mut lease = held_by("x", 0, 0);
        lease.spec = Some(odd);
        a.saw(Some(lease.clone()), t);
        let now = t + DURATION;
        a.saw(Some(lease), now);
        let lease = writes(&mut a, now);
        assert_eq!(transitions_of(&lease), transitions);
        assert_eq!(leads(&a, now), Some(u64::try_from(transitions).unwrap() + 1));
        assert_eq!(transitions_of(&writes(&mut a, now + RENEWAL)), transitions);
    }
    let (mut a, t) = (candidate("a"), start());
    a.saw(Some(Lease::default()), t);
    writes(&mut a, t);
}

#[test]
fn what_others_keep_in_the_lease_stays() {
    let (mut a, t) = (candidate("a"), start());
    let mut lease = held_by("", 3, 0);
    lease.metadata.labels = Some([("team".to_owned(), "ops".to_owned())].into());
    lease.spec.as_mut().unwrap().preferred_holder = Some("b".to_owned());
    a.saw(Some(lease.clone()), t);
    let ours = write(&a, t);
    assert_eq!(ours.metadata, lease.metadata);
    assert_eq!(ours.spec.unwrap().preferred_holder.as_deref(), Some("b"));
}
