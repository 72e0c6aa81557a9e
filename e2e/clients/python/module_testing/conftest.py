"""The fixtures that web3.py's own integration suite asks for, made on a group instead of on geth's prepared chain.

A node holds no accounts, so the account lives in web3.py's own signing middleware, as its documentation says for
such nodes. The contracts are deployed once per run, from the bytecode inside the wheel.
"""

import os
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event

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
from web3.middleware import SignAndSendRawMiddlewareBuilder
from web3.providers.persistent import WebSocketProvider

# Before the suite is imported: an assertion of its own that fails then says what it compared.
pytest.register_assert_rewrite("web3._utils.module_testing")

from web3._utils.module_testing.utils import RequestMocker  # noqa: E402

RPC_URL = os.environ.get("ALTHING_RPC_URL", "http://127.0.0.1:8545/group/1")
WS_URL = os.environ.get("ALTHING_WS_URL") or RPC_URL.replace("http", "ws", 1)

# How long a moving chain rests between two blocks.
MOVE_EVERY_SECONDS = 0.2

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
    deployed_hash: bytes
    mined_hash: bytes
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
    if w3.eth.get_logs({"fromBlock": 0}):
        pytest.exit("the suite counts the events of the whole chain: run it against a fresh group", returncode=2)

    def mined(transaction):
        receipt = w3.eth.wait_for_transaction_receipt(transaction)
        assert receipt["status"] == 1
        return receipt

    receipts = {name: mined(w3.eth.contract(**data).constructor().transact()) for name, data in CONTRACTS.items()}
    addresses = {name: receipt["contractAddress"] for name, receipt in receipts.items()}
    sent = mined(w3.eth.send_transaction({"to": w3.eth.default_account, "gas": 21000}))
    emitter = w3.eth.contract(address=addresses["emitter"], abi=EMITTER_CONTRACT_DATA["abi"])
    double = emitter.functions.logDouble(which=EMITTER_ENUM["LogDoubleWithIndex"], arg0=12345, arg1=54321)
    logged = mined(double.transact())
    return World(
        key=key,
        account=w3.eth.default_account,
        addresses=addresses,
        deployed_hash=receipts["math"]["transactionHash"],
        mined_hash=sent["transactionHash"],
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


@pytest.fixture
def moving_chain():
    """A chain that others use meanwhile: blocks are made on demand, and geth, for which the tests wait, makes them anyway."""
    w3 = with_account(Web3(HTTPProvider(RPC_URL)), Account.create().key.hex())
    done = Event()

    def move():
        while not done.wait(MOVE_EVERY_SECONDS):
            call = {"to": w3.eth.default_account, "gas": 21000, "gasPrice": 0}
            w3.eth.wait_for_transaction_receipt(w3.eth.send_transaction(call))

    with ThreadPoolExecutor(1) as thread:
        moves = thread.submit(move)
        yield
        done.set()
        moves.result()


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
    return world.deployed_hash


@pytest.fixture
def mined_txn_hash(world):
    return world.mined_hash


@pytest.fixture
def txn_hash_with_log(world):
    return world.log_hash


@pytest.fixture
def empty_block(w3):
    return w3.eth.get_block(0)


@pytest.fixture
def block_with_txn(w3, world):
    return w3.eth.get_block(w3.eth.get_transaction(world.mined_hash)["blockNumber"])


@pytest.fixture
def block_with_txn_with_log(w3, world):
    return w3.eth.get_block(world.log_block)


@pytest_asyncio.fixture
async def async_empty_block(async_w3):
    return await async_w3.eth.get_block(0)


@pytest_asyncio.fixture
async def async_block_with_txn(async_w3, world):
    transaction = await async_w3.eth.get_transaction(world.mined_hash)
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
            # First, so that it counts and not a mark of the suite's own.
            must = pytest.mark.xfail(reason=deviation.reason, strict=deviation.outcome == "fails")
            item.add_marker(must, append=False)
        if deviation and deviation.timeout:
            item.add_marker(pytest.mark.timeout(deviation.timeout))
    names = [short_name(item) for item in items]
    if not session.config.option.keyword and not any("::" in arg for arg in session.config.args):
        for deviation in DEVIATIONS:
            for pattern in deviation.tests:
                if not any(deviations_file.Deviation((pattern,), "", "").covers(name) for name in names):
                    raise pytest.UsageError(f"{deviations_file.FILE.name}: no test is called {pattern}")


def unexpected(item, call, report):
    """What is news about this outcome, if anything."""
    deviation = deviations_file.of(short_name(item), DEVIATIONS)
    outcome = deviation.outcome if deviation else "passes"
    if report.skipped and outcome not in ("skips", "fails", "varies"):
        return f"skipped or given up by the suite itself: {report.longrepr}"
    if report.skipped and outcome == "fails":
        error = f"{call.excinfo.typename}: {call.excinfo.value}"
        return None if re.search(deviation.error, error) else f"another error than {deviation.error!r}: {error}"
    if report.passed and call.when == "call" and outcome == "skips":
        return f"no longer skipped: {deviation.reason}"
    return None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """An outcome is accepted only as the file says; a pass where it says `fails` is an error of the strict mark."""
    report = yield
    news = unexpected(item, call, report)
    if news:
        report.outcome = "failed"
        report.longrepr = f"{deviations_file.FILE.name} does not say this: {news}"
    return report
