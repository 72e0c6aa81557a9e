"""web3.py's own integration suite over one persistent WebSocket."""

import pytest
from web3._utils.module_testing import AsyncEthModuleTest, AsyncNetModuleTest
from web3._utils.module_testing.persistent_connection_provider import PersistentConnectionProviderTest
from web3._utils.module_testing.web3_module import AsyncWeb3ModuleTest


class WebSocket:
    """Which of the two transports the `async_w3` fixture gives."""

    TRANSPORT = "websocket"


class TestSocketWeb3(WebSocket, AsyncWeb3ModuleTest):
    def _check_web3_client_version(self, client_version):
        assert client_version


class TestSocketEth(WebSocket, AsyncEthModuleTest):
    pass


class TestSocketNet(WebSocket, AsyncNetModuleTest):
    pass


class TestSocketConnection(WebSocket, PersistentConnectionProviderTest):
    # They put the notification that they expect into the queue themselves: a true one must not come before it.
    WITHOUT_TRUE_HEADS = ("test_async_extradata_poa_middleware_on_eth_subscription",)

    @pytest.fixture(autouse=True)
    def heads(self, request):
        """New heads come while a test waits for them."""
        if request.function.__name__ not in self.WITHOUT_TRUE_HEADS:
            request.getfixturevalue("moving_chain")
