// ethers 6, default settings and a plain Wallet, from an account that owns nothing.
//
// ethers remembers every answer for 250 ms, nonces among them, longer than this chain needs for a block: the node holds
// receipts accordingly (docs/adr/0005).

import {
  Contract, ContractFactory, JsonRpcProvider, Wallet, WebSocketProvider, getCreateAddress,
} from 'ethers';

import { rpcUrl, wsUrl } from './lib/chain.mjs';
import {
  amountOut, erc20, farDeadline, gasOfTrade, supply, tooLittle, uniswapFactory, uniswapPair, uniswapRouter, units, weth,
} from './lib/contracts.mjs';
import { contains, end, onEnd, promise, same } from './lib/promises.mjs';

const provider = new JsonRpcProvider(rpcUrl);
const wallet = Wallet.createRandom(provider);
const friend = Wallet.createRandom().address;
onEnd(() => provider.destroy());

async function deploy(artifact, ...args) {
  const contract = await new ContractFactory(artifact.abi, artifact.bytecode, wallet).deploy(...args);
  return contract.waitForDeployment();
}

async function mined(sent) {
  const receipt = await (await sent).wait();
  same(receipt.status, 1, 'status of the receipt');
  return receipt;
}

await promise('knows the chain and an account with zero balance', async () => {
  const network = await provider.getNetwork();
  if (network.chainId <= 0n) throw new Error(`chain id ${network.chainId}`);
  same(await provider.getBalance(wallet.address), 0n, 'balance');
  same(await provider.getTransactionCount(wallet.address), 0, 'nonce');
});

const token = await promise("deploys OpenZeppelin's ERC-20 with zero balance", async () => {
  const contract = await deploy(erc20, 'Trade', 'TRD', supply, wallet.address);
  same(await contract.getAddress(), getCreateAddress({ from: wallet.address, nonce: 0 }), 'contract address');
  same(await contract.symbol(), 'TRD', 'symbol');
  same(await contract.balanceOf(wallet.address), supply, 'balance of the owner');
  return contract;
});

const transfer = await promise('transfers and gets the receipt with its event', async () => {
  const receipt = await mined(token.transfer(friend, units(5)));
  same(receipt.logs.length, 1, 'logs in the receipt');
  same(token.interface.parseLog(receipt.logs[0]).args.value, units(5), 'value in the event');
  same(await token.balanceOf(friend), units(5), 'balance of the friend');
  return receipt;
});

await promise('sends a legacy and an access-list transaction as well', async () => {
  for (const type of [0, 1]) {
    const receipt = await mined(token.transfer(friend, 1n, { type }));
    same(receipt.type, type, 'type of the receipt');
  }
});

await promise('reads logs by range, by block hash and by topic', async () => {
  const filter = token.filters.Transfer(wallet.address, friend);
  const ranged = await token.queryFilter(filter, transfer.blockNumber, 'latest');
  same(ranged.length, 3, 'events since the first transfer');
  same(ranged[0].args.value, units(5), 'value');
  const topics = await filter.getTopicFilter();
  const hashed = await provider.getLogs({ blockHash: transfer.blockHash, address: await token.getAddress(), topics });
  same(hashed.length, 1, 'events in the block');
  same((await token.queryFilter(token.filters.Approval())).length, 0, 'approvals');
});

await promise('decodes a revert reason of a call, an estimate and a mined transaction', async () => {
  const broke = Wallet.createRandom(provider);
  for (const attempt of [token.connect(broke).transfer.staticCall, token.connect(broke).transfer.estimateGas]) {
    const reason = await attempt(friend, 1n).then(() => 'no revert', (error) => error.reason);
    same(reason, tooLittle, 'reason');
  }
  const sent = await token.connect(broke).transfer(friend, 1n, { gasLimit: 100_000 });
  const failure = await sent.wait().then(() => 'mined as a success', (error) => error);
  same(failure.code, 'CALL_EXCEPTION', 'code');
  same(failure.receipt.status, 0, 'status of the failed receipt');
});

await promise('subscribes by WebSocket to blocks and events', async () => {
  const socket = new WebSocketProvider(wsUrl);
  onEnd(() => socket.destroy());
  const listening = token.connect(socket);
  const event = new Promise((resolve) => listening.on(token.filters.Transfer(null, friend), resolve));
  const block = new Promise((resolve) => socket.on('block', resolve));
  // A call over the same socket answers after the subscriptions were sent.
  await socket.getBlockNumber();
  await subscribed(socket);
  const receipt = await mined(token.transfer(friend, units(7)));
  same((await event).args.value, units(7), 'value in the pushed event');
  if ((await block) > receipt.blockNumber) throw new Error('the pushed block is later than the transaction');
});

/** Waits until the provider has both subscription ids: before, an event may pass unseen. */
async function subscribed(socket) {
  await socket.send('eth_chainId', []);
  await socket.send('eth_chainId', []);
}

await promise('trades on Uniswap v2: factory, router, pair, a swap', async () => {
  const other = await deploy(erc20, 'Other', 'OTH', supply, wallet.address);
  const [tokenAddress, otherAddress] = [await token.getAddress(), await other.getAddress()];
  const factory = await deploy(uniswapFactory, wallet.address);
  const wrapped = await deploy(weth);
  const router = await deploy(uniswapRouter, await factory.getAddress(), await wrapped.getAddress());
  const routerAddress = await router.getAddress();
  await mined(token.approve(routerAddress, units(1000)));
  await mined(other.approve(routerAddress, units(1000)));
  await mined(router.addLiquidity(
    tokenAddress, otherAddress, units(100), units(400), 0n, 0n, wallet.address, farDeadline,
  ));
  const pair = new Contract(await factory.getPair(tokenAddress, otherAddress), uniswapPair.abi, wallet);
  const path = [tokenAddress, otherAddress];
  const receipt = await mined(router.swapExactTokensForTokens(
    units(10), 0n, path, wallet.address, farDeadline, { gasLimit: gasOfTrade },
  ));
  const owned = (block) => other.balanceOf(wallet.address, { blockTag: block });
  const paid = (await owned(receipt.blockNumber)) - (await owned(receipt.blockNumber - 1));
  same(paid, amountOut(units(10), units(100), units(400)), 'amount out');
  const swaps = await pair.queryFilter(pair.filters.Swap(), receipt.blockNumber, receipt.blockNumber);
  same(swaps.length, 1, 'Swap events');
  const [reserve0, reserve1] = await pair.getReserves({ blockTag: receipt.blockNumber });
  same(reserve0 + reserve1, units(110) + units(400) - paid, 'reserves');
});

await promise('decodes the reason of a nested revert', async () => {
  const router = await deploy(uniswapRouter, friend, friend);
  const args = [1n, 0n, [friend, wallet.address], wallet.address, 1n];
  const failure = await router.swapExactTokensForTokens.staticCall(...args).catch((error) => error);
  contains(failure.reason, 'UniswapV2Router: EXPIRED', 'reason');
});

await end('ethers');
