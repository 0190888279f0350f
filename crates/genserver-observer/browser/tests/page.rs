//! The page in a real browser. `cargo xtask browser` runs these.
//!
//! A fact is seen within two seconds if the page shows it no later than with the second frame after it: frames are a second apart,
//! which is a test of the stream. So a machine that is busy may be late, and the page may not.
#![expect(clippy::unwrap_used, reason = "in a test, a failed unwrap is a failed test, with its line")]

use std::net::SocketAddr;

use fantoccini::key::Key;
use genserver::{Node, Probe, Reason};
use genserver_observer::data::Action;
use genserver_observer::{Observer, Serving};
use observer_browser::kinds::{Ledger, Session};
use observer_browser::{Browser, Desk, Scheme, Shop};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// A shop, its page, and a browser that shows it.
struct World {
    shop: Shop,
    node: Node,
    page: Serving,
    browser: Browser,
}

impl World {
    async fn new() -> Self {
        Self::with(|observer| observer).await
    }

    async fn with(options: impl FnOnce(Observer) -> Observer) -> Self {
        let node = Node::new();
        let page = options(Observer::new(&node)).serve("127.0.0.1:0").unwrap();
        let shop = Shop::open(&node, 80).await.unwrap();
        let browser = Browser::start(1280, 800, Scheme::Light).await.unwrap();
        browser.open(page.address()).await.unwrap();
        browser.until(&in_text("#contact", "live")).await.unwrap();
        Self { shop, node, page, browser }
    }

    async fn until(&self, expression: &str) {
        self.browser.until(expression).await.unwrap();
    }

    async fn press(&self, keys: &str) {
        self.browser.press(keys.chars()).await.unwrap();
    }

    async fn press_key(&self, key: Key) {
        self.browser.press([char::from(key)]).await.unwrap();
    }

    /// From now on, the page notes with which frame an expression becomes true first.
    async fn note_first(&self, what: &str, expression: &str) {
        let watch = format!(
            "if (!window.frame) {{ window.frame = 1; window.first = {{}}; const shown = events.tiles; \
             events.tiles = (tiles) => {{ window.frame += 1; shown(tiles); }}; }} \
             new MutationObserver(() => {{ if ({expression}) window.first[{what:?}] ??= window.frame; }})\
             .observe(document.body, {{ childList: true, subtree: true, characterData: true }});"
        );
        self.run(&watch).await;
    }

    /// Waits until the page has shown what has just happened, and says whether that took it two frames at most.
    async fn seen_in_time(&self, what: &str) {
        let now = self.run("return window.frame").await.as_u64().unwrap();
        self.until(&format!("window.first[{what:?}]")).await;
        let first = self.run(&format!("return window.first[{what:?}]")).await.as_u64().unwrap();
        assert!(first <= now + 2, "{what} was seen {} frames after it happened", first - now);
    }

    async fn run(&self, script: &str) -> serde_json::Value {
        self.browser.run(script).await.unwrap()
    }

    async fn close(self) {
        self.browser.close().await.unwrap();
        self.page.stop();
        self.shop.close().await.unwrap();
        drop(self.node);
    }
}

/// That an element has this text in it: one of those that the selector finds.
fn in_text(selector: &str, text: &str) -> String {
    format!("[...document.querySelectorAll({selector:?})].some((it) => it.textContent.includes({text:?}))")
}

/// The name in a row of the table.
fn name_in_row(row: usize, name: &str) -> String {
    format!("document.querySelector('#table tbody').rows[{row}]?.cells[0].firstChild.textContent === {name:?}")
}

/// That there is a trouble of this kind with this text.
fn trouble(kind: &str, text: &str) -> String {
    in_text(&format!("#troubles [data-kind={kind}]"), text)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium: cargo xtask browser"]
async fn the_page_lists_a_started_server_and_the_tree_follows_a_restart() {
    let world = World::new().await;
    world.until(&in_text("#table", "orders")).await;
    world.until(&in_text("#tree", "ledger")).await;
    world.until(&in_text("#tree", "70 more")).await;
    world.until("document.querySelector('#tile-processes').textContent === '90'").await;
    world.shop.fail("a page is missing").await.unwrap();
    world.until(&in_text("#tree", "ledgerrestarts 1")).await;
    world.until(&in_text("#tile-restarts", "1")).await;
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium: cargo xtask browser"]
async fn the_table_is_sorted_searched_and_paged() {
    let world = World::new().await;
    world.until(&name_in_row(0, "shop")).await;
    world.browser.click("[data-sort=name]").await.unwrap();
    world.until(&name_in_row(0, "catalogue")).await;
    world.browser.click("[data-sort=name]").await.unwrap();
    world.until("document.querySelector('[data-sort=name]').parentElement.ariaSort === 'descending'").await;
    world.until(&in_text("#found", "1–50 of 90")).await;
    world.browser.click("#next").await.unwrap();
    world.until(&in_text("#found", "51–90 of 90")).await;
    world.press("/Desk<Led").await;
    world.until(&in_text("#found", "1–1 of 1")).await;
    world.until(&name_in_row(0, "ledger")).await;
    world.press_key(Key::Escape).await;
    world.until(&in_text("#found", "of 90")).await;
    world.browser.click("#tree .more").await.unwrap();
    world.until(&in_text("#found", "of 80")).await;
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium: cargo xtask browser"]
async fn what_goes_wrong_is_seen_within_two_seconds() {
    let world = World::new().await;
    world.until(&in_text("#troubles", "Nothing is stuck")).await;
    world.note_first("restart", &in_text("#tree", "ledgerrestarts 1")).await;
    world.note_first("cycle", &trouble("cycle", "orders <")).await;
    world.note_first("waited", &trouble("waited", "5 processes wait for it")).await;
    world.note_first("handler", &trouble("handler", "waits for its handler")).await;
    world.note_first("mailbox", &trouble("mailbox", "has 2000 messages in its mailbox")).await;
    world.shop.fail("a page is missing").await.unwrap();
    world.seen_in_time("restart").await;
    world.shop.ask_around().await.unwrap();
    world.seen_in_time("cycle").await;
    world.shop.wait_for_the_gateway(5).await.unwrap();
    world.seen_in_time("waited").await;
    world.shop.block_the_mailer().unwrap();
    world.seen_in_time("handler").await;
    world.shop.fill(2000).await;
    world.seen_in_time("mailbox").await;
    for _ in 0..3 {
        world.shop.fail("a page is missing").await.unwrap();
    }
    world.until(&trouble("restarting", "restarted its children 4 times")).await;
    // The inspector says who waits.
    let gateway = "[...document.querySelectorAll('#troubles button')].find((it) => it.innerText.includes('gateway'))";
    world.run(&format!("{gateway}.click()")).await;
    world.until(&in_text("#inspected", "gateway")).await;
    world.until(&in_text("#inspector", "Waited for")).await;
    world.until("document.querySelectorAll('#inspector dd button').length >= 6").await;
    world.until(&in_text("#shown-state", "no answer for")).await;
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium: cargo xtask browser"]
async fn a_crash_appears_among_the_reports_within_two_seconds() {
    let world = World::new().await;
    world.browser.click("#tab-reports").await.unwrap();
    world.until(&in_text("#list", "Nothing has been reported")).await;
    world.note_first("crash", &in_text("#list", "Server ledger <8> terminating")).await;
    world.shop.fail("a page is missing").await.unwrap();
    world.seen_in_time("crash").await;
    world.until(&in_text("#list", "reason: a page is missing")).await;
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium: cargo xtask browser"]
async fn a_process_that_is_stuck_is_named_and_the_page_goes_on() {
    let world = World::new().await;
    let blocks = world.shop.block_the_ledger().await.unwrap();
    world.until(&trouble("stuck", "ledger <8>runs handle_cast without awaiting")).await;
    world.browser.click("#troubles button").await.unwrap();
    world.until(&in_text("#shown-state", "no answer for")).await;
    world.press("/catalogue").await;
    world.until(&in_text("#found", "1–1 of 1")).await;
    drop(blocks);
    world.until(&in_text("#troubles", "Nothing is stuck")).await;
    world.until(&in_text("#shown-state", "till: \"***\"")).await;
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium: cargo xtask browser"]
async fn a_hundred_thousand_processes_are_fifty_rows() {
    let node = Node::new();
    let page = Observer::new(&node).serve("127.0.0.1:0").unwrap();
    let probes: Vec<_> = (0..100_000).map(|_| Probe::<()>::on(&node)).collect();
    let shop = Shop::open(&node, 1).await.unwrap();
    let browser = Browser::start(1280, 800, Scheme::Light).await.unwrap();
    browser.open(page.address()).await.unwrap();
    browser.until(&in_text("#found", "1–50 of 100,0")).await.unwrap();
    browser.click("#next").await.unwrap();
    browser.until(&in_text("#found", "51–100 of 100,0")).await.unwrap();
    browser.click("[data-sort=name]").await.unwrap();
    browser.until(&name_in_row(0, "catalogue")).await.unwrap();
    browser.press("/gateway".chars()).await.unwrap();
    browser.until(&in_text("#found", "1–1 of 1")).await.unwrap();
    browser.until(&in_text("#tree", "more")).await.unwrap();
    assert!(
        browser.run("return document.querySelectorAll('tbody tr, #tree li').length").await.unwrap().as_u64()
            < Some(100)
    );
    browser.close().await.unwrap();
    page.stop();
    shop.close().await.unwrap();
    drop(probes);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium: cargo xtask browser"]
async fn a_page_that_nobody_sees_asks_for_nothing() {
    let world = World::new().await;
    world.browser.hide().await.unwrap();
    world.until("document.hidden").await;
    // Its stream is closed, so another reader finds none open.
    while streams(world.page.address()).await != 0 {}
    world.browser.show().await.unwrap();
    while streams(world.page.address()).await != 1 {}
    world.close().await;
}

/// How many streams are open.
async fn streams(address: SocketAddr) -> u64 {
    let mut socket = TcpStream::connect(address).await.unwrap();
    let request = format!("GET /api/summary HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    serde_json::from_str::<serde_json::Value>(body).unwrap()["tiles"]["streams"].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium: cargo xtask browser"]
async fn a_kill_is_asked_about_and_then_done() {
    let world = World::with(|observer| observer.allow([Action::Kill])).await;
    let ledger = world.shop.desk::<Ledger>("ledger").await;
    world.press("/ledger").await;
    world.until(&in_text("#found", "1–1 of 1")).await;
    world.browser.click("#table tbody tr").await.unwrap();
    world.until("document.querySelector('#actions button')").await;
    for (answer, is_alive) in [("#no", true), ("#yes", false)] {
        world.browser.click("#actions button").await.unwrap();
        world.until(&in_text("#words", "Kill ledger <8>?")).await;
        world.browser.click(answer).await.unwrap();
        world.until("!document.querySelector('#say').open").await;
        if !is_alive {
            assert_eq!(ledger.ended().await, Reason::Killed);
        }
        assert_eq!(ledger.is_alive(), is_alive);
    }
    world.until(&in_text("#inspector", "This process has ended")).await;
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium: cargo xtask browser"]
async fn the_page_is_as_light_or_dark_as_its_reader_prefers_and_can_be_read() {
    let node = Node::new();
    let page = Observer::new(&node).serve("127.0.0.1:0").unwrap();
    let shop = Shop::open(&node, 80).await.unwrap();
    shop.wait_for_the_gateway(5).await.unwrap();
    shop.fail("a page is missing").await.unwrap();
    shop.ask_around().await.unwrap();
    for (scheme, is_dark) in [(Scheme::Light, false), (Scheme::Dark, true)] {
        let browser = Browser::start(1440, 900, scheme).await.unwrap();
        browser.open(page.address()).await.unwrap();
        browser.until(&trouble("waited", "gateway <")).await.unwrap();
        browser.run("document.querySelector('#tree [data-pid]').click()").await.unwrap();
        browser.until("document.querySelector('#shown-state')").await.unwrap();
        let [background, contrast] = ["background", "contrast"].map(|it| format!("{CONTRAST} return {it};"));
        let background = browser.run(&background).await.unwrap().as_f64().unwrap();
        assert_eq!(background < 0.2, is_dark, "{scheme:?}: {background}");
        let contrast = browser.run(&contrast).await.unwrap();
        assert!(contrast[0].as_f64() >= Some(4.5), "{scheme:?}: {contrast}");
        browser.close().await.unwrap();
    }
    page.stop();
    shop.close().await.unwrap();
}

/// The luminance of the page, and the least contrast of a text on it, as WCAG has them, with that text. A button that does nothing
/// now is left out.
const CONTRAST: &str = "
    const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
    const light = ([r, g, b]) => [r, g, b].map((it) => it / 255)
        .map((it) => it <= 0.04045 ? it / 12.92 : ((it + 0.055) / 1.055) ** 2.4)
        .reduce((sum, it, at) => sum + it * [0.2126, 0.7152, 0.0722][at], 0);
    const below = (element) => {
        for (; element; element = element.parentElement) {
            const colour = parts(getComputedStyle(element).backgroundColor);
            if (colour.length === 3) return colour;
        }
    };
    const background = light(below(document.body));
    const texts = [...document.body.querySelectorAll('*')].filter((it) => it.offsetParent && !it.disabled &&
        [...it.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim()));
    const contrast = texts.map((it) => {
        const style = getComputedStyle(it);
        const under = below(it);
        const alpha = Number(style.opacity);
        const over = parts(style.color).slice(0, 3).map((part, at) => part * alpha + under[at] * (1 - alpha));
        const [a, b] = [light(over), light(under)].sort((a, b) => b - a);
        return [(a + 0.05) / (b + 0.05), it.className + ': ' + it.textContent];
    }).sort((a, b) => a[0] - b[0])[0];
";

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium: cargo xtask browser"]
async fn an_event_manager_is_shown_with_its_handlers() {
    let world = World::new().await;
    world.browser.click("#tab-events").await.unwrap();
    world.until(&in_text("#list", "Mailer")).await;
    world.until(&in_text("#list", "Statistics")).await;
    world.browser.click("#list [data-pid]").await.unwrap();
    world.until(&in_text("#inspected", "events")).await;
    world.browser.click("#tab-names").await.unwrap();
    world.until(&in_text("#found", "of 10")).await;
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium: cargo xtask browser"]
async fn nothing_is_requested_from_elsewhere_and_no_name_is_code() {
    let world = World::new().await;
    let name = "<img src=x onerror=\"document.title='broken'\">";
    world.node.start::<Desk<Session>>(()).name(name).await.unwrap();
    world.press("/<img").await;
    world.until(&name_in_row(0, name)).await;
    world.until("document.querySelector('#tree').textContent.includes('<img')").await;
    assert_eq!(world.run("return document.querySelectorAll('img').length").await, json!(0));
    assert_eq!(world.run("return document.title").await, json!("Observer"));
    // Every tab, and the inspector, so that all that asks has asked.
    world.press("2341").await;
    world.browser.click("#tree [data-pid]").await.unwrap();
    world.until("document.querySelector('#shown-state')").await;
    let origin = format!("http://{}", world.page.address());
    let asked = world.run("return performance.getEntriesByType('resource').map((it) => new URL(it.name).origin)").await;
    assert!(asked.as_array().unwrap().len() > 5, "{asked}");
    assert!(asked.as_array().unwrap().iter().all(|it| *it == json!(origin)), "{asked}");
    assert_eq!(world.run(REFUSED).await, json!([]));

    // What a script would ask of elsewhere is refused, seen above, and does not arrive. From a page without the policy it does.
    let elsewhere = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let ask = format!("fetch('http://{}/', {{ mode: 'no-cors' }})", elsewhere.local_addr().unwrap());
    world.run(&format!("{ask}.catch(() => 0);")).await;
    world.until(&format!("(() => {{ {REFUSED} }})().length === 1")).await;
    assert!(futures::poll!(std::pin::pin!(elsewhere.accept())).is_pending());
    world.browser.open_elsewhere(&format!("data:text/html,<script>{ask}</script>")).await.unwrap();
    elsewhere.accept().await.unwrap();
    world.close().await;
}

/// What the policy of the page has refused since the page was opened.
const REFUSED: &str = "
    const seen = new ReportingObserver(() => {}, { types: ['csp-violation'], buffered: true });
    seen.observe();
    return seen.takeRecords().map((it) => it.body.blockedURL);
";

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium: cargo xtask browser"]
async fn everything_can_be_done_with_the_keyboard() {
    let world = World::with(|observer| observer.allow([Action::Suspend, Action::Resume])).await;
    world.until(&name_in_row(0, "shop")).await;
    world.press("/ledger").await;
    world.until(&in_text("#found", "1–1 of 1")).await;
    world.press_key(Key::Enter).await;
    world.until("document.activeElement.tagName === 'TR'").await;
    world.press_key(Key::Enter).await;
    world.until(&in_text("#inspected", "ledger")).await;
    world.until(&in_text("#shown-state", "till: \"***\"")).await;
    // Tab leads through the inspector to its buttons.
    let on_suspend = "return document.activeElement?.dataset?.action === 'suspend'";
    while world.run(on_suspend).await != json!(true) {
        world.press_key(Key::Tab).await;
    }
    world.press_key(Key::Enter).await;
    world.until(&in_text("#inspector", "suspended")).await;
    world.press_key(Key::Escape).await;
    world.until(&in_text("#inspected", "Nothing inspected")).await;
    for (key, tab) in [("3", "reports"), ("2", "events"), ("4", "names"), ("1", "processes")] {
        world.press(key).await;
        world.until(&format!("document.querySelector('#tab-{tab}').ariaSelected === 'true'")).await;
    }
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium: cargo xtask browser"]
async fn a_page_that_needs_a_token_asks_for_it() {
    let token = "k7Zq1xVw9TnR4bLc";
    let node = Node::new();
    let page = Observer::new(&node).token(token.parse().unwrap()).serve("127.0.0.1:0").unwrap();
    let browser = Browser::start(1280, 800, Scheme::Light).await.unwrap();
    browser.open(page.address()).await.unwrap();
    browser.until("document.querySelector('#login').open").await.unwrap();
    browser.press(token.chars()).await.unwrap();
    browser.press([char::from(Key::Enter)]).await.unwrap();
    browser.until(&in_text("#contact", "live")).await.unwrap();
    assert!(!browser.run("return location.href").await.unwrap().as_str().unwrap().contains(token));
    browser.close().await.unwrap();
    page.stop();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium: cargo xtask browser"]
async fn the_page_says_when_it_has_lost_the_program_and_finds_it_again() {
    let world = World::new().await;
    let address = world.page.address();
    world.page.stop();
    world.browser.until(&in_text("#contact", "lost")).await.unwrap();
    let again = loop {
        // The socket is free when the observer's thread has closed it.
        if let Ok(page) = Observer::new(&world.node).serve(address) {
            break page;
        }
    };
    world.browser.until(&in_text("#contact", "live")).await.unwrap();
    again.stop();
    world.browser.close().await.unwrap();
    world.shop.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium: cargo xtask browser"]
async fn a_phone_shows_the_page_without_scrolling_sideways() {
    let node = Node::new();
    let page = Observer::new(&node).serve("127.0.0.1:0").unwrap();
    let shop = Shop::open(&node, 80).await.unwrap();
    let browser = Browser::start(500, 900, Scheme::Light).await.unwrap();
    browser.open(page.address()).await.unwrap();
    browser.until(&in_text("#table", "orders")).await.unwrap();
    let overflow = "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
    assert_eq!(browser.run(overflow).await.unwrap(), json!(0));
    browser.click("#tab-tree").await.unwrap();
    browser.until("document.querySelector('#tree').offsetParent").await.unwrap();
    browser.click("#tree [data-pid]").await.unwrap();
    browser.until(&in_text("#inspected", "shop")).await.unwrap();
    browser.click("#close").await.unwrap();
    browser.close().await.unwrap();
    page.stop();
    shop.close().await.unwrap();
}
