//! `payment_*`: what a transaction would cost.

use jsonrpsee::{core::RpcResult, proc_macros::rpc};

use crate::{
    text::{Bytes, Hash},
    types::{FeeDetails, QueryInfo},
};

/// What a transaction would cost. Its signature is not checked: wallets ask before they sign.
#[rpc(server, client)]
pub trait PaymentApi {
    /// Weight, class and fee.
    #[method(name = "payment_queryInfo")]
    async fn query_info(&self, extrinsic: Bytes, at: Option<Hash>) -> RpcResult<QueryInfo>;

    /// What the fee is made of.
    #[method(name = "payment_queryFeeDetails")]
    async fn query_fee_details(&self, extrinsic: Bytes, at: Option<Hash>) -> RpcResult<FeeDetails>;
}
