// What holds namespaces open: the sandbox of every pod, and process 1 of the cluster.
module althing.dev/e2e/cluster/tools/pause

go 1.26.0
