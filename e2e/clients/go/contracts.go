package main

import (
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common"
)

// Artifact is a contract as its authors published it: interface and creation bytecode.
type Artifact struct {
	ABI      abi.ABI
	Bytecode []byte
}

// packagesDir is where the npm packages with the build artifacts lie.
func packagesDir() string {
	if dir := os.Getenv("ALTHING_NPM_PACKAGES"); dir != "" {
		return dir
	}
	return filepath.Join("..", "js", "node_modules")
}

// loadArtifact reads one build artifact and gives it one shape, whichever compiler wrapper wrote it.
func loadArtifact(path string) (*Artifact, error) {
	text, err := os.ReadFile(filepath.Join(packagesDir(), path))
	if err != nil {
		return nil, fmt.Errorf("reading the artifact %s (run npm ci in e2e/clients/js first): %w", path, err)
	}
	var file struct {
		ABI      json.RawMessage `json:"abi"`
		Bytecode string          `json:"bytecode"`
		EVM      struct {
			Bytecode struct {
				Object string `json:"object"`
			} `json:"bytecode"`
		} `json:"evm"`
	}
	if err := json.Unmarshal(text, &file); err != nil {
		return nil, fmt.Errorf("parsing the artifact %s: %w", path, err)
	}
	if file.Bytecode == "" {
		file.Bytecode = file.EVM.Bytecode.Object
	}
	parsed, err := abi.JSON(strings.NewReader(string(file.ABI)))
	if err != nil {
		return nil, fmt.Errorf("parsing the interface in %s: %w", path, err)
	}
	return &Artifact{ABI: parsed, Bytecode: common.FromHex(file.Bytecode)}, nil
}

// units gives a whole amount with 18 decimals.
func units(whole int64) *big.Int {
	return new(big.Int).Mul(big.NewInt(whole), new(big.Int).Exp(big.NewInt(10), big.NewInt(18), nil))
}

// amountOut is what Uniswap's constant-product formula with 0.3 % fee pays.
func amountOut(in, reserveIn, reserveOut *big.Int) *big.Int {
	withFee := new(big.Int).Mul(in, big.NewInt(997))
	above := new(big.Int).Mul(withFee, reserveOut)
	below := new(big.Int).Add(new(big.Int).Mul(reserveIn, big.NewInt(1000)), withFee)
	return above.Div(above, below)
}
