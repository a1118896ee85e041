//! The command line, any words, one a line. Then the same words as lights, as label selectors and as colors.

use clap::Parser as _;
use podlight_proto::Color;
use tonic::transport::Endpoint;
use watcher::filter::Selector;
use watcher::ledger::Scope;
use watcher::lights::Light;

pub(crate) fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(settings) = watcher::Settings::try_parse_from(["watcher"].into_iter().chain(text.lines())) {
        assert!((1..=600).contains(&settings.lease.as_secs()), "{:?}", settings.lease);
        assert!((2..=600).contains(&settings.api_silence.as_secs()), "{:?}", settings.api_silence);
        settings.lights.iter().for_each(sound);
    }
    for word in text.lines() {
        if let Ok(light) = word.parse::<Light>() {
            sound(&light);
        }
        if let Err(invalid) = word.parse::<Selector>() {
            assert!(invalid.to_string().contains("; give "), "{invalid}");
        }
        if let Ok(color) = word.parse::<Color>() {
            assert_eq!(color.to_string().parse(), Ok(color));
        }
    }
}

/// A light that is taken can be dialled, named in a command, and given again as it is shown.
fn sound(light: &Light) {
    assert!(Endpoint::from_shared(light.url.clone()).is_ok(), "{light:?} can't be dialled");
    assert!(light.to_string().len() <= "namespace/".len() + 253);
    let scope = match &light.scope {
        Scope::Node(name) => format!("node/{name}"),
        Scope::Namespace(name) => format!("namespace/{name}"),
        Scope::Cluster => "cluster".to_owned(),
    };
    assert_eq!(format!("{scope}={}", light.url).parse().as_ref(), Ok(light));
}
