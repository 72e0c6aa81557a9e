// Checks of what installs and watches Althing: scripts/charts.sh runs them.
module althing.dev/deploy/checks

go 1.26.0

require go.yaml.in/yaml/v3 v3.0.6

require github.com/yuin/gopher-lua v1.1.2
