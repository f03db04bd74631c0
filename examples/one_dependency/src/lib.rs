//! Nothing: the test of this package is a program that depends on `rpc-server` alone.
