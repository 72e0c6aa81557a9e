// Package checks holds the tests of charts/ and deploy/ that no ready tool makes: that Helm, kustomize and Git give a cluster the
// same objects, that Argo CD's health checks say what the conditions say, that no dashboard asks for what nobody exports.
//
// The tests run the programs that $HELM, $KUBECTL and $PROMTOOL name; scripts/charts.sh sets them.
package checks
