//! The wall in a real browser, which shows what the real watcher makes of a simulated cluster.
//!
//! `cargo test --test wall -- --ignored` needs Debian's `chromium` and `chromium-driver`, and npm for axe-core.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod axe;
mod browser;
mod stage;

use podlight_proto::v1::Layer;
use podlight_sim::{NodeBuilder, PodBuilder};

use browser::{DOWN, ENTER, ESCAPE, HOME, TAB, Window};
use stage::{Stage, cart};

/// Of a tile.
const NAMES: &str = "[...document.querySelectorAll('main li:not([hidden]) .name')].map((el) => el.textContent).join()";

#[tokio::test]
#[ignore = "needs a browser"]
async fn tiles_follow_the_cluster() {
    let (stage, window) = page(&[]).await;
    window.until("document.querySelector('#well .tile.running .name')?.textContent === 'n1'").await;
    stage.cluster.apply_pod(cart().crash_looping(12));
    window.until("document.querySelector('#eyes .tile.failed .name')?.textContent === 'n1'").await;
    window
        .until("document.querySelector('#eyes .reason').textContent.startsWith('shop/cart CrashLoopBackOff ×12')")
        .await;
    // The LEDs are those of the stick, and show what it says: an LED's 50 of 255 is a screen's 243.
    let led = "getComputedStyle(document.querySelector('#eyes .stick:not(.lantern) .led:last-child')).color";
    window.until(&format!("{led} === 'rgb(243, 0, 0)'")).await;
    window.until("document.title === '(1) podlight'").await;
    window.until("document.querySelector('#news').textContent.includes('n1 is failed')").await;

    stage.cluster.apply_node(NodeBuilder::new("n3").lost());
    window.until(&format!("{NAMES} === 'n3,n1,n2'")).await;
    window.until("document.querySelector('.lantern .leds.blink') !== null").await;
    stage.cluster.delete_node("n3");
    stage.cluster.delete_node("n2");
    stage.cluster.delete_pod("shop", "cart");
    window.until(&format!("{NAMES} === 'n1'")).await;
    window.until("document.querySelector('#eyes').hidden && document.title === 'podlight'").await;
    window.is_sound().await;
}

#[tokio::test]
#[ignore = "needs a browser"]
async fn a_page_that_is_cut_off_says_so_and_shows_no_color() {
    const OLD: &str = "document.querySelector('#cut').checkVisibility() && document.title.startsWith('cut off')
        && /as of \\d\\d:\\d\\d:\\d\\d/.test(document.querySelector('#cut').textContent)
        && getComputedStyle(document.querySelector('.tile')).filter === 'grayscale(1)'";
    const LIVE: &str = "document.documentElement.matches('.live:not(.old)') && document.querySelector('#cut').hidden";
    let (mut stage, window) = page(&["--lease", "2s", "--api-silence", "3s"]).await;
    window.until(LIVE).await;

    stage.watcher.signal("STOP");
    window.until(OLD).await;
    window.until("document.querySelector('#cut').textContent.includes('gone silent')").await;
    stage.watcher.signal("CONT");
    window.until(LIVE).await;

    stage.watcher.kill();
    window.until(OLD).await;
    stage.cluster.apply_pod(cart().crash_looping(1));
    stage.restart().await;
    window.until(LIVE).await;
    window.until("document.querySelector('.tile.failed')").await;

    stage.cluster.hang(true);
    window.until(OLD).await;
    window.until("document.querySelector('#cut').textContent.includes('doesn’t hear the Kubernetes API')").await;
    stage.cluster.hang(false);
    window.until(LIVE).await;
}

#[tokio::test]
#[ignore = "needs a browser"]
async fn what_is_looked_for_is_found_by_text_and_by_state() {
    let (stage, window) = page(&[]).await;
    stage.cluster.apply_pod(cart().crash_looping(3));
    window.until(&format!("{NAMES} === 'n1,n2'")).await;
    window.keys("/N2").await;
    window.until(&format!("{NAMES} === 'n2'")).await;
    window.until("location.search === '?q=N2'").await;
    window.keys(&format!("{ESCAPE}/crashloop cart")).await;
    window.until(&format!("{NAMES} === 'n1'")).await;
    window.keys(" nowhere").await;
    window.until("document.querySelector('#nothing').checkVisibility()").await;
    window.keys(ESCAPE).await;
    window.until(&format!("{NAMES} === 'n1,n2'")).await;
    window.run("document.querySelector('#chip-idle').click()").await;
    window.until(&format!("{NAMES} === 'n2'")).await;
    // As an address tells others.
    let address = window.run("return location.href").await;
    window.open(address.as_str().unwrap()).await;
    window.until(&format!("{NAMES} === 'n2'")).await;
    window.is_sound().await;
}

#[tokio::test]
#[ignore = "needs a browser"]
async fn the_keyboard_leads_to_a_nodes_detail_and_back() {
    let (stage, window) = page(&[]).await;
    stage.cluster.apply_pod(cart().crash_looping(3));
    window.until(&format!("{NAMES} === 'n1,n2'")).await;
    let at = |name: &str| {
        format!("document.activeElement.matches('.tile') && document.activeElement.innerText.startsWith('{name}')")
    };
    for _ in 0..12 {
        if window.is(&at("n1")).await {
            break;
        }
        window.keys(TAB).await;
    }
    window.until(&at("n1")).await;
    window.keys(DOWN).await;
    window.until(&at("n2")).await;
    window.keys(HOME).await;
    window.until(&at("n1")).await;
    window.keys(ENTER).await;
    window.until("document.querySelector('dialog[open] h2').textContent === 'n1'").await;
    window.until("document.querySelector('dialog td')?.textContent === 'shop/cart'").await;
    window.until("document.querySelector('dialog .rule').textContent.includes('pod-failed')").await;
    // It follows along.
    stage.cluster.apply_pod(cart().crash_looping(4));
    window.until("document.querySelector('dialog td.number').textContent === '4'").await;
    window.keys(ESCAPE).await;
    window.until("!document.querySelector('dialog').open && location.hash === ''").await;
    window.until(&at("n1")).await;
    window.is_sound().await;
}

#[tokio::test]
#[ignore = "needs a browser"]
async fn people_act_where_they_may() {
    let (mut stage, window) = page(&["--wall-actions"]).await;
    stage.cluster.apply_pod(cart().crash_looping(3));
    window.until("document.querySelector('.tile.failed')").await;
    window.run("document.querySelector('.tile.failed').click()").await;
    window.until("document.querySelector('dialog .acts')").await;
    window.run("document.querySelector('dialog input').value = 'ana'").await;
    window.run("document.querySelectorAll('.acts button')[1].click()").await;
    window.until("[...document.querySelectorAll('dialog dd')].some((el) => el.textContent.startsWith('by ana'))").await;
    window.run("document.querySelectorAll('.acts button')[0].click()").await;
    stage.light.until(|state| state.layer() == Layer::Identify && state.owner == "ana").await;
    window.until("document.querySelector('.tile .light').textContent === 'is looked for by ana'").await;
    window.is_sound().await;
}

#[tokio::test]
#[ignore = "needs a browser"]
async fn axe_finds_nothing_serious() {
    let (mut stage, window) = page(&["--wall-actions"]).await;
    let pods = [cart().crash_looping(3), PodBuilder::new("shop", "db").on("n2").pending()];
    pods.into_iter().for_each(|pod| stage.cluster.apply_pod(pod));
    stage.cluster.apply_node(NodeBuilder::new("n3").lost());
    for (scheme, motion) in [("dark", "no-preference"), ("light", "reduce")] {
        window.prefers(scheme, motion).await;
        for (page, ready) in [("", NAMES), ("?kiosk", NAMES), ("#n1", "document.querySelector('dialog table')")] {
            window.open(&stage.url(page)).await;
            window.until("document.querySelectorAll('.tile').length === 3").await;
            window.until(ready).await;
            axe::check(&window, &format!("{scheme} {page}")).await;
        }
        let moves = "document.getAnimations().some((rhythm) => rhythm.animationName === 'blink')";
        assert_eq!(window.is(moves).await, motion != "reduce");
    }
    window.is_sound().await;
    stage.watcher.kill();
    window.until("document.querySelector('#cut').checkVisibility()").await;
    axe::check(&window, "cut off").await;
}

#[tokio::test]
#[ignore = "needs a browser"]
async fn of_a_thousand_nodes_only_the_tile_that_changes_is_touched() {
    let (stage, window) = page(&[]).await;
    for node in 3..=1000 {
        stage.cluster.apply_node(NodeBuilder::new(&format!("n{node}")));
    }
    window.until("document.querySelectorAll('.tile').length === 1000").await;
    // Those that aren't seen are neither laid out nor drawn.
    window
        .until("!document.querySelector('#well li:last-child .name').checkVisibility({ contentVisibilityAuto: true })")
        .await;
    window
        .run(
            "window.touched = new Set();
            new MutationObserver((changes) => changes.forEach(({ target, addedNodes }) =>
              [target, ...addedNodes].forEach((node) => {
                const tile = (node.nodeType === 1 ? node : node.parentElement)?.closest('li');
                if (tile) touched.add(tile.querySelector('.name').textContent);
              }))).observe(document.querySelector('main'), { subtree: true, childList: true, attributes: true, characterData: true })",
        )
        .await;
    stage.cluster.apply_pod(PodBuilder::new("shop", "db").on("n700").crash_looping(1));
    window.until(&format!("{NAMES}.startsWith('n700,')")).await;
    assert_eq!(window.run("return [...touched].join()").await, "n700");

    // More than a screen holds is shown one screenful after another.
    window.open(&stage.url("?kiosk")).await;
    window.until("document.querySelectorAll('.tile').length === 1000").await;
    window.until("document.querySelector('main').scrollTop > 100").await;
    window.is_sound().await;
}

/// The wall of n1, which has a light, and n2, which has none.
async fn page(flags: &[&str]) -> (Stage, Window) {
    let stage = Stage::begin(flags).await;
    let window = Window::new().await;
    window.open(&stage.url("")).await;
    (stage, window)
}
