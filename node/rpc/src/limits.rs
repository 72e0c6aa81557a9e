//! What one listener accepts at most.

use std::time::Duration;

/// Bounds of one listener. What lies beyond one is refused with an error that names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one HTTP body or WebSocket message. Default 16 MiB.
    pub body_bytes: u32,
    /// Requests in one batch. Default 1000.
    pub batch_length: u32,
    /// Bytes of one answer, a whole batch counted together. Default 32 MiB.
    pub response_bytes: u32,
    /// Nesting of arrays and objects in the parameters of one request. Default 32.
    pub json_depth: usize,
    /// Blocks that one `eth_getLogs` may span. Default 100,000.
    pub log_range: u64,
    /// Events that one answer may hold. Default 10,000.
    pub log_results: usize,
    /// Addresses and topics that one filter may name. Default 1000.
    pub log_values: usize,
    /// Open connections. Default 1024.
    pub connections: usize,
    /// Requests of one WebSocket connection that are answered at once, together at most [`Self::body_bytes`] or one
    /// message; until some are answered, nothing more is read from it. One that waits for a receipt counts. Default 256.
    pub requests_in_flight: usize,
    /// Subscriptions of one WebSocket connection. Default 64.
    pub subscriptions_per_connection: u32,
    /// Notifications that wait for one slow WebSocket reader. Default 256.
    pub notifications_waiting: u32,
    /// Filters made over one connection. Default 64.
    pub filters_per_connection: usize,
    /// Filters of the listener. Default 4096.
    pub filters: usize,
    /// A filter nobody asked for that long is forgotten. Default 5 minutes.
    pub filter_idle: Duration,
    /// How long the receipt of a pending transaction is waited for before the answer is null; the receipts of a batch
    /// together. Zero answers at once. Above 250 ms, for which ethers remembers a null, and not above the second after
    /// which web3.js drops an answer. Default 1 second.
    pub receipt_wait: Duration,
    /// Receipts that are waited for at once; beyond, a pending transaction's is null at once. Default 1024.
    pub receipt_waits: usize,
    /// How long after an account was told its nonce the receipts of its transactions are held back. Zero never holds.
    /// Above the 250 ms for which ethers remembers a nonce. Default 300 milliseconds.
    pub nonce_memory: Duration,
    /// Time for one request, or one batch as a whole. Default 30 seconds.
    pub request_timeout: Duration,
    /// Time for a TLS handshake, and for a body to arrive. Default 10 seconds.
    pub arrival_timeout: Duration,
    /// Time until an idle HTTP connection is closed. Default 2 minutes.
    pub idle_timeout: Duration,
    /// Calls, estimates, log searches and proofs that run at once; others wait. Default 4.
    pub computations: usize,
    /// Block and receipt reads that run at once; others wait. Default 16.
    pub reads: usize,
    /// Transactions that `txpool_content` shows of each list. Default 4096.
    pub pool_transactions: usize,
    /// Blocks of one `eth_feeHistory`; more are cut to this, as Ethereum's nodes do. Default 1024.
    pub fee_history_blocks: u64,
    /// Slots of one `eth_getProof`. Default 1024.
    pub proof_slots: usize,
    /// Accounts and slots that the overrides of one call may name. Default 10,000.
    pub override_values: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 16 * 1024 * 1024,
            batch_length: 1000,
            response_bytes: 32 * 1024 * 1024,
            json_depth: 32,
            log_range: 100_000,
            log_results: 10_000,
            log_values: 1000,
            connections: 1024,
            requests_in_flight: 256,
            subscriptions_per_connection: 64,
            notifications_waiting: 256,
            filters_per_connection: 64,
            filters: 4096,
            filter_idle: Duration::from_secs(300),
            receipt_wait: Duration::from_secs(1),
            receipt_waits: 1024,
            nonce_memory: Duration::from_millis(300),
            request_timeout: Duration::from_secs(30),
            arrival_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(120),
            computations: 4,
            reads: 16,
            pool_transactions: 4096,
            fee_history_blocks: 1024,
            proof_slots: 1024,
            override_values: 10_000,
        }
    }
}
