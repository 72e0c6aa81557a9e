// viem, default settings, from an account that owns nothing.

import {
  BaseError, ContractFunctionRevertedError, createPublicClient, createWalletClient, defineChain, getContractAddress,
  http, parseEventLogs, webSocket,
} from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';

import { rpcUrl, wsUrl } from './lib/chain.mjs';
import {
  amountOut, erc20, farDeadline, gasOfTrade, supply, tooLittle, uniswapFactory, uniswapPair, uniswapRouter, units, weth,
} from './lib/contracts.mjs';
import { contains, end, onEnd, promise, same } from './lib/promises.mjs';

const account = privateKeyToAccount(generatePrivateKey());
const friend = privateKeyToAccount(generatePrivateKey()).address;
const id = await createPublicClient({ transport: http(rpcUrl) }).getChainId();
const chain = defineChain({
  id,
  name: 'Althing group',
  nativeCurrency: { name: 'none', symbol: 'NONE', decimals: 18 },
  rpcUrls: { default: { http: [rpcUrl], webSocket: [wsUrl] } },
});
const reader = createPublicClient({ chain, transport: http() });
const writer = createWalletClient({ account, chain, transport: http() });

async function mined(hash) {
  const receipt = await reader.waitForTransactionReceipt({ hash });
  same(receipt.status, 'success', 'status of the receipt');
  return receipt;
}

async function deploy(artifact, ...args) {
  const receipt = await mined(await writer.deployContract({ ...artifact, args }));
  return { address: receipt.contractAddress, abi: artifact.abi };
}

const read = (contract, functionName, ...args) => reader.readContract({ ...contract, functionName, args });
const write = async (contract, functionName, ...args) =>
  mined(await writer.writeContract({ ...contract, functionName, args }));

/** The reason in the error that viem makes of a revert. */
function reasonOf(error) {
  if (!(error instanceof BaseError)) throw error;
  return error.walk((cause) => cause instanceof ContractFunctionRevertedError)?.reason;
}

await promise('knows the chain and an account with zero balance', async () => {
  if (id <= 0) throw new Error(`chain id ${id}`);
  same(await reader.getBalance(account), 0n, 'balance');
  same(await reader.getTransactionCount(account), 0, 'nonce');
  same((await reader.estimateFeesPerGas()).maxFeePerGas, 0n, 'suggested fee');
});

const token = await promise("deploys OpenZeppelin's ERC-20 with zero balance", async () => {
  const contract = await deploy(erc20, 'Trade', 'TRD', supply, account.address);
  const expected = getContractAddress({ from: account.address, nonce: 0n }).toLowerCase();
  same(contract.address.toLowerCase(), expected, 'contract address');
  same(await read(contract, 'symbol'), 'TRD', 'symbol');
  same(await read(contract, 'balanceOf', account.address), supply, 'balance of the owner');
  return contract;
});

const transfer = await promise('transfers and gets the receipt with its event', async () => {
  const { request } = await reader.simulateContract({
    ...token, account, functionName: 'transfer', args: [friend, units(5)],
  });
  const receipt = await mined(await writer.writeContract(request));
  const [event] = parseEventLogs({ abi: token.abi, logs: receipt.logs, eventName: 'Transfer' });
  same(event.args.value, units(5), 'value in the event');
  same(await read(token, 'balanceOf', friend), units(5), 'balance of the friend');
  return receipt;
});

await promise('sends a legacy and an access-list transaction as well', async () => {
  for (const type of ['legacy', 'eip2930']) {
    const receipt = await mined(await writer.writeContract({
      ...token, functionName: 'transfer', args: [friend, 1n], type,
    }));
    same(receipt.type, type, 'type of the receipt');
  }
});

await promise('reads logs by range, by block hash and by topic', async () => {
  const query = { ...token, eventName: 'Transfer', args: { from: account.address, to: friend } };
  const ranged = await reader.getContractEvents({ ...query, fromBlock: transfer.blockNumber });
  same(ranged.length, 3, 'events since the first transfer');
  same(ranged[0].args.value, units(5), 'value');
  const hashed = await reader.getContractEvents({ ...query, blockHash: transfer.blockHash });
  same(hashed.length, 1, 'events in the block');
  const approvals = await reader.getContractEvents({ ...token, eventName: 'Approval', fromBlock: 0n });
  same(approvals.length, 0, 'approvals');
});

await promise('decodes a revert reason of a call, an estimate and a mined transaction', async () => {
  const broke = privateKeyToAccount(generatePrivateKey());
  const attempt = { ...token, account: broke, functionName: 'transfer', args: [friend, 1n] };
  same(await reader.simulateContract(attempt).then(() => 'no revert', reasonOf), tooLittle, 'reason of the call');
  same(await reader.estimateContractGas(attempt).then(() => 'no revert', reasonOf), tooLittle, 'reason of the estimate');
  const hash = await writer.writeContract({ ...attempt, gas: 100_000n });
  same((await reader.waitForTransactionReceipt({ hash })).status, 'reverted', 'status of the failed receipt');
});

await promise('polls events with a filter', async () => {
  const filter = await reader.createContractEventFilter({ ...token, eventName: 'Transfer', args: { to: friend } });
  await write(token, 'transfer', friend, 3n);
  const [event] = await reader.getFilterChanges({ filter });
  same(event.args.value, 3n, 'value in the polled event');
  same(await reader.uninstallFilter({ filter }), true, 'uninstalled');
});

await promise('subscribes by WebSocket to blocks and events', async () => {
  const socket = createPublicClient({ chain, transport: webSocket() });
  const stops = [];
  const event = new Promise((resolve, reject) => {
    stops.push(socket.watchContractEvent({
      ...token, eventName: 'Transfer', args: { to: friend }, onLogs: ([log]) => resolve(log), onError: reject,
    }));
  });
  const block = new Promise((resolve, reject) => {
    stops.push(socket.watchBlocks({ onBlock: resolve, onError: reject }));
  });
  onEnd(async () => {
    for (const stop of stops) stop();
    (await socket.transport.getRpcClient()).close();
  });
  // Answers come in order of the requests, so after these both subscriptions stand.
  await socket.getBlockNumber({ cacheTime: 0 });
  await socket.getBlockNumber({ cacheTime: 0 });
  const receipt = await write(token, 'transfer', friend, units(7));
  same((await event).args.value, units(7), 'value in the pushed event');
  same((await block).number <= receipt.blockNumber, true, 'the pushed block is not later than the transaction');
});

await promise('trades on Uniswap v2: factory, router, pair, a swap', async () => {
  const other = await deploy(erc20, 'Other', 'OTH', supply, account.address);
  const factory = await deploy(uniswapFactory, account.address);
  const wrapped = await deploy(weth);
  const router = await deploy(uniswapRouter, factory.address, wrapped.address);
  await write(token, 'approve', router.address, units(1000));
  await write(other, 'approve', router.address, units(1000));
  const amounts = [units(100), units(400), 0n, 0n];
  await write(router, 'addLiquidity', token.address, other.address, ...amounts, account.address, farDeadline);
  const pair = { address: await read(factory, 'getPair', token.address, other.address), abi: uniswapPair.abi };
  const before = await read(other, 'balanceOf', account.address);
  const path = [token.address, other.address];
  const args = [units(10), 0n, path, account.address, farDeadline];
  const trade = { ...router, functionName: 'swapExactTokensForTokens', args, gas: gasOfTrade };
  const receipt = await mined(await writer.writeContract(trade));
  const paid = (await read(other, 'balanceOf', account.address)) - before;
  same(paid, amountOut(units(10), units(100), units(400)), 'amount out');
  const swaps = await reader.getContractEvents({ ...pair, eventName: 'Swap', blockHash: receipt.blockHash });
  same(swaps.length, 1, 'Swap events');
  const [reserve0, reserve1] = await read(pair, 'getReserves');
  same(reserve0 + reserve1, units(110) + units(400) - paid, 'reserves');
});

await promise('decodes the reason of a nested revert', async () => {
  const router = await deploy(uniswapRouter, friend, friend);
  const reason = await reader
    .simulateContract({
      ...router, account, functionName: 'swapExactTokensForTokens', args: [1n, 0n, [friend], account.address, 1n],
    })
    .then(() => 'no revert', reasonOf);
  contains(reason, 'UniswapV2Router: EXPIRED', 'reason');
});

await end('viem');
