"""web3.py's own integration suite over HTTP, synchronous and asynchronous."""

from web3._utils.module_testing import (
    AsyncEthModuleTest, AsyncNetModuleTest, EthModuleTest, GoEthereumAsyncTxPoolModuleTest, GoEthereumTxPoolModuleTest,
    NetModuleTest, Web3ModuleTest,
)
from web3._utils.module_testing.web3_module import AsyncWeb3ModuleTest


class Http:
    """Which of the two transports the `async_w3` fixture gives."""

    TRANSPORT = "http"


class TestWeb3(Http, Web3ModuleTest):
    def _check_web3_client_version(self, client_version):
        assert client_version


class TestAsyncWeb3(Http, AsyncWeb3ModuleTest):
    def _check_web3_client_version(self, client_version):
        assert client_version


class TestEth(Http, EthModuleTest):
    pass


class TestAsyncEth(Http, AsyncEthModuleTest):
    pass


class TestNet(Http, NetModuleTest):
    pass


class TestAsyncNet(Http, AsyncNetModuleTest):
    pass


class TestTxPool(Http, GoEthereumTxPoolModuleTest):
    pass


class TestAsyncTxPool(Http, GoEthereumAsyncTxPoolModuleTest):
    pass
