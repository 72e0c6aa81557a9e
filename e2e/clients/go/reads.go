package main

import (
	"errors"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/accounts/abi/bind"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
)

// What was done by somebody whose signatures this client does not know, an account of the SM edition: a token deployed with a supply
// of this much, and one transfer of one to the friend.
const supply, transferred = 1_000_000, 1

// reads makes only promises that need no signature: everything of a chain that this client can see and call.
func (s *session) reads(url, token, owner string) {
	promise("knows the chain and its height", func() error { return s.connect(url) })
	promise("reads every block, its transactions and their receipts", s.everyBlock)
	promise("calls the token, and reads its code and storage", func() error { return s.callToken(token, owner) })
	promise("finds the token's events", s.events)
	promise("estimates gas, and decodes a revert reason of a call and of an estimate", s.reasons)
	fmt.Printf("ethclient: %d promises kept\n", kept)
}

func (s *session) everyBlock() error {
	head, err := s.client.BlockNumber(s.ctx)
	if err != nil {
		return err
	}
	seen := 0
	for number := range head + 1 {
		// It compares the root of no transactions and the hash of no ommers with Keccak's constants.
		block, err := s.client.BlockByNumber(s.ctx, new(big.Int).SetUint64(number))
		if err != nil {
			return fmt.Errorf("block %d: %w", number, err)
		}
		var named struct {
			Hash         common.Hash   `json:"hash"`
			Transactions []common.Hash `json:"transactions"`
		}
		if err := s.client.Client().CallContext(s.ctx, &named, "eth_getBlockByNumber", fmt.Sprintf("%#x", number), false); err != nil {
			return err
		}
		byHash, err := s.client.HeaderByHash(s.ctx, named.Hash)
		if err := first(err, same(block.Transactions().Len(), len(named.Transactions), "transactions of a block")); err != nil {
			return err
		}
		if err := same(byHash.Number, number, "number of the block found by its hash"); err != nil {
			return err
		}
		for index, hash := range named.Transactions {
			transaction, pending, err := s.client.TransactionByHash(s.ctx, hash)
			if err != nil {
				return fmt.Errorf("transaction %s: %w", hash, err)
			}
			receipt, err := s.client.TransactionReceipt(s.ctx, hash)
			if err != nil {
				return fmt.Errorf("receipt of %s: %w", hash, err)
			}
			v, r, signature := transaction.RawSignatureValues()
			err = first(
				same(pending, false, "whether it is pending"),
				same(transaction.Type(), types.LegacyTxType, "type of a transaction that this client cannot verify"),
				same([]*big.Int{v, r, signature}, "[0 0 0]", "signature of it"),
				same(receipt.TxHash, hash, "transaction of the receipt"),
				same(receipt.BlockHash, named.Hash, "block of the receipt"),
				same(receipt.TransactionIndex, index, "index of the receipt"))
			if err != nil {
				return err
			}
			seen++
		}
	}
	if seen < 2 {
		return fmt.Errorf("%d transactions in %d blocks: a deployment and a transfer were made", seen, head)
	}
	return nil
}

func (s *session) callToken(token, owner string) error {
	artifact, err := loadArtifact(erc20Path)
	if err != nil {
		return err
	}
	address := common.HexToAddress(token)
	s.owner = common.HexToAddress(owner)
	s.token = &contract{bind.NewBoundContract(address, artifact.ABI, s.client, s.client, s.client), address, artifact.ABI}
	total, err := s.read(s.token, "totalSupply")
	if err != nil {
		return err
	}
	balance, err := s.read(s.token, "balanceOf", s.owner)
	if err != nil {
		return err
	}
	symbol, err := s.read(s.token, "symbol")
	if err != nil {
		return err
	}
	code, err := s.client.CodeAt(s.ctx, address, nil)
	if err != nil {
		return err
	}
	// The third word of OpenZeppelin's ERC-20 is the supply.
	stored, err := s.client.StorageAt(s.ctx, address, common.BigToHash(big.NewInt(2)), nil)
	return first(err,
		same(total, supply, "supply"),
		same(balance, supply-transferred, "balance of the owner"),
		same(symbol, "TRD", "symbol"),
		same(len(code) > 1000, true, "whether the token has code"),
		same(new(big.Int).SetBytes(stored), supply, "supply in the storage"))
}

func (s *session) events() error {
	topics := [][]common.Hash{{s.token.abi.Events["Transfer"].ID}, {common.BytesToHash(s.owner.Bytes())}}
	query := ethereum.FilterQuery{Addresses: []common.Address{s.token.address}, Topics: topics}
	logs, err := s.client.FilterLogs(s.ctx, query)
	if err != nil {
		return err
	}
	if err := same(len(logs), 1, "transfers of the owner"); err != nil {
		return err
	}
	return same(new(big.Int).SetBytes(logs[0].Data), transferred, "value of the transfer")
}

func (s *session) reasons() error {
	data, err := s.token.abi.Pack("transfer", s.friend, big.NewInt(1))
	if err != nil {
		return err
	}
	message := ethereum.CallMsg{From: s.owner, To: &s.token.address, Data: data}
	gas, err := s.client.EstimateGas(s.ctx, message)
	if err != nil {
		return err
	}
	message.From = s.friend
	_, called := s.client.CallContract(s.ctx, message, nil)
	_, estimated := s.client.EstimateGas(s.ctx, message)
	_, missing := s.client.TransactionReceipt(s.ctx, common.Hash{1})
	return first(
		same(gas > 21_000, true, "whether an estimate counts the call"),
		same(reasonOf(called), tooLittle, "reason of the call"),
		same(reasonOf(estimated), tooLittle, "reason of the estimate"),
		same(errors.Is(missing, ethereum.NotFound), true, "whether a receipt that is not there is not found"))
}
