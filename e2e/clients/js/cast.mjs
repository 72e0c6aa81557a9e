// cast (Foundry), default settings, from an account that owns nothing.

import { execFile, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

import { rpcUrl, wsUrl } from './lib/chain.mjs';
import {
  amountOut, erc20, farDeadline, gasOfTrade, supply, tooLittle, uniswapFactory, uniswapRouter, units, weth,
} from './lib/contracts.mjs';
import { contains, end, onEnd, promise, same } from './lib/promises.mjs';

const binary = createRequire(import.meta.url).resolve('@foundry-rs/cast-linux-amd64/bin/cast');
const run = promisify(execFile);

async function cast(...args) {
  const { stdout } = await run(binary, args, { maxBuffer: 64 << 20, env: { ...process.env, ETH_RPC_URL: rpcUrl } });
  return stdout.trim();
}

const json = async (...args) => JSON.parse(await cast(...args, '--json'));
const [{ address: owner, private_key: key }] = await json('wallet', 'new');
const [{ address: friend }] = await json('wallet', 'new');

async function mined(...args) {
  const receipt = await json('send', '--private-key', key, ...args);
  same(receipt.status, '0x1', 'status of the receipt');
  return receipt;
}

async function deploy(artifact, signature, ...args) {
  const constructor = signature ? [signature, ...args] : [];
  return (await mined('--create', artifact.bytecode, ...constructor)).contractAddress;
}

const uint = async (...args) => BigInt((await cast('call', ...args)).split(' ')[0]);
const text = (amount) => amount.toString();

await promise('knows the chain and an account with zero balance', async () => {
  if (BigInt(await cast('chain-id')) <= 0n) throw new Error('no chain id');
  same(await cast('balance', owner), '0', 'balance');
  same(await cast('nonce', owner), '0', 'nonce');
  contains(await cast('client'), '', 'client version');
});

const token = await promise("deploys OpenZeppelin's ERC-20 with zero balance", async () => {
  const address = await deploy(
    erc20, 'constructor(string,string,uint256,address)', 'Trade', 'TRD', text(supply), owner,
  );
  contains(await cast('compute-address', owner, '--nonce', '0'), (await cast('to-check-sum-address', address)), 'address');
  same(await cast('call', address, 'symbol()(string)'), '"TRD"', 'symbol');
  same(await uint(address, 'balanceOf(address)(uint256)', owner), supply, 'balance of the owner');
  return address;
});

const transfer = await promise('transfers and gets the receipt with its event', async () => {
  const receipt = await mined(token, 'transfer(address,uint256)', friend, text(units(5)));
  same(BigInt(receipt.logs[0].data), units(5), 'value in the event');
  same(await uint(token, 'balanceOf(address)(uint256)', friend), units(5), 'balance of the friend');
  return receipt;
});

await promise('sends a legacy transaction and one with an access list as well', async () => {
  same((await mined(token, 'transfer(address,uint256)', friend, '1', '--legacy')).type, '0x0', 'type');
  const list = JSON.stringify([{ address: token, storageKeys: [] }]);
  same((await mined(token, 'transfer(address,uint256)', friend, '1', '--access-list', list)).status, '0x1', 'status');
});

await promise('reads blocks, the transaction and logs by range, block hash and topic', async () => {
  const block = await json('block', text(BigInt(transfer.blockNumber)), '--full');
  same(block.hash, transfer.blockHash, 'hash of the block');
  same((await json('tx', transfer.transactionHash)).blockHash, transfer.blockHash, 'block of the transaction');
  const signature = 'Transfer(address indexed from, address indexed to, uint256 value)';
  const range = ['--from-block', transfer.blockNumber, '--to-block', 'latest', '--address', token];
  same((await json('logs', ...range, signature, '', friend)).length, 3, 'events since the first transfer');
  const [raw] = JSON.parse(await cast('rpc', 'eth_getLogs', JSON.stringify({ blockHash: transfer.blockHash })) || '[]');
  same(raw.transactionHash, transfer.transactionHash, 'the event of the block');
});

await promise('decodes a revert reason of a call, an estimate and a mined transaction', async () => {
  const [{ address: broke, private_key: brokeKey }] = await json('wallet', 'new');
  const call = [token, 'transfer(address,uint256)(bool)', friend, '1', '--from', broke];
  for (const verb of ['call', 'estimate']) {
    const failure = await cast(verb, ...call).then(() => 'no revert', (error) => error.stderr);
    contains(failure, tooLittle, `reason of the ${verb}`);
  }
  const sent = ['send', '--private-key', brokeKey, token, 'transfer(address,uint256)', friend, '1', '--gas-limit', '100000'];
  const { stdout } = await run(binary, [...sent, '--json', '--rpc-url', rpcUrl]).catch((error) => error);
  same(JSON.parse(stdout).status, '0x0', 'status of the failed receipt');
});

await promise('subscribes by WebSocket to events', async () => {
  const address = ['--address', token];
  const child = spawn(binary, ['logs', '--subscribe', '--rpc-url', wsUrl, ...address]);
  onEnd(() => child.kill());
  const line = new Promise((resolve) => createInterface({ input: child.stdout }).once('line', resolve));
  // cast does not say when its subscription stands: transfers go on until one of them is pushed.
  let seen;
  line.then((text) => { seen = text; });
  while (seen === undefined) await mined(token, 'transfer(address,uint256)', friend, '1');
  contains(seen.toLowerCase(), token.slice(2).toLowerCase(), 'address in the pushed event');
});

await promise('trades on Uniswap v2: factory, router, pair, a swap', async () => {
  const other = await deploy(
    erc20, 'constructor(string,string,uint256,address)', 'Other', 'OTH', text(supply), owner,
  );
  const factory = await deploy(uniswapFactory, 'constructor(address)', owner);
  const router = await deploy(uniswapRouter, 'constructor(address,address)', factory, await deploy(weth));
  for (const coin of [token, other]) await mined(coin, 'approve(address,uint256)', router, text(units(1000)));
  await mined(
    router, 'addLiquidity(address,address,uint256,uint256,uint256,uint256,address,uint256)',
    token, other, text(units(100)), text(units(400)), '0', '0', owner, text(farDeadline),
  );
  const pair = await cast('call', factory, 'getPair(address,address)(address)', token, other);
  const before = await uint(other, 'balanceOf(address)(uint256)', owner);
  const receipt = await mined(
    router, 'swapExactTokensForTokens(uint256,uint256,address[],address,uint256)',
    text(units(10)), '0', `[${token},${other}]`, owner, text(farDeadline), '--gas-limit', text(gasOfTrade),
  );
  const paid = (await uint(other, 'balanceOf(address)(uint256)', owner)) - before;
  same(paid, amountOut(units(10), units(100), units(400)), 'amount out');
  const fromPair = receipt.logs.filter((log) => log.address.toLowerCase() === pair.toLowerCase());
  same(fromPair.length, 2, 'events of the pair (Sync, Swap)');
});

await end('cast');
