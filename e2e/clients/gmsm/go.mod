module althing.dev/e2e/gmsm

go 1.25.0

require github.com/emmansun/gmsm v0.15.5

require (
	golang.org/x/crypto v0.55.0 // indirect
	golang.org/x/sys v0.47.0 // indirect
)
