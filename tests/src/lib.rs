//! The tests that need the whole engine are in the files beside this package's manifest, one a concern.
//!
//! - `lifecycle`: the engine's specification, one scenario a test, in the world of `harness`.
//! - `simulation`: one seed, one whole run in a world where everything goes wrong, on virtual time. `simulation/world` is
//!   time and chance, `process` what can die or freeze, `wire` the storage, `cloud` and `kinds` the cloud, `ledger` what an
//!   outsider reads in the journal's bytes, `program` the programs, `run` a life and what has to hold in it, `case` how one
//!   is written down. `INFRA_SEED=33/1:crash@17` repeats one, `INFRA_SEEDS`, `INFRA_FROM` and `INFRA_CUTS` run more.
//! - `tidy`: the habits of the code base.
//! - `qledger`: the showpiece on the embedded AWS (feature `aws`).
