package main

import (
	"fmt"
	"os"
	"time"
)

var kept int

// promise runs body and prints whether what words promise is kept; the first broken one ends the run.
func promise(words string, body func() error) {
	started := time.Now()
	if err := body(); err != nil {
		fmt.Printf("not ok %d - %s\n    %v\n", kept+1, words, err)
		os.Exit(1)
	}
	kept++
	fmt.Printf("ok %d - %s (%d ms)\n", kept, words, time.Since(started).Milliseconds())
}

// same is an error unless both values print the same.
func same(found, expected any, what string) error {
	if fmt.Sprint(found) != fmt.Sprint(expected) {
		return fmt.Errorf("%s: found %v, expected %v", what, found, expected)
	}
	return nil
}

// first gives the first error of several checks.
func first(checks ...error) error {
	for _, err := range checks {
		if err != nil {
			return err
		}
	}
	return nil
}
