// go-ethereum's ethclient, default settings, from an account that owns nothing.
//
// Go's types hash headers and transactions themselves, so every block read here is hashed again and compared with
// what the node called it, and every transaction root and receipt root is built again from what the node returned.
//
// With ALTHING_TOKEN it only reads what others did: see reads.go.
package main

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"math/big"
	"os"
	"strings"
	"time"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/accounts/abi/bind"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/ethclient"
	"github.com/ethereum/go-ethereum/rpc"
	"github.com/ethereum/go-ethereum/trie"
)

const tooLittle = "ERC20: transfer amount exceeds balance"

// gasOfTrade is said outright: a pair writes its price accumulators only when a second has passed since its last
// trade, so an exact estimate on a chain with blocks below a second can be too low.
const gasOfTrade = 300_000

// session is one run: a client, an account and what it deployed.
type session struct {
	ctx     context.Context
	client  *ethclient.Client
	chainID *big.Int
	key     *ecdsa.PrivateKey
	owner   common.Address
	friend  common.Address
	token   *contract
	first   *types.Receipt
}

// contract is a deployed artifact.
type contract struct {
	*bind.BoundContract
	address common.Address
	abi     abi.ABI
}

func main() {
	url := os.Getenv("ALTHING_RPC_URL")
	if url == "" {
		url = "http://127.0.0.1:8545/group/1"
	}
	ws := os.Getenv("ALTHING_WS_URL")
	if ws == "" {
		ws = "ws" + strings.TrimPrefix(url, "http")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	s := &session{ctx: ctx}
	if token := os.Getenv("ALTHING_TOKEN"); token != "" {
		s.reads(url, token, os.Getenv("ALTHING_OWNER"))
		return
	}
	promise("knows the chain and an account with zero balance", func() error { return s.connect(url) })
	promise("deploys OpenZeppelin's ERC-20 with zero balance", s.deployToken)
	promise("transfers and gets the receipt with its event", s.transfer)
	promise("sends a legacy and an access-list transaction as well", s.otherTypes)
	promise("reads logs by range, by block hash and by topic", s.readLogs)
	promise("decodes a revert reason of a call, an estimate and a mined transaction", s.revertReasons)
	promise("subscribes by WebSocket to blocks and events", func() error { return s.subscribe(ws) })
	promise("trades on Uniswap v2: factory, router, pair, a swap", s.trade)
	promise("recomputes the hash and the roots of every block", s.rehash)
	fmt.Printf("ethclient: %d promises kept\n", kept)
}

func (s *session) connect(url string) error {
	var err error
	if s.client, err = ethclient.DialContext(s.ctx, url); err != nil {
		return err
	}
	if s.key, err = crypto.GenerateKey(); err != nil {
		return err
	}
	stranger, err := crypto.GenerateKey()
	if err != nil {
		return err
	}
	s.owner, s.friend = crypto.PubkeyToAddress(s.key.PublicKey), crypto.PubkeyToAddress(stranger.PublicKey)
	if s.chainID, err = s.client.ChainID(s.ctx); err != nil {
		return err
	}
	balance, err := s.client.BalanceAt(s.ctx, s.owner, nil)
	if err != nil {
		return err
	}
	return same(balance, 0, "balance")
}

// signer gives go-ethereum's own transactor with nothing but the key and the chain set.
func (s *session) signer(key *ecdsa.PrivateKey) *bind.TransactOpts {
	opts, err := bind.NewKeyedTransactorWithChainID(key, s.chainID)
	if err != nil {
		panic(err)
	}
	opts.Context = s.ctx
	return opts
}

// mined waits for the receipt and insists on success.
func (s *session) mined(tx *types.Transaction, err error) (*types.Receipt, error) {
	if err != nil {
		return nil, err
	}
	receipt, err := bind.WaitMined(s.ctx, s.client, tx)
	if err != nil {
		return nil, err
	}
	return receipt, same(receipt.Status, types.ReceiptStatusSuccessful, "status of the receipt")
}

func (s *session) deploy(path string, args ...any) (*contract, error) {
	artifact, err := loadArtifact(path)
	if err != nil {
		return nil, err
	}
	address, tx, bound, err := bind.DeployContract(s.signer(s.key), artifact.ABI, artifact.Bytecode, s.client, args...)
	if _, err := s.mined(tx, err); err != nil {
		return nil, fmt.Errorf("deploying %s: %w", path, err)
	}
	return &contract{bound, address, artifact.ABI}, nil
}

// send calls a method in a transaction of its own and waits for it.
func (s *session) send(c *contract, method string, args ...any) (*types.Receipt, error) {
	return s.mined(c.Transact(s.signer(s.key), method, args...))
}

// read calls a view method that returns one value.
func (s *session) read(c *contract, method string, args ...any) (any, error) {
	var out []any
	if err := c.Call(&bind.CallOpts{Context: s.ctx}, &out, method, args...); err != nil {
		return nil, fmt.Errorf("%s: %w", method, err)
	}
	return out[0], nil
}

const erc20Path = "@openzeppelin/contracts/build/contracts/ERC20PresetFixedSupply.json"

func (s *session) deployToken() error {
	token, err := s.deploy(erc20Path, "Trade", "TRD", units(1_000_000), s.owner)
	if err != nil {
		return err
	}
	s.token = token
	symbol, err := s.read(token, "symbol")
	return first(err,
		same(symbol, "TRD", "symbol"),
		same(token.address, crypto.CreateAddress(s.owner, 0), "contract address"))
}

func (s *session) transfer() error {
	receipt, err := s.send(s.token, "transfer", s.friend, units(5))
	if err != nil {
		return err
	}
	s.first = receipt
	balance, err := s.read(s.token, "balanceOf", s.friend)
	return first(err,
		same(new(big.Int).SetBytes(receipt.Logs[0].Data), units(5), "value in the event"),
		same(balance, units(5), "balance of the friend"))
}

func (s *session) otherTypes() error {
	data, err := s.token.abi.Pack("transfer", s.friend, big.NewInt(1))
	if err != nil {
		return err
	}
	nonce, err := s.client.PendingNonceAt(s.ctx, s.owner)
	if err != nil {
		return err
	}
	gas := uint64(100_000)
	for i, inner := range []types.TxData{
		&types.LegacyTx{Nonce: nonce, GasPrice: new(big.Int), Gas: gas, To: &s.token.address, Data: data},
		&types.AccessListTx{
			ChainID: s.chainID, Nonce: nonce + 1, GasPrice: new(big.Int), Gas: gas, To: &s.token.address, Data: data,
			AccessList: types.AccessList{{Address: s.token.address, StorageKeys: []common.Hash{{}}}},
		},
	} {
		tx, err := types.SignNewTx(s.key, types.LatestSignerForChainID(s.chainID), inner)
		if err != nil {
			return err
		}
		receipt, err := s.mined(tx, s.client.SendTransaction(s.ctx, tx))
		if err := first(err, same(receipt.Type, i, "type of the receipt")); err != nil {
			return err
		}
	}
	return nil
}

// transfersTo is the query for this session's transfers to its friend.
func (s *session) transfersTo() ethereum.FilterQuery {
	event := s.token.abi.Events["Transfer"].ID
	topics := [][]common.Hash{{event}, {}, {common.BytesToHash(s.friend.Bytes())}}
	return ethereum.FilterQuery{Addresses: []common.Address{s.token.address}, Topics: topics}
}

func (s *session) readLogs() error {
	ranged := s.transfersTo()
	ranged.FromBlock = s.first.BlockNumber
	since, err := s.client.FilterLogs(s.ctx, ranged)
	if err != nil {
		return err
	}
	hashed := s.transfersTo()
	hashed.BlockHash = &s.first.BlockHash
	within, err := s.client.FilterLogs(s.ctx, hashed)
	return first(err, same(len(since), 3, "events since the first transfer"), same(len(within), 1, "events in the block"))
}

// reasonOf decodes the revert data that a JSON-RPC error carries.
func reasonOf(err error) string {
	var detailed rpc.DataError
	if !errors.As(err, &detailed) {
		return fmt.Sprintf("an error without data: %v", err)
	}
	text, _ := detailed.ErrorData().(string)
	reason, unpackErr := abi.UnpackRevert(common.FromHex(text))
	if unpackErr != nil {
		return fmt.Sprintf("%v: %q", unpackErr, text)
	}
	return reason
}

func (s *session) revertReasons() error {
	broke, err := crypto.GenerateKey()
	if err != nil {
		return err
	}
	data, err := s.token.abi.Pack("transfer", s.friend, big.NewInt(1))
	if err != nil {
		return err
	}
	message := ethereum.CallMsg{From: crypto.PubkeyToAddress(broke.PublicKey), To: &s.token.address, Data: data}
	_, called := s.client.CallContract(s.ctx, message, nil)
	_, estimated := s.client.EstimateGas(s.ctx, message)
	opts := s.signer(broke)
	opts.GasLimit = 100_000
	tx, err := s.token.Transact(opts, "transfer", s.friend, big.NewInt(1))
	if err != nil {
		return err
	}
	receipt, err := bind.WaitMined(s.ctx, s.client, tx)
	return first(err,
		same(reasonOf(called), tooLittle, "reason of the call"),
		same(reasonOf(estimated), tooLittle, "reason of the estimate"),
		same(receipt.Status, types.ReceiptStatusFailed, "status of the failed receipt"))
}

func (s *session) subscribe(url string) error {
	socket, err := ethclient.DialContext(s.ctx, url)
	if err != nil {
		return err
	}
	defer socket.Close()
	heads, logs := make(chan *types.Header, 16), make(chan types.Log, 16)
	headSubscription, err := socket.SubscribeNewHead(s.ctx, heads)
	if err != nil {
		return err
	}
	defer headSubscription.Unsubscribe()
	logSubscription, err := socket.SubscribeFilterLogs(s.ctx, s.transfersTo(), logs)
	if err != nil {
		return err
	}
	defer logSubscription.Unsubscribe()
	receipt, err := s.send(s.token, "transfer", s.friend, units(7))
	if err != nil {
		return err
	}
	log, err := next(s.ctx, logs, logSubscription)
	if err != nil {
		return err
	}
	for {
		head, err := next(s.ctx, heads, headSubscription)
		if err != nil {
			return err
		}
		if head.Number.Cmp(receipt.BlockNumber) < 0 {
			continue
		}
		return first(
			same(new(big.Int).SetBytes(log.Data), units(7), "value in the pushed event"),
			same(log.TxHash, receipt.TxHash, "transaction of the pushed event"),
			same(head.Hash(), receipt.BlockHash, "recomputed hash of the pushed head"))
	}
}

// next receives one pushed value, or the reason why none will come.
func next[T any](ctx context.Context, pushed <-chan T, subscription ethereum.Subscription) (value T, err error) {
	select {
	case value = <-pushed:
		return value, nil
	case err = <-subscription.Err():
		return value, fmt.Errorf("the subscription ended: %w", err)
	case <-ctx.Done():
		return value, ctx.Err()
	}
}

func (s *session) trade() error {
	other, err := s.deploy(erc20Path, "Other", "OTH", units(1_000_000), s.owner)
	if err != nil {
		return err
	}
	factory, err := s.deploy("@uniswap/v2-core/build/UniswapV2Factory.json", s.owner)
	if err != nil {
		return err
	}
	wrapped, err := s.deploy("@uniswap/v2-periphery/build/WETH9.json")
	if err != nil {
		return err
	}
	router, err := s.deploy("@uniswap/v2-periphery/build/UniswapV2Router02.json", factory.address, wrapped.address)
	if err != nil {
		return err
	}
	for _, coin := range []*contract{s.token, other} {
		if _, err := s.send(coin, "approve", router.address, units(1000)); err != nil {
			return err
		}
	}
	zero, deadline := new(big.Int), big.NewInt(4_102_444_800)
	if _, err := s.send(router, "addLiquidity", s.token.address, other.address, units(100), units(400), zero, zero,
		s.owner, deadline); err != nil {
		return fmt.Errorf("addLiquidity: %w", err)
	}
	opts := s.signer(s.key)
	opts.GasLimit = gasOfTrade
	path := []common.Address{s.token.address, other.address}
	receipt, err := s.mined(router.Transact(opts, "swapExactTokensForTokens", units(10), zero, path, s.owner, deadline))
	if err != nil {
		return fmt.Errorf("swap: %w", err)
	}
	pair, err := s.read(factory, "getPair", s.token.address, other.address)
	if err != nil {
		return err
	}
	owned, err := s.read(other, "balanceOf", s.owner)
	if err != nil {
		return err
	}
	paid := amountOut(units(10), units(100), units(400))
	expected := new(big.Int).Add(new(big.Int).Sub(units(1_000_000), units(400)), paid)
	return first(
		same(owned, expected, "balance after the swap"),
		same(receipt.Logs[len(receipt.Logs)-1].Address, pair, "address of the Swap event"))
}

// rehash reads the newest blocks and computes again whatever their headers commit to.
func (s *session) rehash() error {
	head, err := s.client.BlockNumber(s.ctx)
	if err != nil {
		return err
	}
	lowest := s.first.BlockNumber.Uint64() - 1
	for number := lowest; number <= head; number++ {
		if err := s.rehashBlock(number); err != nil {
			return fmt.Errorf("block %d: %w", number, err)
		}
	}
	return nil
}

func (s *session) rehashBlock(number uint64) error {
	block, err := s.client.BlockByNumber(s.ctx, new(big.Int).SetUint64(number))
	if err != nil {
		return err
	}
	var named struct {
		Hash common.Hash `json:"hash"`
	}
	if err := s.client.Client().CallContext(s.ctx, &named, "eth_getBlockByNumber", hexutil.Uint64(number), false); err != nil {
		return err
	}
	receipts, err := s.client.BlockReceipts(s.ctx, rpc.BlockNumberOrHashWithNumber(rpc.BlockNumber(number)))
	if err != nil {
		return err
	}
	hasher := trie.NewStackTrie(nil)
	for i, tx := range block.Transactions() {
		if receipts[i].TxHash != tx.Hash() {
			return fmt.Errorf("transaction %d: recomputed hash %v, the receipt says %v", i, tx.Hash(), receipts[i].TxHash)
		}
	}
	if number == 0 {
		return same(block.Hash(), named.Hash, "recomputed hash of the header")
	}
	parent, err := s.client.HeaderByNumber(s.ctx, new(big.Int).SetUint64(number-1))
	return first(err,
		same(block.Hash(), named.Hash, "recomputed hash of the header"),
		same(block.ParentHash(), parent.Hash(), "recomputed hash of the parent"),
		same(types.DeriveSha(block.Transactions(), hasher), block.TxHash(), "recomputed transaction root"),
		same(types.DeriveSha(types.Receipts(receipts), hasher), block.ReceiptHash(), "recomputed receipt root"),
		same(types.MergeBloom(receipts), block.Bloom(), "recomputed bloom"))
}
