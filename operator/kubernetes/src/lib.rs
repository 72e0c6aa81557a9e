//! The Kubernetes edge: a plan becomes objects of the API server.
