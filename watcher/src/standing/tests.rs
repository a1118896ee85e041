//! A table of pods: what kubectl calls each, and what it is to a light. Then what time alone changes.

use proptest::prelude::*;

use super::*;
use crate::fixtures::{NOW, at, container, pod};
use crate::object::Truth;
use PodState::{Completed, Deleting, Failed, Pending, Running, Unready};

/// A shape, kubectl's word for it, the state it is in, and the light's word where it is not kubectl's.
struct Shape(&'static str, Pod, &'static str, PodState, Option<&'static str>);

fn shape(name: &'static str, pod: Pod, word: &'static str, state: PodState) -> Shape {
    Shape(name, pod, word, state, None)
}

impl Shape {
    fn called(mut self, word: &'static str) -> Self {
        self.4 = Some(word);
        self
    }
}

fn check(shapes: impl IntoIterator<Item = Shape>) {
    for Shape(name, pod, word, state, own) in shapes {
        assert_eq!(column::row(&pod).word, word, "kubectl's STATUS of {name}");
        let standing = standing(&pod, NOW);
        assert_eq!((standing.state, &*standing.word), (state, own.unwrap_or(word)), "{name}");
    }
}

#[test]
fn states_are_in_order_of_severity() {
    assert!(PodState::ALL.is_sorted());
    assert_eq!(PodState::ALL.map(|state| state as usize), [0, 1, 2, 3, 4, 5, 6, 7]);
}

#[test]
fn pods_that_have_not_begun_are_pending() {
    let new = || pod("a").bare().phase(Phase::Pending).ready(Truth::False);
    let main = |reason| new().of([container("main").waiting(reason)]);
    let scheduled = |reason| new().conditioned(ConditionKind::PodScheduled, Truth::False, reason, -9);
    check([
        shape("a pod just made", Pod::default(), "Pending", Pending),
        shape("a pod that fits on no node", scheduled("Unschedulable"), "Pending", Pending),
        shape("a pod behind a scheduling gate", scheduled("SchedulingGated"), "SchedulingGated", Pending),
        shape("a pod whose image is pulled", main("ContainerCreating"), "ContainerCreating", Pending),
        shape("a pod that waits for its init containers", main("PodInitializing"), "PodInitializing", Pending),
        shape("a wait for no stated reason", main(""), "Pending", Pending),
        shape("a wait for a reason that nobody knows", main("Meditating"), "Meditating", Pending),
        shape("a pod that makes room", new().because("Preempting"), "Preempting", Pending),
    ]);
}

#[test]
fn init_containers_come_first() {
    let main = || container("main").waiting("PodInitializing");
    let new = || pod("a").phase(Phase::Pending).ready(Truth::False).of([main()]);
    let done = || container("one").ended(0, "Completed");
    let two = || container("two");
    check([
        shape("no init container has begun", new().init(two().waiting("PodInitializing")), "Init:0/1", Pending),
        shape("the first runs", new().init(two().running_since(-5)), "Init:0/1", Pending),
        shape("the second runs", new().init(done()).init(two().running_since(-5)), "Init:1/2", Pending),
        shape("the second waits for no stated reason", new().init(done()).init(two().waiting("")), "Init:1/2", Pending),
        shape("all are through", new().init(done()), "PodInitializing", Pending),
        shape("one ended badly", new().init(two().ended(1, "Error")), "Init:Error", Failed),
        shape("one ended with a code", new().init(two().ended(3, "")), "Init:ExitCode:3", Failed),
        shape("one ended by a signal", new().init(two().ended(137, "").signalled(9)), "Init:Signal:9", Failed),
        shape("one crash-loops", new().init(two().waiting("CrashLoopBackOff")), "Init:CrashLoopBackOff", Failed),
        shape("one has no image", new().init(two().waiting("ErrImagePull")), "Init:ErrImagePull", Failed),
        shape("one waits for an unknown reason", new().init(two().waiting("Meditating")), "Init:Meditating", Pending),
        shape(
            "one tries again after a bad end",
            new().init(two().running_since(-5).restarted(2).last_ended(1, "Error", -9)),
            "Init:0/1",
            Failed,
        )
        .called("Init:Error"),
        shape(
            "one has tried again for long enough",
            new().init(two().running_since(-121).restarted(2).last_ended(1, "Error", -125)),
            "Init:0/1",
            Pending,
        ),
        shape(
            "a pod already initialised does not go back",
            new().of([main().running_since(-5)]).phase(Phase::Running).init(two().ended(0, "")).initialized(),
            "Running",
            Unready,
        ),
    ]);
}

#[test]
fn sidecars_run_beside_the_containers() {
    let proxy = || container("proxy");
    let waits = || container("main").waiting("PodInitializing");
    let new = || pod("a").phase(Phase::Pending).ready(Truth::False).of([waits()]);
    let old = || pod("a").initialized();
    let job = || old().restarts(RestartPolicy::Never).ready(Truth::False);
    let done = || container("main").ended(0, "Completed");
    check([
        shape("it starts", new().sidecar(proxy().waiting("PodInitializing")), "Init:0/1", Pending),
        shape("it has started", new().sidecar(proxy()), "PodInitializing", Pending),
        shape(
            "it has started and is not ready",
            old().sidecar(proxy().unready()).ready(Truth::False),
            "Running",
            Unready,
        ),
        shape("all is well", old().sidecar(proxy()), "Running", Running),
        shape("it cannot start", new().sidecar(proxy().waiting("CrashLoopBackOff")), "Init:CrashLoopBackOff", Failed),
        shape(
            "it crash-loops beside a container that runs",
            old().sidecar(proxy().waiting("CrashLoopBackOff")),
            "Init:CrashLoopBackOff",
            Failed,
        ),
        shape("it has just crashed", old().sidecar(proxy().ended(2, "Error")), "Init:Error", Failed),
        shape(
            "it crash-loops beside one that is made anew",
            old().sidecar(proxy().waiting("CrashLoopBackOff")).of([container("main").waiting("ContainerCreating")]),
            "ContainerCreating",
            Failed,
        )
        .called("Init:CrashLoopBackOff"),
        shape(
            "it has restarted and not started up yet",
            old().sidecar(starting(proxy().restarted(1).last_ended(0, "Completed", -9))).ready(Truth::False),
            "Init:0/1",
            Unready,
        ),
        shape(
            "it runs again after a bad end",
            old().sidecar(proxy().running_since(-5).restarted(1).last_ended(2, "Error", -9)),
            "Running",
            Failed,
        )
        .called("Init:Error"),
        shape("it outlives its Job for a moment", job().of([done()]).sidecar(proxy()), "Completed", Completed),
        shape(
            "it fails after its Job succeeded",
            job().of([done()]).sidecar(proxy().ended(143, "Error")),
            "Completed",
            Completed,
        ),
        shape(
            "it failed, and the Job's phase says so",
            job().of([done()]).sidecar(proxy().ended(137, "Error")).phase(Phase::Succeeded),
            "Completed",
            Completed,
        ),
    ]);
}

#[test]
fn waiting_for_what_does_not_heal_is_failed() {
    for reason in [
        "CrashLoopBackOff",
        "ImagePullBackOff",
        "ErrImagePull",
        "InvalidImageName",
        "ErrImageNeverPull",
        "ImageInspectError",
        "RegistryUnavailable",
        "SignatureValidationFailed",
        "CreateContainerConfigError",
        "CreateContainerError",
        "RunContainerError",
        "PreCreateHookError",
        "PreStartHookError",
        "PostStartHookError",
        "ContainerCannotRun",
        "StartError",
    ] {
        for phase in [Phase::Pending, Phase::Running, Phase::Unknown] {
            let pod = pod("a").phase(phase).ready(Truth::False).of([container("main").waiting(reason)]);
            check([shape("a pod that waits", pod, reason, Failed)]);
        }
    }
}

#[test]
fn running_pods_are_as_well_as_they_are_ready() {
    let two = |a, b| pod("a").ready(Truth::False).of([a, b]);
    let (a, b) = (|| container("a"), || container("b"));
    check([
        shape("a pod that is well", pod("a"), "Running", Running),
        shape("a pod that fails its readiness probe", pod("a").unready(), "Running", Unready),
        shape("a pod whose node is silent", pod("a").ready(Truth::Unknown), "Running", Unready),
        shape("a readiness gate is shut", pod("a").ready(Truth::False), "Running", Unready),
        shape("no Ready condition, containers ready", no_conditions(pod("a")), "Running", Running),
        shape("no Ready condition, a container not ready", no_conditions(pod("a").unready()), "Running", Unready),
        shape("one of two is made anew", two(a(), b().waiting("ContainerCreating")), "ContainerCreating", Unready),
        shape("one of two waits for an unknown reason", two(a(), b().waiting("Meditating")), "Meditating", Unready),
        shape("one of two crash-loops", two(a(), b().waiting("CrashLoopBackOff")), "CrashLoopBackOff", Failed),
        shape("the first of two crash-loops", two(a().waiting("CrashLoopBackOff"), b()), "CrashLoopBackOff", Failed),
        shape(
            "both fail: the first one's problem wins",
            two(a().waiting("ErrImagePull"), b().waiting("CrashLoopBackOff")),
            "ErrImagePull",
            Failed,
        ),
        shape(
            "the first one's harmless word hides a failure",
            two(a().waiting("ContainerCreating"), b().waiting("CrashLoopBackOff")),
            "ContainerCreating",
            Failed,
        )
        .called("CrashLoopBackOff"),
        shape("a container has just ended badly", two(a(), b().ended(1, "Error")), "Error", Failed),
        shape("killed for want of memory", two(a(), b().ended(137, "OOMKilled")), "OOMKilled", Failed),
        shape("ended with a bare code", two(a(), b().ended(7, "")), "ExitCode:7", Failed),
        shape("ended by a signal", two(a(), b().ended(139, "").signalled(11)), "Signal:11", Failed),
        shape(
            "ended well, to be started again",
            pod("a").ready(Truth::False).of([a().ended(0, "Completed")]),
            "Completed",
            Unready,
        ),
        shape(
            "ended well, with a bare code",
            pod("a").ready(Truth::False).of([a().ended(0, "")]),
            "ExitCode:0",
            Unready,
        ),
        shape(
            "gone well again and again",
            pod("a").ready(Truth::False).of([a().waiting("CrashLoopBackOff").last_ended(0, "Completed", -9)]),
            "CrashLoopBackOff",
            Failed,
        ),
        shape("nobody vouches for it", pod("a").phase(Phase::Unknown).bare(), "Unknown", Unready),
        shape("lost with its node", pod("a").phase(Phase::Unknown).because("NodeLost").bare(), "NodeLost", Unready),
    ]);
}

#[test]
fn completed_beside_another_container_is_what_1_35_calls_it() {
    let once = || pod("a").restarts(RestartPolicy::Never);
    let (done, b) = (|| container("a").ended(0, "Completed"), || container("b"));
    let not_ready = |b| once().ready(Truth::False).of([done(), b]);
    check([
        shape("the other runs, the pod is ready", once().of([done(), b()]), "Running", Running),
        shape("the other runs, the pod is not ready", not_ready(b()), "NotReady", Unready),
        shape("the other runs and is not ready", not_ready(b().unready()), "Completed", Unready),
        shape("the other ended badly", not_ready(b().ended(1, "Error")), "Error", Failed),
        shape(
            "a third runs",
            once().ready(Truth::False).of([done(), b().ended(2, "Oops"), container("c")]),
            "Oops",
            Failed,
        ),
        shape(
            "a crash loop hides behind it",
            pod("a").ready(Truth::False).of([done(), b().waiting("CrashLoopBackOff")]),
            "Completed",
            Failed,
        )
        .called("CrashLoopBackOff"),
        shape(
            "kubectl names the bad end, not the crash loop before it",
            pod("a").ready(Truth::False).of([
                done(),
                b().waiting("CrashLoopBackOff"),
                container("c").ended(1, "Error"),
            ]),
            "Error",
            Failed,
        ),
        shape("all have succeeded", not_ready(b().ended(0, "Completed")), "Completed", Completed),
        shape(
            "one has not been made yet",
            {
                let mut pod = not_ready(b());
                pod.status.container_statuses.pop();
                pod
            },
            "Completed",
            Unready,
        ),
    ]);
}

#[test]
fn finished_pods_are_neutral_or_failed() {
    let failed = || pod("a").phase(Phase::Failed).restarts(RestartPolicy::Never).ready(Truth::False).bare();
    let main = || container("main");
    check([
        shape("a Job that is done", pod("a").completed(), "Completed", Completed),
        shape("done, and nothing more is known", pod("a").phase(Phase::Succeeded).bare(), "Succeeded", Completed),
        shape("done, and being deleted", pod("a").completed().terminating(), "Completed", Completed),
        shape("a Job that failed", failed().of([main().ended(1, "Error")]), "Error", Failed),
        shape("it ran out of memory", failed().of([main().ended(137, "OOMKilled")]), "OOMKilled", Failed),
        shape("it could not be started", failed().of([main().ended(128, "StartError")]), "StartError", Failed),
        shape("evicted", failed().because("Evicted"), "Evicted", Failed),
        shape("refused by its node", failed().because("NodeAffinity"), "NodeAffinity", Failed),
        shape("refused at admission", failed().because("UnexpectedAdmissionError"), "UnexpectedAdmissionError", Failed),
        shape("its node was shut down", failed().because("Shutdown"), "Shutdown", Failed),
        shape("failed for no stated reason", failed(), "Failed", Failed),
        shape(
            "one container failed, one succeeded",
            failed().of([main().ended(0, "Completed"), container("b").ended(1, "Error")]),
            "Error",
            Failed,
        ),
        shape(
            "out of time, its program ended well",
            failed().because("DeadlineExceeded").of([main().ended(0, "Completed")]),
            "Completed",
            Failed,
        )
        .called("DeadlineExceeded"),
        shape("failed with nothing but good ends", failed().of([main().ended(0, "Completed")]), "Completed", Failed)
            .called("Failed"),
    ]);
}

#[test]
fn pods_on_their_way_out_are_deleting() {
    let finished = |seconds| {
        let main = container("main").ended_at(143, "Error", seconds);
        pod("a").phase(Phase::Failed).of([main]).ready(Truth::False)
    };
    check([
        shape("a pod that runs", pod("a").terminating(), "Terminating", Deleting),
        shape("a pod that has not begun", pod("a").pending().terminating(), "Terminating", Deleting),
        shape("a pod that crash-loops", pod("a").crash_looping().terminating(), "Terminating", Deleting),
        shape("its program ended badly when told to stop", finished(-2).terminating_since(-5), "Error", Deleting),
        shape("it did so within the same second", finished(-5).terminating_since(-5), "Error", Deleting),
        shape("its program had ended badly before", finished(-9).terminating_since(-5), "Error", Failed),
        shape(
            "it was evicted before",
            pod("a").phase(Phase::Failed).bare().because("Evicted").terminating(),
            "Evicted",
            Failed,
        ),
        shape("its node is lost", pod("a").because("NodeLost").terminating(), "Unknown", Deleting),
    ]);
}

#[test]
fn ephemeral_containers_count_for_nothing() {
    let json = r#"{"metadata": {"name": "a"}, "spec": {"containers": [{"name": "main"}]}, "status": {"phase": "Running",
        "containerStatuses": [{"name": "main", "ready": true, "state": {"running": {}}}],
        "ephemeralContainerStatuses": [{"name": "debug", "state": {"terminated": {"exitCode": 1, "reason": "Error"}}}]}}"#;
    check([shape("a pod with a dead debugger", serde_json::from_str(json).unwrap(), "Running", Running)]);
}

#[test]
fn ready_and_restarts_are_counted_as_kubectl_does() {
    let three = pod("a")
        .initialized()
        .init(container("setup").ended(0, "Completed").restarted(5))
        .sidecar(container("proxy").restarted(2))
        .of([container("a").restarted(1), container("b").unready()]);
    let row = column::row(&three);
    assert_eq!(
        (row.ready, row.of, row.restarts),
        (2, 3, 3),
        "an init container's restarts are forgotten once it is through"
    );

    let setup = container("setup").waiting("CrashLoopBackOff").restarted(5);
    let setting_up = pod("a").phase(Phase::Pending).init(setup).of([container("main").waiting("PodInitializing")]);
    let row = column::row(&setting_up);
    assert_eq!((row.ready, row.of, row.restarts), (0, 1, 5));
}

#[test]
fn a_restarted_container_stays_failed_until_it_has_run_for_a_minute_a_restart() {
    let oom = pod("a").oom_killed(100, 2);
    let doubted = standing(&oom, NOW);
    assert_eq!((doubted.state, &*doubted.word, doubted.restarts), (Failed, "OOMKilled", 2));
    assert_eq!(doubted.since, Some(at(-100)));
    let later = doubted.later.unwrap();
    assert_eq!((later.at, later.state, &*later.word, later.since), (at(21), Running, "Running", Some(at(-3000))));

    assert_eq!(standing(&oom, at(20)).state, Failed);
    let trusted = standing(&oom, at(21));
    assert_eq!((trusted.state, trusted.later), (Running, None));
}

#[test]
fn no_doubt_lasts_longer_than_the_kubelets_back_off() {
    let oom = pod("a").oom_killed(1, 500);
    assert_eq!(standing(&oom, NOW).later.unwrap().at, at(600));
    let uncounted = pod("a").oom_killed(1, 0);
    assert_eq!(standing(&uncounted, NOW).later.unwrap().at, at(60));
}

#[test]
fn a_container_that_restarts_after_success_is_no_alarm() {
    let main = container("main").restarted(3).last_ended(0, "Completed", -5).running_since(-4);
    assert_eq!(standing(&pod("a").of([main]), NOW).state, Running);
}

#[test]
fn a_clock_ahead_of_ours_prolongs_no_doubt() {
    let ahead = container("main").restarted(1).last_ended(1, "Error", 3000).running_since(3001);
    assert_eq!(standing(&pod("a").of([ahead]), NOW).later.unwrap().at, at(60));
}

#[test]
fn the_longest_doubt_decides_and_an_ailment_beats_it() {
    let a = container("a").restarted(1).last_ended(1, "Error", -10).running_since(-9);
    let b = container("b").restarted(4).last_ended(137, "OOMKilled", -10).running_since(-9);
    let both = standing(&pod("a").of([a.clone(), b]), NOW).later.unwrap().at;
    assert_eq!(both, at(231));

    let ailing = pod("a").of([a, container("b").waiting("ErrImagePull")]).ready(Truth::False);
    let standing = standing(&ailing, NOW);
    assert_eq!((&*standing.word, standing.later), ("ErrImagePull", None));
}

#[test]
fn an_unready_pod_is_unready_once_it_is_trusted() {
    let main = container("main").restarted(1).last_ended(1, "Error", -10).running_since(-9).unready();
    let doubted = pod("a").of([main]).ready(Truth::False);
    assert_eq!(standing(&doubted, NOW).later.unwrap().state, Unready);
}

#[test]
fn since_is_the_last_change_that_the_api_tells_of() {
    assert_eq!(standing(&pod("a").crash_looping(), NOW).since, Some(at(-3000)), "not ready since");
    assert_eq!(standing(&pod("a").terminating_since(-7), NOW).since, Some(at(-7)), "deletion asked for");
    let new = no_conditions(pod("a").pending());
    assert_eq!(standing(&new, NOW).since, Some(at(-3600)), "made");
    let gated = new.conditioned(ConditionKind::PodScheduled, Truth::False, "Unschedulable", -30);
    assert_eq!(standing(&gated, NOW).since, Some(at(-30)), "not scheduled since");
}

proptest! {
    /// Whatever the API tells: what `later` promises is what the pod's JSON says at that time.
    #[test]
    fn later_is_what_the_pod_is_then(
        containers in prop::collection::vec((0_i64..900, 0_u32..12, 0_i32..2, any::<bool>()), 1..4),
        ready in any::<bool>(),
    ) {
        let statuses = containers.iter().enumerate().map(|(i, &(ago, restarts, exit_code, runs))| {
            let container = container(&format!("c{i}")).restarted(restarts).last_ended(exit_code, "Oops", -ago - 1);
            if runs { container.running_since(-ago) } else { container.waiting("ContainerCreating") }
        });
        let pod = statuses.fold(pod("a").bare(), Pod::with);
        let pod = pod.ready(if ready { Truth::True } else { Truth::False });
        let now = standing(&pod, NOW);
        if let Some(later) = now.later {
            let before = standing(&pod, later.at - SignedDuration::from_nanos(1));
            prop_assert_eq!((before.state, before.word), (now.state, now.word));
            let then = standing(&pod, later.at);
            prop_assert_eq!(then.later, None);
            prop_assert_eq!((then.state, then.word, then.since), (later.state, later.word, later.since));
        } else {
            prop_assert_eq!(standing(&pod, at(10_000)).state, now.state);
        }
    }
}

fn starting(mut container: ContainerStatus) -> ContainerStatus {
    container.started = Some(false);
    container.unready()
}

fn no_conditions(mut pod: Pod) -> Pod {
    pod.status.conditions.clear();
    pod
}
