"""web3.py, default settings, from an account that owns nothing.

Prints one line per promise and ends with a non-zero code at the first broken one.
"""

import asyncio
import os
import sys
import time
import traceback

from eth_account import Account
from web3 import AsyncWeb3, HTTPProvider, Web3, WebSocketProvider
from web3.exceptions import ContractLogicError

from contracts import (
    ERC20, FACTORY, FAR_DEADLINE, GAS_OF_TRADE, PAIR, ROUTER, SUPPLY, TOO_LITTLE, WETH, amount_out, artifact, units,
)

RPC_URL = os.environ.get("ALTHING_RPC_URL", "http://127.0.0.1:8545/group/1")
WS_URL = os.environ.get("ALTHING_WS_URL") or RPC_URL.replace("http", "ws", 1)


def same(found, expected, what: str) -> None:
    """Fails the running promise unless the two are equal."""
    if found != expected:
        raise AssertionError(f"{what}: found {found}, expected {expected}")


class Session:
    """One run: a client, an account and what it deployed. Each public method is one promise."""

    def __init__(self) -> None:
        self.w3 = Web3(HTTPProvider(RPC_URL))
        self.account = Account.create()
        self.friend = Account.create().address
        self.token = None
        self.first = None

    def mined(self, built: dict, account=None) -> dict:
        """Signs and sends what web3.py filled in, waits for the receipt and insists on success."""
        receipt = self.sent(built, account or self.account)
        same(receipt["status"], 1, "status of the receipt")
        return receipt

    def sent(self, built: dict, account) -> dict:
        signed = account.sign_transaction(built)
        return self.w3.eth.wait_for_transaction_receipt(self.w3.eth.send_raw_transaction(signed.raw_transaction))

    def options(self, account=None) -> dict:
        sender = (account or self.account).address
        return {"from": sender, "nonce": self.w3.eth.get_transaction_count(sender, "pending")}

    def deploy(self, path: str, *args):
        draft = self.w3.eth.contract(**artifact(path))
        receipt = self.mined(draft.constructor(*args).build_transaction(self.options()))
        return self.w3.eth.contract(address=receipt["contractAddress"], abi=draft.abi)

    def send(self, call, **options) -> dict:
        return self.mined(call.build_transaction(self.options() | options))

    def knows_the_chain_and_an_account_with_zero_balance(self) -> None:
        same(self.w3.is_connected(), True, "connected")
        same(self.w3.eth.chain_id > 0, True, "chain id is positive")
        same(self.w3.eth.get_balance(self.account.address), 0, "balance")
        same(self.w3.eth.max_priority_fee, 0, "suggested tip")

    def deploys_openzeppelins_erc20_with_zero_balance(self) -> None:
        self.token = self.deploy(ERC20, "Trade", "TRD", SUPPLY, self.account.address)
        same(self.token.functions.symbol().call(), "TRD", "symbol")
        same(self.token.functions.balanceOf(self.account.address).call(), SUPPLY, "balance of the owner")

    def transfers_and_gets_the_receipt_with_its_event(self) -> None:
        self.first = self.send(self.token.functions.transfer(self.friend, units(5)))
        [event] = self.token.events.Transfer().process_receipt(self.first)
        same(event["args"]["value"], units(5), "value in the event")
        same(self.token.functions.balanceOf(self.friend).call(), units(5), "balance of the friend")

    def sends_a_legacy_and_an_access_list_transaction_as_well(self) -> None:
        transfer = self.token.functions.transfer(self.friend, 1)
        same(self.send(transfer, gasPrice=0)["type"], 0, "type of the receipt")
        listed = self.send(transfer, gasPrice=0, type="0x1", accessList=[])
        same(listed["type"], 1, "type of the receipt")

    def reads_logs_by_range_by_block_hash_and_by_topic(self) -> None:
        transfers = self.token.events.Transfer()
        to = {"to": self.friend}
        ranged = transfers.get_logs(argument_filters=to, from_block=self.first["blockNumber"])
        same(len(ranged), 3, "events since the first transfer")
        same(ranged[0]["args"]["value"], units(5), "value")
        hashed = transfers.get_logs(argument_filters=to, block_hash=self.first["blockHash"])
        same(len(hashed), 1, "events in the block")
        same(len(self.token.events.Approval().get_logs(from_block=0)), 0, "approvals")

    def decodes_a_revert_reason_of_a_call_an_estimate_and_a_mined_transaction(self) -> None:
        broke = Account.create()
        attempt = self.token.functions.transfer(self.friend, 1)
        for verb in (attempt.call, attempt.estimate_gas):
            try:
                verb({"from": broke.address})
                raise AssertionError("no revert")
            except ContractLogicError as error:
                same(TOO_LITTLE in str(error), True, f"reason in: {error}")
        built = attempt.build_transaction(self.options(broke) | {"gas": 100_000})
        same(self.sent(built, broke)["status"], 0, "status of the failed receipt")

    def polls_events_with_a_filter(self) -> None:
        event_filter = self.token.events.Transfer().create_filter(
            from_block="latest", argument_filters={"to": self.friend}
        )
        receipt = self.send(self.token.functions.transfer(self.friend, 3))
        hashes = [entry["transactionHash"] for entry in event_filter.get_new_entries()]
        same(receipt["transactionHash"] in hashes, True, "the filter saw the transfer")
        same(self.w3.eth.uninstall_filter(event_filter.filter_id), True, "uninstalled")

    def subscribes_by_websocket_to_blocks_and_events(self) -> None:
        asyncio.run(asyncio.wait_for(self.subscription(), 60))

    async def subscription(self) -> None:
        async with AsyncWeb3(WebSocketProvider(WS_URL)) as w3:
            heads = await w3.eth.subscribe("newHeads")
            logs = await w3.eth.subscribe("logs", {"address": self.token.address})
            receipt = self.send(self.token.functions.transfer(self.friend, units(7)))
            seen = {}
            async for message in w3.socket.process_subscriptions():
                if message["subscription"] == logs:
                    seen["log"] = message["result"]["transactionHash"]
                elif message["subscription"] == heads and message["result"]["hash"] == receipt["blockHash"]:
                    seen["head"] = message["result"]["number"]
                if len(seen) == 2:
                    break
            same(seen["log"], receipt["transactionHash"], "transaction of the pushed event")
            same(seen["head"], receipt["blockNumber"], "number of the pushed head")

    def trades_on_uniswap_v2_factory_router_pair_a_swap(self) -> None:
        me = self.account.address
        other = self.deploy(ERC20, "Other", "OTH", SUPPLY, me)
        factory = self.deploy(FACTORY, me)
        router = self.deploy(ROUTER, factory.address, self.deploy(WETH).address)
        one, two = self.token.address, other.address
        for coin in (self.token, other):
            self.send(coin.functions.approve(router.address, units(1000)))
        self.send(router.functions.addLiquidity(one, two, units(100), units(400), 0, 0, me, FAR_DEADLINE))
        pair = self.w3.eth.contract(address=factory.functions.getPair(one, two).call(), abi=artifact(PAIR)["abi"])
        before = other.functions.balanceOf(me).call()
        trade = router.functions.swapExactTokensForTokens(units(10), 0, [one, two], me, FAR_DEADLINE)
        receipt = self.send(trade, gas=GAS_OF_TRADE)
        paid = other.functions.balanceOf(me).call() - before
        same(paid, amount_out(units(10), units(100), units(400)), "amount out")
        same(len(pair.events.Swap().get_logs(block_hash=receipt["blockHash"])), 1, "Swap events")
        reserve0, reserve1, _ = pair.functions.getReserves().call()
        same(reserve0 + reserve1, units(110) + units(400) - paid, "reserves")


PROMISES = [
    ("knows the chain and an account with zero balance", Session.knows_the_chain_and_an_account_with_zero_balance),
    ("deploys OpenZeppelin's ERC-20 with zero balance", Session.deploys_openzeppelins_erc20_with_zero_balance),
    ("transfers and gets the receipt with its event", Session.transfers_and_gets_the_receipt_with_its_event),
    ("sends a legacy and an access-list transaction as well",
     Session.sends_a_legacy_and_an_access_list_transaction_as_well),
    ("reads logs by range, by block hash and by topic", Session.reads_logs_by_range_by_block_hash_and_by_topic),
    ("decodes a revert reason of a call, an estimate and a mined transaction",
     Session.decodes_a_revert_reason_of_a_call_an_estimate_and_a_mined_transaction),
    ("polls events with a filter", Session.polls_events_with_a_filter),
    ("subscribes by WebSocket to blocks and events", Session.subscribes_by_websocket_to_blocks_and_events),
    ("trades on Uniswap v2: factory, router, pair, a swap",
     Session.trades_on_uniswap_v2_factory_router_pair_a_swap),
]


def main() -> int:
    session = Session()
    for number, (words, keep) in enumerate(PROMISES, start=1):
        started = time.monotonic()
        try:
            keep(session)
        except Exception:
            print(f"not ok {number} - {words}")
            traceback.print_exc()
            return 1
        print(f"ok {number} - {words} ({(time.monotonic() - started) * 1000:.0f} ms)", flush=True)
    print(f"web3.py: {len(PROMISES)} promises kept")
    return 0


if __name__ == "__main__":
    sys.exit(main())
