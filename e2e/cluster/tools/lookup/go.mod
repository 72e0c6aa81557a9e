// A pod that asks its cluster's name service.
module althing.dev/e2e/cluster/tools/lookup

go 1.26.0
