//! The tests that need the whole engine are in the files beside this package's manifest, one a concern.
