"""The contracts under test, as their authors published them: interface and bytecode from the npm packages."""

import json
import os
from pathlib import Path

PACKAGES = Path(os.environ.get("ALTHING_NPM_PACKAGES") or Path(__file__).parent.parent / "js" / "node_modules")

ERC20 = "@openzeppelin/contracts/build/contracts/ERC20PresetFixedSupply.json"
FACTORY = "@uniswap/v2-core/build/UniswapV2Factory.json"
PAIR = "@uniswap/v2-core/build/UniswapV2Pair.json"
ROUTER = "@uniswap/v2-periphery/build/UniswapV2Router02.json"
WETH = "@uniswap/v2-periphery/build/WETH9.json"

SUPPLY = 10**24
"""A million with 18 decimals."""

FAR_DEADLINE = 4_102_444_800
"""A block time far enough ahead for the router's deadline."""

GAS_OF_TRADE = 300_000
"""Said outright: a pair writes its price accumulators only when a second has passed since its last trade, so on a
chain with blocks below a second an exact estimate can be two storage writes short of what is mined."""

TOO_LITTLE = "ERC20: transfer amount exceeds balance"


def artifact(path: str) -> dict:
    """Reads one build artifact and gives it one shape, whichever compiler wrapper wrote it."""
    file = json.loads((PACKAGES / path).read_text())
    bytecode = file.get("bytecode") or file["evm"]["bytecode"]["object"]
    return {"abi": file["abi"], "bytecode": bytecode}


def units(whole: int) -> int:
    """A whole amount with 18 decimals."""
    return whole * 10**18


def amount_out(amount_in: int, reserve_in: int, reserve_out: int) -> int:
    """What Uniswap's constant-product formula with 0.3 % fee pays."""
    with_fee = amount_in * 997
    return with_fee * reserve_out // (reserve_in * 1000 + with_fee)
