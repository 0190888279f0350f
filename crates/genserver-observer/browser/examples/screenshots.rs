//! Pictures of the page, with a program behind it in which things go wrong: `cargo xtask browser --screenshots`.
// xtask: compile only

use std::path::{Path, PathBuf};

use genserver::Node;
use genserver_observer::Observer;
use observer_browser::{Browser, Error, Scheme, Shop};

/// How many points the lines in the tiles have before a picture is taken: one a second.
const POINTS: u32 = 24;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let folder = PathBuf::from(std::env::args().nth(1).ok_or("name the folder for the pictures")?);
    let node = Node::new();
    let page = Observer::new(&node).serve("127.0.0.1:0")?;
    let shop = Shop::open(&node, 1200).await?;

    let light = Browser::start(1440, 1040, Scheme::Light).await?;
    let dark = Browser::start(1440, 1040, Scheme::Dark).await?;
    let narrow = Browser::start(500, 1040, Scheme::Light).await?;
    for browser in [&light, &dark, &narrow] {
        browser.open(page.address()).await?;
    }
    let points = format!("document.querySelector('#tiles path').getAttribute('d').split('L').length > {POINTS}");
    let mut sold = 0_u32;
    while light.run(&format!("return {points}")).await? != true {
        // Busier and busier, so that there is a line to see.
        for _ in 0..sold % 60 {
            shop.sell().await?;
        }
        sold += 1;
    }
    for why in ["a page is missing", "the ink is dry", "a page is missing", "a page is missing"] {
        shop.fail(why).await?;
    }
    shop.ask_around().await?;
    shop.wait_for_the_gateway(14).await?;
    shop.block_the_mailer()?;
    shop.fill(3200).await;

    let all = "['cycle', 'handler', 'waited', 'restarting', 'mailbox'].every((kind) => \
               document.querySelector(`#troubles [data-kind=${kind}]`)) && \
               !document.querySelector('#troubles').innerText.includes('just now')";
    for browser in [&light, &dark, &narrow] {
        browser.until(all).await?;
    }
    for (browser, inspected) in [(&light, "gateway"), (&dark, "ledger")] {
        browser.click("[data-sort=mailbox]").await?;
        let click = format!(
            "[...document.querySelectorAll('#tree button')].find((it) => it.innerText.startsWith('{inspected}')).click()"
        );
        browser.run(&click).await?;
        browser.until("document.querySelector('#shown-state')").await?;
    }
    keep(&light, &folder, "observer-light.png").await?;
    keep(&dark, &folder, "observer-dark.png").await?;
    keep(&narrow, &folder, "observer-narrow.png").await?;
    light.click("#tab-reports").await?;
    keep(&light, &folder, "observer-reports.png").await?;
    for browser in [light, dark, narrow] {
        browser.close().await?;
    }
    page.stop();
    shop.close().await
}

async fn keep(browser: &Browser, folder: &Path, name: &str) -> Result<(), Error> {
    // What was clicked last has been painted when this is answered.
    browser.run("return document.body.offsetHeight").await?;
    Ok(std::fs::write(folder.join(name), browser.picture().await?)?)
}
