//! `payment_*`: the runtime's answers, from SCALE to JSON.

use std::sync::Arc;

use basalt_primitives::{Balance, DispatchClass, Weight};
use basalt_rpc_api::{
    PaymentApiServer,
    text::{Bytes, Hash},
    types::{FeeDetails, InclusionFee, QueryInfo},
};
use jsonrpsee::core::{RpcResult, async_trait};
use parity_scale_codec::{Decode, Encode};

use crate::{author::without_length, error::Error, node::Node};

/// Answers `payment_*`.
pub(crate) struct Payment(pub(crate) Arc<Node>);

/// `RuntimeDispatchInfo` in SCALE.
#[derive(Encode, Decode)]
struct Info {
    weight: Weight,
    class: DispatchClass,
    partial_fee: Balance,
}

/// The head of `FeeDetails` in SCALE; a tip follows, which the answer does not have.
#[derive(Encode, Decode)]
struct Details {
    inclusion_fee: Option<Fee>,
}

/// `InclusionFee` in SCALE.
#[derive(Encode, Decode)]
struct Fee {
    base: Balance,
    len: Balance,
    adjusted_weight: Balance,
}

impl Payment {
    /// Asks the runtime about an extrinsic. The arguments are the extrinsic with its length, and that length again.
    async fn query<T: Decode>(
        &self,
        function: &'static str,
        extrinsic: Bytes,
        at: Option<Hash>,
    ) -> Result<T, Error> {
        without_length(&extrinsic).map_err(|e| Error::FeeUndecodable(e.to_string()))?;
        let call = move |node: &Node| {
            let mut arguments = extrinsic.0;
            // A request is far below 4 GiB.
            let bytes = u32::try_from(arguments.len()).unwrap_or(u32::MAX);
            bytes.encode_to(&mut arguments);
            node.call(function, &arguments, at).map_err(|e| Error::Fee(Box::new(e)))
        };
        let answer = self.0.work(call).await?;
        T::decode(&mut answer.as_slice()).map_err(|e| {
            Error::Internal(format!(
                "the runtime's answer to {function} does not decode: {e}; please report it"
            ))
        })
    }
}

#[async_trait]
impl PaymentApiServer for Payment {
    async fn query_info(&self, extrinsic: Bytes, at: Option<Hash>) -> RpcResult<QueryInfo> {
        let info: Info = self.query("TransactionPaymentApi_query_info", extrinsic, at).await?;
        Ok(QueryInfo { weight: info.weight, class: info.class, partial_fee: info.partial_fee.to_string() })
    }

    async fn query_fee_details(&self, extrinsic: Bytes, at: Option<Hash>) -> RpcResult<FeeDetails> {
        let details: Details = self.query("TransactionPaymentApi_query_fee_details", extrinsic, at).await?;
        Ok(FeeDetails {
            inclusion_fee: details.inclusion_fee.map(|fee| InclusionFee {
                base_fee: fee.base.into(),
                len_fee: fee.len.into(),
                adjusted_weight_fee: fee.adjusted_weight.into(),
            }),
        })
    }
}
