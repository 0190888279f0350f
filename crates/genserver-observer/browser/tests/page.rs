//! The page in a real browser. `cargo xtask browser` runs these.
#![expect(clippy::unwrap_used, reason = "in a test, a failed unwrap is a failed test, with its line")]

use fantoccini::key::Key;
use genserver::Node;
use genserver_observer::data::Action;
use genserver_observer::{Observer, Serving};
use observer_browser::kinds::Session;
use observer_browser::{Browser, Desk, Scheme, Shop};
use serde_json::json;

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
async fn a_crash_appears_among_the_reports() {
    let world = World::new().await;
    world.browser.click("#tab-reports").await.unwrap();
    world.until(&in_text("#list", "Nothing has been reported")).await;
    world.shop.fail("a page is missing").await.unwrap();
    world.until(&in_text("#list", "Server ledger <8> terminating")).await;
    world.until(&in_text("#list", "reason: a page is missing")).await;
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
    // The page notes when it sees each kind first.
    let watch = "window.seen = {}; new MutationObserver(() => { for (const it of \
                 document.querySelectorAll('#troubles [data-kind]')) window.seen[it.dataset.kind] ??= Date.now(); })\
                 .observe(document.querySelector('#troubles'), { childList: true }); return Date.now();";
    let began = world.run(watch).await.as_f64().unwrap();
    world.shop.wait_for_the_gateway(5).await.unwrap();
    world.shop.block_the_mailer().unwrap();
    world.shop.fill(2000).await;
    world.shop.ask_around().await.unwrap();
    world.until(&trouble("cycle", "orders <")).await;
    world.until(&trouble("waited", "gateway <")).await;
    world.until(&trouble("waited", "5 processes wait for it")).await;
    world.until(&trouble("mailbox", "has 2000 messages in its mailbox")).await;
    world.until(&trouble("handler", "waits for its handler")).await;
    for _ in 0..4 {
        world.shop.fail("a page is missing").await.unwrap();
    }
    world.until(&trouble("restarting", "restarted its children 4 times")).await;
    let seen = world.run("return window.seen").await;
    for kind in ["cycle", "waited", "mailbox"] {
        let after = seen[kind].as_f64().unwrap() - began;
        assert!(after < 2000.0, "{kind} was seen after {after} ms");
    }
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
    let origin = format!("http://{}", world.page.address());
    let asked = world.run("return performance.getEntriesByType('resource').map((it) => new URL(it.name).origin)").await;
    assert!(asked.as_array().unwrap().iter().all(|it| *it == json!(origin)), "{asked}");
    assert_eq!(world.run("return document.querySelectorAll('img').length").await, json!(0));
    assert_eq!(world.run("return document.title").await, json!("Observer"));
    // The policy stops what a script would load or run.
    let refused = "const done = arguments[arguments.length - 1]; return (async () => { try { \
                   await fetch('http://127.0.0.1:9/'); return 'asked'; } catch { return 'refused'; } })();";
    assert_eq!(world.run(refused).await, json!("refused"));
    world.close().await;
}

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
