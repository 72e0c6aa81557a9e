"""The fixtures that web3.py's own integration suite asks for, made on a group instead of on geth's prepared chain.

A node holds no accounts, so the account lives in web3.py's own signing middleware, as its documentation says for
such nodes. The contracts are deployed once per run, from the bytecode inside the wheel.
"""

import os
from dataclasses import dataclass

import deviations as deviations_file
import pytest
import pytest_asyncio
from eth_account import Account
from eth_utils import to_bytes
from web3 import AsyncHTTPProvider, AsyncWeb3, HTTPProvider, Web3
from web3._utils.contract_sources.contract_data._custom_contract_data import EMITTER_ENUM
from web3._utils.contract_sources.contract_data.emitter_contract import EMITTER_CONTRACT_DATA
from web3._utils.contract_sources.contract_data.math_contract import MATH_CONTRACT_DATA
from web3._utils.contract_sources.contract_data.offchain_lookup import (
    OFFCHAIN_LOOKUP_ABI, OFFCHAIN_LOOKUP_BYTECODE,
)
from web3._utils.contract_sources.contract_data.panic_errors_contract import PANIC_ERRORS_CONTRACT_DATA
from web3._utils.contract_sources.contract_data.revert_contract import REVERT_CONTRACT_DATA
from web3._utils.contract_sources.contract_data.storage_contract import STORAGE_CONTRACT_DATA
from web3._utils.module_testing.utils import RequestMocker
from web3.middleware import SignAndSendRawMiddlewareBuilder
from web3.providers.persistent import WebSocketProvider

RPC_URL = os.environ.get("ALTHING_RPC_URL", "http://127.0.0.1:8545/group/1")
WS_URL = os.environ.get("ALTHING_WS_URL") or RPC_URL.replace("http", "ws", 1)

CONTRACTS = {
    "math": MATH_CONTRACT_DATA,
    "emitter": EMITTER_CONTRACT_DATA,
    "revert": REVERT_CONTRACT_DATA,
    "offchain": {"abi": OFFCHAIN_LOOKUP_ABI, "bytecode": OFFCHAIN_LOOKUP_BYTECODE},
    "panic": PANIC_ERRORS_CONTRACT_DATA,
    "storage": STORAGE_CONTRACT_DATA,
}


@dataclass(frozen=True)
class World:
    """What the suite finds on the chain."""

    key: str
    account: str
    addresses: dict
    math_hash: bytes
    log_hash: bytes
    log_block: int


def with_account(w3, key):
    """Lets web3.py sign for the account, which no node does."""
    account = Account.from_key(key)
    w3.middleware_onion.inject(SignAndSendRawMiddlewareBuilder.build(account), layer=0)
    w3.eth.default_account = account.address
    return w3


@pytest.fixture(scope="session")
def world():
    key = Account.create().key.hex()
    w3 = with_account(Web3(HTTPProvider(RPC_URL)), key)

    def mined(sent):
        receipt = w3.eth.wait_for_transaction_receipt(sent)
        assert receipt["status"] == 1
        return receipt

    receipts = {name: mined(w3.eth.contract(**data).constructor().transact()) for name, data in CONTRACTS.items()}
    addresses = {name: receipt["contractAddress"] for name, receipt in receipts.items()}
    emitter = w3.eth.contract(address=addresses["emitter"], abi=EMITTER_CONTRACT_DATA["abi"])
    double = emitter.functions.logDouble(which=EMITTER_ENUM["LogDoubleWithIndex"], arg0=12345, arg1=54321)
    logged = mined(double.transact())
    return World(
        key=key,
        account=w3.eth.default_account,
        addresses=addresses,
        math_hash=receipts["math"]["transactionHash"],
        log_hash=logged["transactionHash"],
        log_block=logged["blockNumber"],
    )


@pytest.fixture
def w3(world):
    return with_account(Web3(HTTPProvider(RPC_URL, request_kwargs={"timeout": 10})), world.key)


@pytest_asyncio.fixture
async def async_w3(world, request):
    if request.cls.TRANSPORT == "websocket":
        async with AsyncWeb3(WebSocketProvider(WS_URL, request_timeout=10)) as w3:
            w3.provider._request_processor.clear_caches()
            yield with_account(w3, world.key)
        return
    w3 = with_account(AsyncWeb3(AsyncHTTPProvider(RPC_URL)), world.key)
    yield w3
    await w3.provider.disconnect()


def contract_fixtures(name):
    """The contract called `name` for the synchronous and the asynchronous tests."""

    @pytest.fixture
    def synchronous(w3, world):
        return w3.eth.contract(address=world.addresses[name], abi=CONTRACTS[name]["abi"])

    @pytest.fixture
    def asynchronous(async_w3, world):
        return async_w3.eth.contract(address=world.addresses[name], abi=CONTRACTS[name]["abi"])

    return synchronous, asynchronous


math_contract, async_math_contract = contract_fixtures("math")
emitter_contract, async_emitter_contract = contract_fixtures("emitter")
revert_contract, async_revert_contract = contract_fixtures("revert")
offchain_lookup_contract, async_offchain_lookup_contract = contract_fixtures("offchain")
panic_errors_contract, async_panic_errors_contract = contract_fixtures("panic")
storage_contract, async_storage_contract = contract_fixtures("storage")


def address_fixtures(name):
    """The address of the contract called `name`, in the form the test wants."""

    @pytest.fixture
    def address(world, address_conversion_func):
        return address_conversion_func(world.addresses[name])

    return address


math_contract_address = address_fixtures("math")
async_math_contract_address = address_fixtures("math")
emitter_contract_address = address_fixtures("emitter")
async_emitter_contract_address = address_fixtures("emitter")


@pytest.fixture(params=[lambda address: to_bytes(hexstr=address), lambda address: address], ids=["bytes", "text"])
def address_conversion_func(request):
    return request.param


@pytest.fixture
def request_mocker():
    return RequestMocker


@pytest.fixture
def skip_if_testrpc():
    return lambda w3: None


@pytest.fixture
def async_skip_if_testrpc():
    return lambda w3: None


@pytest.fixture
def keyfile_account_pkey(world):
    return world.key


@pytest.fixture
def keyfile_account_address(world):
    return world.account


@pytest.fixture
def keyfile_account_address_dual_type(world):
    return world.account


@pytest.fixture
def async_keyfile_account_address(world):
    return world.account


@pytest.fixture
def async_keyfile_account_address_dual_type(world):
    return world.account


@pytest.fixture
def math_contract_deploy_txn_hash(world):
    return world.math_hash


@pytest.fixture
def mined_txn_hash(world):
    return world.math_hash


@pytest.fixture
def txn_hash_with_log(world):
    return world.log_hash


@pytest.fixture
def empty_block(w3):
    return w3.eth.get_block(0)


@pytest.fixture
def block_with_txn(w3, world):
    return w3.eth.get_block(w3.eth.get_transaction(world.math_hash)["blockNumber"])


@pytest.fixture
def block_with_txn_with_log(w3, world):
    return w3.eth.get_block(world.log_block)


@pytest_asyncio.fixture
async def async_empty_block(async_w3):
    return await async_w3.eth.get_block(0)


@pytest_asyncio.fixture
async def async_block_with_txn(async_w3, world):
    transaction = await async_w3.eth.get_transaction(world.math_hash)
    return await async_w3.eth.get_block(transaction["blockNumber"])


@pytest_asyncio.fixture
async def async_block_with_txn_with_log(async_w3, world):
    return await async_w3.eth.get_block(world.log_block)


# The expected deviations: strict both ways.

DEVIATIONS = deviations_file.load()


def short_name(item) -> str:
    return "::".join(item.nodeid.split("::")[1:])


def pytest_collection_modifyitems(session, items):
    for item in items:
        deviation = deviations_file.of(short_name(item), DEVIATIONS)
        if deviation and deviation.outcome != "skips":
            item.add_marker(pytest.mark.xfail(reason=deviation.reason, strict=deviation.outcome == "fails"))
    names = [short_name(item) for item in items]
    if not session.config.option.keyword and not any("::" in arg for arg in session.config.args):
        for deviation in DEVIATIONS:
            for pattern in deviation.tests:
                if not any(deviations_file.Deviation((pattern,), "", "").covers(name) for name in names):
                    raise pytest.UsageError(f"{deviations_file.FILE.name}: no test is called {pattern}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """A skip is accepted only where the file says so, and the file's skips must be skips."""
    report = yield
    deviation = deviations_file.of(short_name(item), DEVIATIONS)
    expected = deviation is not None and deviation.outcome == "skips"
    if report.skipped and not hasattr(report, "wasxfail") and not expected:
        report.outcome = "failed"
        report.longrepr = f"skipped, and {deviations_file.FILE.name} does not say why: {report.longrepr}"
    elif expected and call.when == "call" and report.passed:
        report.outcome = "failed"
        report.longrepr = f"passed, and {deviations_file.FILE.name} says it is skipped: {deviation.reason}"
    return report
