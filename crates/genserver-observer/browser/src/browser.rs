//! One browser for one test: a driver, a profile that is gone afterwards, and what the page asks of it.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use fantoccini::actions::{InputSource as _, KeyAction, KeyActions};
use fantoccini::wd::Capabilities;
use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tempfile::TempDir;

/// What went wrong: in the browser, in its driver, or in the file system.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// The theme that the reader prefers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scheme {
    /// Dark text on a light page.
    Light,
    /// Light text on a dark page.
    Dark,
}

/// A browser with one window. It ends with its driver when this is dropped.
#[derive(Debug)]
pub struct Browser {
    client: Client,
    driver: Child,
    _profile: TempDir,
}

impl Browser {
    /// Starts a browser with a window of this size.
    ///
    /// # Errors
    ///
    /// If `chromedriver` or `chromium` is not there, or does not start.
    pub async fn start(width: u32, height: u32, scheme: Scheme) -> Result<Self, Error> {
        let mut driver =
            Command::new("chromedriver").arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let profile = TempDir::new()?;
        let connected = connect(&mut driver, &profile, (width, height), scheme).await;
        match connected {
            Ok(client) => Ok(Self { client, driver, _profile: profile }),
            Err(error) => {
                // It may have ended by itself.
                let _ = driver.kill();
                Err(error)
            }
        }
    }

    /// Opens the page of an observer.
    ///
    /// # Errors
    ///
    /// If the browser does not do it.
    pub async fn open(&self, address: SocketAddr) -> Result<(), Error> {
        Ok(self.client.goto(&format!("http://{address}/")).await?)
    }

    /// Opens any address.
    ///
    /// # Errors
    ///
    /// If the browser does not do it.
    pub async fn open_elsewhere(&self, address: &str) -> Result<(), Error> {
        Ok(self.client.goto(address).await?)
    }

    /// Minimises the window, so that nobody sees the page.
    ///
    /// # Errors
    ///
    /// If the browser does not do it.
    pub async fn hide(&self) -> Result<(), Error> {
        Ok(self.client.minimize_window().await?)
    }

    /// Shows the window again.
    ///
    /// # Errors
    ///
    /// If the browser does not do it.
    pub async fn show(&self) -> Result<(), Error> {
        Ok(self.client.set_window_rect(0, 0, 1280, 800).await?)
    }

    /// Runs a function body of JavaScript, and returns what it returns.
    ///
    /// # Errors
    ///
    /// If the script throws.
    pub async fn run(&self, script: &str) -> Result<Value, Error> {
        Ok(self.client.execute(script, Vec::new()).await?)
    }

    /// Waits until an expression of JavaScript is true: a minute at most, which is for a machine that is very busy.
    ///
    /// # Errors
    ///
    /// If it does not become true, with the text of the page.
    pub async fn until(&self, expression: &str) -> Result<(), Error> {
        let script = format!("return Boolean({expression});");
        let holds = async {
            // The page is asked again and again; the driver takes some milliseconds for each answer.
            while self.run(&script).await? != Value::Bool(true) {}
            Ok::<(), Error>(())
        };
        if let Ok(holds) = tokio::time::timeout(Duration::from_mins(1), holds).await {
            return holds;
        }
        let page = self.run("return document.body.innerText").await?;
        Err(format!("`{expression}` has not become true; the page shows\n{}", page.as_str().unwrap_or_default()).into())
    }

    /// Presses keys, one after the other.
    ///
    /// # Errors
    ///
    /// If the browser does not do it.
    pub async fn press(&self, keys: impl IntoIterator<Item = char>) -> Result<(), Error> {
        let mut actions = KeyActions::new("keyboard".to_owned());
        for value in keys {
            actions = actions.then(KeyAction::Down { value }).then(KeyAction::Up { value });
        }
        Ok(self.client.perform_actions(actions).await?)
    }

    /// Clicks on what a selector finds.
    ///
    /// # Errors
    ///
    /// If there is nothing, or it cannot be clicked.
    pub async fn click(&self, selector: &str) -> Result<(), Error> {
        loop {
            let found = self.client.find(fantoccini::Locator::Css(selector)).await?;
            match found.click().await {
                // The page has replaced it since it was found.
                Err(error) if error.is_stale_element_reference() => {}
                clicked => return Ok(clicked?),
            }
        }
    }

    /// A picture of the window, as a PNG.
    ///
    /// # Errors
    ///
    /// If the browser makes none.
    pub async fn picture(&self) -> Result<Vec<u8>, Error> {
        Ok(self.client.screenshot().await?)
    }

    /// Closes the browser in order.
    ///
    /// # Errors
    ///
    /// If the driver does not answer.
    pub async fn close(self) -> Result<(), Error> {
        Ok(self.client.clone().close().await?)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The driver ends its browser; both may be gone already.
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

async fn connect(driver: &mut Child, profile: &TempDir, size: (u32, u32), scheme: Scheme) -> Result<Client, Error> {
    let stdout = driver.stdout.as_mut().ok_or("the driver has no output")?;
    // It says which port it has got.
    let mut lines = BufReader::new(stdout).lines();
    let port = loop {
        let line = lines.next().ok_or("the driver ended before it listened")??;
        if let Some((_, port)) = line.split_once("started successfully on port ") {
            break port.trim_end_matches('.').parse::<u16>()?;
        }
    };
    let mut args = vec![
        "--headless=new".to_owned(),
        "--no-sandbox".to_owned(),
        "--disable-gpu".to_owned(),
        "--disable-quic".to_owned(),
        "--no-first-run".to_owned(),
        "--disable-background-networking".to_owned(),
        "--disable-component-update".to_owned(),
        "--disable-sync".to_owned(),
        "--disable-dev-shm-usage".to_owned(),
        "--hide-scrollbars".to_owned(),
        // No name but that of this machine leads anywhere: what the page asks of elsewhere fails.
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1".to_owned(),
        format!("--user-data-dir={}", profile.path().display()),
        format!("--window-size={},{}", size.0, size.1),
    ];
    if scheme == Scheme::Dark {
        args.push("--blink-settings=preferredColorScheme=0".to_owned());
    }
    let mut capabilities = Capabilities::new();
    capabilities.insert("browserName".to_owned(), json!("chrome"));
    capabilities.insert("goog:chromeOptions".to_owned(), json!({ "args": args }));
    capabilities.insert("goog:loggingPrefs".to_owned(), json!({ "browser": "ALL" }));
    let mut builder = ClientBuilder::new(HttpConnector::new());
    builder.capabilities(capabilities);
    let client = builder.connect(&format!("http://127.0.0.1:{port}")).await?;
    Ok(client)
}
