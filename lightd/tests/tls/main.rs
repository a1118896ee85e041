//! lightd by mutual TLS: who gets in, what all others and the log are told, and certificates that change meanwhile.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod callers;
mod daemon;
mod papers;

use std::time::Duration;

use callers::{Caller, bare};
use daemon::Daemon;
use papers::{Papers, YEAR, ago};

const HOUR: Duration = Duration::from_secs(3_600);

#[tokio::test]
async fn a_caller_with_a_certificate_of_the_ca_sets_the_light() {
    let papers = Papers::new();
    let light = Daemon::start(&papers.light());
    let caller = Caller::new(&light, &papers);
    assert_eq!(caller.set("green").await, Ok("#008000".to_owned()));
    assert_eq!(caller.asked_by_node("n1").set("blue").await, Ok("#0000ff".to_owned()));
}

#[tokio::test]
async fn whoever_is_not_believed_is_told_why_and_so_is_the_log_and_the_light_stays_as_it_is() {
    let (papers, other) = (Papers::new(), Papers::new());
    let light = Daemon::start(&papers.light());
    let good = Caller::new(&light, &papers);
    assert_eq!(good.set("green").await, Ok("#008000".to_owned()));

    let expired = papers.with_caller(|authority| authority.caller("ana", ago(2 * HOUR), HOUR).unwrap());
    let too_early = papers.with_caller(|authority| authority.caller("ana", ago(HOUR) + 2 * HOUR, HOUR).unwrap());
    let not_for_callers = papers.with_caller(|authority| authority.light(&["n1"], ago(HOUR), YEAR).unwrap());
    let foreign = papers.with_caller(|_| other.authority.caller("ana", ago(HOUR), YEAR).unwrap());
    for (caller, told, logged) in [
        (
            &foreign,
            "it is of a CA that isn't in its --client-ca",
            "of an unknown CA: it must be signed by one in --client-ca",
        ),
        (&expired, "it isn't valid at this time, renew it", "expired at 20"),
        (&too_early, "the light refuses the certificate shown to it", "is a clock wrong?"),
        (&not_for_callers, "the light refuses the certificate shown to it", "must have clientAuth"),
    ] {
        let error = Caller::new(&light, caller).set("red").await.unwrap_err();
        assert!(error.contains(told), "{error}");
        light.logs(logged).await;
    }
    let error = bare(&light, &papers).await;
    assert!(error.contains("CertificateRequired"), "{error}");
    light.logs("the peer shows no certificate").await;
    let error = Caller::plain(&light).set("red").await.unwrap_err();
    assert!(error.contains("this port speaks TLS"), "{error}");
    light.logs("it speaks no TLS").await;

    assert_eq!(good.shows().await, Ok("#008000".to_owned()));
}

#[tokio::test]
async fn a_caller_that_does_not_believe_the_light_says_why() {
    let (papers, other) = (Papers::new(), Papers::new());
    let expired = papers.with_light(|authority| authority.light(&["n1"], ago(2 * HOUR), HOUR).unwrap());
    let of_another_node = papers.with_light(|authority| authority.light(&["n2", "n3"], ago(HOUR), YEAR).unwrap());
    let not_for_lights = papers.with_light(|authority| authority.caller("n1", ago(HOUR), YEAR).unwrap());
    for (shown, believes, told) in [
        (&papers, &other, "the light's certificate is of an unknown CA: it must be signed by one in the CA file"),
        (&expired, &papers, "the light's certificate expired at 20"),
        (&of_another_node, &papers, r#"for n1 or lightd.podlight (subject alternative name)"#),
        (&not_for_lights, &papers, "must have serverAuth"),
    ] {
        let light = Daemon::start(&shown.light());
        let error = Caller::new(&light, believes).asked_by_node("n1").set("red").await.unwrap_err();
        assert!(error.contains(told), "{error}");
    }
    let light = Daemon::start(&of_another_node.light());
    assert!(Caller::new(&light, &papers).asked_by_node("n3").set("red").await.is_ok());
}

#[tokio::test]
async fn tls_at_a_plain_port_is_told_of_at_both_ends() {
    let papers = Papers::new();
    let light = Daemon::start(&[]);
    let error = Caller::new(&light, &papers).set("red").await.unwrap_err();
    assert!(error.contains("what answers there speaks no TLS: start lightd with --tls-cert"), "{error}");
    light.logs("it speaks TLS").await;
}

#[tokio::test]
async fn the_same_complaint_of_the_same_peer_is_logged_once() {
    let papers = Papers::new();
    let mut light = Daemon::start(&papers.light());
    for _ in 0..20 {
        Caller::plain(&light).set("red").await.unwrap_err();
    }
    let logs = light.stop();
    assert_eq!(logs.matches("a peer is refused").count(), 1, "{logs}");
}

#[tokio::test]
async fn certificates_change_while_it_runs_and_bad_ones_are_refused() {
    let papers = Papers::new();
    let light = Daemon::start(&papers.light());
    let caller = Caller::new(&light, &papers);
    let lasting = caller.connect().await;
    assert_eq!(lasting.set("green").await, Ok("#008000".to_owned()));

    papers.write("light.key", "nothing");
    light.logs("the new certificates are refused, and the old ones stay").await;
    assert_eq!(caller.set("blue").await, Ok("#0000ff".to_owned()));

    let next = Papers::new();
    papers.become_light_of(&next);
    light.logs("new certificates count from now on").await;
    let error = caller.set("red").await.unwrap_err();
    assert!(error.contains("unknown CA"), "{error}");
    assert_eq!(Caller::new(&light, &next).set("green").await, Ok("#008000".to_owned()));
    // Whoever was there may stay for a while.
    assert_eq!(lasting.set("blue").await, Ok("#0000ff".to_owned()));
}

#[tokio::test]
async fn what_is_on_this_host_needs_no_certificate() {
    let papers = Papers::new();
    let light = Daemon::start(&[&papers.light()[..], &["--local".to_owned(), "127.0.0.1:0".to_owned()]].concat());
    assert_eq!(Caller::plain_at(light.local.unwrap()).set("green").await, Ok("#008000".to_owned()));
    assert!(Caller::plain(&light).set("red").await.is_err());
}

#[test]
fn tls_by_halves_is_refused_and_what_is_missing_is_named() {
    let papers = Papers::new();
    let light = papers.light();
    for (arguments, parts) in [
        (light[..4].to_vec(), &["--tls-cert and --tls-key without --client-ca"][..]),
        (light[4..].to_vec(), &["--client-ca without --tls-cert and --tls-key"]),
        ([&light[..], &["--insecure".to_owned()]].concat(), &["give one of them"]),
        (["--local", "10.0.0.1:1"].map(str::to_owned).to_vec(), &["--local 10.0.0.1:1: give a loopback address"]),
        (["--listen", "0.0.0.0:0"].map(str::to_owned).to_vec(), &["give --tls-cert, --tls-key and --client-ca"]),
    ] {
        let error = daemon::refused(&arguments);
        assert!(parts.iter().all(|part| error.contains(part)), "{error}");
    }
    let mut missing = light;
    missing[1] = "/nonexistent".to_owned();
    let error = daemon::refused(&missing);
    assert!(error.contains("--tls-cert /nonexistent: No such file"), "{error}");
}

#[test]
fn the_command_line_speaks_tls() {
    let papers = Papers::new();
    let light = Daemon::start(&papers.light());
    let ask = |files: &[&str]| {
        let server = format!("https://{}", light.address);
        daemon::lightd(&[&["status", "--server", &server], files].concat())
    };
    let [cert, key, ca] = papers.caller();
    assert!(ask(&["--cert", &cert, "--key", &key, "--ca", &ca]).contains("stick    virtual:nano"));
    let other = Papers::new();
    let [cert, key, _] = other.caller();
    let error = ask(&["--cert", &cert, "--key", &key, "--ca", &ca]);
    assert!(error.contains("it is of a CA that isn't in its --client-ca"), "{error}");
    assert!(ask(&["--cert", &cert]).contains("--cert without --key and --ca"));
    assert!(ask(&[]).contains("https takes --cert, --key and --ca"));
}
