use std::path::PathBuf;
use std::time::{Duration, UNIX_EPOCH};

use super::*;
use crate::authority::Authority;
use crate::files::File;

const DAY: Duration = Duration::from_secs(86_400);

fn at(days: u32) -> SystemTime {
    UNIX_EPOCH + DAY * days
}

fn files() -> Files {
    let file = |flag| File { flag, path: PathBuf::from("there") };
    Files { cert: file("--tls-cert"), key: file("--tls-key"), ca: file("--client-ca") }
}

/// A certificate from this day on, for so many days.
fn reading(from: u32, days: u32) -> Reading {
    let authority = Authority::new(at(0), DAY * 10_000).unwrap();
    let pair = authority.light(&["n1"], at(from), DAY * days).unwrap();
    Reading { cert: pair.certificate.into(), key: pair.key.into(), ca: authority.certificate().into() }
}

fn shelf() -> Shelf {
    Shelf::new(files(), reading(100, 60)).unwrap()
}

fn refused(news: News) -> String {
    let News::Refused(bad) = news else { panic!("{news:?}") };
    bad.to_string()
}

#[test]
fn what_is_read_alike_twice_counts() {
    let (mut shelf, new) = (shelf(), reading(110, 60));
    assert!(matches!(shelf.look(Ok(new.clone()), at(120)), News::Nothing));
    let News::New(papers) = shelf.look(Ok(new.clone()), at(120)) else { panic!("no news") };
    assert_eq!(papers.validity.until, at(170));
    assert!(Arc::ptr_eq(&papers, shelf.papers()));
    assert!(matches!(shelf.look(Ok(new), at(120)), News::Nothing));
}

#[test]
fn half_of_a_change_is_neither_taken_nor_told_of() {
    let (mut shelf, old, new) = (shelf(), reading(100, 60), reading(110, 60));
    let half = Reading { cert: new.cert.clone(), ..old };
    assert!(matches!(shelf.look(Ok(half), at(120)), News::Nothing));
    assert!(matches!(shelf.look(Ok(new.clone()), at(120)), News::Nothing));
    assert!(matches!(shelf.look(Ok(new), at(120)), News::New(_)));
}

#[test]
fn what_is_bad_is_refused_once_and_the_old_stays() {
    let (first, other) = (reading(100, 60), reading(100, 60));
    let broken = Reading { ca: b"nothing".to_vec(), ..first.clone() };
    let foreign = Reading { key: other.key, ..first.clone() };
    let missing = Err(BadPapers("--tls-key there: No such file".to_owned()));
    let expired = reading(0, 90);
    for (bad, part) in [
        (Ok(broken), "--client-ca there: there is no certificate in it"),
        (Ok(foreign), "--tls-key there: this isn't the key of the certificate in --tls-cert there"),
        (missing, "--tls-key there: No such file"),
        (Ok(expired), "valid from 1970-01-01T00:00:00Z to 1970-04-01T00:00:00Z"),
    ] {
        let mut shelf = Shelf::new(files(), first.clone()).unwrap();
        let papers = Arc::clone(shelf.papers());
        assert!(matches!(shelf.look(bad.clone(), at(120)), News::Nothing));
        let why = refused(shelf.look(bad.clone(), at(120)));
        assert!(why.contains(part), "{why}");
        assert!(matches!(shelf.look(bad, at(120)), News::Nothing));
        assert!(matches!(shelf.look(Ok(first.clone()), at(120)), News::Nothing));
        assert!(Arc::ptr_eq(&papers, shelf.papers()));
    }
}

#[test]
fn what_is_valid_only_later_counts_then() {
    let (mut shelf, new) = (shelf(), reading(130, 60));
    shelf.look(Ok(new.clone()), at(120));
    refused(shelf.look(Ok(new.clone()), at(120)));
    assert!(matches!(shelf.look(Ok(new), at(130)), News::New(_)));
}

#[test]
fn where_nothing_is_valid_anything_new_will_do() {
    let (mut shelf, new) = (shelf(), reading(200, 60));
    // Whatever the clock says.
    shelf.look(Ok(new.clone()), at(0));
    assert!(matches!(shelf.look(Ok(new), at(0)), News::New(_)));
}

#[test]
fn a_certificate_that_is_about_to_expire_is_told_of_once_and_once_more_when_it_has() {
    let first = reading(100, 60);
    let mut shelf = Shelf::new(files(), first.clone()).unwrap();
    let mut look = |day| shelf.look(Ok(first.clone()), at(day));
    assert!(matches!(look(149), News::Nothing));
    assert!(matches!(look(151), News::Aged(Age::Late)));
    assert!(matches!(look(152), News::Nothing));
    assert!(matches!(look(161), News::Aged(Age::Over)));
    assert!(matches!(look(162), News::Nothing));
    assert!(matches!(look(149), News::Aged(Age::Good)));
}
