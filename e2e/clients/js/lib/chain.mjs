// Where the group under test is, and the budget of one client's run.
//
// Every script takes the same two variables, so that the driver, a person and any other Ethereum chain can run it.

const DEFAULT_RPC = 'http://127.0.0.1:8545/group/1';

/** HTTP endpoint of the group. */
export const rpcUrl = process.env.ALTHING_RPC_URL ?? DEFAULT_RPC;

/** WebSocket endpoint of the group; by default the HTTP one with the other scheme. */
export const wsUrl = process.env.ALTHING_WS_URL ?? rpcUrl.replace(/^http/, 'ws');

/** How long one promise may take before it counts as broken. */
export const promiseTimeoutMs = Number(process.env.ALTHING_PROMISE_TIMEOUT_MS ?? 60_000);
