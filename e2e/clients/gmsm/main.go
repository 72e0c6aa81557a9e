// Reads and verifies certificates, requests and revocation lists over SM2 with Go's gmsm module, which is nobody's work here.
//
//	gmsm chain SECONDS ROOT AGENCY LEAF   whether LEAF leads to ROOT by AGENCY at that time (since 1970)
//	gmsm request FILE                     whether a request is signed with its own key
//	gmsm list AGENCY FILE                 whether a revocation list is signed by AGENCY; prints the serials on it
package main

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/emmansun/gmsm/smx509"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(words []string) error {
	switch {
	case len(words) == 5 && words[0] == "chain":
		return chain(words[1], words[2], words[3], words[4])
	case len(words) == 2 && words[0] == "request":
		return request(words[1])
	case len(words) == 3 && words[0] == "list":
		return list(words[1], words[2])
	}
	return fmt.Errorf("found %q; accepted are chain SECONDS ROOT AGENCY LEAF, request FILE, list AGENCY FILE", words)
}

func chain(seconds, root, agency, leaf string) error {
	at, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return err
	}
	var read [3]*smx509.Certificate
	for number, file := range []string{root, agency, leaf} {
		if read[number], err = certificate(file); err != nil {
			return err
		}
	}
	roots, between := smx509.NewCertPool(), smx509.NewCertPool()
	roots.AddCert(read[0])
	between.AddCert(read[1])
	_, err = read[2].Verify(smx509.VerifyOptions{
		Roots:         roots,
		Intermediates: between,
		CurrentTime:   time.Unix(at, 0),
		KeyUsages:     []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
	return err
}

func request(file string) error {
	der, err := block(file, "CERTIFICATE REQUEST")
	if err != nil {
		return err
	}
	read, err := smx509.ParseCertificateRequest(der)
	if err != nil {
		return err
	}
	return read.CheckSignature()
}

func list(agency, file string) error {
	issuer, err := certificate(agency)
	if err != nil {
		return err
	}
	der, err := block(file, "X509 CRL")
	if err != nil {
		return err
	}
	read, err := smx509.ParseDERCRL(der)
	if err != nil {
		return err
	}
	if err := issuer.CheckCRLSignature(read); err != nil {
		return err
	}
	for _, entry := range read.TBSCertList.RevokedCertificates {
		fmt.Printf("%x\n", entry.SerialNumber)
	}
	return nil
}

func certificate(file string) (*smx509.Certificate, error) {
	der, err := block(file, "CERTIFICATE")
	if err != nil {
		return nil, err
	}
	return smx509.ParseCertificate(der)
}

func block(file, kind string) ([]byte, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	found, _ := pem.Decode(text)
	if found == nil || found.Type != kind {
		return nil, fmt.Errorf("%s: found no %s in PEM", file, kind)
	}
	return found.Bytes, nil
}
