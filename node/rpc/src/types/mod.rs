//! What travels in parameters and results.

mod arguments;
mod block_selector;
mod call_arguments;
mod log_query;
mod quantity;

pub(crate) use arguments::{Arguments, nesting};
pub(crate) use block_selector::BlockSelector;
pub(crate) use call_arguments::{
    AccessListItem, AccountOverrideObject, BlockOverridesObject, CallArguments, access_list_object, block_overrides,
    state_overrides,
};
pub(crate) use log_query::{LogQuery, RangeQuery};
pub(crate) use quantity::{Quantity, slot};
