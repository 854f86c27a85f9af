//! A Kubernetes API in the process.
