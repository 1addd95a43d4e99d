//! `grandpa_*`.

use std::sync::Arc;

use basalt_rpc_api::GrandpaApiServer;
use jsonrpsee::{
    PendingSubscriptionSink,
    core::{SubscriptionResult, async_trait},
};

use crate::{node::Node, subscriptions};

/// Answers `grandpa_*`.
pub(crate) struct Grandpa(pub(crate) Arc<Node>);

#[async_trait]
impl GrandpaApiServer for Grandpa {
    async fn subscribe_justifications(&self, pending: PendingSubscriptionSink) -> SubscriptionResult {
        subscriptions::justifications(&self.0, pending).await
    }
}
