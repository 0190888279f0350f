//! A round of questions, once a second and when a key asks for something else.

use super::client::{AskError, Client};
use crate::data::{ProcessDetail, ProcessPage, ProcessQuery, ReportRow, Summary};

/// What a round asks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Question {
    /// Which part of the table.
    pub(super) query: ProcessQuery,
    /// The process in the pane.
    pub(super) inspected: Option<u64>,
    /// The number of the last report that is known.
    pub(super) reports_after: u64,
}

/// What a round brings.
#[derive(Default)]
pub(super) struct Round {
    pub(super) summary: Summary,
    pub(super) page: ProcessPage,
    /// Nothing if none is inspected, or if it has ended.
    pub(super) detail: Option<ProcessDetail>,
    pub(super) reports: Vec<ReportRow>,
}

impl Question {
    /// Asks all of it. The client comes back with the answer.
    pub(super) async fn ask(self, mut client: Client) -> (Client, Self, Result<Round, AskError>) {
        let round = self.ask_with(&mut client).await;
        (client, self, round)
    }

    pub(super) async fn ask_with(&self, client: &mut Client) -> Result<Round, AskError> {
        let Self { query, inspected, reports_after } = self;
        let summary = client.get("/api/summary").await?.unwrap_or_default();
        let page = client.get(&format!("/api/processes?{query}")).await?.unwrap_or_default();
        let detail = match inspected {
            Some(pid) => client.get(&format!("/api/process/{pid}")).await?,
            None => None,
        };
        let reports = client.get(&format!("/api/reports?after={reports_after}")).await?.unwrap_or_default();
        Ok(Round { summary, page, detail, reports })
    }
}
