// web3.js 4, default settings, from an account that owns nothing.

import { Web3 } from 'web3';

import { rpcUrl, wsUrl } from './lib/chain.mjs';
import {
  amountOut, erc20, farDeadline, gasOfTrade, supply, tooLittle, uniswapFactory, uniswapPair, uniswapRouter, units, weth,
} from './lib/contracts.mjs';
import { contains, end, onEnd, promise, same } from './lib/promises.mjs';

const web3 = new Web3(rpcUrl);
const account = web3.eth.accounts.create();
const friend = web3.eth.accounts.create().address;
web3.eth.accounts.wallet.add(account);
const from = account.address;

async function deploy(artifact, ...args) {
  const draft = new web3.eth.Contract(artifact.abi).deploy({ data: artifact.bytecode, arguments: args });
  return draft.send({ from });
}

async function mined(sent) {
  const receipt = await sent;
  same(receipt.status, 1n, 'status of the receipt');
  return receipt;
}

/** The reason in the error that web3.js makes of a revert, wherever in the chain of causes it is. */
function reasonOf(error) {
  return `${error.message} ${error.cause?.message ?? ''} ${error.innerError?.message ?? ''} ${error.reason ?? ''}`;
}

await promise('knows the chain and an account with zero balance', async () => {
  if ((await web3.eth.getChainId()) <= 0n) throw new Error('no chain id');
  same(await web3.eth.getBalance(from), 0n, 'balance');
  same(await web3.eth.getTransactionCount(from), 0n, 'nonce');
});

const token = await promise("deploys OpenZeppelin's ERC-20 with zero balance", async () => {
  const contract = await deploy(erc20, 'Trade', 'TRD', supply, from);
  same(await contract.methods.symbol().call(), 'TRD', 'symbol');
  same(await contract.methods.balanceOf(from).call(), supply, 'balance of the owner');
  return contract;
});

const transfer = await promise('transfers and gets the receipt with its event', async () => {
  const receipt = await mined(token.methods.transfer(friend, units(5)).send({ from }));
  same(receipt.events.Transfer.returnValues.value, units(5), 'value in the event');
  same(await token.methods.balanceOf(friend).call(), units(5), 'balance of the friend');
  return receipt;
});

await promise('sends a legacy and an access-list transaction as well', async () => {
  for (const type of [0, 1]) {
    const receipt = await mined(token.methods.transfer(friend, 1n).send({ from, type }));
    same(receipt.type, BigInt(type), 'type of the receipt');
  }
});

await promise('reads logs by range, by block hash and by topic', async () => {
  const filter = { from, to: friend };
  const fromBlock = transfer.blockNumber;
  const ranged = await token.getPastEvents('Transfer', { filter, fromBlock, toBlock: 'latest' });
  same(ranged.length, 3, 'events since the first transfer');
  same(ranged[0].returnValues.value, units(5), 'value');
  const address = token.options.address;
  const hashed = await web3.eth.getPastLogs({ address, blockHash: transfer.blockHash });
  same(hashed.length, 1, 'events in the block');
  same((await token.getPastEvents('Approval', { fromBlock: 0n })).length, 0, 'approvals');
});

await promise('decodes a revert reason of a call, an estimate and a mined transaction', async () => {
  const broke = web3.eth.accounts.create();
  web3.eth.accounts.wallet.add(broke);
  const attempt = token.methods.transfer(friend, 1n);
  contains(await attempt.call({ from: broke.address }).catch(reasonOf), tooLittle, 'reason of the call');
  contains(await attempt.estimateGas({ from: broke.address }).catch(reasonOf), tooLittle, 'reason of the estimate');
  contains(await attempt.send({ from: broke.address }).catch(reasonOf), tooLittle, 'reason before sending');
  const raw = await broke.signTransaction({
    to: token.options.address, data: attempt.encodeABI(), gas: 100_000n, gasPrice: 0n, nonce: 0n,
    chainId: await web3.eth.getChainId(),
  });
  const failure = await web3.eth.sendSignedTransaction(raw.rawTransaction, undefined, { checkRevertBeforeSending: false })
    .catch((error) => error);
  same(failure.receipt?.status, 0n, 'status of the failed receipt');
});

await promise('subscribes by WebSocket to blocks and events', async () => {
  const socket = new Web3(wsUrl);
  onEnd(() => socket.currentProvider.disconnect());
  const listening = new socket.eth.Contract(token.options.jsonInterface, token.options.address);
  const events = listening.events.Transfer({ filter: { to: friend } });
  const event = new Promise((resolve, reject) => {
    events.on('data', resolve);
    events.on('error', reject);
  });
  const blocks = await socket.eth.subscribe('newBlockHeaders');
  const block = new Promise((resolve) => blocks.on('data', resolve));
  // Answers come in order of the requests, so after this both subscriptions stand.
  await socket.eth.getBlockNumber();
  const receipt = await mined(token.methods.transfer(friend, units(7)).send({ from }));
  same((await event).returnValues.value, units(7), 'value in the pushed event');
  same(BigInt((await block).number) <= receipt.blockNumber, true, 'the pushed block is not later than the transaction');
});

await promise('trades on Uniswap v2: factory, router, pair, a swap', async () => {
  const other = await deploy(erc20, 'Other', 'OTH', supply, from);
  const factory = await deploy(uniswapFactory, from);
  const wrapped = await deploy(weth);
  const router = await deploy(uniswapRouter, factory.options.address, wrapped.options.address);
  const [one, two] = [token.options.address, other.options.address];
  await mined(token.methods.approve(router.options.address, units(1000)).send({ from }));
  await mined(other.methods.approve(router.options.address, units(1000)).send({ from }));
  const amounts = [units(100), units(400), 0n, 0n];
  await mined(router.methods.addLiquidity(one, two, ...amounts, from, farDeadline).send({ from }));
  const pair = new web3.eth.Contract(uniswapPair.abi, await factory.methods.getPair(one, two).call());
  const before = await other.methods.balanceOf(from).call();
  const trade = router.methods.swapExactTokensForTokens(units(10), 0n, [one, two], from, farDeadline);
  const receipt = await mined(trade.send({ from, gas: gasOfTrade.toString() }));
  const paid = (await other.methods.balanceOf(from).call()) - before;
  same(paid, amountOut(units(10), units(100), units(400)), 'amount out');
  const range = { fromBlock: receipt.blockNumber, toBlock: receipt.blockNumber };
  same((await pair.getPastEvents('Swap', range)).length, 1, 'Swap events');
  const { _reserve0: reserve0, _reserve1: reserve1 } = await pair.methods.getReserves().call();
  same(reserve0 + reserve1, units(110) + units(400) - paid, 'reserves');
});

await end('web3.js');
