// The contracts under test, as their authors published them: interface and bytecode from the registry packages.

import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/** Reads one build artifact and gives it one shape, whichever compiler wrapper wrote it. */
function artifact(path) {
  const json = require(path);
  const bytecode = json.bytecode ?? json.evm.bytecode.object;
  return { abi: json.abi, bytecode: bytecode.startsWith('0x') ? bytecode : `0x${bytecode}` };
}

/** OpenZeppelin 4.9.6, constructor (name, symbol, initialSupply, owner). */
export const erc20 = artifact('@openzeppelin/contracts/build/contracts/ERC20PresetFixedSupply.json');

/** Uniswap v2 core, constructor (feeToSetter). */
export const uniswapFactory = artifact('@uniswap/v2-core/build/UniswapV2Factory.json');

/** Uniswap v2 pair; only the factory deploys it. */
export const uniswapPair = artifact('@uniswap/v2-core/build/UniswapV2Pair.json');

/** Uniswap v2 periphery, constructor (factory, WETH). */
export const uniswapRouter = artifact('@uniswap/v2-periphery/build/UniswapV2Router02.json');

/** Wrapped ether, which the router's constructor wants to know. */
export const weth = artifact('@uniswap/v2-periphery/build/WETH9.json');

/** 18 decimals. */
export const units = (whole) => BigInt(whole) * 10n ** 18n;

/** What every client deploys: a million of each. */
export const supply = units(1_000_000);

/** A block time far enough ahead for the router's deadline. */
export const farDeadline = 4_102_444_800n;

/** What Uniswap's constant-product formula with 0.3 % fee pays for `amountIn`. */
export function amountOut(amountIn, reserveIn, reserveOut) {
  const withFee = amountIn * 997n;
  return (withFee * reserveOut) / (reserveIn * 1000n + withFee);
}

/** The reason OpenZeppelin's ERC-20 gives when a sender has too little. */
export const tooLittle = 'ERC20: transfer amount exceeds balance';

/**
 * Gas for a trade, said outright. A pair writes its price accumulators only when a second has passed since its last
 * trade, so on a chain with blocks below a second an exact estimate can be two storage writes short of what is mined.
 */
export const gasOfTrade = 300_000n;
