// Lookup is what the cluster's own cases run in a pod: it asks the name service, writes to a volume, serves, stays.
//
//	lookup write FILE     writes FILE and reads it back
//	lookup name NAME      prints the addresses of NAME once it has some
//	lookup read FILE      prints what FILE holds
//	lookup serve PORT     accepts connections until it is told to end
//	lookup stay           stays until it is told to end
//
// Each prints one line; what ends well ends with 0, else with 1.
package main

import (
	"fmt"
	"net"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

// patience is how long a name may take to appear.
const patience = time.Minute

func main() {
	if err := do(os.Args[1:]); err != nil {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
}

func do(args []string) error {
	switch {
	case len(args) == 2 && args[0] == "write":
		return write(args[1])
	case len(args) == 2 && args[0] == "name":
		return name(args[1])
	case len(args) == 2 && args[0] == "read":
		found, err := os.ReadFile(args[1])
		fmt.Println(string(found))
		return err
	case len(args) == 2 && args[0] == "serve":
		listener, err := net.Listen("tcp", ":"+args[1])
		if err != nil {
			return err
		}
		go answer(listener)
		stay()
		return nil
	case len(args) == 1 && args[0] == "stay":
		stay()
		return nil
	default:
		return fmt.Errorf("%q: accepted are write FILE, read FILE, name NAME, serve PORT, stay", args)
	}
}

func stay() {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM)
	fmt.Println("staying as user", os.Getuid())
	<-stop
}

// answer accepts and hangs up.
func answer(listener net.Listener) {
	for {
		connection, err := listener.Accept()
		if err != nil {
			return
		}
		connection.Close()
	}
}

func write(file string) error {
	const text = "kept"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return err
	}
	found, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if string(found) != text {
		return fmt.Errorf("%s holds %q instead of %q", file, found, text)
	}
	fmt.Println("wrote", file, "as user", os.Getuid())
	return nil
}

func name(wanted string) error {
	deadline := time.Now().Add(patience)
	for {
		found, err := net.LookupHost(wanted)
		if err == nil {
			slices.Sort(found)
			fmt.Println(wanted, "is", strings.Join(found, " "))
			return nil
		}
		if time.Now().After(deadline) {
			return err
		}
		time.Sleep(250 * time.Millisecond)
	}
}
