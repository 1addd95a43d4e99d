//! `grandpa_*`: proofs of finality.

use jsonrpsee::{core::SubscriptionResult, proc_macros::rpc};

use crate::text::Bytes;

/// Proofs of finality, in the form that bridges and light clients read.
#[rpc(server, client)]
pub trait GrandpaApi {
    /// The justification of each block that becomes final and has one, in order: SCALE of a `GrandpaJustification`.
    #[subscription(
        name = "grandpa_subscribeJustifications" => "grandpa_justifications",
        unsubscribe = "grandpa_unsubscribeJustifications",
        item = Bytes
    )]
    async fn subscribe_justifications(&self) -> SubscriptionResult;
}
